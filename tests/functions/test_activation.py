"""The activation functions."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, numbers, same, same_error
from tinyact.functions import activation

F = tinyact.nn.functional
SLOPES = st.sampled_from([0.0, 0.01, 0.5, 1.0, 2.0])
ELEMENTWISE: dict[str, st.SearchStrategy[dict[str, float]]] = {
    "sigmoid": st.just({}),
    "tanh": st.just({}),
    "relu": st.just({}),
    "leaky_relu": st.fixed_dictionaries({}, optional={"negative_slope": SLOPES}),
    "elu": st.fixed_dictionaries({}, optional={"alpha": SLOPES}),
    "silu": st.just({}),
}
ALONG = ["softmax", "log_softmax"]


def test_none_is_forgotten() -> None:
    operations = {
        name.lower()
        for name, kind in vars(activation).items()
        if isinstance(kind, type) and kind.__module__ == activation.__name__ and name != "Activation"
    }
    assert operations == {name.replace("_", "") for name in (*ELEMENTWISE, *ALONG, "prelu")}


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(data=st.data(), x=arrays(special=True))
def test_values_and_gradients(name: str, data: st.DataObject, x: Any) -> None:
    if name == "silu":
        # A difference that README names: at ±∞ tinyact has the limits, PyTorch NaN.
        assume(not np.isinf(x).any())
    settings = data.draw(ELEMENTWISE[name])
    same(lambda m, t: getattr(m.nn.functional, name)(t, **settings), x, names=True)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(data=st.data())
def test_derivatives(name: str, data: st.DataObject) -> None:
    x = data.draw(arrays((4,), "float64", 0.125, 4)) * np.array([1, -1, 1, -1])
    settings = data.draw(ELEMENTWISE[name])
    check_derivatives(lambda t: getattr(F, name)(t, **settings), x)


@pytest.mark.parametrize(
    ("name", "limits", "slopes"),
    [
        ("sigmoid", (0, 1), (0, 0)),
        ("tanh", (-1, 1), (0, 0)),
        ("relu", (0, np.inf), (0, 1)),
        ("leaky_relu", (-np.inf, np.inf), (0.01, 1)),
        ("elu", (-1, np.inf), (0, 1)),
        ("silu", (0, np.inf), (0, 1)),
    ],
)
@pytest.mark.parametrize("dtype", [tinyact.float32, tinyact.float64])
def test_limits(name: str, limits: Any, slopes: Any, dtype: Any) -> None:
    x = tinyact.tensor([-np.inf, np.inf], dtype=dtype, requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        y = getattr(F, name)(x)
        y.sum().backward() if name not in ("relu", "leaky_relu") else y.backward(tinyact.ones(2, dtype=dtype))
    np.testing.assert_allclose(y.tolist(), limits, rtol=1e-6)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.tolist(), slopes, rtol=1e-6)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_stays_nan(name: str) -> None:
    assert np.isnan(getattr(F, name)(tinyact.tensor(float("nan"))).item())


@given(data=st.data(), x=arrays(special=True), name=st.sampled_from(ALONG))
def test_along_a_dimension(data: st.DataObject, x: Any, name: str) -> None:
    dim = data.draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1))
    same(lambda m, t: getattr(m.nn.functional, name)(t, dim), x, names=True)
    same(lambda m, t: getattr(m, name)(t, dim=dim, dtype=m.float64), x)


@pytest.mark.parametrize("name", ALONG)
def test_derivatives_along_a_dimension(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3))
    check_derivatives(lambda t: getattr(t, name)(1), x)
    check_derivatives(lambda t: getattr(t, name)(0), x)


@given(x=arrays(), slope=numbers(-2, 2))
def test_prelu_with_one_slope(x: Any, slope: float) -> None:
    same(lambda m, t, a: m.nn.functional.prelu(t, a), x, np.array([slope], x.dtype))


@given(
    data=st.data(), batch=st.integers(0, 3), channels=st.integers(1, 3), rest=st.sampled_from([(), (2,), (0,), (2, 2)])
)
def test_prelu_with_a_slope_per_channel(data: st.DataObject, batch: int, channels: int, rest: Any) -> None:
    x = data.draw(arrays((batch, channels, *rest), "float64", special=True))
    a = data.draw(arrays((channels,), "float64"))
    same(lambda m, *t: m.nn.functional.prelu(*t), x, a)


def test_derivatives_of_prelu() -> None:
    check_derivatives(F.prelu, np.array([[1.0, -2.0], [-0.5, 3.0]]), np.array([0.25, -1.0]))


@pytest.mark.parametrize("name", [*ELEMENTWISE, *ALONG])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_integers(name: str, dtype: str) -> None:
    x = np.array([0, 1, 2], dtype)
    more = [0] if name in ALONG else []
    if name in ("sigmoid", "tanh") or (name == "relu" and dtype != "bool"):
        same(lambda m, t: getattr(m.nn.functional, name)(t), x)
    else:
        same_error(lambda m, t: getattr(m.nn.functional, name)(t, *more), x)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.relu(1.0),
        lambda m: m.nn.functional.elu(m.ones(2), alpha="1"),
        lambda m: m.nn.functional.leaky_relu(m.ones(2), None),
        lambda m: m.softmax(m.ones(2), 1),
        lambda m: m.softmax(m.ones(2)),
        lambda m: m.nn.functional.prelu(m.ones(2, 3), m.ones(2)),
        lambda m: m.nn.functional.prelu(m.ones(2, 3), m.ones(3, 1)),
        lambda m: m.nn.functional.prelu(m.ones(2, 3), m.ones(1).double()),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *ALONG, "prelu"])
def test_mathematics_is_shown(name: str) -> None:
    text = inspect.getdoc(getattr(F, name))
    assert text is not None
    assert "range" in text
    assert "d/dx" in text or "∂" in text
    assert "Args:" in text
