"""Dropout: in training, chance sets some elements to zero."""

from __future__ import annotations

from tinyact.nn import functional as F
from tinyact.nn.module import FunctionModule
from tinyact.tensor import Tensor

__all__ = ["Dropout"]


class Dropout(FunctionModule, function=F.dropout):
    """`nn.functional.dropout` in training mode; in evaluation mode, its input as it is."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        F.check_probability(p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
