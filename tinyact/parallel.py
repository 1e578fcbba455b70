"""Large elementwise work in blocks that fit the cache, on several threads: the one place that knows about either."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


Array = np.ndarray[Any, np.dtype[Any]]

# So many elements that a formula's temporaries stay in the second-level cache.
BLOCK = 1 << 14
# Below this a second thread costs more than it saves.
WORTH_A_THREAD = 1 << 16

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


def in_blocks(function: Callable[..., Array], dtype: Any, *arrays: Array) -> Array:
    """``function(*arrays)`` for a function of single elements, computed block by block.

    Args:
        function: takes arrays of one shape and returns an array of that shape.
        dtype: of the result.
        arrays: all of one shape.
    """
    shape = arrays[0].shape
    if all(array.flags.c_contiguous for array in arrays):
        arrays = tuple(array.reshape(-1) for array in arrays)
    result = np.empty(arrays[0].shape, dtype)
    rows = len(result)
    step = max(1, BLOCK * rows // result.size)

    def work(start: int, stop: int) -> None:
        with np.errstate(all="ignore"):
            for i in range(start, stop, step):
                block = slice(i, min(i + step, stop))
                result[block] = function(*(array[block] for array in arrays))

    _shared(work, rows, step, result.size)
    return result.reshape(shape)


def _shared(work: Callable[[int, int], None], rows: int, step: int, size: int) -> None:
    """``work(0, rows)``, divided among the threads at multiples of the step."""
    count = min(_threads, size // WORTH_A_THREAD)
    if count < 2:
        work(0, rows)
        return
    share = -(-rows // count // step) * step
    starts = range(0, rows, share)
    others = [_workers().submit(work, start, min(start + share, rows)) for start in starts[1:]]
    work(0, min(share, rows))
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
