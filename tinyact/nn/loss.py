"""Loss functions as modules."""

from __future__ import annotations

from tinyact.functions.loss import check_reduction
from tinyact.nn import functional as F
from tinyact.nn.module import Module
from tinyact.tensor import Tensor


class BCELoss(Module):
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

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.reduction = check_reduction(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)
