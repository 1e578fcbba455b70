"""The functions behind the modules."""

from __future__ import annotations

from typing import Any

from tinyact import functions
from tinyact.autograd.engine import wrap
from tinyact.dtype import as_dtype
from tinyact.functions import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    celu,
    cross_entropy,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    huber_loss,
    kl_div,
    l1_loss,
    leaky_relu,
    linear,
    logsigmoid,
    maxout,
    mish,
    mse_loss,
    nll_loss,
    prelu,
    relu,
    relu6,
    relu_squared,
    rrelu,
    selu,
    sigmoid,
    silu,
    smooth_l1_loss,
    snake,
    softplus,
    softshrink,
    softsign,
    swish,
    tanh,
    tanhshrink,
    threshold,
)
from tinyact.functions.elementwise import as_tensor_operand
from tinyact.functions.operand import documented
from tinyact.functions.softmax import LogSoftmax, Softmax, implicit_dim
from tinyact.tensor import Tensor


@documented(Softmax)
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        dim: the dimension along which the outputs sum to 1; left out, one is chosen with a warning.
        dtype: convert to it first.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.softmax(tinyact.tensor([2.0, 1.0, 0.1]), dim=0)
        tensor([0.6590, 0.2424, 0.0986])
    """
    dim = implicit_dim("softmax", as_tensor_operand(input, "softmax").ndim) if dim is None else dim
    return functions.softmax(input, dim, None if dtype is None else as_dtype(dtype))


@documented(LogSoftmax)
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """
    Args:
        input: a floating tensor of any shape.
        dim: the dimension along which the exponentials of the outputs sum to 1; left out, one is chosen with a warning.
        dtype: convert to it first.

    Example:
        >>> import tinyact
        >>> tinyact.nn.functional.log_softmax(tinyact.tensor([2.0, 1.0, 0.1]), dim=0)
        tensor([-0.4170, -1.4170, -2.3170])
    """
    dim = implicit_dim("log_softmax", as_tensor_operand(input, "log_softmax").ndim) if dim is None else dim
    return functions.log_softmax(input, dim, None if dtype is None else as_dtype(dtype))


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmin(x) = softmax(−x), with the arguments of `softmax`."""
    dim = implicit_dim("softmin", as_tensor_operand(input, "softmin").ndim) if dim is None else dim
    return functions.softmin(input, dim, None if dtype is None else as_dtype(dtype))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """y = x·m / (1 − p), each mask element m being 0 with probability p, else 1: E[y] = x

    ∂L/∂x = ∂L/∂y · m / (1 − p)

    The mask comes from tinyact's own generator and is not PyTorch's for the same seed: there a vendor's library draws
    it, from a stream of its own.

    Args:
        input: a floating tensor of any shape.
        p: the probability that an element is dropped.
        training: whether to drop at all; if not, the result is the input itself.
        inplace: whether the result replaces the input's elements.

    Raises:
        ValueError: if p is not in [0, 1].
        RuntimeError: if the elements are no floating numbers.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.nn.functional.dropout(tinyact.ones(6), 0.25)
        tensor([1.3333, 0.0000, 1.3333, 1.3333, 1.3333, 1.3333])
    """
    from tinyact.random import default_generator

    check_probability(p)
    x = as_tensor_operand(input, "dropout").array
    if not training or p == 0 or x.size == 0:
        return input
    if x.dtype.kind != "f":
        raise RuntimeError(f"dropout takes floating tensors, got {input.dtype}")
    kept = default_generator.uniform(x.shape, 0, 1, x.dtype) < 1 - p
    # At p = 1 all is dropped, and the division by 0 would make NaN of it.
    mask = wrap(kept.astype(x.dtype) / ((1 - p) or 1.0))
    return input.mul_(mask) if inplace else input * mask


def check_probability(p: float) -> None:
    """Raises PyTorch's error if this is no probability to drop an element."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


# fmt: off
__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cross_entropy", "dropout", "elu", "gelu",
    "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div", "l1_loss", "leaky_relu",
    "linear", "log_softmax", "logsigmoid", "maxout", "mish", "mse_loss", "nll_loss", "prelu", "relu", "relu6",
    "relu_squared", "rrelu", "selu", "sigmoid", "silu", "smooth_l1_loss", "snake", "softmax", "softmin", "softplus",
    "softshrink", "softsign", "swish", "tanh", "tanhshrink", "threshold",
]
# fmt: on
