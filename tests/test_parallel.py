"""Work in blocks gives what work at once gives."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error
from tinyact.parallel import BLOCK, WORTH_A_THREAD, in_blocks


@given(
    shape=st.sampled_from(
        [(1,), (BLOCK,), (BLOCK + 1,), (3, BLOCK), (BLOCK, 3), (2 * WORTH_A_THREAD + 7,), (700, 7, 70)]
    ),
    order=st.sampled_from(["C", "F"]),
    threads=st.integers(1, 5),
)
def test_every_element_once(shape: Any, order: Any, threads: int) -> None:
    before = tinyact.get_num_threads()
    tinyact.set_num_threads(threads)
    try:
        x = np.asarray(np.arange(float(np.prod(shape))).reshape(shape), order=order)
        y = np.broadcast_to(np.array(2.0), shape)
        result = in_blocks(lambda a, b: a * b + 1, np.float32, x, y)
    finally:
        tinyact.set_num_threads(before)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, (x * 2 + 1).astype(np.float32))


def test_an_error_in_a_block_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        in_blocks(lambda a: a * (1 // 0), np.float64, np.ones(4 * WORTH_A_THREAD))


def test_several_callers_at_once() -> None:
    results: list[Any] = [None] * 4

    def call(i: int) -> None:
        results[i] = in_blocks(lambda a: a + i, np.float64, np.zeros(3 * WORTH_A_THREAD))

    threads = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(result) for result in results] == [{0.0}, {1.0}, {2.0}, {3.0}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork() -> None:
    in_blocks(lambda a: a + 1, np.float64, np.zeros(4 * WORTH_A_THREAD))
    child = os.fork()
    if child == 0:
        result = in_blocks(lambda a: a + 1, np.float64, np.zeros(4 * WORTH_A_THREAD))
        os._exit(0 if result.sum() == 4 * WORTH_A_THREAD else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_refused() -> None:
    same_error(lambda m: m.set_num_threads(0))
