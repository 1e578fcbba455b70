"""Loss functions: how far outputs are from targets, each with its derivatives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinyact.autograd.operation import Gradient, Operation, array_of
from tinyact.dtype import KINDS, holding_both
from tinyact.functions.activation import sigma
from tinyact.functions.arithmetic import refuse_bool, sub
from tinyact.functions.elementwise import abs
from tinyact.functions.operand import (
    Tensor,
    cast,
    check_broadcast,
    common,
    documented,
    require_floating,
    require_tensor,
)
from tinyact.functions.reduction import mean, sum
from tinyact.functions.shape import reshape
from tinyact.functions.softmax import log_softmax
from tinyact.kernels import all_probabilities, where

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div", "l1_loss",
    "mse_loss", "nll_loss", "smooth_l1_loss",
]  # fmt: skip

# PyTorch's 10⁻¹² is a float32 number, for float64 losses too.
_EPSILON = float(np.float32(1e-12))


class Loss(Operation):
    """A loss per element, then nothing, the mean or the sum of it.

    Rules get ∂L/∂(the loss of one element) from ``each(grad)``.
    """

    count: int

    def __init__(self, reduction: str) -> None:
        self.reduction = reduction

    def reduced(self, losses: Any) -> Any:
        """The losses by this reduction."""
        if self.reduction == "none":
            return losses
        self.count = losses.size
        total = np.add.reduce(losses, None)
        return total / losses.size if self.reduction == "mean" else total

    def each(self, grad: Gradient) -> Gradient:
        """∂L/∂(loss of one element), from the gradient of the reduced loss."""
        return grad / self.count if self.reduction == "mean" and self.count else grad


class BinaryCrossEntropy(Loss):
    """−w·(t·ln x + (1 − t)·ln(1 − x)), the logarithms held above −100

    ∂/∂x = w·(x − t) / (x·(1 − x)), the denominator held above 10⁻¹²      ∂/∂t = w·(ln(1 − x) − ln x)
    """

    def forward(self, x: Any, t: Any, w: Any) -> Any:
        return self.reduced(weighted((t - 1) * np.maximum(np.log1p(-x), -100) - t * np.maximum(np.log(x), -100), w))

    def grad_x(self, grad: Gradient, x: Any, t: Any, w: Any) -> Gradient:
        return weighted(self.each(grad) * (x - t) / np.maximum((1 - x) * x, _EPSILON), w)

    def grad_t(self, grad: Gradient, x: Any, w: Any) -> Gradient:
        return weighted(self.each(grad) * (np.log(1 - x) - np.log(x)), w)


class BinaryCrossEntropyWithLogits(Loss):
    """−w·(p·t·ln σ(x) + (1 − t)·ln(1 − σ(x))) = w·((1 − t)·x + (1 + (p − 1)·t)·softplus(−x))

    ∂/∂x = w·((1 − t + p·t)·σ(x) − p·t)      ∂/∂t = w·((p − 1)·softplus(−x) − x)
    """

    def forward(self, x: Any, t: Any, w: Any, p: Any) -> Any:
        return self.reduced(weighted((1 - t) * x + (1 + (p - 1) * t) * softplus(-x), w))

    def grad_x(self, grad: Gradient, x: Any, t: Any, w: Any, p: Any) -> Gradient:
        return weighted(self.each(grad) * ((1 - t + p * t) * sigma(x) - p * t), w)

    def grad_t(self, grad: Gradient, x: Any, w: Any, p: Any) -> Gradient:
        return weighted(self.each(grad) * ((p - 1) * softplus(-x) - x), w)


def weighted(values: Any, w: Any) -> Any:
    """The values times their weights, if they have any."""
    return values if w is None else values * w


def softplus(x: Any) -> Any:
    """ln(1 + eˣ) of arrays or tensors, exact however large x is."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class MseLoss(Loss):
    """(x − t)²      ∂/∂x = 2·(x − t)      ∂/∂t = −2·(x − t)"""

    def forward(self, x: Any, t: Any) -> Any:
        d = x - t
        return self.reduced(d * d)

    def grad_x(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * 2 * (x - t)

    def grad_t(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * 2 * (t - x)


class SmoothL1Loss(Loss):
    """With d = x − t: d²/(2β) for |d| < β, else |d| − β/2      ∂/∂x = d/β held within ±1      ∂/∂t = −∂/∂x"""

    def __init__(self, reduction: str, beta: float) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, x: Any, t: Any) -> Any:
        d = np.abs(x - t)
        return self.reduced(where(d < self.beta, d * d / (2 * self.beta), d - self.beta / 2))

    def grad_x(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * held((x - t) / self.beta, 1.0)

    def grad_t(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * held((t - x) / self.beta, 1.0)


class HuberLoss(Loss):
    """With d = x − t: d²/2 for |d| ≤ δ, else δ·(|d| − δ/2)      ∂/∂x = d held within ±δ      ∂/∂t = −∂/∂x"""

    def __init__(self, reduction: str, delta: float) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, x: Any, t: Any) -> Any:
        d = np.abs(x - t)
        return self.reduced(where(d <= self.delta, d * d / 2, self.delta * (d - self.delta / 2)))

    def grad_x(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * held(x - t, self.delta)

    def grad_t(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * held(t - x, self.delta)


def held(d: Any, limit: float) -> Any:
    """d held within ±limit; its own derivative is 0 at both ends already, as PyTorch's second derivatives have it."""
    return where(np.abs(d) < limit, d, limit * np.sign(d))


class NllLoss(Operation):
    """−w_t·x_t, the class t's share of the log-probabilities x; the mean is weighted: Σ −w_t·x_t / Σ w_t

    ∂/∂x_t = −w_t, and 0 for all other classes
    """

    def __init__(self, reduction: str, ignore_index: int) -> None:
        self.reduction = reduction
        self.ignore_index = ignore_index

    def forward(self, x: Any, t: Any, w: Any) -> Any:
        classes, counted, weights = self.per_sample(x, t, w)
        taken = -np.take_along_axis(x, classes, 1)
        losses = (where(counted, taken, 0) * weights).squeeze(1)
        if self.reduction == "none":
            return losses
        return losses.sum() / weights.sum() if self.reduction == "mean" else losses.sum()

    def grad_x(self, grad: Gradient, x: Any, t: Any, w: Any) -> Gradient:
        classes, counted, weights = self.per_sample(x, array_of(t), array_of(w))
        share = weights / weights.sum() if self.reduction == "mean" else weights
        each = grad.reshape(weights.shape) if self.reduction == "none" else grad
        here = classes == np.arange(x.shape[1]).reshape((-1,) + (1,) * (len(x.shape) - 2))
        return where(here & counted, np.broadcast_to(-each * share, x.shape), 0)

    def per_sample(self, x: Any, t: Any, w: Any) -> tuple[Any, Any, Any]:
        """The class, whether it counts, and its weight, with a dimension of size 1 where x has the classes."""
        t = np.expand_dims(t, 1)
        counted = t != self.ignore_index
        classes = np.where(counted, t, 0)
        return classes, counted, np.where(counted, 1 if w is None else w[classes], 0).astype(array_of(x).dtype)


class KLDivLoss(Loss):
    """t·(ln t − x), x being log-probabilities; 0 for t = 0      ∂/∂x = −t      ∂/∂t = ln t + 1 − x

    If t is given as τ = ln t: e^τ·(τ − x)      ∂/∂x = −e^τ      ∂/∂τ = e^τ·(τ − x + 1)
    """

    def __init__(self, reduction: str, log_target: bool) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, x: Any, t: Any) -> Any:
        self.sizes = np.broadcast_shapes(x.shape, t.shape)
        if self.log_target:
            return self.reduced(np.exp(t) * (t - x))
        return self.reduced(np.where(t == 0, 0.0, t * np.log(t)) - t * x)

    def grad_x(self, grad: Gradient, t: Any) -> Gradient:
        # The target alone may be smaller than the losses.
        return np.broadcast_to(self.each(grad), self.sizes) * (-np.exp(t) if self.log_target else -t)

    def grad_t(self, grad: Gradient, x: Any, t: Any) -> Gradient:
        return self.each(grad) * (np.exp(t) * (t - x + 1) if self.log_target else np.log(t) + 1 - x)


# --- what all losses check -----------------------------------------------------------------------------------------


def check_reduction(reduction: str, more: tuple[str, ...] = ()) -> str:
    """The reduction, if there is one of that name.

    Raises:
        ValueError: if there is none.
    """
    names = ("none", "mean", "sum", *more)
    if reduction not in names:
        raise ValueError(f"{reduction} is not a valid value for reduction; known are {', '.join(names)}")
    return reduction


def _check_dtype(input: Tensor, other: Tensor) -> None:
    dtypes = other.array.dtype, input.array.dtype
    if dtypes[0] != dtypes[1] or dtypes[0].kind != "f":
        kinds = [KINDS[dtype] for dtype in dtypes]
        raise RuntimeError(f"Found dtype {kinds[0]} but expected {kinds[1]}")


def _require_floating_target(input: Tensor, target: Tensor) -> None:
    if target.array.dtype.kind != "f":
        raise RuntimeError(f"Found dtype {KINDS[target.array.dtype]} but expected {KINDS[input.array.dtype]}")


def _constant(value: Tensor | None, input: Tensor, argument: str, function: str) -> Any:
    """The weight if there is one, checked: it must broadcast to the input and have no gradient."""
    if value is None:
        return None
    if require_tensor(value, function).requires_grad:
        raise RuntimeError(
            f"The function '{function}' is not differentiable with respect to argument '{argument}'. This input cannot "
            "have requires_grad True."
        )
    try:
        np.broadcast_to(value.array, input.array.shape)
    except ValueError:
        shapes = f"{value.array.shape} does not broadcast to the input's {input.array.shape}"
        raise RuntimeError(f"{function}: a {argument} of shape {shapes}") from None
    return cast(value, input.array.dtype)


def _pair(input: Any, target: Any, name: str, floating: bool = True) -> tuple[Tensor, Tensor]:
    """Input and target of one dtype, in shapes that broadcast: with a warning if they differ."""
    x, t = require_tensor(input, name), require_tensor(target, name)
    if x.array.shape != t.array.shape:
        check_broadcast(x, t)
        warnings.warn(
            f"Using a target size ({t.size()}) that is different to the input size ({x.size()}). This will likely lead "
            "to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )
    # PyTorch has broadcast them before it promotes: tensors without dimensions count like others.
    dtype = holding_both(x.array.dtype, t.array.dtype)
    x, t = cast(x, dtype), cast(t, dtype)
    return require_floating(x, name) if floating else x, t


# --- the public functions ------------------------------------------------------------------------------------------


@documented(BinaryCrossEntropy)
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """
    Args:
        input: x, probabilities, a floating tensor of any shape.
        target: t, between 0 and 1, of the same shape and dtype.
        weight: w, of a shape that broadcasts to the input's; 1 if left out. It has no gradient.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor without dimensions, or for ``"none"`` one of the input's shape.

    Raises:
        ValueError: if the shapes differ or there is no such reduction.
        RuntimeError: if dtypes differ, an input or target is outside [0, 1], or the weight requires gradients.

    Example:
        >>> import tinyact
        >>> x, t = tinyact.tensor([0.9, 0.2]), tinyact.tensor([1.0, 0.0])
        >>> tinyact.nn.functional.binary_cross_entropy(x, t)
        tensor(0.1643)
    """
    check_reduction(reduction)
    x = require_tensor(input, "binary_cross_entropy").array
    t = require_tensor(target, "binary_cross_entropy").array
    if x.shape != t.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    _check_dtype(input, target)
    for name, array in (("input", x), ("target", t)):
        if not all_probabilities(array):
            outside = array[~((array >= 0) & (array <= 1))]
            raise RuntimeError(f"all elements of {name} should be between 0 and 1, got {outside[0]}")
    w = _constant(weight, input, "weight", "binary_cross_entropy")
    return BinaryCrossEntropy(reduction).apply(input, target, w)


@documented(BinaryCrossEntropyWithLogits)
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """
    Args:
        input: x, any numbers, a floating tensor of any shape.
        target: t, probabilities, of the same shape.
        weight: w, of a shape that broadcasts to the input's; 1 if left out. It has no gradient.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: p, how much more positive targets count; broadcasts to the input's shape and has no gradient.

    Returns:
        A tensor without dimensions, or for ``"none"`` one of the input's shape.

    Raises:
        ValueError: if the shapes differ or there is no such reduction.
        RuntimeError: if a weight doesn't broadcast or requires gradients.

    Example:
        >>> import tinyact
        >>> x, t = tinyact.tensor([2.0, -1.0]), tinyact.tensor([1.0, 0.0])
        >>> tinyact.nn.functional.binary_cross_entropy_with_logits(x, t)
        tensor(0.2201)
    """
    name = "binary_cross_entropy_with_logits"
    check_reduction(reduction)
    if require_tensor(target, name).array.shape != require_tensor(input, name).array.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    _require_floating_target(require_floating(input, name), target)
    x, t = _pair(input, target, name)
    w = _constant(weight, x, "weight", name)
    p = 1.0 if pos_weight is None else _constant(pos_weight, x, "pos_weight", name)
    return cast(BinaryCrossEntropyWithLogits(reduction).apply(x, t, w, p), target.array.dtype)


@documented(MseLoss)
def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """
    Args:
        input: x, a floating tensor of any shape.
        target: t, of the same shape (another is broadcast, with a warning).
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if there is no such reduction.
        RuntimeError: if the shapes don't broadcast.
    """
    return MseLoss(check_reduction(reduction)).apply(*_pair(input, target, "mse_loss"))


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """|x − t|, of which ∂/∂x is 1 for x > t, −1 for x < t, and 0 for x = t

    Args:
        input, target, reduction: as for `mse_loss`.
    """
    check_reduction(reduction)
    refuse_bool(input, target)
    losses = abs(sub(*_pair(input, target, "l1_loss", floating=False)))
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum(losses)


@documented(SmoothL1Loss)
def smooth_l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """
    Args:
        input, target, reduction: as for `mse_loss`.
        beta: β, where the parabola becomes a line; 0 makes it `l1_loss`.

    Raises:
        RuntimeError: if β is negative, or the shapes don't broadcast.
        ValueError: if there is no such reduction.
    """
    if not beta >= 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return SmoothL1Loss(check_reduction(reduction), beta).apply(*_pair(input, target, "smooth_l1_loss"))


@documented(HuberLoss)
def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """
    Args:
        input, target, reduction: as for `mse_loss`.
        delta: δ, where the parabola becomes a line.

    Raises:
        RuntimeError: if δ is not positive, or the shapes don't broadcast.
        ValueError: if there is no such reduction.
    """
    if not delta > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    x, t = _pair(input, target, "huber_loss")
    if input.array.dtype.kind != "f":
        raise RuntimeError(f"huber_loss takes a floating input, got {input.dtype}")
    return cast(HuberLoss(check_reduction(reduction), delta).apply(x, t), input.array.dtype)


@documented(NllLoss)
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """
    Args:
        input: x, log-probabilities, shape (N, C, …) or (C,).
        target: t, the classes 0 … C − 1 as int64, shape (N, …) or ().
        weight: of each class, shape (C,); 1 if left out. It has no gradient.
        ignore_index: samples of this class count for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor without dimensions, or for ``"none"`` one of the target's shape.

    Raises:
        IndexError: for a class outside 0 … C − 1.
        ValueError: if the numbers of samples differ, or there is no such reduction.
        RuntimeError: for another dtype of the target, other shapes, or a weight that doesn't fit.

    Example:
        >>> import tinyact
        >>> x = tinyact.log_softmax(tinyact.tensor([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0]]), dim=1)
        >>> tinyact.nn.functional.nll_loss(x, tinyact.tensor([0, 1]))
        tensor(0.2560)
    """
    check_reduction(reduction)
    x, t = require_tensor(input, "nll_loss"), require_tensor(target, "nll_loss").array
    _check_classes(x.array, t)
    single = x.array.ndim == 1
    if single:
        x, t = x.unsqueeze(0), t[None]
    classes = np.where(t == ignore_index, 0, t)
    count = x.array.shape[1]
    wrong = (classes < 0) | (classes >= count)
    if wrong.any():
        raise IndexError(f"Target {classes[wrong][0]} is out of bounds: there are {count} classes")
    if weight is not None:
        _check_class_weights(weight, count)
        _check_dtype(x, weight)
        _constant(weight, weight, "weight", "nll_loss")
    loss = NllLoss(reduction, ignore_index).apply(x, target.unsqueeze(0) if single else target, weight)
    return loss.squeeze(0) if single and reduction == "none" else loss


def _check_classes(x: Any, t: Any) -> None:
    if x.ndim == 0:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if x.dtype.kind != "f":
        raise NotImplementedError(f"nll_loss takes floating tensors, got {x.dtype}")
    if t.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {KINDS[t.dtype]}")
    if x.ndim > 1 and (t.ndim == 0 or t.shape[0] != x.shape[0]):
        size = t.shape[0] if t.ndim else 0
        raise ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({size}).")
    if t.shape != (x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()):
        raise RuntimeError(
            f"nll_loss takes a target of shape (N, …) for an input (N, C, …), got {t.shape} and {x.shape}"
        )


def _check_class_weights(weight: Tensor, count: int) -> None:
    if weight.array.shape != (count,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {count} classes or no classes but got weight tensor of "
            f"shape: {list(weight.array.shape)}"
        )


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−Σ_c w_c·t_c·ln softmax(x)_c, the cross-entropy of the classes' probabilities

    `log_softmax`, whose derivative is e^x / Σ e^x − t in the end, and then `nll_loss` or the sum over the classes.

    Args:
        input: x, any numbers, shape (N, C, …) or (C,).
        target: classes as int64, shape (N, …) or (); or probabilities t of all classes, in the input's shape.
        weight: w, of each class, shape (C,); 1 if left out. It has a gradient only with probabilities, as in PyTorch.
        ignore_index: samples of this class count for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: ε in [0, 1]: targets become (1 − ε)·t + ε / C.

    Returns:
        A tensor without dimensions, or for ``"none"`` one without the dimension of the classes.

    Raises:
        RuntimeError: if ε is outside [0, 1], the target has the input's shape but no floating dtype, or as for
            `nll_loss`.
        IndexError: if the input has no dimensions, or as for `nll_loss`.
        ValueError: as for `nll_loss`.

    Example:
        >>> import tinyact
        >>> x = tinyact.tensor([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0]])
        >>> tinyact.nn.functional.cross_entropy(x, tinyact.tensor([0, 1]))
        tensor(0.2560)
    """
    check_reduction(reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    x, t = require_tensor(input, "cross_entropy").array, require_tensor(target, "cross_entropy").array
    of_all_classes = t.shape == x.shape
    if of_all_classes and ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    if of_all_classes and t.dtype.kind != "f":
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {KINDS[t.dtype]}")
    if x.ndim == 0:
        raise IndexError("cross_entropy takes an input with a dimension of classes, got one without dimensions")
    place = min(1, x.ndim - 1)
    logs = log_softmax(input, place)
    if of_all_classes:
        return _of_probabilities(logs, target, weight, reduction, label_smoothing, place)
    loss = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if label_smoothing == 0:
        return loss
    smooth = _smooth(logs, t, weight, ignore_index, reduction, place)
    smoothed: Tensor = loss * (1 - label_smoothing) + smooth * (label_smoothing / x.shape[place])
    return smoothed


def _over_classes(losses: Tensor, weight: Tensor | None, place: int) -> Tensor:
    """The sum over the classes, each times its weight."""
    if weight is not None:
        _check_class_weights(weight, losses.array.shape[place])
        losses = losses * reshape(weight, -1, *[1] * (losses.array.ndim - place - 1))
    return sum(losses, place)


def _of_probabilities(
    logs: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float, place: int
) -> Tensor:
    classes = logs.array.shape[place]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    losses = -_over_classes(logs * target, weight, place)
    if reduction == "none":
        return losses
    # Divided by the number of samples, also if there is no sample: then it is NaN.
    return sum(losses) / losses.array.size if reduction == "mean" else sum(losses)


def _smooth(logs: Tensor, t: Any, weight: Tensor | None, ignore_index: int, reduction: str, place: int) -> Tensor:
    """The loss if all classes were equally right."""
    counted = t != ignore_index
    losses = where(counted, -_over_classes(logs, weight, place), 0)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    return sum(losses) / float(counted.sum() if weight is None else weight.array[t[counted]].sum())


@documented(KLDivLoss)
def kl_div(input: Tensor, target: Tensor, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """
    Args:
        input: x, log-probabilities, a floating tensor of any shape.
        target: t, probabilities, or their logarithms τ, of the same shape.
        reduction: ``"mean"``, ``"sum"``, ``"none"``, or ``"batchmean"``: the sum divided by the first size, which is
            what the divergence is defined as.
        log_target: whether the target is τ.

    Raises:
        ValueError: if there is no such reduction.
        RuntimeError: if the shapes don't broadcast.
    """
    check_reduction(reduction, ("batchmean",))
    _require_floating_target(input, input)
    _require_floating_target(input, target)
    x, t = common(input, target)
    x, t = _pair(x, t, "kl_div")
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL math definition.",
            stacklevel=2,
        )
    if reduction != "batchmean":
        return KLDivLoss(reduction, log_target).apply(x, t)
    total = KLDivLoss("sum", log_target).apply(x, t)
    return total / input.array.shape[0] if input.array.ndim else total
