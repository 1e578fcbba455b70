"""Clipping and flattening beside PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import assert_equal
from tests.nn.twins import errors

SHAPES = st.lists(st.sampled_from([(), (1,), (3,), (2, 3), (0,)]), max_size=4)
ELEMENTS = st.sampled_from([0.0, -0.0, 0.5, -3.0, 1e20, math.inf, math.nan])
ORDERS = st.sampled_from([2.0, 1, 2, 3.0, 0.5, "inf", math.inf, -math.inf, 0.0])


def parameters(m: Any, shapes: Any, dtype: str, special: float, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    tensors = []
    for place, shape in enumerate(shapes):
        tensor = m.from_numpy(np.array(rng.normal(size=shape), dtype)).requires_grad_()
        if place != 1:  # one has no gradient
            grad = np.array(rng.normal(size=shape), dtype)
            if grad.size:
                grad.flat[0] = special if place == 0 else grad.flat[0]
            tensor.grad = m.from_numpy(grad)
        tensors.append(tensor)
    return tensors


DTYPES = st.sampled_from(["float32", "float64"])
LIMITS = st.sampled_from([0.1, 1, 1e6])


@given(SHAPES, DTYPES, ELEMENTS, ORDERS, LIMITS, st.integers(0, 9))
def test_the_norm(shapes: Any, dtype: str, special: float, order: Any, most: float, seed: int) -> None:
    results = []
    for m in (tinyact, torch):
        tensors = parameters(m, shapes, dtype, special, seed)
        try:
            results.append([m.nn.utils.clip_grad_norm_(tensors, most, order), *[t.grad for t in tensors]])
        except (RuntimeError, IndexError) as error:  # the largest of no numbers
            results.append([type(error)])
    ours, theirs = results
    if isinstance(theirs[0], type):
        assert issubclass(ours[0], (RuntimeError, IndexError))
        return
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_equal(a, b)


@given(SHAPES.filter(bool), DTYPES, ELEMENTS, LIMITS, st.integers(0, 9))  # PyTorch fails on no gradients at all
def test_each_value(shapes: Any, dtype: str, special: float, most: float, seed: int) -> None:
    results = []
    for m in (tinyact, torch):
        tensors = parameters(m, shapes, dtype, special, seed)
        m.nn.utils.clip_grad_value_((t for t in tensors), most, foreach=True)
        results.append([t.grad for t in tensors])
    for a, b in zip(*results, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_equal(a, b)


def test_one_tensor_and_no_gradients() -> None:
    for m in (tinyact, torch):
        w = m.ones(4, requires_grad=True)
        assert m.nn.utils.clip_grad_norm_(w, 1.0).item() == 0.0
        (w * 2).sum().backward()
        assert m.nn.utils.clip_grad_norm_(w, 1.0).item() == 4.0
        assert w.grad.tolist() == pytest.approx([0.5] * 4, rel=1e-6)
        with pytest.warns(UserWarning, match="empty generator"):
            m.nn.utils.clip_grad_norm_((p for p in ()), 1.0)


def test_what_is_not_finite_may_be_an_error_and_changes_nothing_then() -> None:
    def program(m: Any) -> Any:
        w = m.ones(2, requires_grad=True)
        w.grad = m.tensor([math.inf, 1.0])
        try:
            return m.nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
        finally:
            assert w.grad.tolist() == [math.inf, 1.0]

    ours, theirs = errors(program)
    assert str(ours) == str(theirs)


@pytest.mark.parametrize("shapes", [[(2, 3), (3,), ()], [(1,)], [(0,), (2,)]])
def test_parameters_as_a_vector_and_back(shapes: Any) -> None:
    results = []
    for m in (tinyact, torch):
        tensors = parameters(m, shapes, "float32", 1.0, 0)
        vector = m.nn.utils.parameters_to_vector(tensors)
        (vector * vector).sum().backward()
        m.nn.utils.vector_to_parameters(vector.detach() * 2, tensors)
        results.append([vector, *tensors, *[t.grad for t in tensors]])
    for a, b in zip(*results, strict=True):
        assert_equal(a, b)


def test_no_vector() -> None:
    errors(lambda m: m.nn.utils.vector_to_parameters([1.0], [m.ones(1)]))
    errors(lambda m: m.nn.utils.vector_to_parameters(m.ones(2), [m.ones(3)]))
    errors(lambda m: m.nn.utils.parameters_to_vector([]))
