"""Parameter: a tensor that a module finds by itself among its attributes, and an optimizer learns."""

from __future__ import annotations

from typing import Any

from tinyact.autograd.operation import Variable
from tinyact.creation import empty
from tinyact.tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor to be learned: assigned to an attribute of a `Module`, it is one of the module's parameters.

    Args:
        data: a tensor, whose memory the parameter shares; empty if left out.
        requires_grad: whether gradients with respect to it are wanted.

    Raises:
        TypeError: if the data is no tensor.
        RuntimeError: if it requires gradients and the elements are no floating numbers.

    Example:
        >>> import tinyact
        >>> tinyact.nn.Parameter(tinyact.ones(2))
        Parameter containing:
        tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter(): argument 'data' must be Tensor, not {type(data).__name__}")
        Variable.__init__(self, data.array)
        # The same memory has one counter of changes.
        self._version = data._version
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """Numbers and flag alone: not the gradient, as in PyTorch."""
        copy = memo[id(self)] = type(self)(self.data.clone(), self._requires_grad)
        return copy
