"""Modules between layers that give the elements another shape."""

from __future__ import annotations

from collections.abc import Sequence

from tinyact.nn.module import Module
from tinyact.tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Several dimensions as one; by default all but the batch's, as a linear layer wants them.

    Args:
        start_dim: the first of them.
        end_dim: the last.

    Example:
        >>> import tinyact
        >>> tinyact.nn.Flatten()(tinyact.ones(4, 3, 2, 2)).shape
        torch.Size([4, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension as several.

    Args:
        dim: the dimension.
        unflattened_size: the sizes of those that take its place, as a tuple or list.

    Raises:
        TypeError: if these are no integers.

    Example:
        >>> import tinyact
        >>> tinyact.nn.Unflatten(1, (3, 2, 2))(tinyact.ones(4, 12)).shape
        torch.Size([4, 3, 2, 2])
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            kind = type(unflattened_size).__name__
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {kind}")
        for place, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {place}"
                )
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
