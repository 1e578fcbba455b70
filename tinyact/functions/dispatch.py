"""NumPy's own functions of tensors: which of them have a derivative here, with NumPy's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyact.autograd.operation import array_of, wrap
from tinyact.dtype import as_dtype
from tinyact.functions import activation, arithmetic, comparison, elementwise, linear, reduction
from tinyact.functions import shape as shapes
from tinyact.functions.operand import Tensor, binary, cast, common, dimensions

UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: arithmetic.add,
    np.subtract: arithmetic.sub,
    np.multiply: arithmetic.mul,
    np.true_divide: arithmetic.div,
    np.power: arithmetic.pow,
    np.matmul: linear.matmul,
    np.negative: elementwise.neg,
    np.absolute: elementwise.abs,
    np.sign: lambda x: wrap(np.sign(x.array)),
    np.exp: elementwise.exp,
    np.log: elementwise.log,
    np.log1p: elementwise.log1p,
    np.expm1: elementwise.expm1,
    np.sqrt: elementwise.sqrt,
    np.square: elementwise.square,
    np.reciprocal: elementwise.reciprocal,
    np.sin: elementwise.sin,
    np.cos: elementwise.cos,
    np.tanh: activation.tanh,
    np.maximum: lambda a, b: binary(arithmetic.Maximum(), a, b),
    np.minimum: lambda a, b: binary(arithmetic.Minimum(), a, b),
    np.equal: comparison.eq,
    np.not_equal: comparison.ne,
    np.less: comparison.lt,
    np.less_equal: comparison.le,
    np.greater: comparison.gt,
    np.greater_equal: comparison.ge,
}

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# What these say depends on shapes, dtypes and memory, not on numbers.
STRUCTURAL = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.may_share_memory, np.shares_memory, np.iscomplexobj,
    np.isrealobj, np.min_scalar_type,
}  # fmt: skip
# They ask for no numbers, so that a tensor that requires gradients may be given too.
LOOKING = STRUCTURAL | {np.empty_like, np.zeros_like, np.ones_like, np.full_like}


def numpy_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A NumPy function of tensors: recorded, if the table has it with these arguments; else it sees arrays.

    Raises:
        RuntimeError: if it sees the array of a tensor that requires gradients.
    """
    operation = FUNCTIONS.get(function) or getattr(function, "plain", None)  # a kernel's line
    result = NotImplemented if operation is None else operation(*args, **kwargs)
    if result is not NotImplemented:
        return result
    as_array = array_of if function in LOOKING else np.asarray
    return function(*_as_arrays(args, as_array), **_as_arrays(kwargs, as_array))


def _as_arrays(value: Any, as_array: Callable[[Any], Any]) -> Any:
    if isinstance(value, Tensor):
        return as_array(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_as_arrays(part, as_array) for part in value)
    if isinstance(value, dict):
        return {key: _as_arrays(part, as_array) for key, part in value.items()}
    return value


def as_numpy_takes(value: Any) -> Any:
    """An operand; lists are arrays."""
    return np.asarray(value) if isinstance(value, (list, tuple)) else value


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else wrap(np.asarray(value))


def _implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the table, for calls with the arguments that it has; those of arrays alone it leaves out.

    Its parameters are called as NumPy calls them. It may still return NotImplemented.
    """

    def enter(operation: Callable[..., Any]) -> Callable[..., Any]:
        code = operation.__code__
        names = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

        def call(*args: Any, **kwargs: Any) -> Any:
            supported = len(args) <= code.co_argcount and kwargs.keys() <= names
            return operation(*args, **kwargs) if supported else NotImplemented

        FUNCTIONS.update(dict.fromkeys(functions, call))
        return operation

    return enter


@_implements(np.astype)
def _astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    return cast(x, as_dtype(dtype).numpy)


@_implements(np.where)
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None or y is None:
        return NotImplemented
    x, y = as_numpy_takes(x), as_numpy_takes(y)
    if not any(isinstance(value, (Tensor, np.ndarray, np.generic)) for value in (x, y)):
        x, y = np.asarray(x), np.asarray(y)  # Python's numbers have the dtype that NumPy gives them
    return arithmetic.where(wrap(np.asarray(array_of(condition), np.bool_)), x, y)


@_implements(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0) -> Any:
    parts = [_tensor(part) for part in arrays]
    return shapes.cat([shapes.reshape(part, -1) for part in parts] if axis is None else parts, axis or 0)


@_implements(np.stack)
def _stack(arrays: Any, axis: int = 0) -> Any:
    return shapes.stack([_tensor(part) for part in arrays], axis)


@_implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = as_numpy_takes(a_min if min is None else min), as_numpy_takes(a_max if max is None else max)
    if (low is None and high is None) or array_of(a).dtype == np.bool_:
        return NotImplemented
    if any(isinstance(bound, (Tensor, np.ndarray)) for bound in (low, high)):
        low, high = (None if bound is None else _tensor(bound) for bound in (low, high))
    return arithmetic.clamp(_tensor(a), low, high)


@_implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    a, b = common(_tensor(a), _tensor(b))
    x, y = a.array.shape, b.array.shape
    if not (x and y):
        return arithmetic.mul(a, b)
    if len(y) < 3:
        return linear.matmul(a, b)
    columns = shapes.reshape(np.moveaxis(b, -2, 0), y[-2], -1)
    return shapes.reshape(linear.matmul(a, columns), *x[:-1], *y[:-2], y[-1])


# --- another shape: NumPy itself says which -------------------------------------------------------------------------


def _reshaping(function: Any) -> Callable[..., Any]:
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        arguments = inspect.signature(function).bind(a, *args, **kwargs).arguments
        if arguments.get("order", "C") != "C" or arguments.get("copy"):
            return NotImplemented
        return shapes.reshape(a, *function(array_of(a), *args, **kwargs).shape)

    return call


def _permuting(function: Any) -> Callable[..., Any]:
    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        # An array whose sizes are the numbers of its dimensions.
        return shapes.permute(a, *function(np.empty(range(a.array.ndim)), *args, **kwargs).shape)

    return call


FUNCTIONS.update({function: _reshaping(function) for function in (np.reshape, np.ravel, np.squeeze, np.expand_dims)})
FUNCTIONS.update({function: _permuting(function) for function in (np.transpose, np.swapaxes, np.moveaxis)})


@_implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> Any:
    return shapes.expand(array, *np.broadcast_to(array_of(array), shape).shape)


# --- reductions -----------------------------------------------------------------------------------------------------


def _reduced(
    reduce: Callable[..., Any], a: Tensor, axis: Any, keepdims: bool, several: bool = True, **named: Any
) -> Any:
    """A reduction over no, some or all axes; by one that takes only one at once, one after the other."""
    if axis is None and not keepdims:
        return reduce(a, **named)
    ndim = a.array.ndim
    axes = range(ndim) if axis is None else [int(place) for place in np.atleast_1d(axis)]
    if not axes:  # as many results as there are elements
        return reduce(shapes.unsqueeze(a, 0), 0, **named)
    dims = dimensions(axes, ndim)
    for dim in [dims] if several else dims:
        a = reduce(a, dim, keepdim=True, **named)
    return a if keepdims else shapes.squeeze(a, dims)


@_implements(np.sum)
def _sum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return _reduced(reduction.sum, a, axis, keepdims, dtype=dtype and as_dtype(dtype))


@_implements(np.prod)
def _prod(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return _reduced(reduction.prod, a, axis, keepdims, several=False, dtype=dtype and as_dtype(dtype))


@_implements(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    if a.array.dtype.kind != "f":
        return NotImplemented
    return _reduced(reduction.mean, a, axis, keepdims, dtype=dtype and as_dtype(dtype))


@_implements(np.max, np.amax)
def _max(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduced(_values_of(reduction.max), a, axis, keepdims, several=False)


@_implements(np.min, np.amin)
def _min(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduced(_values_of(reduction.min), a, axis, keepdims, several=False)


def _values_of(function: Any) -> Callable[..., Any]:
    """``max`` and ``min`` without the places."""

    def call(a: Tensor, *dim: int, keepdim: bool = False) -> Any:
        return function(a, *dim, keepdim=keepdim).values if dim else function(a)

    return call


@_implements(np.var)
def _var(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: float | None = None) -> Any:
    return _variance(reduction.var, a, axis, keepdims, ddof if correction is None else correction)


@_implements(np.std)
def _std(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: float | None = None) -> Any:
    return _variance(reduction.std, a, axis, keepdims, ddof if correction is None else correction)


def _variance(function: Any, a: Tensor, axis: Any, keepdims: bool, correction: float) -> Any:
    if a.array.dtype.kind != "f":
        return NotImplemented
    return _reduced(function, a, axis, keepdims, correction=correction)
