"""Large elementwise work in blocks that fit the cache, on several threads: the one place that knows about either."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


Array = np.ndarray[Any, np.dtype[Any]]

# The largest block: small enough for its temporaries to stay in the caches, and large enough that threads seldom wait
# for each other, since every NumPy call between two formulas needs the interpreter's lock.
BLOCK = 1 << 18

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
        RuntimeError: if it is not positive.
    """
    global _threads, _pool
    if count < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {count}")
    if _pool is not None:
        _pool.shutdown()
    _threads, _pool = count, None


class _Here(threading.local):
    """What this thread is doing."""

    in_a_block = False


_here = _Here()


def in_blocks(
    function: Callable[..., Array], dtype: Any, *arrays: Array, share: int = 1 << 17, rows: bool = False
) -> Array:
    """``function(*arrays)`` for a function of single elements or rows, computed block by block on all threads.

    The blocks depend on the size alone, so that results don't depend on the number of threads.

    Args:
        function: takes arrays of one shape and returns an array of that shape.
        dtype: of the result.
        arrays: all of one shape.
        share: so many elements are worth a thread of their own; arrays that aren't worth two are worked off at once.
        rows: whether the function mixes the elements of a row, so that blocks may only end between rows.
    """
    shape, size = arrays[0].shape, arrays[0].size
    # A formula inside a block may use operations itself; a thread that waited for its own pool would wait for ever.
    if size < 2 * share or _here.in_a_block:
        return function(*arrays).astype(dtype, copy=False)
    if not rows and all(array.flags.c_contiguous for array in arrays):
        arrays = tuple(array.reshape(-1) for array in arrays)
    result = np.empty(arrays[0].shape, dtype)
    step = max(1, min(max(size // 8, share), BLOCK) * len(result) // size)

    def work(start: int, stop: int) -> None:
        _here.in_a_block = True
        try:
            with np.errstate(all="ignore"):
                for i in range(start, stop, step):
                    block = slice(i, min(i + step, stop))
                    result[block] = function(*(array[block] for array in arrays))
        finally:
            _here.in_a_block = False

    _divided(work, len(result), step)
    return result.reshape(shape)


def _divided(work: Callable[[int, int], None], rows: int, step: int) -> None:
    """``work(0, rows)``, divided among the threads at multiples of the step."""
    part = -(-rows // step // _threads) * step
    others = [_workers().submit(work, start, min(start + part, rows)) for start in range(part, rows, part)]
    work(0, min(part, rows))
    for other in others:
        other.result()


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
