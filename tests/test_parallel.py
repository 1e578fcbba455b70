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
from tinyact.parallel import BLOCK, in_blocks

SHARE = 1 << 17


@given(
    shape=st.sampled_from([(1,), (BLOCK,), (BLOCK + 1,), (3, BLOCK), (BLOCK, 3), (2 * SHARE + 7,), (700, 7, 70)]),
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


@pytest.mark.parametrize("size", [4 * SHARE, 40 * BLOCK])
def test_operations_inside_blocks(size: int) -> None:
    """They don't wait for the threads that work on the blocks."""
    result = in_blocks(lambda a: in_blocks(np.negative, np.float64, a), np.float64, np.ones(size))
    assert set(result) == {-1.0}


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "mish", "elu", "log_softmax", "softmax"])
def test_the_number_of_threads_changes_no_bit(name: str) -> None:
    x = np.random.default_rng(0).normal(0, 20, (3000, 100)).astype(np.float32)
    arguments = {"dim": 1} if "softmax" in name else {}

    def results(threads: int) -> list[bytes]:
        tinyact.set_num_threads(threads)
        leaf = tinyact.from_numpy(x.copy()).requires_grad_()
        y = getattr(tinyact.nn.functional, name)(leaf, **arguments)
        y.square().sum().backward()
        return [y.detach().numpy().tobytes(), leaf.grad.numpy().tobytes()]

    before = tinyact.get_num_threads()
    try:
        assert results(1) == results(2) == results(3)
    finally:
        tinyact.set_num_threads(before)


def test_an_error_in_a_block_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        in_blocks(lambda a: a * (1 // 0), np.float64, np.ones(4 * SHARE))


def test_several_callers_at_once() -> None:
    results: list[Any] = [None] * 4

    def call(i: int) -> None:
        results[i] = in_blocks(lambda a: a + i, np.float64, np.zeros(3 * SHARE))

    threads = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(result) for result in results] == [{0.0}, {1.0}, {2.0}, {3.0}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork() -> None:
    in_blocks(lambda a: a + 1, np.float64, np.zeros(4 * SHARE))
    child = os.fork()
    if child == 0:
        result = in_blocks(lambda a: a + 1, np.float64, np.zeros(4 * SHARE))
        os._exit(0 if result.sum() == 4 * SHARE else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_refused() -> None:
    same_error(lambda m: m.set_num_threads(0))
