"""Loss functions as modules."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import ClassVar

from tinyact.functions.loss import check_reduction
from tinyact.nn import functional as F
from tinyact.nn.module import Module
from tinyact.tensor import Tensor

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "NLLLoss",
    "SmoothL1Loss",
]  # fmt: skip


class Loss(Module):
    """What all losses share: the reduction, a weight that is a buffer of the module, and the call of their function.

    Its arguments after input and target are attributes of the same names.

    Args:
        weight: of elements or classes, as the function says.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if there is no such reduction.
    """

    weight: Tensor | None
    more_reductions: tuple[str, ...] = ()
    function: ClassVar[Callable[..., Tensor]]
    _settings: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, function: Callable[..., Tensor] | None = None) -> None:
        super().__init_subclass__()
        if function is not None:
            cls.function = staticmethod(function)
            cls._settings = tuple(signature(function).parameters)[2:]

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = check_reduction(reduction, self.more_reductions)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.function(input, target, **{name: getattr(self, name) for name in self._settings})


class BCELoss(Loss, function=F.binary_cross_entropy):
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


class BCEWithLogitsLoss(Loss, function=F.binary_cross_entropy_with_logits):
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


class MSELoss(Loss, function=F.mse_loss):
    """Squared differences, `nn.functional.mse_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class L1Loss(Loss, function=F.l1_loss):
    """Absolute differences, `nn.functional.l1_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class SmoothL1Loss(Loss, function=F.smooth_l1_loss):
    """A parabola that becomes a line, `nn.functional.smooth_l1_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta


class HuberLoss(Loss, function=F.huber_loss):
    """A parabola that becomes a line, `nn.functional.huber_loss`; ``reduction`` as for `BCELoss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta


class NLLLoss(Loss, function=F.nll_loss):
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


class CrossEntropyLoss(Loss, function=F.cross_entropy):
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


class KLDivLoss(Loss, function=F.kl_div):
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
