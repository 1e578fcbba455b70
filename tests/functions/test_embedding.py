"""Embedding and one-hot vectors."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, orders, same, same_error

INDICES = hnp.arrays(
    st.sampled_from(["int64", "int32"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
    elements=st.integers(0, 3),
)


@given(
    w=arrays((4, 3)),
    index=INDICES,
    padding=st.sampled_from([None, 0, 3, -1]),
    max_norm=st.sampled_from([None, 1.0, 8.0]),
    norm_type=st.sampled_from([2.0, 1.0, 3.0, float("inf")]),
    by_frequency=st.booleans(),
)
def test_embedding(w: Any, index: Any, padding: Any, max_norm: Any, norm_type: float, by_frequency: bool) -> None:
    def program(m: Any, w: Any, index: Any) -> Any:
        return m.nn.functional.embedding(index, w, padding, max_norm, norm_type, by_frequency)

    same(program, w, index, names=True)


@given(w=arrays((4, 2), "float64"), index=INDICES, seed=st.integers(0, 99))
def test_higher_derivatives(w: Any, index: Any, seed: int) -> None:
    def program(m: Any, w: Any, index: Any) -> Any:
        return orders(m, lambda w: m.nn.functional.embedding(index, w, padding_idx=1) ** 2, [w], seed, 3)

    if index.size:  # PyTorch's own second derivative of nothing fails
        same(program, w, index, upstream=None)


def test_derivatives() -> None:
    w = np.random.default_rng(0).normal(size=(3, 2))
    check_derivatives(lambda w: tinyact.nn.functional.embedding(tinyact.tensor([[0, 2], [2, 1]]), w), w)


def test_rows_that_are_looked_up_are_shortened_in_place() -> None:
    def program(m: Any) -> Any:
        w = m.tensor([[3.0, 4.0], [6.0, 8.0], [0.3, 0.4]], requires_grad=True)
        y = m.nn.functional.embedding(m.tensor([0, 2, 0]), w, max_norm=2.0)
        return y, w

    same(program, upstream=None)


@given(index=INDICES, count=st.sampled_from([-1, 4, 7]))
def test_one_hot(index: Any, count: int) -> None:
    if index.size or count > 0:
        same(lambda m, t: m.nn.functional.one_hot(t, count), index.astype(np.int64))


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.nn.functional.embedding(m.tensor([3]), m.ones(3, 2)),
        lambda m: m.nn.functional.embedding(m.tensor([-1]), m.ones(3, 2)),
        lambda m: m.nn.functional.embedding(m.tensor([0]), m.ones(3)),
        lambda m: m.nn.functional.embedding(m.tensor([0]), m.ones(3, 2), padding_idx=3),
        lambda m: m.nn.functional.embedding(m.tensor([0]), m.ones(3, 2), padding_idx=-4),
        lambda m: m.nn.functional.one_hot(m.tensor([0, 2]), 2),
        lambda m: m.nn.functional.one_hot(m.tensor([0]), 0),
        lambda m: m.nn.functional.one_hot(m.tensor([-1, 2])),
        lambda m: m.nn.functional.one_hot(m.ones(2)),
        lambda m: m.nn.functional.one_hot(m.tensor([0], dtype=m.int32)),
        lambda m: m.nn.functional.one_hot(m.zeros(0, dtype=m.int64)),
    ],
)
def test_refused_in_the_same_words(program: Any) -> None:
    same_error(program, words=True)


def test_refused() -> None:
    same_error(lambda m: m.nn.functional.embedding(m.ones(2), m.ones(3, 2)))
    with pytest.raises(NotImplementedError, match="sparse gradients aren't part of tinyact"):
        tinyact.nn.functional.embedding(tinyact.tensor([0]), tinyact.ones(3, 2), sparse=True)
