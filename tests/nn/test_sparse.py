"""Embedding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import assert_equal
from tests.nn.twins import errors, from_torch, same_error, seeded, to_torch
from tests.program.twins import same as same_compiled


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    padding=st.sampled_from([None, 0, -1]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_initial_table(seed: int, size: tuple[int, int], padding: int | None, dtype: str) -> None:
    ours, theirs = seeded(lambda m: m.nn.Embedding(*size, padding_idx=padding, dtype=getattr(m, dtype)), seed)
    assert repr(ours) == repr(theirs)
    assert_equal(ours.weight, theirs.weight)


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.nn.Embedding(4, 2),
        lambda m: m.nn.Embedding(4, 2, padding_idx=1, scale_grad_by_freq=True),
        lambda m: m.nn.Embedding(4, 2, max_norm=0.5, norm_type=1),
        lambda m: m.nn.Embedding.from_pretrained(m.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), freeze=False),
        lambda m: m.nn.Embedding.from_pretrained(
            m.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), False, 2, 1.0, 2, True
        ),
    ],
)
def test_outputs_gradients_and_state(make: Any) -> None:
    ours, theirs = seeded(make)
    assert repr(ours) == repr(theirs)
    results = []
    for m, layer in ((tinyact, ours), (torch, theirs)):
        y = layer(m.tensor([[0, 2], [1, 2]]))
        (y * y).sum().backward()
        results.append((y, layer.weight, layer.weight.grad))
    for a, b in zip(*results, strict=True):
        assert_equal(a, b)
    theirs.load_state_dict(to_torch(ours.state_dict()))
    ours.load_state_dict(from_torch(theirs.state_dict()))


def test_a_frozen_table_shares_its_memory() -> None:
    table = tinyact.ones(2, 2)
    layer = tinyact.nn.Embedding.from_pretrained(table)
    table.fill_(2)
    assert layer(tinyact.tensor([0])).tolist() == [[2, 2]]
    assert not layer.weight.requires_grad


@pytest.mark.parametrize("settings", [{}, {"padding_idx": 1, "scale_grad_by_freq": True}, {"max_norm": 0.5}])
def test_compiled_equals_eager(settings: Any) -> None:
    def made() -> Any:
        layer = tinyact.nn.Embedding(5, 3, **settings)

        def step(index: Any) -> Any:
            loss = (layer(index) ** 2).sum()
            loss.backward()
            return loss

        return step, [layer]

    same_compiled(made, arguments=lambda call: (tinyact.tensor([call % 3, 4, 1, 4]),))


def test_refused() -> None:
    same_error(lambda m: m.nn.Embedding(3, 2, padding_idx=3))
    same_error(lambda m: m.nn.Embedding(3, 2, padding_idx=-4))
    same_error(lambda m: m.nn.Embedding(3, 2, _weight=m.ones(2, 2)))
    same_error(lambda m: m.nn.Embedding.from_pretrained(m.ones(3)))
    errors(lambda m: m.nn.Embedding(-1, 2))
    with pytest.raises(NotImplementedError, match="leave out sparse=True"):
        tinyact.nn.Embedding(3, 2, sparse=True)
