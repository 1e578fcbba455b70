"""Loss functions as modules."""

from __future__ import annotations

from tinyact.functions.loss import check_reduction
from tinyact.nn import functional as F
from tinyact.nn.module import FunctionModule
from tinyact.tensor import Tensor

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "NLLLoss",
    "SmoothL1Loss",
]  # fmt: skip


class Loss(FunctionModule):
    """What all losses share: the reduction, a weight that is a buffer of the module, and the call of their function.

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

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.function(input, target, **self._settings())


class BCELoss(Loss, function=F.binary_cross_entropy):
    """Binary cross-entropy of outputs in [0, 1]; the weight is a buffer of the module."""

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)


class BCEWithLogitsLoss(Loss, function=F.binary_cross_entropy_with_logits):
    """Sigmoid and binary cross-entropy in one; the weights are buffers of the module."""

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)


class MSELoss(Loss, function=F.mse_loss):
    """Squared differences."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class L1Loss(Loss, function=F.l1_loss):
    """Absolute differences."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class SmoothL1Loss(Loss, function=F.smooth_l1_loss):
    """A parabola that becomes a line of slope 1."""

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta


class HuberLoss(Loss, function=F.huber_loss):
    """A parabola that becomes a line of slope δ."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta


class NLLLoss(Loss, function=F.nll_loss):
    """Of log-probabilities and classes; the weight is a buffer of the module."""

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index


class CrossEntropyLoss(Loss, function=F.cross_entropy):
    """Softmax and cross-entropy in one; the weight is a buffer of the module."""

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
    """The Kullback–Leibler divergence."""

    more_reductions = ("batchmean",)

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target
