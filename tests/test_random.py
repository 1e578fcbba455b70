"""The stream of random numbers is PyTorch's."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error
from tests.interrupts import interrupted

SEEDS = st.integers(-(2**63), 2**64 - 1)
SIZES = st.integers(0, 70)
DTYPES = st.sampled_from(["float32", "float64"])


def drawn(seed: int, program: Any) -> tuple[Any, Any]:
    """What both draw from the same seed, and after it one number more, so that both streams stand at the same place."""
    results = []
    for m in (tinyact, torch):
        m.manual_seed(seed)
        array = program(m).detach().numpy()
        results.append(np.append(array.astype(np.float64), m.rand(3).double().numpy()))
    return results[0], results[1]


def same_bits(seed: int, program: Any) -> None:
    ours, theirs = drawn(seed, program)
    np.testing.assert_array_equal(ours, theirs, strict=True)


@given(SEEDS, SIZES, DTYPES)
def test_rand(seed: int, n: int, dtype: str) -> None:
    same_bits(seed, lambda m: m.rand(n, dtype=getattr(m, dtype)))
    same_bits(seed, lambda m: m.rand_like(m.zeros(2, n)))


@given(SEEDS, SIZES, DTYPES, st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_uniform(seed: int, n: int, dtype: str, low: float, width: float) -> None:
    same_bits(seed, lambda m: m.empty(n, dtype=getattr(m, dtype)).uniform_(low, low + width))


@given(SEEDS, SIZES, DTYPES, st.floats(-10, 10), st.floats(0, 10))
def test_normal(seed: int, n: int, dtype: str, mean: float, std: float) -> None:
    rtol = 1e-5 if dtype == "float32" else 1e-13
    ours, theirs = drawn(seed, lambda m: m.randn(n, dtype=getattr(m, dtype)))
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol / 10)
    ours, theirs = drawn(seed, lambda m: m.empty(n, dtype=getattr(m, dtype)).normal_(mean, std))
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * (abs(mean) + std))


@given(SEEDS, st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_normal_numbers_one_after_the_other(seed: int, counts: Any) -> None:
    # Few at a time come in pairs, the second of which waits; a seed makes it forgotten.
    ours, theirs = drawn(seed, lambda m: m.cat([m.randn(n) for n in counts]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@given(SEEDS, SIZES, st.integers(-(2**62), 2**62), st.integers(0, 62), st.integers(1, 2**62))
def test_randint(seed: int, n: int, low: int, shift: int, span: int) -> None:
    same_bits(seed, lambda m: m.randint(low, low + (span >> shift) + 1, (n,)))


@pytest.mark.parametrize("span", [1, 2, 2**28 - 1, 2**28, 2**32 - 1, 2**32, 2**63 - 1])
def test_randint_at_the_edges(span: int) -> None:
    same_bits(3, lambda m: m.randint(span, (20,)))


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_randint_of_other_dtypes(dtype: str) -> None:
    same_bits(3, lambda m: m.randint(0, 200, (20,), dtype=getattr(m, dtype)))


@given(SEEDS, st.integers(0, 300))
def test_randperm(seed: int, n: int) -> None:
    same_bits(seed, lambda m: m.randperm(n))


@given(SEEDS, st.integers(1, 40), st.integers(1, 40), DTYPES)
def test_initial_parameters(seed: int, inputs: int, outputs: int, dtype: str) -> None:
    def parameters(m: Any) -> Any:
        layer = m.nn.Linear(inputs, outputs, dtype=getattr(m, dtype))
        return m.cat([layer.weight.reshape(-1), layer.bias])

    same_bits(seed, parameters)


def test_many_numbers() -> None:
    same_bits(0, lambda m: m.rand(100_000))
    same_bits(0, lambda m: m.randint(0, 10, (100_000,)))
    same_bits(0, lambda m: m.randperm(100_000))


@given(SEEDS, st.integers(0, 40))
def test_generators_of_ones_own(seed: int, n: int) -> None:
    results = []
    for m in (tinyact, torch):
        generator = m.Generator()
        assert generator.manual_seed(seed) is generator
        m.manual_seed(0)
        parts = [m.rand(n, generator=generator), m.rand(1), m.randint(0, 9, (n,), generator=generator).float()]
        parts += [m.empty(n).uniform_(1, 2, generator=generator), m.randperm(n, generator=generator).float()]
        results.append((m.cat(parts).numpy(), generator.initial_seed()))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


@given(SEEDS, st.integers(0, 10), st.integers(0, 20))
def test_a_state_continues(seed: int, normal: int, uniform: int) -> None:
    tinyact.manual_seed(seed)
    tinyact.randn(normal)
    tinyact.rand(uniform)
    state = tinyact.get_rng_state()
    first = (tinyact.randn(5).tolist(), tinyact.rand(700).tolist())
    tinyact.manual_seed(1)
    tinyact.set_rng_state(state)
    assert (tinyact.randn(5).tolist(), tinyact.rand(700).tolist()) == first
    assert tinyact.initial_seed() in (seed, seed + 2**64)


def test_seeds() -> None:
    assert tinyact.manual_seed(5).initial_seed() == tinyact.initial_seed() == 5
    assert tinyact.manual_seed(-3).initial_seed() == torch.manual_seed(-3).initial_seed()
    assert tinyact.Generator().initial_seed() == torch.Generator().initial_seed()
    assert tinyact.seed() == tinyact.initial_seed()
    assert tinyact.seed() != tinyact.seed()


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.manual_seed(2**64),
        lambda m: m.manual_seed(-(2**63) - 1),
        lambda m: m.Generator().manual_seed("1"),
        lambda m: m.randint(5, 5, (2,)),
        lambda m: m.randint(5),
        lambda m: m.randperm(-1),
        lambda m: m.rand(-1),
        lambda m: m.rand(2, dtype=m.int64),
        lambda m: m.ones(2).uniform_(1, 0),
        lambda m: m.ones(2).uniform_(-3e38, 3e38),
        lambda m: m.ones(2).normal_(0, -1),
        lambda m: m.set_rng_state(m.ones(3)),
        lambda m: m.set_rng_state(m.ones(3, dtype=m.uint8)),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


def test_first_draws_of_many_threads() -> None:
    """Each word goes to one of them, whoever is first."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for seed in range(50):
            generator, numbers = tinyact.Generator().manual_seed(seed), []
            expected = np.sort(tinyact.rand(32, generator=tinyact.Generator().manual_seed(seed)).numpy())
            threads = [
                threading.Thread(target=lambda g=generator, n=numbers: n.extend(tinyact.rand(4, generator=g).tolist()))
                for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            np.testing.assert_array_equal(np.sort(np.float32(numbers)), expected)
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_generator_whose_first_draw_was_interrupted() -> None:
    expected = tinyact.randn(3, generator=tinyact.Generator().manual_seed(5)).tolist()
    left = interrupted(lambda: tinyact.Generator().manual_seed(5), lambda generator: generator._words)
    numbers = [tinyact.randn(3, generator=generator).tolist() for generator in left]
    assert len(numbers) > 5
    assert all(drawn == expected for drawn in numbers)
