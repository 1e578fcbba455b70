"""BCELoss."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same
from tests.nn.twins import errors, same_error, same_module


@given(
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4),
    dtype=st.sampled_from(["float32", "float64"]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
    weight_ndim=st.none() | st.integers(0, 3),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100)
def test_outputs_and_gradients(
    shape: tuple[int, ...], dtype: str, reduction: str, weight_ndim: int | None, seed: int
) -> None:
    """Inside (0, 1); the operation's own tests see to the ends."""
    rng = np.random.default_rng(seed)
    x, t = (np.asarray(rng.uniform(0.01, 0.99, shape), dtype) for _ in range(2))

    def make(m: Any) -> Any:
        if weight_ndim is None:
            return m.nn.BCELoss(reduction=reduction)
        weight = np.random.default_rng(seed).uniform(0, 4, shape[max(len(shape) - weight_ndim, 0) :])
        return m.nn.BCELoss(m.from_numpy(np.asarray(weight, dtype)), reduction=reduction)

    same_module(make, x, t)


def test_weight_is_a_buffer() -> None:
    for weight in (None, [1.0, 2.0]):
        ours, theirs = (m.nn.BCELoss(weight and m.tensor(weight)) for m in (tinyact, torch))
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        assert (ours.weight is None) == (theirs.weight is None)


ERRORS: dict[str, Any] = {
    "other shapes": lambda m: m.nn.BCELoss()(m.ones(2), m.ones(2, 1)),
}


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_same_error(program: Any) -> None:
    same_error(program)


def test_refused() -> None:
    errors(lambda m: m.nn.BCELoss(reduction="max")(m.ones(1), m.ones(1)))
    errors(lambda m: m.nn.BCELoss()(2 * m.ones(1), m.ones(1)))
    errors(lambda m: m.nn.BCELoss()(m.ones(1), m.ones(1, dtype=m.float64)))
    errors(lambda m: m.nn.BCELoss(weight=3.0))


def test_an_unknown_reduction_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="max is not a valid value for reduction"):
        tinyact.nn.BCELoss(reduction="max")


LOSSES: dict[str, Any] = {
    "BCEWithLogitsLoss": lambda m: m.nn.BCEWithLogitsLoss(pos_weight=m.tensor([2.0, 3.0])),
    "BCEWithLogitsLoss weighted": lambda m: m.nn.BCEWithLogitsLoss(m.tensor([2.0, 3.0]), reduction="sum"),
    "MSELoss": lambda m: m.nn.MSELoss(),
    "MSELoss none": lambda m: m.nn.MSELoss(reduction="none"),
    "L1Loss": lambda m: m.nn.L1Loss(reduction="sum"),
    "SmoothL1Loss": lambda m: m.nn.SmoothL1Loss(beta=0.5),
    "HuberLoss": lambda m: m.nn.HuberLoss("sum", 0.5),
    "KLDivLoss": lambda m: m.nn.KLDivLoss(reduction="batchmean", log_target=True),
}
CLASSES: dict[str, Any] = {
    "NLLLoss": lambda m: m.nn.NLLLoss(m.tensor([1.0, 2.0]), ignore_index=1),
    "CrossEntropyLoss": lambda m: m.nn.CrossEntropyLoss(),
    "CrossEntropyLoss with all": lambda m: m.nn.CrossEntropyLoss(
        m.tensor([1.0, 2.0]), ignore_index=5, reduction="sum", label_smoothing=0.25
    ),
}


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_of_numbers(make: Any) -> None:
    x, t = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32), np.array([[0.0, 1.0], [0.5, 0.25]], np.float32)
    same(lambda m, a, b: make(m)(a, b), x, t)
    ours, theirs = make(tinyact), make(torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("make", CLASSES.values(), ids=CLASSES)
def test_of_classes(make: Any) -> None:
    x = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32)
    same(lambda m, a: make(m)(a, m.tensor([0, 1])), x)
    ours, theirs = make(tinyact), make(torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_settings_out_of_range_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"label_smoothing must be between 0\.0 and 1\.0\. Got: 2"):
        tinyact.nn.CrossEntropyLoss(label_smoothing=2)
    with pytest.raises(ValueError, match="known are none, mean, sum, batchmean"):
        tinyact.nn.KLDivLoss(reduction="median")
