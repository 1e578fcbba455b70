"""Speed: how NumPy computes one thing fastest, and the threads. The one room of the library for such tricks.

Each kernel is a function named for what it computes. Its decorator has the plain line of NumPy that it equals (sums and
products of matrices up to rounding), and tests check each kernel against its line. Its docstring says where it is how
much faster (float32, two cores). Small arrays take the plain way where that is faster. Like NumPy's own functions, a
kernel asks arguments that are no plain arrays first: ``__array_function__`` of Tensors takes the line.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


Array = np.ndarray[Any, np.dtype[Any]]
F = TypeVar("F", bound=Callable[..., Any])

# All kernels, each with its plain line as ``plain``.
KERNELS: list[Any] = []

# What has no say in it, at a glance.
_PLAIN = {np.ndarray, float, int, tuple}
_BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}
# 1 as bits.
_ONE = {np.dtype(np.float32): (np.uint32, 0x3F800000), np.dtype(np.float64): (np.uint64, 0x3FF0000000000000)}


def kernel(line: str, exact: bool = True) -> Callable[[F], F]:
    """Make a function of arrays a kernel.

    Args:
        line: what it computes, as an expression of NumPy in the function's own arguments.
        exact: whether to the last bit, not only up to rounding.
    """

    def decorate(fast: F) -> F:
        code = fast.__code__
        call: Any = dispatched(fast)
        call.line, call.exact = line, exact
        call.plain = eval(f"lambda {', '.join(code.co_varnames[: code.co_argcount])}: {line}", {"np": np})
        call.__doc__ = f"``{line}``\n\n    {(fast.__doc__ or '').strip()}\n    "
        KERNELS.append(call)
        return call

    return decorate


def dispatched(function: F) -> F:
    """Ask arguments that are no plain arrays first, by NumPy's protocol for functions."""

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        for argument in arguments:
            if type(argument) not in _PLAIN and hasattr(argument, "__array_function__"):
                result = argument.__array_function__(call, (type(argument),), arguments, options)
                if result is not NotImplemented:  # else one of the others will know
                    return result
        return function(*arguments, **options)

    return call  # type: ignore[return-value]


@kernel("np.where(mask, a, b)")
def where(mask: Any, a: Any, b: Any) -> Any:
    """``np.where`` branches at every element. Here b's bits, taken as an integer, are flipped in those places in which
    a differs, where the mask, 1 or 0, is true; if one is 0, the other's bits are multiplied. 64 Ki elements: 4 times as
    fast, with 0 for one 10 times.
    """
    a_is_zero, b_is_zero = (type(value) is int and value == 0 for value in (a, b))
    if mask.size < (1 << 9 if a_is_zero or b_is_zero else 1 << 12):
        return np.where(mask, a, b)
    dtype = np.result_type(a, b)
    bits = _BITS.get(dtype)
    if bits is None:
        return np.where(mask, a, b)
    if a_is_zero or b_is_zero:
        value = _as_bits(b if a_is_zero else a, dtype)
        return (value * (~mask if a_is_zero else mask)).view(dtype)
    a, b = _as_bits(a, dtype), _as_bits(b, dtype)
    flipped: Any = (a ^ b) * mask
    flipped = np.bitwise_xor(flipped, b, out=flipped if flipped.shape == mask.shape else None)
    return flipped.view(dtype)


def _as_bits(value: Any, dtype: np.dtype[Any]) -> Any:
    array = value.astype(dtype, copy=False) if isinstance(value, np.ndarray) else np.asarray(value, dtype)
    return array.view(_BITS[dtype])


@kernel("np.where(x > 0, x, a * x)")
def leaky(x: Any, a: float) -> Any:
    """For 0 < a ≤ 1 the larger of x and a·x. 1 Mi elements: half the time of `where`."""
    return np.maximum(x, a * x) if 0 < a <= 1 else where(x > 0, x, a * x)


@kernel("np.astype(np.where(x > 0, 1.0, a), x.dtype)")
def leaky_slope(x: Any, a: float) -> Any:
    """In x's dtype from the beginning: for float32 half the time of `where`, whose numbers are float64."""
    if x.size < 1 << 12:
        return np.where(x > 0, 1.0, a).astype(x.dtype)
    one, other = _as_bits(1.0, x.dtype), _as_bits(a, x.dtype)
    flipped = (x > 0) * (one ^ other)
    return np.bitwise_xor(flipped, other, out=flipped).view(x.dtype)


@kernel("np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x)))")
def logistic(x: Any) -> Any:
    """Each step in the memory of the last. 64 Ki elements: four fifths of the time."""
    if x.size < 1 << 12:
        e = np.exp(-np.abs(x))
        return np.maximum(e, x >= 0) / (1 + e)
    e = np.abs(x)
    np.exp(np.negative(e, out=e), out=e)
    divisor = 1 + e
    return np.divide(np.maximum(e, x >= 0, out=e), divisor, out=e)


@kernel("np.maximum(low, x)")
def maximum(low: float, x: Any) -> Any:
    """Of a number and a large array, ``np.clip`` is up to 2.5 times as fast. Both leave −0.0 as it is beside 0."""
    if x.size < 1 << 13 or x.dtype.kind != "f":
        return np.maximum(low, x)
    return np.clip(x, low, np.inf)


@kernel("bool(((x >= 0) & (x <= 1)).all())")
def all_probabilities(x: Any) -> bool:
    """In one pass instead of four: as integers, floating numbers from 0 up keep their order, and NaN and all that have
    a minus sign come after them. (−0 is found by asking again.)
    """
    bits, one = _ONE[x.dtype]
    return bool(np.maximum.reduce(x.view(bits), None, initial=0) <= one or ((x >= 0) & (x <= 1)).all())


@kernel("np.add(x, row, out=x)")
def add_row(x: Any, row: Any) -> Any:
    """NumPy takes several times as long for many short rows as for few long ones, so that many are taken as
    one: 4000 rows of 16, half the time.
    """
    return _with_each_row(np.add, x, row)


@kernel("column * row")
def outer(column: Any, row: Any) -> Any:
    """Of a column (…, 1) and a row (m,). 4000 × 16: half the time, for the reason of `add_row`."""
    if column.size < 1 << 10:
        return column * row
    return _with_each_row(np.multiply, np.repeat(column, row.size, -1), row)


def _with_each_row(function: np.ufunc, x: Any, row: Any) -> Any:
    """``function(x, row)`` in place: x is (…, n, m), the row (m,)."""
    if x.size < 1 << 14 or not x.flags.c_contiguous:
        return function(x, row, out=x)
    together = math.gcd(x.size // row.size, 64)
    long = x.reshape(-1, together * row.size)
    function(long, np.repeat(row[None], together, 0).reshape(-1), out=long)
    return x


@kernel("g.T @ x", exact=False)
def transposed_product(g: Any, x: Any) -> Any:
    """(xᵀ·g)ᵀ: the same sums in the layout in which BLAS is faster. 4000 × 16 by 4000 × 100: two thirds of the time."""
    return (x.T @ g).T


@kernel("x.sum(0)", exact=False)
def sum_of_rows(x: Any) -> Any:
    """As a matrix product with ones. 4000 rows of 16: 16 times as fast."""
    return _ones(x.shape[0], x.dtype) @ x


@kernel("np.sum(x, -1, keepdims=True)", exact=False)
def row_sums(x: Any) -> Any:
    """As a matrix product with ones. Many short rows: 4 times as fast."""
    return (x @ _ones(x.shape[-1], x.dtype))[..., None]


@kernel("x - x.max(dims, keepdims=True, initial=-np.inf).astype(np.float64)", exact=False)
def below_the_largest(x: Any, dims: tuple[int, ...]) -> Any:
    """As float64; less another constant along the dimensions, which softmax doesn't see. The largest of all elements
    serves for each row, and NumPy finds it many times faster than that of short rows, unless some rows lie so far below
    it that e^x can't tell their elements apart.
    """
    largest = x.max(initial=-np.inf)
    if x.dtype == np.float64 or not largest - x.min(initial=np.inf) < 600:
        largest = x.max(dims, keepdims=True, initial=-np.inf)
    return x - largest.astype(np.float64)


@functools.lru_cache(maxsize=8)
def _ones(count: int, dtype: np.dtype[Any]) -> Any:
    """A vector of ones, made once for all steps with batches of this size."""
    vector = np.ones(count, dtype)
    vector.flags.writeable = False
    return vector


# --- blocks and threads --------------------------------------------------------------------------------------------

# The largest block: small enough for its temporaries to stay in the caches, and large enough that threads seldom wait
# for each other, since every NumPy call between two formulas needs the interpreter's lock.
BLOCK = 1 << 18
# An array of two such parts is worth two threads; parts are smaller if computed in a wider type, or row by row.
HEAVY, LIGHT = 1 << 17, 1 << 20

# glibc gives freed memory of more than its thresholds back to the system, and a formula on fresh memory takes several
# times as long. Freeing one block of 32 MiB, never touched, raises the thresholds to that and to twice that.
np.empty((1 << 25) - (1 << 13), np.uint8)

_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_pool: ThreadPoolExecutor | None = None


def get_num_threads() -> int:
    """How many threads large elementwise operations use; the processor's cores unless `set_num_threads` said otherwise.

    Matrix products are NumPy's and follow its own settings (``OMP_NUM_THREADS`` and the like).
    """
    return _threads


def set_num_threads(count: int) -> None:
    """Sets how many threads large elementwise operations use.

    Results don't depend on it.

    Raises:
        RuntimeError: if it is no positive integer.
    """
    global _threads, _pool
    if not isinstance(count, int) or count < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {count!r}")
    if _pool is not None:
        _pool.shutdown()
    _threads, _pool = count, None


class _Here(threading.local):
    """What this thread is doing."""

    in_a_block = False


_here = _Here()


def in_a_block() -> bool:
    """Whether this thread is at work for `in_blocks`."""
    return _here.in_a_block


@dispatched
def in_blocks(
    function: Callable[..., Array],
    dtype: np.dtype[Any],
    *arrays: Array,
    wide: np.dtype[Any] | None = None,
    share: int = HEAVY,
    rows: bool = False,
) -> Array:
    """``function(*arrays)`` for a function of single elements or rows; large arrays block by block on all threads.

    The blocks depend on the size alone, so that results don't depend on the number of threads. On one thread a
    formula of several steps takes up to half the time, since its temporaries stay in the cache.

    Args:
        function: takes arrays of one shape and returns an array of that shape.
        dtype: of the result.
        arrays: all of one shape.
        wide: the dtype to compute in, if it is another.
        share: how many elements are worth a thread; arrays that aren't worth two are computed at once.
        rows: whether the function mixes the elements of a row, so that blocks may only end between rows.
    """
    shape, size = arrays[0].shape, arrays[0].size
    # A formula inside a block may use operations itself; a thread that waited for its own pool would wait for ever.
    if size < 2 * share or _here.in_a_block:
        return at_once(function, wide, *arrays).astype(dtype, copy=False)
    if not rows and all(array.flags.c_contiguous for array in arrays):
        arrays = tuple(array.reshape(-1) for array in arrays)
    result = np.empty(arrays[0].shape, dtype)
    step = max(1, min(max(size // 8, share), BLOCK) * len(result) // size)

    def work(start: int, stop: int) -> None:
        with np.errstate(all="ignore"):
            for i in range(start, stop, step):
                block = slice(i, min(i + step, stop))
                result[block] = at_once(function, wide, *(array[block] for array in arrays))

    over_blocks(work, len(result), step)
    return result.reshape(shape)


def at_once(function: Callable[..., Array], wide: np.dtype[Any] | None, *arrays: Array) -> Array:
    """The function of these arrays, or of them in this dtype, as one block."""
    before, _here.in_a_block = _here.in_a_block, True
    try:
        return function(*arrays) if wide is None else function(*(array.astype(wide) for array in arrays))
    finally:
        _here.in_a_block = before


def over_blocks(work: Callable[[int, int], None], rows: int, step: int) -> None:
    """``work(0, rows)``, divided among the threads at multiples of the step."""
    part = -(-rows // step // _threads) * step
    finish: list[Callable[[], None]] = []
    for start in range(part, rows, part):
        try:
            finish.append(_workers().submit(work, start, min(start + part, rows)).result)
        except RuntimeError:  # there are no threads any more: the program ends, or `set_num_threads` took them away
            finish.append(functools.partial(work, start, min(start + part, rows)))
    work(0, min(part, rows))
    for each in finish:
        each()


def _workers() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(_threads - 1, thread_name_prefix="tinyact")
    return _pool


def _forget_pool() -> None:
    # Threads don't survive a fork; the child starts its own.
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
