"""The activation functions of single elements."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from reference.formulas import FORMULAS
from reference.measure import errors, exact, run
from tests.against_torch import SPECIAL, arrays, check_derivatives, numbers, orders, same, same_error
from tinyact.autograd.mathematics import Facts, facts
from tinyact.functions import activation

F = tinyact.nn.functional
ACCURACY = Path(__file__).parents[2] / "benchmarks" / "exactness" / "results" / "accuracy.json"
NONE: st.SearchStrategy[dict[str, Any]] = st.just({})
SLOPES = st.sampled_from([0.0, 0.01, 0.5, 1.0, 2.0])
WIDTHS = st.sampled_from([0.0, 0.5, 1.0, 3.0])


def some(**settings: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these settings."""
    return st.fixed_dictionaries({}, optional=settings)


# PyTorch's activations with the settings to draw.
ELEMENTWISE: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "sigmoid": NONE,
    "tanh": NONE,
    "relu": NONE,
    "leaky_relu": some(negative_slope=SLOPES | st.just(-2.0)),
    "elu": some(alpha=SLOPES),
    "selu": NONE,
    "celu": some(alpha=st.sampled_from([0.25, 1.0, -1.0, 3.0])),
    "silu": NONE,
    "mish": NONE,
    "gelu": some(approximate=st.sampled_from(["none", "tanh"])),
    "softplus": some(beta=st.sampled_from([0.5, 1.0, 3.0]), threshold=st.sampled_from([0.0, 5.0, 20.0])),
    "softsign": NONE,
    "logsigmoid": NONE,
    "hardtanh": st.sampled_from([{}, {"min_val": -2.0}, {"min_val": 0.5, "max_val": 3.0}, {"min_val": 1.0}]),
    "relu6": NONE,
    "hardsigmoid": NONE,
    "hardswish": NONE,
    "hardshrink": some(lambd=WIDTHS),
    "softshrink": some(lambd=WIDTHS),
    "tanhshrink": NONE,
    "threshold": st.fixed_dictionaries({"threshold": numbers(-2, 2), "value": numbers(-20, 20)}),
}
OTHERS = ("prelu", "rrelu", "swish")
OWN = {name: NONE for name in activation.__all__ if not hasattr(torch.nn.functional, name) and name not in OTHERS}
OWN |= {"snake": some(alpha=st.sampled_from([0.5, 1.0, 3.0]))}
# Where PyTorch's result at ±∞ is NaN and tinyact has the limit (docs/differences.md).
LIMITS = {"silu", "gelu", "mish", "softsign", "hardswish"}
# PyTorch's gradient at NaN is one thing in its vector code and another in its scalar code, which the last few elements
# of an array get; tinyact's is that of the vector code.
NAN = {"elu", "selu", "celu", "softshrink", "hardshrink", "hardtanh", "relu6", "hardswish"}
# PyTorch has 1/6 as a float32 number, in float64 too.
ROUNDED = {"hardsigmoid": 1e6}
# Numbers at which some function has a kink.
KINKS = (-6.0, -3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 5.0, 6.0, 10.0, 20.0, 40.0)


def test_none_is_forgotten() -> None:
    operations = {
        name.lower()
        for name, kind in vars(activation).items()
        if isinstance(kind, type) and kind.__module__ == activation.__name__
    } - {"activation", "normalcdf"}
    assert operations == {name.replace("_", "") for name in (*ELEMENTWISE, *OWN, *OTHERS)}


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(data=st.data(), x=arrays(special=SPECIAL + KINKS))
def test_values_and_gradients(name: str, data: st.DataObject, x: Any) -> None:
    settings = data.draw(ELEMENTWISE[name])
    if name in LIMITS:
        x = np.where(np.isinf(x), np.array(2, x.dtype), x)
    if name in NAN:
        x = np.where(np.isnan(x), np.array(2, x.dtype), x)
    tolerance = ROUNDED.get(name, 1.0) if x.dtype == np.float64 else 1.0
    same(lambda m, t: getattr(m.nn.functional, name)(t, **settings), x, names=True, tolerance=tolerance)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_every_kink(name: str, dtype: str) -> None:
    x = np.array((*KINKS, 0.0, -0.0), dtype)
    more = (1.0, 7.0) if name == "threshold" else ()
    tolerance = ROUNDED.get(name, 1.0) if dtype == "float64" else 1.0
    same(lambda m, t: getattr(m.nn.functional, name)(t, *more), x, tolerance=tolerance)


# Numbers of many sizes, close together where most functions bend.
LADDER = np.concatenate(
    [10.0 ** np.arange(-300, -8, 20), np.geomspace(1e-8, 0.0031, 40), np.geomspace(0.0032, 700, 120)]
)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_exact_as_recorded(name: str, dtype: str) -> None:
    """In units in the last place, which tell apart what no tolerance for small and large results at once can."""
    recorded = json.loads(ACCURACY.read_text())["rows"]
    limits = {r["what"]: r["tinyact"]["max"] for r in recorded if (r["function"], r["dtype"]) == (name, dtype)}
    x = np.concatenate([LADDER, -LADDER]).astype(dtype)
    x = x[np.abs(x) <= (110 if dtype == "float32" else 700)]
    for which, (what, result) in enumerate(zip(("value", "derivative"), run(tinyact, name, x.copy()), strict=True)):
        # The last digits of the recorded figure depend on the sample.
        assert errors(result, exact(name, which, x), x)["max"] <= max(0.501, limits[what] * 1.1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tanhshrink_is_exact_near_zero(dtype: str) -> None:
    x = np.geomspace(1e-8, 0.0031, 200).astype(dtype)
    (value, _) = run(tinyact, "tanhshrink", x.copy())
    assert errors(value, exact("tanhshrink", 0, x), x)["max"] < 2


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OWN])
@given(data=st.data())
def test_derivatives(name: str, data: st.DataObject) -> None:
    x = data.draw(arrays((4,), "float64", 0.125, 4)) * np.array([1, -1, 1, -1])
    x = x + np.where(np.isin(np.round(x, 2), np.round(KINKS, 2)), 0.03125, 0.0)  # away from kinks
    settings = data.draw({**ELEMENTWISE, **OWN}[name])
    if name == "threshold":
        settings["threshold"] = 0.0
    if name == "softplus":
        settings.pop("threshold", None)
    check_derivatives(lambda t: getattr(F, name)(t, **settings), x)


SMOOTH = {"sigmoid", "tanh", "silu", "mish", "gelu", "softplus", "logsigmoid", "tanhshrink"}
# PyTorch's is not implemented.
NO_SECOND = {"hardsigmoid"}


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(data=st.data(), x=arrays(dtype="float64", special=(0.0, -0.0, 88.0, -104.0, 700.0, -700.0, *KINKS)))
def test_higher_derivatives(name: str, data: st.DataObject, x: Any) -> None:
    settings, seed = data.draw(ELEMENTWISE[name]), data.draw(st.integers(0, 99))
    if settings.get("approximate") == "tanh":
        x = np.asarray(np.clip(x, -20, 20))  # PyTorch's third derivative is NaN at large numbers

    def program(m: Any, t: Any) -> Any:
        count = 3 if name in SMOOTH else 2
        return orders(m, lambda t: getattr(m.nn.functional, name)(t, **settings), [t], seed, count)

    if name in NO_SECOND:
        assert not np.any(program(tinyact, tinyact.from_numpy(x))[1].numpy())
    else:
        same(program, x, upstream=None, tolerance=10)


@given(x=arrays((3, 2), "float64", special=(0.0, -0.0)), a=arrays((2,), "float64"), seed=st.integers(0, 99))
def test_higher_derivatives_of_those_with_parameters(x: Any, a: Any, seed: int) -> None:
    def prelu(m: Any, *tensors: Any) -> Any:
        return orders(m, m.nn.functional.prelu, list(tensors), seed, 2)

    def swish(m: Any, x: Any, beta: Any) -> Any:
        def function(x: Any, beta: Any) -> Any:
            return x * (beta * x).sigmoid() if m is torch else F.swish(x, beta)

        return orders(m, function, [x, beta], seed, 3)

    def rrelu(m: Any, *tensors: Any) -> Any:
        return orders(m, lambda t: m.nn.functional.rrelu(t, 0.1, 0.4), list(tensors), seed, 2)

    # At 0 PyTorch's mixed derivative is 0, although its first one is a there.
    same(prelu, np.where(x == 0, 1.0, x), a, upstream=None)
    same(swish, x, a[:1], upstream=None, tolerance=100)
    same(rrelu, x, upstream=None)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OWN])
@given(data=st.data(), n=st.sampled_from([1, 2**14 + 3, 2**17 + 5]))
def test_large_arrays_are_computed_as_small_ones(name: str, data: st.DataObject, n: int) -> None:
    settings = data.draw({**ELEMENTWISE, **OWN}[name])
    x = np.resize(np.array(SPECIAL + KINKS + (0.3, -0.7), np.float32), n)
    large, small = (tinyact.from_numpy(part.copy()).requires_grad_() for part in (x, x[:40]))
    for t in (large, small):
        y = getattr(F, name)(t, **settings)
        y.backward(tinyact.ones(t.shape))
        t.result = y.detach().numpy()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(large.result[:40], small.result)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(large.grad.numpy()[:40], small.grad.numpy())  # type: ignore[union-attr]


LIMIT_VALUES = {
    "sigmoid": ((0, 1), (0, 0)), "tanh": ((-1, 1), (0, 0)), "relu": ((0, np.inf), (0, 1)),
    "leaky_relu": ((-np.inf, np.inf), (0.01, 1)), "elu": ((-1, np.inf), (0, 1)), "silu": ((0, np.inf), (0, 1)),
    "selu": ((-1.7580993, np.inf), (0, 1.0507010)), "celu": ((-1, np.inf), (0, 1)), "mish": ((0, np.inf), (0, 1)),
    "gelu": ((0, np.inf), (0, 1)), "softplus": ((0, np.inf), (0, 1)), "softsign": ((-1, 1), (0, 0)),
    "logsigmoid": ((-np.inf, 0), (1, 0)), "hardtanh": ((-1, 1), (0, 0)), "relu6": ((0, 6), (0, 0)),
    "hardsigmoid": ((0, 1), (0, 0)), "hardswish": ((0, np.inf), (0, 1)), "hardshrink": ((-np.inf, np.inf), (1, 1)),
    "softshrink": ((-np.inf, np.inf), (1, 1)), "tanhshrink": ((-np.inf, np.inf), (1, 1)),
    "relu_squared": ((0, np.inf), (0, np.inf)), "swish": ((0, np.inf), (0, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMIT_VALUES)
@pytest.mark.parametrize("dtype", [tinyact.float32, tinyact.float64])
def test_limits(name: str, dtype: Any) -> None:
    limits, slopes = LIMIT_VALUES[name]
    x = tinyact.tensor([-np.inf, np.inf], dtype=dtype, requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        y = getattr(F, name)(x)
        y.backward(tinyact.ones(2, dtype=dtype))
    np.testing.assert_allclose(y.tolist(), limits, rtol=1e-6)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.tolist(), slopes, rtol=1e-6)
    if name == "gelu":
        assert F.gelu(x, approximate="tanh").tolist() == list(limits)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OWN, "swish"])
def test_nan_stays_nan(name: str) -> None:
    more = (0.0, 1.0) if name == "threshold" else ()
    assert np.isnan(getattr(F, name)(tinyact.tensor(float("nan")), *more).item())


@given(x=arrays(), slope=numbers(-2, 2))
def test_prelu_with_one_slope(x: Any, slope: float) -> None:
    same(lambda m, t, a: m.nn.functional.prelu(t, a), x, np.array([slope], x.dtype))


@pytest.mark.parametrize("slope", [0.5, np.inf, np.nan])
def test_prelu_at_zero_and_beyond(slope: float) -> None:
    x = np.array(SPECIAL, np.float32)
    a = np.array([slope], np.float32)
    same(lambda m, t, a: m.nn.functional.prelu(t, a), x, a)
    for zero in (0.0, -0.0):
        same(lambda m, t, a: m.nn.functional.prelu(t, a) * np.inf, np.array([zero], np.float32), a)


@given(
    data=st.data(), batch=st.integers(0, 3), channels=st.integers(1, 3), rest=st.sampled_from([(), (2,), (0,), (2, 2)])
)
def test_prelu_with_a_slope_per_channel(data: st.DataObject, batch: int, channels: int, rest: Any) -> None:
    x = data.draw(arrays((batch, channels, *rest), "float64", special=True))
    a = data.draw(arrays((channels,), "float64"))
    same(lambda m, *t: m.nn.functional.prelu(*t), x, a)


@pytest.mark.parametrize(("shape", "weights"), [((3,), 2), ((2, 3), 2), ((), 2), ((2, 3, 3), 0)])
def test_numbers_of_slopes_are_named_as_in_pytorch(shape: Any, weights: int) -> None:
    same_error(lambda m: m.nn.functional.prelu(m.ones(shape), m.ones(weights)), words=True)


@given(x=arrays(special=True), seed=st.integers(0, 99), training=st.booleans())
def test_rrelu(x: Any, seed: int, training: bool) -> None:
    def program(m: Any, t: Any) -> Any:
        m.manual_seed(seed)
        return m.nn.functional.rrelu(t, 0.1, 0.4, training), m.rand(1)

    same(program, x, names=True)


@pytest.mark.parametrize("training", [False, True])
def test_rrelu_between_equal_bounds(training: bool) -> None:
    same(lambda m, t: m.nn.functional.rrelu(t, 0.25, 0.25, training), np.array([-2.0, 3.0]))


@given(x=arrays(dtype="float64"), beta=numbers(-3, 3))
def test_swish_is_x_times_sigmoid(x: Any, beta: float) -> None:
    ours = [tinyact.tensor(v, requires_grad=True) for v in (x, np.array([beta]))]
    theirs = [torch.tensor(v, requires_grad=True) for v in (x, np.array([beta]))]
    y = F.swish(*ours)
    z = theirs[0] * torch.sigmoid(theirs[1] * theirs[0])
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12, atol=1e-12)
    y.sum().backward()
    z.sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad is not None
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.swish(ours[0], beta).tolist(), y.tolist(), rtol=1e-15)
    np.testing.assert_allclose(F.swish(ours[0]).tolist(), F.silu(ours[0]).tolist(), rtol=1e-15)


@given(x=arrays(dtype="float64"), alpha=st.sampled_from([0.5, 1.0, 3.0]))
def test_values_of_functions_that_pytorch_lacks(x: Any, alpha: float) -> None:
    t = tinyact.from_numpy(x)
    np.testing.assert_allclose(F.relu_squared(t).numpy(), np.maximum(x, 0) ** 2)
    np.testing.assert_allclose(F.snake(t, alpha).numpy(), x + np.sin(alpha * x) ** 2 / alpha)


def test_derivatives_of_those_with_two_inputs() -> None:
    x = np.array([[1.0, -2.0], [-0.5, 3.0]])
    check_derivatives(F.prelu, x, np.array([0.25, -1.0]))
    check_derivatives(F.swish, x, np.array([0.75]))


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_integers(name: str, dtype: str) -> None:
    # Named in docs/differences.md: tinyact has these, PyTorch doesn't.
    if (name, dtype) in {("softsign", "bool"), ("tanhshrink", "bool"), ("hardtanh", "uint8")}:
        assert getattr(F, name)(tinyact.tensor([0, 1, 2]).to(dtype)).shape == (3,)
        return
    # A number that float64 doesn't have is kept as it is.
    x = np.array([-3, 0, 1, 2**60 + 1] if dtype == "int64" else [0, 1, 2], dtype)
    more = (1, 7) if name == "threshold" else ()

    def program(m: Any, t: Any) -> Any:
        return getattr(m.nn.functional, name)(t, *more)

    try:
        program(torch, torch.from_numpy(x))
    except (NotImplementedError, RuntimeError):
        same_error(program, x)
    else:
        same(program, x)


@pytest.mark.parametrize(
    "program",
    [
        lambda f, m: f.relu(1.0),
        lambda f, m: f.elu(m.ones(2), alpha="1"),
        lambda f, m: f.leaky_relu(m.ones(2), None),
        lambda f, m: f.leaky_relu(m.ones(2), m.ones(1)),
        lambda f, m: f.leaky_relu(m.ones(2), m.tensor(0.5, requires_grad=True)),
        lambda f, m: f.prelu(m.ones(2, 3), m.ones(2)),
        lambda f, m: f.prelu(m.ones(2, 3), m.ones(3, 1)),
        lambda f, m: f.prelu(m.ones(3), m.ones(3)),
        lambda f, m: f.prelu(m.ones(2, 3), m.ones(1).double()),
        lambda f, m: f.celu(m.ones(1), 0.0),
        lambda f, m: f.hardtanh(m.ones(1), 1, -1),
        lambda f, m: f.softshrink(m.ones(1), -1),
        lambda f, m: f.gelu(m.ones(1), approximate="erf"),
        lambda f, m: f.rrelu(m.ones(1), 1, 0.5),
        lambda f, m: f.threshold(m.ones(1)),
        lambda f, m: f.silu(m.ones(1), 1, 2),
    ],
)
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m.nn.functional, m))


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (lambda x: F.softplus(x, beta=0.0), "softplus takes a beta above 0, got 0.0"),
        (lambda x: F.softplus(x, beta=-1), "softplus takes a beta above 0, got -1"),
        (lambda x: F.softplus(x, beta=float("nan")), "softplus takes a beta above 0, got nan"),
        (lambda x: F.snake(x, alpha=0), "snake takes an alpha other than 0"),
        (lambda x: F.swish(x, tinyact.ones(2)), r"beta of one torch.float32 element, got torch.float32 of shape \[2\]"),
    ],
)
def test_refused_where_pytorch_has_nothing_or_says_nothing(program: Any, words: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=words):
        program(tinyact.ones(1))


# --- what the docstrings say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", tinyact.nn.activations())
def test_mathematics_is_shown(name: str) -> None:
    if name == "softmin":
        assert "softmax" in (F.softmin.__doc__ or "")
        return
    text = inspect.getdoc(getattr(F, name))
    assert text is not None
    for part in Facts._fields[1:]:
        assert f"\n{part.capitalize().replace('_', ' ')}: " in text
    assert "Args:" in text
    assert all(facts(getattr(F, name).operation))


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OWN])
def test_the_largest_slope_is_the_largest(name: str) -> None:
    said = facts(getattr(F, name).operation).largest_slope
    largest = np.inf if said.startswith("∞") else float(re.match(r"[\d.]+", said)[0])  # type: ignore[index]
    x = tinyact.linspace(-50, 50, 100_001, dtype=tinyact.float64).requires_grad_()
    more = (0.0, 0.0) if name == "threshold" else ()
    getattr(F, name)(x, *more).backward(tinyact.ones(x.shape, dtype=tinyact.float64))
    assert x.grad is not None
    slopes = np.abs(x.grad.numpy())
    if largest == np.inf:
        assert slopes[-1] == slopes.max() == 100.0
        return
    assert slopes.max() == pytest.approx(largest, abs=1.1e-3 if "left" in said else 6e-5)
    place = re.search(r"at (-?[\d.]+)(?!.*left)", said)
    if place:
        assert x.detach().numpy()[slopes.argmax()] == pytest.approx(float(place[1]), abs=0.01)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OWN])
def test_the_range_holds(name: str) -> None:
    low, _, high = facts(getattr(F, name).operation).range[1:-1].partition(", ")
    if any(letter.isalpha() for letter in low + high):  # for settings
        return
    bounds = [float(b.replace("−", "-").replace("∞", "inf")) for b in (low, high)]
    y = getattr(F, name)(tinyact.linspace(-50, 50, 100_001, dtype=tinyact.float64)).numpy()
    assert y.min() >= bounds[0] - 6e-5
    assert y.max() <= bounds[1] + 6e-5
    for bound, reached in zip(bounds, (y.min(), y.max()), strict=True):
        assert np.isinf(bound) or reached == pytest.approx(bound, abs=0.03)


def test_an_incomplete_docstring_is_refused() -> None:
    class Silent(activation.Activation):
        """f(x) = x

        Range: (−∞, ∞)
        """

    with pytest.raises(ValueError, match="Silent's docstring must say range, derivative"):
        facts(Silent)


def test_large_integers_stay_exact_however_many() -> None:
    same(lambda m, t: m.nn.functional.relu(t), np.array([2**60 + 1, -3] * 4000))


def test_in_place_by_position() -> None:
    def program(m: Any, x: Any) -> Any:
        x = x * 1
        y = m.nn.functional.elu(x, 0.5, True)
        assert y is x
        return y

    same(program, np.array([-1.0, 2.0]))
    same_error(lambda m: m.nn.functional.elu(m.ones(1), 0.5, True, 1))


def test_integers_are_changed_in_place_too() -> None:
    def program(m: Any) -> Any:
        x = m.tensor([-1, 2])
        assert m.nn.functional.relu(x, inplace=True) is x
        return x

    same(program)


def test_a_tensor_without_dimensions_is_a_number() -> None:
    same(lambda m, t: m.nn.functional.leaky_relu(t, m.tensor(0.5)), np.array([-1.0, 2.0]))


@pytest.mark.parametrize("slope", [np.inf, -np.inf, np.nan, 0.0, -0.5])
def test_leaky_relu_of_positive_numbers_knows_no_slope(slope: float) -> None:
    same(lambda m, t: m.nn.functional.leaky_relu(t, slope), np.array(SPECIAL, np.float32), names=True)


@pytest.mark.parametrize("slope", [0.01, 1.0, 2.0, -2.0])
def test_leaky_relu_keeps_the_sign_of_zero(slope: float) -> None:
    def program(m: Any, t: Any) -> Any:
        return 1 / m.nn.functional.leaky_relu(t, slope)

    same(program, np.array([0.0, -0.0, -1e-45], np.float32), upstream=None)


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name not in ("swish", "prelu", "rrelu")])
def test_four_calls_to_the_formula(name: str) -> None:
    """A reader who steps into F.elu(x) gets to ELU.value by way of apply and forward."""
    function, path = getattr(tinyact.nn.functional, name), []

    def step(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            names = []
            while frame is not None and frame.f_code is not test_four_calls_to_the_formula.__code__:
                names.append(frame.f_code.co_name)
                frame = frame.f_back
            if names[0] == "value" and not path:
                path.extend(reversed(names))

    x, arguments = tinyact.tensor([-1.0, 2.0]), {"threshold": 0.5, "value": 2.0} if name == "threshold" else {}
    before = sys.getprofile()
    sys.setprofile(step)
    try:
        function(x, **arguments)
    finally:
        sys.setprofile(before)
    assert path == [name, "apply", "forward", "value"]


@pytest.mark.parametrize("name", ["relu", "hardtanh", "relu6"])
def test_booleans_are_refused_with_pytorchs_very_exception(name: str) -> None:
    for m in (tinyact, torch):
        with pytest.raises(RuntimeError) as info:
            getattr(m.nn.functional, name)(m.tensor([True]))
        assert type(info.value) is RuntimeError


@pytest.mark.parametrize("size", [1, 100, 9000])
def test_relu_of_minus_zero(size: int) -> None:
    x = np.full(size, -0.0, np.float32)
    for m in (tinyact, torch):
        assert np.signbit(m.relu(m.from_numpy(x)).numpy()).all()


@pytest.mark.parametrize("name", ["hardsigmoid", "hardswish", "hardtanh", "relu", "relu6", "hardshrink", "softshrink"])
@pytest.mark.parametrize("grad", [np.inf, np.nan])
def test_nothing_passes_where_it_is_flat(name: str, grad: float) -> None:
    x = np.array([-np.inf, -4.0, -3.0, -2.5, -0.5, 0.0, 0.5, 2.5, 3.0, 4.0, 6.0, np.inf], np.float32)

    def program(m: Any, x: Any) -> Any:
        y = getattr(m.nn.functional, name)(x)
        return m.autograd.grad(y, x, m.full_like(y, grad))[0]

    same(program, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("beta", [1.0, 0.7, 2.0])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 1.0, 20.0])
def test_the_threshold_of_softplus_is_a_number_of_the_dtype(threshold: float, beta: float, dtype: str) -> None:
    x = np.array([0.1, 0.05, 0.0999999, 0.10000001, 1.0, 0.5, 0.3, 1 / 7, 0.142857, threshold / beta], dtype)
    same(lambda m, x: m.nn.functional.softplus(x, beta, threshold), x)
