"""Every kernel gives what its plain line gives, and work in blocks what work at once gives."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error
from tinyact import kernels
from tinyact.kernels import BLOCK, in_blocks

SHARE = 1 << 17

FLOATS = st.sampled_from(["float32", "float64"])
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-45, -1e-45, 3e38)
# Around where small arrays end, and odd numbers of rows.
COUNTS = st.sampled_from([0, 1, 2, 31, 511, 512, 513, 4095, 4097, 8193, 20000])


def numbers(shape: Any, dtype: str, seed: int, special: bool = False) -> Any:
    """Random numbers, with special ones among them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 3, shape).astype(dtype)
    if special and x.size:
        x.flat[:: max(1, x.size // 97)] = rng.choice(np.array(SPECIAL, dtype), x.flat[:: max(1, x.size // 97)].shape)
    return x


def same_bits(a: Any, b: Any) -> None:
    """The same dtype, shape and numbers, signs of zeros included."""
    assert (type(a) is bool and a == b) or (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b))


@given(count=COUNTS, dtype=FLOATS, seed=st.integers(0, 99), form=st.integers(0, 7))
def test_where(count: int, dtype: str, seed: int, form: int) -> None:
    x, y = numbers(count, dtype, seed, True), numbers(count, dtype, seed + 1, True)
    mask = numbers(count, dtype, seed + 2) > 0
    other = "float64" if dtype == "float32" else "float32"
    a, b = [
        (x, y),
        (x, 0),
        (0, x),
        (1.0, -0.5),
        (x, 2.0),
        (x, 1),
        (x, numbers(count, other, 5)),
        (np.arange(count), 0),
    ][form]
    same_bits(kernels.where(mask, a, b), kernels.where.plain(mask, a, b))
    matrix = numbers((count, 3), dtype, seed)
    same_bits(kernels.where(mask[:, None], matrix, 0), np.where(mask[:, None], matrix, 0))


@given(count=COUNTS, dtype=FLOATS, seed=st.integers(0, 99), low=st.sampled_from([0, 0.0, -1000.0, 0.5]))
def test_maximum(count: int, dtype: str, seed: int, low: float) -> None:
    x = numbers(count, dtype, seed, True)
    same_bits(kernels.maximum(low, x), kernels.maximum.plain(low, x))
    integers = np.arange(-5, 5)
    same_bits(kernels.maximum(0, integers), np.maximum(0, integers))


@given(count=COUNTS, dtype=FLOATS, seed=st.integers(0, 99), outlier=st.sampled_from([None, *SPECIAL, 1.0000001, -0.1]))
def test_all_probabilities(count: int, dtype: str, seed: int, outlier: Any) -> None:
    x = np.random.default_rng(seed).random(count).astype(dtype)
    if outlier is not None and count:
        x[seed % count] = outlier
    assert kernels.all_probabilities(x) is kernels.all_probabilities.plain(x)


@given(rows=st.sampled_from([1, 3, 32, 1000, 4000]), width=st.sampled_from([1, 2, 16, 100]), dtype=FLOATS)
def test_rows(rows: int, width: int, dtype: str) -> None:
    x, row = numbers((rows, width), dtype, rows), numbers(width, dtype, width)
    same_bits(kernels.add_row(x.copy(), row), kernels.add_row.plain(x.copy(), row))
    y = np.asfortranarray(x)
    assert kernels.add_row(y, row) is y
    column = numbers((rows, 1), dtype, rows)
    same_bits(kernels.outer(column, row), kernels.outer.plain(column, row))


@given(rows=st.sampled_from([1, 3, 32, 1000, 4000]), width=st.sampled_from([1, 2, 16, 100]), dtype=FLOATS)
def test_sums(rows: int, width: int, dtype: str) -> None:
    """They add in another order, so that the last digits differ: no more than the sum of absolute values allows."""
    x, g = numbers((rows, width), dtype, rows), numbers((rows, 5), dtype, 1)
    unit = float(np.finfo(dtype).eps)
    for kernel, arguments in (
        (kernels.sum_of_rows, (x,)), (kernels.row_sums, (x,)), (kernels.transposed_product, (g, x)),
    ):  # fmt: skip
        result, exact = kernel(*arguments), kernel.plain(*(a.astype(np.longdouble) for a in arguments))
        size = kernel.plain(*(np.abs(a).astype(np.longdouble) for a in arguments))
        assert result.dtype == dtype
        assert result.shape == exact.shape
        assert (np.abs(result - exact) <= unit * np.sqrt(rows * width) * size).all()


@given(rows=st.integers(1, 5), dtype=FLOATS, seed=st.integers(0, 99), far=st.sampled_from([0.0, 1e3, 1e30, np.inf]))
def test_below_the_largest(rows: int, dtype: str, seed: int, far: float) -> None:
    """But for a constant, with which softmax ends up at the same numbers."""
    x = numbers((rows, 7), dtype, seed)
    x[0, 0] -= np.asarray(far, dtype)
    x[-1] += np.asarray(min(far, 1e30), dtype)
    shares = []
    for shifted in (kernels.below_the_largest(x, (1,)), kernels.below_the_largest.plain(x, (1,))):
        assert shifted.dtype == np.float64
        assert shifted.max() <= 0
        e = np.exp(shifted)
        shares.append(e / e.sum(1, keepdims=True))
    np.testing.assert_allclose(*shares, rtol=1e-12, atol=1e-300)


@given(
    count=COUNTS, dtype=FLOATS, seed=st.integers(0, 99), a=st.sampled_from([0.01, 1.0, 0.0, -0.5, 2.0, 0.1]),
)  # fmt: skip
def test_leaky(count: int, dtype: str, seed: int, a: float) -> None:
    x = numbers(count, dtype, seed, True)
    with np.errstate(all="ignore"):  # ∞ · 0 and the like, as rules do
        same_bits(kernels.leaky(x, a), kernels.leaky.plain(x, a))
    same_bits(kernels.leaky_slope(x, a), kernels.leaky_slope.plain(x, a))


@given(count=COUNTS, dtype=FLOATS, seed=st.integers(0, 99))
def test_logistic(count: int, dtype: str, seed: int) -> None:
    x = numbers(count, dtype, seed, True)
    before = x.copy()
    np.testing.assert_array_equal(kernels.logistic(x), kernels.logistic.plain(x))
    same_bits(x, before)


def test_every_kernel_is_held_to_its_line() -> None:
    tested = {"where", "leaky", "leaky_slope", "logistic", "maximum", "all_probabilities", "add_row", "outer"}
    tested |= {"sum_of_rows", "row_sums", "transposed_product", "below_the_largest"}
    assert {kernel.__name__ for kernel in kernels.KERNELS} == tested
    for kernel in kernels.KERNELS:
        line, blank, says = kernel.__doc__.splitlines()[:3]
        assert (line[:2], line[-2:], blank) == ("``", "``", "")
        assert says.strip()


def test_tensors_take_the_plain_line() -> None:
    x = tinyact.arange(-2.0, 3.0, dtype=tinyact.float64).requires_grad_()
    y: Any = kernels.where(x > 0, x, 0.5 * x)
    assert isinstance(y, tinyact.Tensor)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.5, 0.5, 0.5, 1.0, 1.0]
    # Two numbers of Python's are float64, as in NumPy.
    assert kernels.where(x > 0, 1.0, 0.1).tolist() == [0.1, 0.1, 0.1, 1.0, 1.0]


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


LARGE = """
import threading, time, numpy as np, tinyact
tinyact.set_num_threads(2)
def compute():
    x = tinyact.full((1 << 20,), 0.5, requires_grad=True)
    tinyact.nn.functional.gelu(x).sum().backward()
    assert (x.grad.numpy() == x.grad.numpy()[0]).all()
    print("done", flush=True)
"""


@pytest.mark.parametrize(
    "program",
    [
        "threading.Thread(target=lambda: (time.sleep(0.3), compute())).start()",
        "import atexit; atexit.register(compute)",
        "compute(); threading.Thread(target=lambda: (time.sleep(0.3), compute())).start()",
        "import atexit; compute(); atexit.register(compute)",
    ],
)
def test_large_arrays_when_the_program_ends(program: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", LARGE + program], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["done"] * (1 + program.count("compute();"))


def test_threads_that_another_thread_takes_away() -> None:
    before, x = tinyact.get_num_threads(), tinyact.linspace(-3, 3, 1 << 19)
    expected = tinyact.nn.functional.gelu(x).numpy()
    try:
        tinyact.set_num_threads(2)
        kernels._workers().shutdown()  # as set_num_threads does, just before this thread would have used them
        np.testing.assert_array_equal(tinyact.nn.functional.gelu(x).numpy(), expected)
    finally:
        tinyact.set_num_threads(before)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, None, "2"])
def test_the_number_of_threads_is_a_positive_integer(wrong: Any) -> None:
    same_error(lambda m: m.set_num_threads(wrong))
