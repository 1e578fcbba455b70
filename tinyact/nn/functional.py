"""The functions behind the modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinyact.autograd.operation import wrap
from tinyact.dtype import as_dtype
from tinyact.functions import activation, loss
from tinyact.functions import softmax as softmaxes
from tinyact.functions.activation import *
from tinyact.functions.linear import linear as linear
from tinyact.functions.loss import *
from tinyact.functions.operand import documented, require_tensor
from tinyact.functions.softmax import LogSoftmax, Softmax, implicit_dim
from tinyact.functions.softmax import glu as glu
from tinyact.functions.softmax import maxout as maxout
from tinyact.later import later
from tinyact.random import default_generator
from tinyact.tensor import Tensor

if TYPE_CHECKING:  # checkers leave out by themselves what is imported here, and don't all follow `__all__`
    from tinyact.functions.bilinear import *
    from tinyact.functions.convolution import *
    from tinyact.functions.embedding import *
    from tinyact.functions.normalization import *
    from tinyact.functions.pooling import *
else:
    _names = ["dropout", "glu", "linear", "log_softmax", "maxout", "softmax", "softmin"]
    _files = [
        f"tinyact.functions.{file}" for file in ("bilinear", "convolution", "embedding", "normalization", "pooling")
    ]
    __getattr__ = later(globals(), {}, [*activation.__all__, *loss.__all__, *_names], _files)


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
    dim = implicit_dim("softmax", require_tensor(input, "softmax").ndim) if dim is None else dim
    return softmaxes.softmax(input, dim, None if dtype is None else as_dtype(dtype))


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
    dim = implicit_dim("log_softmax", require_tensor(input, "log_softmax").ndim) if dim is None else dim
    return softmaxes.log_softmax(input, dim, None if dtype is None else as_dtype(dtype))


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmin(x) = softmax(−x), with the arguments of `softmax`."""
    dim = implicit_dim("softmin", require_tensor(input, "softmin").ndim) if dim is None else dim
    return softmaxes.softmin(input, dim, None if dtype is None else as_dtype(dtype))


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
    check_probability(p)
    x = require_tensor(input, "dropout").array
    if not training or p == 0 or x.size == 0:
        return input
    if x.dtype.kind != "f":
        raise RuntimeError(f"dropout takes floating tensors, got {input.dtype}")
    survivors = default_generator.uniform(x.shape, 0, 1, x.dtype) < 1 - p
    # At p = 1 all is dropped, and the division by 0 would make NaN of it.
    mask = wrap(survivors.astype(x.dtype) / ((1 - p) or 1.0))
    return input.mul_(mask) if inplace else input * mask


def check_probability(p: float) -> None:
    """Raises PyTorch's error if this is no probability to drop an element."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
