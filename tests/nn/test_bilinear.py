"""Bilinear."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.nn.twins import from_torch, same_error, same_module, seeded
from tests.program.twins import same as same_compiled


@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)),
    bias=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", None]),
)
def test_initial_parameters_bit_for_bit(seed: int, widths: Any, bias: bool, dtype: str | None) -> None:
    ours, theirs = seeded(lambda m: m.nn.Bilinear(*widths, bias=bias, dtype=dtype and getattr(m, dtype)), seed)
    assert repr(ours) == repr(theirs)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), strict=True)
    ours.load_state_dict(from_torch(theirs.state_dict()))


def test_outputs_and_gradients() -> None:
    rng = np.random.default_rng(0)
    same_module(lambda m: m.nn.Bilinear(2, 3, 4, dtype=m.float64), rng.normal(size=(5, 2)), rng.normal(size=(5, 3)))
    same_module(
        lambda m: m.nn.Bilinear(2, 3, 4, bias=False, dtype=m.float64),
        rng.normal(size=(2, 5, 2)),
        rng.normal(size=(2, 5, 3)),
    )


def test_compiled_equals_eager() -> None:
    def made() -> Any:
        layer = tinyact.nn.Bilinear(2, 3, 2)

        def step(a: Any, b: Any) -> Any:
            loss = (layer(a, b) ** 2).sum()
            loss.backward()
            return loss

        return step, [layer]

    def batch(call: int) -> Any:
        rng = np.random.default_rng(call)
        return tinyact.tensor(rng.normal(size=(4, 2))).float(), tinyact.tensor(rng.normal(size=(4, 3))).float()

    same_compiled(made, arguments=batch)


def test_refused() -> None:
    same_error(lambda m: m.nn.Bilinear(0, 2, 3))
