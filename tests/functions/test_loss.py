"""Loss functions."""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import TOLERANCE, arrays, check_derivatives, numbers, orders, same, same_error, same_outcome

F = tinyact.nn.functional
REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
EDGES = (0.0, 1.0, 1e-30, 1e-45, 1 - 2.0**-24)
WILD = (np.inf, -np.inf, np.nan, 0.0, 88.0, -104.0, 1e-40, -1e-45)


@st.composite
def probabilities(draw: Any) -> tuple[Any, ...]:
    """Probabilities, targets and weights; at the edges too."""
    x = draw(arrays(low=0, high=1, special=EDGES))
    t = draw(arrays(x.shape, x.dtype, 0, 1, special=(0.0, 1.0)))
    w = draw(arrays(draw(st.sampled_from([x.shape, (), x.shape[-1:]])), x.dtype, 0, 3))
    return x, t, w


@given(case=probabilities(), reduction=REDUCTIONS)
def test_binary_cross_entropy(case: Any, reduction: str) -> None:
    x, t, w = case
    same(lambda m, *tensors: m.nn.functional.binary_cross_entropy(*tensors, reduction=reduction), x, t, names=True)

    def weighted(m: Any, input: Any, target: Any) -> Any:
        return m.nn.functional.binary_cross_entropy(input, target, m.from_numpy(w.copy()), reduction=reduction)

    same(weighted, x, t)


@given(data=st.data(), reduction=REDUCTIONS, special=st.booleans())
def test_binary_cross_entropy_with_logits(data: st.DataObject, reduction: str, special: bool) -> None:
    x = data.draw(arrays(special=(*WILD[2:], 1e30) if special else False))
    t, w, p = (data.draw(arrays(x.shape, x.dtype, 0, high)) for high in (1, 3, 3))
    name = "binary_cross_entropy_with_logits"
    same(lambda m, *tensors: getattr(m.nn.functional, name)(*tensors, reduction=reduction), x, t, names=True)

    def weighted(m: Any, input: Any, target: Any) -> Any:
        given_weight, pos_weight = m.from_numpy(w.copy()), m.from_numpy(p.copy())
        return getattr(m.nn.functional, name)(
            input, target, weight=given_weight, pos_weight=pos_weight, reduction=reduction
        )

    same(weighted, x, t, tolerance=10)


DISTANCES: dict[str, Any] = {
    "mse_loss": st.just({}),
    "l1_loss": st.just({}),
    "smooth_l1_loss": st.fixed_dictionaries({}, optional={"beta": st.sampled_from([0.0, 0.5, 1.0, 2.0])}),
    "huber_loss": st.fixed_dictionaries({}, optional={"delta": st.sampled_from([0.5, 1.0, 2.0])}),
}


@pytest.mark.parametrize("name", DISTANCES)
@given(data=st.data(), reduction=REDUCTIONS)
def test_distances(name: str, data: st.DataObject, reduction: str) -> None:
    settings = data.draw(DISTANCES[name])
    x = data.draw(arrays())
    t = data.draw(arrays(x.shape, x.dtype, special=(0.0, 1.0)))
    same(lambda m, a, b: getattr(m.nn.functional, name)(a, b, reduction=reduction, **settings), x, t)
    wild = data.draw(arrays(x.shape, x.dtype, special=WILD))
    same(lambda m, a, b: getattr(m.nn.functional, name)(a, b, reduction=reduction, **settings), wild, t)
    # At the kinks, and where both are the same.
    same(
        lambda m, a: getattr(m.nn.functional, name)(a, m.zeros_like(a), reduction=reduction, **settings),
        np.asarray(np.round(x * 2) / 2),
    )
    same(lambda m, a: getattr(m.nn.functional, name)(a, a, reduction=reduction, **settings), x)


@pytest.mark.parametrize("name", DISTANCES)
def test_the_warning_of_other_shapes_points_at_the_call(name: str) -> None:
    with pytest.warns(UserWarning, match="different to the input size") as warned:
        getattr(F, name)(tinyact.ones(2, 1), tinyact.ones(2))
    assert warned[0].filename == __file__


@pytest.mark.parametrize("name", DISTANCES)
def test_names_and_shapes_that_differ(name: str) -> None:
    def program(m: Any, x: Any, t: Any) -> Any:
        with pytest.warns(UserWarning, match="different to the input size"):
            return getattr(m.nn.functional, name)(x, t)

    same(program, np.ones((2, 1)), np.array([0.5, 3.0]), names=True)


@st.composite
def classified(draw: Any, special: Any = False) -> tuple[Any, ...]:
    """Numbers for classes, the right classes, some of them ignored, and a weight per class."""
    count = draw(st.integers(1, 4))
    shape = draw(
        st.sampled_from([(count,), (1, count), (3, count), (0, count), (2, count, 2), (2, count, 0), (2, count, 1, 2)])
    )
    # In order in memory: PyTorch's backward asks for that.
    x = np.ascontiguousarray(draw(arrays(shape, special=special)))
    target_shape = shape[:1] + shape[2:] if len(shape) > 1 else ()
    size = int(np.prod(target_shape))
    classes = draw(st.lists(st.sampled_from([*range(count), -100]), min_size=size, max_size=size))
    t = np.array(classes, np.int64).reshape(target_shape)
    return x, t, draw(arrays((count,), x.dtype, 0, 3))


@given(case=classified(special=WILD), reduction=REDUCTIONS, weighted=st.booleans(), ignored=st.sampled_from([-100, 0]))
def test_nll_loss(case: Any, reduction: str, weighted: bool, ignored: int) -> None:
    x, t, w = case
    t = np.where(t == -100, ignored, t)

    def program(m: Any, input: Any) -> Any:
        weight = m.from_numpy(w.copy()) if weighted else None
        target = m.from_numpy(t.copy())
        return m.nn.functional.nll_loss(input, target, weight, reduction=reduction, ignore_index=ignored)

    same(program, x)


@given(
    case=classified(special=(*WILD[2:], -200.0)),
    reduction=REDUCTIONS,
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    ignored=st.sampled_from([-100, 0]),
)
def test_cross_entropy(case: Any, reduction: str, weighted: bool, smoothing: float, ignored: int) -> None:
    x, t, w = case
    t = np.where(t == -100, ignored, t)

    def program(m: Any, input: Any) -> Any:
        weight = m.from_numpy(w.copy()) if weighted else None
        settings = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": ignored}
        return m.nn.functional.cross_entropy(input, m.from_numpy(t.copy()), weight, **settings)

    same(program, x, tolerance=10)


@given(data=st.data(), reduction=REDUCTIONS, weighted=st.booleans(), smoothing=st.sampled_from([0.0, 0.1, 1.0]))
def test_cross_entropy_of_probabilities(data: st.DataObject, reduction: str, weighted: bool, smoothing: float) -> None:
    x, _, w = data.draw(classified())
    t = data.draw(arrays(x.shape, x.dtype, 0, 1))

    def program(m: Any, input: Any, target: Any, *weight: Any) -> Any:
        return m.nn.functional.cross_entropy(input, target, *weight, reduction=reduction, label_smoothing=smoothing)

    # Here, unlike with classes, weights may be learned.
    same(program, x, t, *[w][: int(weighted)], tolerance=10)


def test_weights_of_probabilities_may_have_another_dtype() -> None:
    x, t, w = np.array([[0.5, -1.0]], np.float32), np.array([[0.25, 0.75]], np.float32), np.array([1.0, 3.0])
    as_exact_as_float32 = TOLERANCE["float32"] / TOLERANCE["float64"]
    same(lambda m, *tensors: m.nn.functional.cross_entropy(*tensors), x, t, w, tolerance=as_exact_as_float32)


@given(data=st.data(), reduction=st.sampled_from(["mean", "sum", "none", "batchmean"]), logs=st.booleans())
def test_kl_div(data: st.DataObject, reduction: str, logs: bool) -> None:
    x = data.draw(arrays())
    # Above 0 for the gradient: at 0 PyTorch's is NaN, as that of ln is.
    t = data.draw(arrays(x.shape, x.dtype, -5 if logs else 0.125, 1))

    def program(m: Any, input: Any, target: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="reduction: 'mean' divides")
            return m.nn.functional.kl_div(input, target, reduction=reduction, log_target=logs)

    same(program, x, t, tolerance=10)
    if not logs:
        zeros = np.zeros_like(x)
        same(lambda m, a: m.nn.functional.kl_div(a, m.from_numpy(zeros.copy()), reduction="sum"), x)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div"])
@given(data=st.data(), shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_input_and_target_that_broadcast(name: str, data: st.DataObject, shapes: Any) -> None:
    x, t = (data.draw(arrays(shape, "float64", 0.125, 1)) for shape in shapes.input_shapes)
    reductions = ["none", "sum", "mean"] + ["batchmean"] * (name == "kl_div" and x.ndim > 0)

    def program(m: Any, input: Any, target: Any, reduction: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(m.nn.functional, name)(input, target, reduction=reduction)

    for reduction in reductions:
        same(program, x, t, reduction, tolerance=10)


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_second_derivatives_with_a_target_that_broadcasts() -> None:
    x, t = np.array([[-1.0, -0.5], [-0.3, -0.2]]), np.array([0.3, 0.6])
    for logs in (False, True):
        check_derivatives(lambda a, b, k=logs: F.kl_div(a, b, reduction="sum", log_target=k), x, t)


def test_the_batch_is_the_first_dimension() -> None:
    x, t = np.arange(-24.0, 0.0).reshape(2, 3, 4), np.ones((2, 3, 4))
    same(lambda m, *tensors: m.nn.functional.kl_div(*tensors, reduction="batchmean"), x, t)


def test_the_mean_of_kl_div_is_warned_of() -> None:
    for m in (tinyact, torch):
        with pytest.warns(UserWarning, match="batchmean") as warned:
            m.nn.functional.kl_div(m.zeros(2), m.ones(2))
        assert m is torch or warned[0].filename == __file__


def test_how_many_samples_there_are_is_said() -> None:
    for m in (tinyact, torch):
        for target, count in ((m.tensor(0), 0), (m.tensor([0, 1, 2]), 3)):
            said = rf"input batch_size \(2\) to match target batch_size \({count}\)"
            with pytest.raises(ValueError, match=said):
                m.nn.functional.nll_loss(m.ones(2, 3), target)


def test_names() -> None:
    x, t = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([0, 1])
    same(lambda m, a: m.nn.functional.cross_entropy(a, m.from_numpy(t)), x, names=True)
    same(lambda m, a: m.nn.functional.nll_loss(a, m.from_numpy(t)), x, names=True)
    same(lambda m, a: m.nn.functional.cross_entropy(a, m.from_numpy(t), label_smoothing=0.5), x, names=True)


def test_derivatives() -> None:
    x, t = np.array([0.2, 0.9, 0.5]), np.array([0.1, 0.7, 0.25])
    z, classes = np.array([[0.3, -1.0, 2.0], [1.5, 0.2, -0.4]]), tinyact.tensor([2, 0])
    for reduction in ("mean", "sum", "none"):
        settings = {"reduction": reduction}
        for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "huber_loss"):
            check_derivatives(lambda a, b, n=name, s=settings: getattr(F, n)(a, b, **s), x, t)
        for more in ({}, {"log_target": True}):
            if reduction != "mean":
                check_derivatives(lambda a, b, s=settings, k=more: F.kl_div(a, b, **s, **k), x, t)
        check_derivatives(lambda a, b, s=settings: F.smooth_l1_loss(a, b, beta=0.3, **s), x, t)
        for more in ({}, {"label_smoothing": 0.2}):
            check_derivatives(lambda a, s=settings, k=more: F.cross_entropy(a, classes, **s, **k), z)
        check_derivatives(lambda a, s=settings: F.nll_loss(a * a, classes, **s), z)
        check_derivatives(lambda a, b, s=settings: F.cross_entropy(a, b, **s), z, z / 7 + 0.5)


@pytest.mark.parametrize(
    "name", ["binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "huber_loss", "kl_div"]
)
@given(data=st.data(), reduction=st.sampled_from(["none", "sum"]), seed=st.integers(0, 99))
def test_higher_derivatives(name: str, data: st.DataObject, reduction: str, seed: int) -> None:
    """Up to Hessians with respect to inputs and targets."""
    x, t = (data.draw(arrays((3,), "float64", 0.0625, 0.9375)) for _ in "xt")
    learned_target = name not in ("binary_cross_entropy", "kl_div")

    def program(m: Any, x: Any, t: Any) -> Any:
        def function(x: Any, t: Any = t) -> Any:
            return getattr(m.nn.functional, name)(x, t, reduction=reduction)

        return orders(m, function, [x, t] if learned_target else [x], seed, 2)

    # PyTorch's second derivative of BCE has 10⁻¹² added to x and to 1 − x.
    same(program, x, t, upstream=None, tolerance=1e4 if name == "binary_cross_entropy" else 10)


@pytest.mark.parametrize("name", ["smooth_l1_loss", "huber_loss"])
def test_second_derivatives_at_kinks(name: str) -> None:
    def program(m: Any, x: Any, t: Any) -> Any:
        return orders(m, lambda x, t: getattr(m.nn.functional, name)(x, t, reduction="none"), [x, t], 0, 2)

    same(program, np.array([0.0, 1.0, -1.0, 0.5, -0.5, 2.0, np.nan]), np.zeros(7), upstream=None)


@given(case=classified(special=(0.0, 50.0)), seed=st.integers(0, 99), smoothing=st.sampled_from([0.0, 0.1]))
def test_higher_derivatives_of_cross_entropy(case: Any, seed: int, smoothing: float) -> None:
    x, t, _ = case

    def program(m: Any, x: Any) -> Any:
        def function(x: Any) -> Any:
            target = m.from_numpy(t.copy())
            return m.nn.functional.cross_entropy(x, target, reduction="sum", label_smoothing=smoothing)

        return orders(m, function, [x], seed, 3)

    same(program, x.astype(np.float64), upstream=None, tolerance=10)


@pytest.mark.parametrize("x", [1e4, -1e4, 88.7, -88.7])
def test_fused_losses_are_stable(x: float) -> None:
    logit = tinyact.tensor([x], requires_grad=True)
    F.binary_cross_entropy_with_logits(logit, tinyact.ones(1)).backward()
    assert logit.grad is not None
    assert np.isfinite(logit.grad.item())
    z = tinyact.tensor([[x, 0.0]], requires_grad=True)
    loss = F.cross_entropy(z, tinyact.tensor([1]))
    loss.backward()
    assert loss.item() == pytest.approx(max(x, 0), abs=1e-30, rel=1e-6)


@pytest.mark.parametrize(
    "program",
    [
        lambda m, f: f.binary_cross_entropy(m.ones(2), m.ones(3)),
        lambda m, f: f.binary_cross_entropy(m.ones(2, 1), m.ones(2)),
        lambda m, f: f.binary_cross_entropy(m.ones(2) * 2, m.ones(2)),
        lambda m, f: f.binary_cross_entropy(m.ones(2), m.ones(2) * -1),
        lambda m, f: f.binary_cross_entropy(m.ones(2) * float("nan"), m.ones(2)),
        lambda m, f: f.binary_cross_entropy(m.ones(2), m.ones(2).long()),
        lambda m, f: f.binary_cross_entropy(m.ones(2).double(), m.ones(2)),
        lambda m, f: f.binary_cross_entropy(m.ones(2), m.ones(2), m.ones(3)),
        lambda m, f: f.binary_cross_entropy(m.ones(2), m.ones(2), m.ones(2, requires_grad=True)),
        lambda m, f: f.binary_cross_entropy(m.ones(2), m.ones(2), reduction="average"),
        lambda m, f: f.binary_cross_entropy_with_logits(m.ones(3), m.ones(2)),
        lambda m, f: f.binary_cross_entropy_with_logits(m.ones(2), m.ones(2), pos_weight=m.ones(3)),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.tensor([0, 3])),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.tensor([0, -1])),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.tensor([0])),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.tensor([0, 1]), m.ones(2)),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.tensor([0, 1]).int()),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.ones(2)),
        lambda m, f: f.nll_loss(m.ones(()), m.tensor(0)),
        lambda m, f: f.nll_loss(m.ones(2, 3, 2), m.tensor([0, 1])),
        lambda m, f: f.cross_entropy(m.ones(2, 3), m.tensor([0, 1]), label_smoothing=1.5),
        lambda m, f: f.cross_entropy(m.ones(2, 3), m.ones(2, 4)),
        lambda m, f: f.cross_entropy(m.ones(2, 3), m.ones(2)),
        lambda m, f: f.cross_entropy(m.ones(2, 3), m.ones(2, 3).long()),
        lambda m, f: f.cross_entropy(m.ones(2, 3), m.ones(2, 3), m.ones(4)),
        lambda m, f: f.cross_entropy(m.ones(()), m.tensor(0)),
        lambda m, f: f.cross_entropy(m.ones(()), m.tensor([0])),
        lambda m, f: f.cross_entropy(m.ones(()), m.ones(())),
        lambda m, f: f.cross_entropy(m.ones(2, 3), m.tensor([0, 1]), m.ones(3, requires_grad=True)),
        lambda m, f: f.nll_loss(m.ones(2, 3), m.tensor([0, 1]), m.ones(3, requires_grad=True)),
        lambda m, f: f.mse_loss(m.ones(3), m.ones(2)),
        lambda m, f: f.mse_loss(m.ones(3).long(), m.ones(3).long()),
        lambda m, f: f.l1_loss(m.ones(3).long(), m.ones(3).long()),
        lambda m, f: f.mse_loss(m.ones(3), m.ones(3), reduction="avg"),
        lambda m, f: f.huber_loss(m.ones(3), m.ones(3), delta=0),
        lambda m, f: f.smooth_l1_loss(m.ones(3), m.ones(3), beta=-1),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m, m.nn.functional))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_limits_of_probabilities(dtype: str) -> None:
    """−0 is one, and the next number above 1 is none."""

    def program(m: Any, x: Any) -> Any:
        return m.nn.functional.binary_cross_entropy(m.from_numpy(x), m.from_numpy(x), reduction="none")

    same(lambda m: program(m, np.array([-0.0, 0.0, 0.5, 1.0], dtype)))
    above, below = np.nextafter(np.array([1, 0], dtype), np.array([2, -1], dtype))
    for outside in (above, below):
        with pytest.raises(RuntimeError, match="between 0 and 1"):
            program(tinyact, np.array([0.5, outside], dtype))
        with pytest.raises(RuntimeError, match="between 0 and 1"):
            program(torch, np.array([0.5, outside], dtype))


@pytest.mark.parametrize("outside", [-0.5, 1.5, np.inf, np.nan])
def test_what_is_no_probability_is_named(outside: float) -> None:
    inside, beyond = tinyact.full((2,), 0.5), tinyact.tensor([0.5, outside])
    for arguments, name in (((beyond, inside), "input"), ((inside, beyond), "target")):
        with pytest.raises(RuntimeError, match=f"all elements of {name} should be between 0 and 1, got {outside}"):
            F.binary_cross_entropy(*arguments)
    with pytest.raises(RuntimeError, match=f"got {outside}"):  # the first of several, after what is allowed
        F.binary_cross_entropy(tinyact.tensor([0.0, 1.0, outside, 2.0]), tinyact.ones(4))


@pytest.mark.parametrize("smoothing", [-0.5, 1.5, np.nan])
def test_smoothing_outside_0_and_1_is_named(smoothing: float) -> None:
    with pytest.raises(RuntimeError, match=rf"must be between 0\.0 and 1\.0\. Got: {smoothing}"):
        F.cross_entropy(tinyact.ones(2, 3), tinyact.tensor([0, 1]), label_smoothing=smoothing)


@given(numbers(-5, 5))
def test_a_class_beyond_the_last_is_named(x: float) -> None:
    with pytest.raises(IndexError, match="Target 3 is out of bounds: there are 3 classes"):
        F.cross_entropy(tinyact.full((1, 3), x), tinyact.tensor([3]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [
        "mse_loss",
        "l1_loss",
        "huber_loss",
        "smooth_l1_loss",
        "kl_div",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
    ],
)
@pytest.mark.parametrize("input", ["float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("target", ["float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("sizes", [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses_of_all_dtypes(name: str, input: str, target: str, sizes: Any, reduction: str) -> None:
    def program(m: Any) -> Any:
        x, t = (m.full(size, 0.5).to(getattr(m, dtype)) for size, dtype in zip(sizes, (input, target), strict=True))
        return getattr(m.nn.functional, name)(x, t, reduction=reduction)

    try:
        program(torch)
    except Exception:
        with pytest.raises((RuntimeError, ValueError)):
            program(tinyact)
    else:
        # Of mixed operands PyTorch computes a part in float32.
        same(program, upstream=None, tolerance=3e7 if {input, target} == {"float32", "float64"} else 1.0)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_weights_of_other_dtypes(dtype: str) -> None:
    def program(m: Any, x: Any) -> Any:
        w, F = m.ones(3).to(getattr(m, dtype)) * 2, m.nn.functional
        t = m.tensor([1.0, 0.0, 1.0])
        return [
            F.binary_cross_entropy(x, t, w),
            F.binary_cross_entropy_with_logits(x, t, w),
            F.binary_cross_entropy_with_logits(x, t, pos_weight=w),
        ]

    same(program, np.array([0.25, 0.5, 0.75], np.float32))


@pytest.mark.parametrize("index", [-100, -1, 0, 1])
@pytest.mark.parametrize("sizes", [(3,), (2, 3)])
def test_probabilities_are_not_ignored(sizes: tuple[int, ...], index: int) -> None:
    same_outcome(lambda m: m.nn.functional.cross_entropy(m.ones(sizes), m.ones(sizes) / 4, ignore_index=index))
