"""Operations that make one number of many."""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import NOT_FINITE, arrays, check_derivatives, same, same_error, same_outcome

NAMES = ["sum", "mean", "prod", "var", "std"]


@st.composite
def reductions(draw: Any, several: bool = True, filled: bool = False, special: Any = False) -> tuple[Any, Any, bool]:
    """An array, some of its dimensions, and keepdim."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=1 if filled else 0, max_side=4))
    x = draw(arrays(shape, special=special))
    one = st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1)
    subsets = st.sets(st.sampled_from(range(max(x.ndim, 1))), min_size=1).map(tuple)
    return x, draw(st.one_of(one, subsets) if several else one), draw(st.booleans())


def in_eighths(x: Any) -> Any:
    """Rounded so that sums are exact: a deviation that is 0 is 0 in both, whichever way they add."""
    return np.asarray(np.round(x * 8) / 8, x.dtype)


def quietly(program: Any) -> Any:
    """Without the warning that both give where there is nothing to vary."""

    def run(m: Any, *tensors: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*degrees of freedom")
            return program(m, *tensors)

    return run


@pytest.mark.parametrize("name", NAMES)
# Large numbers that cancel would show the order of additions, which is nobody's promise.
@given(x=arrays(special=NOT_FINITE))
def test_of_all_elements(name: str, x: Any) -> None:
    # Named in docs/differences.md: PyTorch's gradient is ∞ where one element that is not finite makes a variance, and
    # 0 where a product has two zeros beside an infinite factor.
    assume(not (name == "prod" and (x == 0).sum() > 1 and not np.isfinite(x).all()))
    assume(not (name == "var" and x.size == 1 and not np.isfinite(x).all()))
    x = in_eighths(x) if name == "std" else x
    # Sums of many squares are rounded in another order.
    same(quietly(lambda m, t: getattr(m, name)(t)), x, names=True, tolerance=10)


@pytest.mark.parametrize("name", NAMES)
@given(case=reductions())
def test_along_dimensions(name: str, case: Any) -> None:
    x, dim, keepdim = case
    if name == "prod" and isinstance(dim, tuple):
        dim = dim[0]
    x = in_eighths(x) if name == "std" else x
    same(quietly(lambda m, t: getattr(t, name)(dim=dim, keepdim=keepdim)), x, names=True, tolerance=10)


@given(x=arrays(), correction=st.sampled_from([0, 1, 2, 0.5]))
def test_correction(x: Any, correction: float) -> None:
    x = in_eighths(x)
    same(quietly(lambda m, t: (t.var(correction=correction), t.std(correction=correction))), x, tolerance=10)
    same(quietly(lambda m, t: (t.var(False), m.std(t, unbiased=True))), x, tolerance=10)


def test_nothing_to_vary_is_warned_of() -> None:
    for program in (lambda m: m.ones(1).var(), lambda m: m.ones(3, 0).std(1), lambda m: m.ones(2).var(correction=2)):
        for m in (tinyact, torch):
            with pytest.warns(UserWarning, match="degrees of freedom") as warned:
                program(m)
            line = program.__code__.co_firstlineno
            assert [(warning.filename, warning.lineno) for warning in warned] == [(__file__, line)]


def test_no_dimension_means_all() -> None:
    x = np.arange(6.0).reshape(2, 3)
    same(lambda m, t: (t.sum(()), t.mean([]), t.sum(dim=(), keepdim=True)), x)
    same(lambda m, t: (t.var(dim=[]), t.all(()), t.any([])), x, upstream=None)


def test_where_the_deviation_is_0_its_gradient_is_exactly_0() -> None:
    for m in (tinyact, torch):
        x = m.tensor([1e-200, -1e-200], dtype=m.float64, requires_grad=True)
        x.std().backward()
        assert x.grad.tolist() == [0.0, 0.0]


@given(data=st.data())
def test_products_with_zeros(data: st.DataObject) -> None:
    elements = st.sampled_from([0.0, 0.0, 1.0, -2.0, 0.5, 3.0])
    x = data.draw(hnp.arrays("float64", st.sampled_from([(1,), (3,), (2, 3), (3, 1, 2)]), elements=elements))
    same(lambda m, t: t.prod(), x)
    same(lambda m, t: t.prod(-1, keepdim=True), x)
    check_derivatives(lambda t: t.prod(0), x)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("arguments", [{}, {"dim": 1}, {"dim": 0, "keepdim": True}])
def test_derivatives(name: str, arguments: Any) -> None:
    x = np.random.default_rng(0).uniform(0.5, 2, (2, 3))
    check_derivatives(lambda t: getattr(t, name)(**arguments), x)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
@given(case=reductions(several=False, filled=True, special=True))
def test_extremes(name: str, case: Any) -> None:
    x, dim, keepdim = case
    same(lambda m, t: getattr(m, name)(t), x, names=True)
    same(lambda m, t: getattr(t, name)(dim, keepdim=keepdim), x, names=True)


@given(data=st.data())
def test_equal_elements_share_the_gradient(data: st.DataObject) -> None:
    x = data.draw(hnp.arrays("float64", (2, 3), elements=st.sampled_from([1.0, 2.0])))
    same(lambda m, t: (t.max(), t.min(), t.max(1).values, t.min(0)[0]), x)


def test_extremes_name_their_parts() -> None:
    x = [[1.0, 2.0]]
    assert repr(tinyact.max(tinyact.tensor(x), 0)) == repr(torch.max(torch.tensor(x), 0))
    assert repr(tinyact.min(tinyact.tensor(x), 1)) == repr(torch.min(torch.tensor(x), 1))
    for name in ("max", "min"):
        ours, theirs = (repr(getattr(m, name)(m.tensor(1.0), 0)) for m in (tinyact, torch))
        assert ours == theirs
        assert type(getattr(tinyact.tensor(1.0), name)(0)) is type(getattr(tinyact.ones(2), name)(0))
    same(lambda m, a, b: m.max(a, b), np.array([1.0, 4.0]), np.array([3.0, 2.0]))
    check_derivatives(lambda t: t.max(0).values * t.min(), np.array([[1.0, 5.0], [3.0, 2.0]]))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers(dtype: str) -> None:
    x = np.array([[1, 0, 3], [0, 1, 1]], dtype)
    for program in (
        lambda m, t: t.sum(), lambda m, t: t.sum(0), lambda m, t: t.prod(1), lambda m, t: t.prod(),
        lambda m, t: t.max(), lambda m, t: t.min(0), lambda m, t: t.sum(dtype=m.float64),
        lambda m, t: t.mean(dtype=m.float32), lambda m, t: t.all(), lambda m, t: t.any(0), lambda m, t: t.all(-1, True),
    ):  # fmt: skip
        same(program, x)
    same_error(lambda m, t: t.mean(), x)
    same_error(lambda m, t: t.var(), x)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(2).sum(1),
        lambda m: m.ones(2, 2).sum((0, 0)),
        lambda m: m.ones(2, 2).sum((0, -2)),
        lambda m: m.ones(2).sum("0"),
        lambda m: m.ones(0).max(),
        lambda m: m.ones(0, 2).max(0),
        lambda m: m.ones(0).argmax(),
        lambda m: m.ones(2).max(3),
        lambda m: m.sum([1.0]),
        lambda m: m.ones(2).prod((0,)),
        lambda m: m.ones(2).all(2),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


def test_a_sum_keeps_no_input() -> None:
    # Changing the input afterwards is no error, as in PyTorch.
    def program(m: Any, x: Any) -> Any:
        y = x * 2
        z = y.sum() + y.mean() + y.max(0).values
        y.zero_()
        return z

    same(program, np.array([1.0, 2.0]))


def test_float32_does_not_drift_down_a_column() -> None:
    x = np.full((1_000_000, 2), 0.1, np.float32)
    same(lambda m, t: (t.sum(0), t.mean(0), t.var(0)), x, tolerance=10)
    same(lambda m, b: m.zeros(1_000_000, 2) + b, np.zeros(2, np.float32), tolerance=10)


def test_the_variance_of_large_and_small_numbers() -> None:
    for size in (1e20, 1e-25):
        same(lambda m, t: t.std(), np.array([size, -size], np.float32))


@pytest.mark.parametrize("name", ["argmax", "argmin", "max", "min", "sum", "prod", "all", "any", "mean", "var", "std"])
@pytest.mark.parametrize("dim", [None, 0])
def test_reductions_of_booleans(name: str, dim: int | None) -> None:
    same_outcome(lambda m: getattr(m.tensor([[True, False], [False, False]]), name)(*(() if dim is None else (dim,))))


@pytest.mark.parametrize("name", ["sum", "prod"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float32"])
def test_the_result_has_the_dtype_that_was_asked_for(name: str, dtype: str) -> None:
    for x in (np.array([[100, 100], [0, 3]]), np.array([True, True]), np.zeros((2, 0))):
        same(lambda m, t: getattr(m, name)(t, dtype=getattr(m, dtype)), x, upstream=None)
        same(lambda m, t: getattr(m, name)(t, 0, dtype=getattr(m, dtype)), x, upstream=None)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "max", "argmin", "all", "any"])
@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_results_lie_in_order(name: str, order: Any) -> None:
    for dim in range(3):

        def program(m: Any, t: Any) -> Any:
            results = [getattr(t.permute(order), name)(dim, keepdim=keepdim) for keepdim in (False, True)]  # noqa: B023
            return [
                t.is_contiguous() for result in results for t in (result if isinstance(result, tuple) else [result])
            ]

        same(program, np.arange(24.0).reshape(2, 3, 4), upstream=None)


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("sizes", [(), (1,), (1, 1)])
def test_a_hook_may_change_a_gradient_of_one_element(name: str, sizes: Any) -> None:
    def program(m: Any, x: Any) -> Any:
        y = x * 1
        y.register_hook(lambda grad: grad.mul_(3))
        return getattr(y, name)()

    same(program, np.ones(sizes))
