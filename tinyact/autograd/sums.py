"""Sums as gradients need them: back over what broadcasting repeated, and of many float32 numbers without drift."""

from __future__ import annotations

import numpy as np

from tinyact.autograd.operation import Gradient, Variable


def sum_to(grad: Gradient, shape: tuple[int, ...]) -> Gradient:
    """The sum over the dimensions that broadcasting added or stretched: the reverse of broadcasting."""
    added = len(grad.shape) - len(shape)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, grad.shape[added:], strict=True)):
        raise RuntimeError(
            f"a backward rule returned an invalid gradient: got {list(grad.shape)} but expected shape compatible with "
            f"{list(shape)}"
        )
    stretched = (dim for dim, n in enumerate(shape, added) if n == 1 and grad.shape[dim] != 1)
    return total(grad, (*range(added), *stretched)).reshape(shape)


def total(x: Gradient, dims: tuple[int, ...], keepdims: bool = False) -> Gradient:
    """The sum over dimensions.

    NumPy adds neighbours in pairs, but down a column it adds one after the other, and float32 drifts: float64 doesn't.
    """
    ndim = len(x.shape)
    if isinstance(x, Variable) or x.dtype != np.float32 or len(dims) == ndim or dims == (ndim - 1,):
        return np.sum(x, dims, keepdims=keepdims)
    return x.sum(dims, keepdims=keepdims, dtype=np.float64).astype(np.float32)
