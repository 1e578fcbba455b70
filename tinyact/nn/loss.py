"""Loss functions as modules."""

from __future__ import annotations

from tinyact.functions.loss import check_reduction
from tinyact.nn import functional as F
from tinyact.nn.module import Module
from tinyact.tensor import Tensor

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "NLLLoss",
    "SmoothL1Loss",
]  # fmt: skip


class Loss(Module):
    """What all losses share: the reduction, and a weight that is a buffer of the module.

    Args:
        weight: of elements or classes, as the function says.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if there is no such reduction.
    """

    weight: Tensor | None
    more_reductions: tuple[str, ...] = ()

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = check_reduction(reduction, self.more_reductions)


class BCELoss(Loss):
    """Binary cross-entropy, `nn.functional.binary_cross_entropy`, of outputs in [0, 1].

    Args:
        weight: of the elements, of a shape that broadcasts to the outputs'; a buffer of the module.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if there is no such reduction.

    Example:
        >>> import tinyact
        >>> criterion = tinyact.nn.BCELoss()
        >>> criterion(tinyact.tensor([0.9, 0.2]), tinyact.tensor([1.0, 0.0]))
        tensor(0.1643)
    """

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """Sigmoid and binary cross-entropy in one, `nn.functional.binary_cross_entropy_with_logits`.

    Args:
        weight: of the elements, a buffer of the module.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: how much more positive targets count, a buffer of the module.

    Raises:
        ValueError: if there is no such reduction.
    """

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class MSELoss(Loss):
    """Squared differences, `nn.functional.mse_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """Absolute differences, `nn.functional.l1_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """A parabola that becomes a line, `nn.functional.smooth_l1_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """A parabola that becomes a line, `nn.functional.huber_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)


class NLLLoss(Loss):
    """Of log-probabilities and classes, `nn.functional.nll_loss`.

    Args:
        weight: of the classes, shape (C,), a buffer of the module.
        ignore_index: samples of this class count for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if there is no such reduction.
    """

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(Loss):
    """Softmax and cross-entropy in one, `nn.functional.cross_entropy`.

    Args:
        weight: of the classes, shape (C,), a buffer of the module.
        ignore_index: samples of this class count for nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: how much of every target is spread over all classes, in [0, 1].

    Raises:
        ValueError: if there is no such reduction, or the smoothing is outside [0, 1].

    Example:
        >>> import tinyact
        >>> criterion = tinyact.nn.CrossEntropyLoss()
        >>> criterion(tinyact.tensor([[2.0, 1.0, 0.1]]), tinyact.tensor([0]))
        tensor(0.4170)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        if not 0.0 <= label_smoothing <= 1.0:
            raise ValueError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class KLDivLoss(Loss):
    """The Kullback–Leibler divergence, `nn.functional.kl_div`.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"none"`` or ``"batchmean"``.
        log_target: whether targets are logarithms too.

    Raises:
        ValueError: if there is no such reduction.
    """

    more_reductions = ("batchmean",)

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
