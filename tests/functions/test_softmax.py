"""The activation functions that mix the elements along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, orders, same, same_error

F = tinyact.nn.functional
ALONG = ["softmax", "softmin", "log_softmax"]


@given(data=st.data(), x=arrays(special=True), name=st.sampled_from(ALONG))
def test_along_a_dimension(data: st.DataObject, x: Any, name: str) -> None:
    dim = data.draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1))
    same(lambda m, t: getattr(m.nn.functional, name)(t, dim), x, names=True)
    same(lambda m, t: getattr(m.nn.functional, name)(t, dim=dim, dtype=m.float64), x)


@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize(("shape", "dim"), [((700, 400), 0), ((700, 400), 1), ((70, 40, 100), 1), ((280_000,), 0)])
def test_many_elements_along_every_dimension(name: str, shape: Any, dim: int) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    same(lambda m, t: getattr(m.nn.functional, name)(t, dim), x)


@pytest.mark.parametrize("far", [500.0, 650.0, 1000.0, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_far_from_each_other_lose_nothing(far: float, dtype: str) -> None:
    x = np.array([[0.1, 0.7, -0.3], [-0.1, 0.4, 0.9]])
    x[1] -= far
    x = x.astype(dtype)
    for name in ALONG:
        ours, theirs = (getattr(m.nn.functional, name)(m.from_numpy(x), 1).numpy() for m in (tinyact, torch))
        np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(dtype).eps)


def test_the_warning_of_no_dimension_points_at_the_call() -> None:
    for name in ALONG:
        with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}") as warned:
            getattr(F, name)(tinyact.ones(2))
        assert warned[0].filename == __file__


@given(data=st.data(), x=arrays(special=True))
def test_glu(data: st.DataObject, x: Any) -> None:
    if x.ndim == 0:
        same_error(lambda m, t: m.nn.functional.glu(t), x)
        return
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    doubled = np.concatenate([x, x], dim)
    # ±∞ times 0 is NaN in both, but not for both the same ∞: without them.
    doubled = np.where(np.isinf(doubled), np.array(3, x.dtype), doubled)
    same(lambda m, t: m.nn.functional.glu(t, dim), doubled, names=True)


@given(data=st.data(), pieces=st.integers(1, 3), shape=st.sampled_from([(1,), (2,), (2, 3), (0, 2), (2, 1, 2)]))
def test_maxout(data: st.DataObject, pieces: int, shape: Any) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = list(shape)
    sizes[dim] *= pieces
    x = data.draw(arrays(tuple(sizes), "float64"))
    ours, theirs = tinyact.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y = F.maxout(ours, pieces, dim)
    z = torch.unflatten(theirs, dim, (-1 if x.size else sizes[dim] // pieces, pieces)).max(dim % len(shape) + 1).values
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    y.sum().backward()
    z.sum().backward()
    assert ours.grad is not None
    np.testing.assert_array_equal(ours.grad.numpy(), theirs.grad.numpy())


@pytest.mark.parametrize("name", ALONG)
def test_derivatives(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3))
    check_derivatives(lambda t: getattr(F, name)(t, 1), x)
    check_derivatives(lambda t: getattr(F, name)(t, 0), x)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin", "glu"])
@given(x=arrays((3, 4), "float64", special=(0.0, 88.0, -104.0)), seed=st.integers(0, 99))
def test_higher_derivatives(name: str, x: Any, seed: int) -> None:
    def program(m: Any, t: Any) -> Any:
        return orders(m, lambda t: getattr(m.nn.functional, name)(t, dim=-1), [t], seed, 3)

    same(program, x, upstream=None, tolerance=10)


def test_derivatives_of_glu_and_maxout() -> None:
    x = np.random.default_rng(0).normal(size=(2, 4))
    check_derivatives(F.glu, x)
    check_derivatives(lambda t: F.glu(t, 0), x)
    check_derivatives(lambda t: F.maxout(t * t), x)


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax", "glu"])
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_integers(name: str, dtype: str) -> None:
    same_error(lambda m, t: getattr(m.nn.functional, name)(t, 0), np.array([0, 1], dtype))


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.softmax(m.ones(2), 1),
        lambda m: m.softmax(m.ones(2)),
        lambda m: m.nn.functional.softmin(m.ones(2), 1),
        lambda m: m.nn.functional.glu(m.ones(3)),
        lambda m: m.nn.functional.glu(m.ones(2), 1),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize("pieces", [0, 2])
def test_maxout_of_a_size_that_does_not_fit(pieces: int) -> None:
    with pytest.raises(ValueError, match=f"a multiple of {pieces} along dimension -1, got"):
        F.maxout(tinyact.ones(3), pieces)
    with pytest.raises(ValueError, match="a multiple of"):
        F.maxout(tinyact.ones(()), pieces)


@pytest.mark.parametrize("name", ALONG)
def test_results_lie_in_order(name: str) -> None:
    same(lambda m, t: getattr(m.nn.functional, name)(t.T, 0).stride(), np.ones((2, 3)), upstream=None)


@pytest.mark.parametrize("name", [*ALONG, "glu"])
def test_a_dimension_that_is_not_there_comes_before_the_dtype(name: str) -> None:
    same_error(lambda m: getattr(m.nn.functional, name)(m.tensor([1, 2]), 1))
