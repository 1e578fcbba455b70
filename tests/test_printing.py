"""``print(t)`` prints what PyTorch prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import SPECIAL, arrays

MANY = st.floats(width=32)


def both(array: Any) -> tuple[str, str]:
    return repr(tinyact.from_numpy(array)), repr(torch.from_numpy(array))


@given(arrays(special=True))
def test_any_floats(array: Any) -> None:
    ours, theirs = both(array)
    assert ours == theirs


@given(
    hnp.arrays(
        st.sampled_from(["float32", "float64"]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=5),
        elements=st.one_of(MANY, st.sampled_from(SPECIAL), st.integers(-10000, 10000).map(float)),
    )
)
def test_any_magnitudes(array: Any) -> None:
    ours, theirs = both(array)
    assert ours == theirs


@given(hnp.arrays(st.sampled_from(["int64", "int32", "int16", "int8", "uint8", "bool"]), hnp.array_shapes(min_dims=0)))
def test_integers_and_booleans(array: Any) -> None:
    ours, theirs = both(array)
    assert ours == theirs


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (1,), (2, 0, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "bool"])
def test_empty_and_small(shape: Any, dtype: str) -> None:
    ours, theirs = both(np.ones(shape, dtype))
    assert ours == theirs


@pytest.mark.parametrize(
    "shape",
    [(1000,), (1001,), (100, 11), (7, 150), (4, 5, 60), (1001, 1), (1, 1001), (2, 3, 4, 50), (30, 30), (8, 8, 20)],
)
@pytest.mark.parametrize("scale", [1.0, 1000.0, 1e-6, 1e9])
def test_long_tensors_are_summarized(shape: Any, scale: float) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32) * np.float32(scale)
    for given_array in (array, array.astype(np.int64)):
        ours, theirs = both(given_array)
        assert ours == theirs


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.ones(2, requires_grad=True),
        lambda m: m.ones(2, dtype=m.float64, requires_grad=True),
        lambda m: m.ones(2, requires_grad=True) * 2,
        lambda m: (m.ones(2, requires_grad=True) * 2).sum(),
        lambda m: m.nn.functional.binary_cross_entropy(m.tensor([0.5], requires_grad=True), m.ones(1)),
        lambda m: m.nn.Parameter(m.zeros(2, 3)),
        lambda m: m.arange(30.0).requires_grad_(),
        lambda m: m.arange(14.0, dtype=m.float64).requires_grad_() * 1,
        lambda m: (m.arange(12.0).requires_grad_() * 1).sigmoid().reshape(3, 4),
        lambda m: m.zeros(0, requires_grad=True),
        lambda m: [m.tensor([-0.01, 0.0, 1.0]), m.tensor(0.9071), m.Size([2, 3]), m.float32, m.ones(1).dtype],
        lambda m: f"{m.tensor(1.5)} {m.tensor([1.5])} {m.tensor(2.25):.1f}",
    ],
)
def test_suffixes(make: Any) -> None:
    assert str(make(tinyact)) == str(make(torch))
    assert repr(make(tinyact)) == repr(make(torch))


@pytest.mark.parametrize("length", range(1, 45))
def test_where_suffixes_wrap(length: int) -> None:
    for m in (tinyact, torch):
        m.set_printoptions(profile="default")
    ours, theirs = (m.arange(float(length)).requires_grad_().sin().double() for m in (tinyact, torch))
    assert repr(ours) == repr(theirs)


@pytest.fixture
def _default_options() -> Iterator[None]:
    yield
    for m in (tinyact, torch):
        m.set_printoptions(profile="default")


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"precision": 10},
        {"threshold": 5},
        {"threshold": 5, "edgeitems": 1},
        {"threshold": 5, "edgeitems": 0},
        {"linewidth": 30},
        {"sci_mode": True},
        {"sci_mode": False},
        {"profile": "short"},
        {"profile": "full"},
        {"profile": "short", "precision": 6},
    ],
)
@pytest.mark.usefixtures("_default_options")
def test_options(options: Any) -> None:
    array = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32) * 1e-5
    for m in (tinyact, torch):
        m.set_printoptions(**options)
    for shown in (array, array[0] * 1e5, np.arange(40), np.ones((300, 4))):
        ours, theirs = both(shown)
        assert ours == theirs


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="default, short, full"):
        tinyact.set_printoptions(profile="long")
