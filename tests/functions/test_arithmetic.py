"""Operations on operands that broadcast."""

from __future__ import annotations

import math
import operator
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import SPECIAL, arrays, check_derivatives, numbers, same, same_error, same_outcome
from tinyact.functions.operand import check_broadcast

BINARY = ["add", "sub", "mul", "div", "pow", "maximum", "minimum"]
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow}
DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


@st.composite
def pairs(draw: Any, low: float = -10.0, special: bool = False, count: int = 2) -> tuple[Any, ...]:
    """Arrays whose shapes broadcast, some of them empty or without dimensions, of any floating dtypes."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=count, min_side=0, max_side=3, max_dims=3)).input_shapes
    return tuple(draw(arrays(shape, low=low, special=special)) for shape in shapes)


@st.composite
def mixed(draw: Any) -> tuple[Any, Any]:
    """Two arrays of any dtypes, with and without dimensions."""
    return tuple(
        np.full(
            draw(st.sampled_from([(), (2,), (3, 1)])),
            draw(st.sampled_from([0, 1, 2, 3])),
            draw(st.sampled_from(DTYPES)),
        )
        for _ in range(2)
    )  # type: ignore[return-value]


@pytest.mark.parametrize("name", BINARY)
@given(operands=pairs(special=True))
def test_values_and_gradients(name: str, operands: Any) -> None:
    # Powers of numbers near the ends of the range lose up to eight bits more, in both libraries.
    same(lambda m, a, b: getattr(m, name)(a, b), *operands, names=True, tolerance=100 if name == "pow" else 1)


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_derivatives(name: str, data: st.DataObject) -> None:
    a, b = data.draw(arrays((2, 1), "float64", 0.5, 3)), data.draw(arrays((3,), "float64", 3.5, 5))
    check_derivatives(lambda x, y: getattr(x, name)(y), a, b)


@pytest.mark.parametrize("sign", OPERATORS)
@given(x=arrays(low=0.125), number=st.one_of(st.integers(-3, 3), st.floats(-3, 3, width=32)))
def test_operators_with_numbers_on_either_side(sign: str, x: Any, number: float) -> None:
    apply = OPERATORS[sign]
    # 2 / x is named differently where x has to be turned into a floating tensor first; here it never has.
    same(lambda m, t: apply(t, number), x, names=True, tolerance=10)
    same(lambda m, t: apply(number, t), x, names=True, tolerance=10)


@pytest.mark.parametrize("sign", OPERATORS)
@given(operands=mixed())
def test_dtypes_are_promoted(sign: str, operands: Any) -> None:
    a, b = operands
    apply = OPERATORS[sign]
    if sign in "-" and "bool" in (a.dtype, b.dtype):
        same_error(lambda m, x, y: apply(x, y), a, b)
        return
    if sign == "**" and a.dtype == b.dtype == "bool":
        same_error(lambda m, x, y: apply(x, y), a, b)
        return
    same(lambda m, x, y: apply(x, y), a, b)


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("number", [2, 2.5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_promoted(sign: str, number: float, dtype: str) -> None:
    x = np.array([1, 0, 2], dtype)
    apply = OPERATORS[sign]
    if sign == "-" and dtype == "bool":
        same_error(lambda m, t: apply(t, number), x)
        return
    same(lambda m, t: apply(t, number), x)
    same(lambda m, t: apply(number, t), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bool_numbers(dtype: str) -> None:
    x = np.array([1, 0, 2], dtype)
    for apply in (operator.add, operator.mul):
        same(lambda m, t: apply(t, True), x)  # noqa: B023
    same_error(lambda m, t: t - True, x)
    same_error(lambda m, t: True - t, x)


@given(operands=pairs())
def test_alpha(operands: Any) -> None:
    same(lambda m, a, b: (m.add(a, b, alpha=2.5), m.sub(a, b, alpha=-0.5)), *operands)


@given(x=arrays(special=True), bounds=st.tuples(numbers(), numbers()))
def test_clamp_by_numbers(x: Any, bounds: tuple[float, float]) -> None:
    low, high = bounds
    same(lambda m, t: m.clamp(t, low, high), x, names=True)
    same(lambda m, t: t.clamp(min=low), x, names=True)
    same(lambda m, t: t.clamp(max=high), x, names=True)


@given(operands=pairs(count=3))
def test_clamp_by_tensors(operands: Any) -> None:
    # Of the full shape itself, since PyTorch's backward fails where an empty bound broadcasts x.
    x = np.array(np.broadcast_arrays(*operands)[0])
    same(lambda m, x, low, high: m.clamp(x, low, high), x, *operands[1:], names=True)


@pytest.mark.parametrize("bounds", [(0, None), (None, 2), (0.5, 1.5), (None, True)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "float64"])
def test_clamp_of_integers(bounds: Any, dtype: str) -> None:
    same(lambda m, x: m.clamp(x, *bounds), np.array([-1, 0, 1, 2, 3], dtype))


def test_large_integers_are_clamped_exactly() -> None:
    same(lambda m, x: m.clamp(x, -(2**61)), np.array([2**60 + 1, -(2**60) - 1]))


@given(operands=pairs(special=True), condition=st.booleans())
def test_where(operands: Any, condition: bool) -> None:
    a, b = operands
    mask = np.broadcast_to(np.arange(a.size).reshape(a.shape) % 2 == int(condition), a.shape)
    same(lambda m, x, y: m.where(m.from_numpy(mask.copy()), x, y), a, b, names=True)


@pytest.mark.parametrize("other", [2, 2.5, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_where_with_numbers(other: float, dtype: str) -> None:
    x = np.array([1, 0, 2], dtype)
    same(lambda m, t: m.where(t > 0, t, other), x)
    same(lambda m, t: m.where(t > 0, other, t), x)
    same(lambda m, t: t.where(t > 0, other), x)
    same(lambda m, t: m.where(t > 0, other, 1), x)


@given(data=st.data())
def test_derivatives_of_clamp_and_where(data: st.DataObject) -> None:
    x = data.draw(arrays((4,), "float64", 0.5, 1.5))
    check_derivatives(lambda t: (t * t).clamp(1.1, 1.9) * t, np.where(np.abs(x * x - 1.5) > 0.35, 1.2, x))
    check_derivatives(lambda t: t.where(t > 1, t * t), np.where(np.abs(x - 1) < 0.01, 1.2, x))


def test_powers_at_their_edges() -> None:
    for exponent in (0, 1, 2, 3, -1, 0.5, -0.5, 2.5):
        for dtype in ("float32", "float64"):
            same(lambda m, x: x**exponent, np.array(SPECIAL, dtype), tolerance=100)  # noqa: B023
            same(lambda m, x: x ** m.tensor(float(exponent)), np.array(SPECIAL, dtype), tolerance=100)  # noqa: B023


def test_gradients_of_powers_at_their_edges() -> None:
    bases, exponents = np.array([0.0, -0.0, 1.0, 2.0]), np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    same(lambda m, a, b: a**b, bases[:, None], exponents)
    same(lambda m, x: x**0, np.array([2, 0]))


def test_which_operand_is_boolean_is_said() -> None:
    for program in (lambda a, b: a - b, lambda a, b: a - b.float(), lambda a, b: a.float() - b):
        said = []
        for m in (tinyact, torch):
            with pytest.raises(RuntimeError) as refused:
                program(m.tensor([True]), m.tensor([False]))
            said.append(str(refused.value).partition(" is not supported")[0])
        assert said[0] == said[1]


@pytest.mark.parametrize(
    "shapes", [((3,), (2, 4)), ((2, 4), (3,)), ((2, 3), (3, 3)), ((4, 2, 3), (3, 1, 3)), ((2, 3, 4), (5, 4))]
)
def test_the_sizes_that_do_not_match_are_named_as_in_pytorch(shapes: Any) -> None:
    same_error(lambda m: m.ones(shapes[0]) + m.ones(shapes[1]), words=True)


def test_of_three_the_two_that_do_not_match_are_named() -> None:
    x, flat, other = tinyact.ones(5, 3), tinyact.ones(3), tinyact.ones(5, 4)
    for operands in ((flat, x, other), (x, flat, other), (x, other), (flat, tinyact.ones(4))):
        with pytest.raises(
            RuntimeError, match=r"tensor a \(3\) must match .* tensor b \(4\) at non-singleton dimension"
        ):
            check_broadcast(*operands)
    check_broadcast(flat, x, flat)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(2) + m.ones(3),
        lambda m: m.ones(2, 3) * m.ones(3, 2),
        lambda m: m.ones(2) + "1",
        lambda m: m.ones(2) + None,
        lambda m: m.add(m.ones(2), [1]),
        lambda m: m.tensor([2]) ** -1,
        lambda m: m.clamp(m.ones(2)),
        lambda m: m.clamp(m.tensor([True]), False, True),
        lambda m: m.where(m.ones(2), m.ones(2), m.ones(2)),
        lambda m: m.where(m.ones(2) > 0, m.ones(2), m.ones(3)),
        lambda m: m.maximum(m.ones(2), m.ones(3)),
        lambda m: m.ones(2) - m.tensor([True, False]),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


TENSORS = {
    "floating": lambda m: m.tensor([1.0, 3.0, -2.0]),
    "double": lambda m: m.tensor([1.0, 3.0, -2.0], dtype=m.float64),
    "integers": lambda m: m.tensor([0, 1, -2]),
    "bytes": lambda m: m.tensor([0, 1, 2], dtype=m.uint8),
    "booleans": lambda m: m.tensor([True, False, True]),
    "one integer": lambda m: m.tensor(-1),
    "one number": lambda m: m.tensor(1.5),
}
NUMBERS: dict[str, Any] = {f"{n!r}": lambda m, n=n: n for n in (2, -1, -2, 2.5, 300, -300, 0)}


@pytest.mark.parametrize("a", TENSORS)
@pytest.mark.parametrize("b", [*TENSORS, *NUMBERS])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum"])
@pytest.mark.parametrize("in_place", [False, True])
def test_operands_of_all_dtypes(name: str, a: str, b: str, in_place: bool) -> None:
    if in_place and name in ("maximum", "minimum"):
        return
    operands = TENSORS[a], {**TENSORS, **NUMBERS}[b]
    same_outcome(lambda m: getattr(operands[0](m), name + "_" * in_place)(operands[1](m)))


@pytest.mark.parametrize("a", TENSORS)
@pytest.mark.parametrize("b", [*TENSORS, *NUMBERS])
@pytest.mark.parametrize("alpha", [2, 1.5, 2.0, -1, 0])
@pytest.mark.parametrize("name", ["add", "sub"])
def test_alpha_of_all_dtypes(name: str, a: str, b: str, alpha: float) -> None:
    operands = TENSORS[a], {**TENSORS, **NUMBERS}[b]
    same_outcome(lambda m: getattr(m, name)(operands[0](m), operands[1](m), alpha=alpha))


@pytest.mark.parametrize("x", TENSORS)
@pytest.mark.parametrize("low", [None, *TENSORS, *NUMBERS])
@pytest.mark.parametrize("high", [None, *TENSORS, *NUMBERS])
def test_clamp_between_bounds_of_all_kinds(x: str, low: str | None, high: str | None) -> None:
    bounds = {None: lambda m: None, **TENSORS, **NUMBERS}
    same_outcome(lambda m: TENSORS[x](m).clamp(bounds[low](m), bounds[high](m)))


@pytest.mark.parametrize("a", [*TENSORS, *NUMBERS])
@pytest.mark.parametrize("b", [*TENSORS, *NUMBERS])
def test_where_of_all_dtypes(a: str, b: str) -> None:
    operands = {**TENSORS, **NUMBERS}
    same_outcome(lambda m: m.where(m.tensor([True, False, True]), operands[a](m), operands[b](m)))


@given(st.lists(st.lists(st.sampled_from([1, 3, 40]), max_size=3), min_size=3, max_size=3))
def test_where_of_three_shapes(shapes: list[list[int]]) -> None:
    rng = np.random.default_rng(0)
    a, b, c = (rng.integers(-4, 5, shape).astype(float) for shape in shapes)

    def program(m: Any, a: Any, b: Any, c: Any) -> Any:
        return m.where(c.detach() > 0, a, b)

    try:
        np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        same_error(lambda m: program(m, *map(m.tensor, (a, b, c))))
    else:
        same(program, a, b, c)


@pytest.mark.parametrize("grad", [math.inf, math.nan, 1.0])
def test_gradients_of_powers_that_are_no_numbers(grad: float) -> None:
    def program(m: Any, x: Any, y: Any) -> Any:
        powers = [0**x, 0.0**x, x**0, x**2, x**y, x**-1, m.zeros((), dtype=m.float64) ** x]
        return [m.autograd.grad(p, x, m.full_like(p, grad))[0] for p in powers]

    x, y = np.array([0.0, 0.0, 2.0, -1.0]), np.array([0.0, 2.0, -1.0, 1.0])
    same(program, x, y)
    same(lambda m, x: 0**x / 0**x, x)
