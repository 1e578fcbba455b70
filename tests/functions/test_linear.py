"""Matrix products and the linear layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, same, same_error

SIZES = st.integers(0, 4)


@st.composite
def products(draw: Any) -> tuple[Any, Any]:
    """Two arrays that can be multiplied: vectors, matrices, stacks that broadcast."""
    n, k, m = (draw(SIZES) for _ in range(3))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    stacks = draw(st.sampled_from([((), ()), ((2,), (2,)), ((2,), ()), ((), (3,)), ((2, 1), (3,)), ((0,), (1,))]))
    a = draw(st.sampled_from([(k,), (*stacks[0], n, k)]))
    b = draw(st.sampled_from([(k,), (*stacks[1], k, m)]))
    return draw(arrays(a, dtype)), draw(arrays(b, dtype))


@given(operands=products())
def test_matmul(operands: Any) -> None:
    same(lambda m, a, b: m.matmul(a, b), *operands, tolerance=4)
    same(lambda m, a, b: a @ b, *operands, tolerance=4)


def test_products_with_arrays() -> None:
    x, array = tinyact.ones(2, 3, requires_grad=True), np.arange(12, dtype=np.float32).reshape(3, 4)
    for product, expected in ((x @ array, array.sum(0)), (array.T @ x.T, array.sum(0)[:, None])):
        np.testing.assert_array_equal(product.detach().numpy(), np.broadcast_to(expected, product.shape))
        (g,) = tinyact.autograd.grad(product.sum(), x)
        np.testing.assert_array_equal(g.numpy(), np.broadcast_to(array.sum(1), (2, 3)))


@given(data=st.data(), sizes=st.tuples(SIZES, SIZES, SIZES))
def test_mm(data: st.DataObject, sizes: Any) -> None:
    n, k, m = sizes
    a, b = data.draw(arrays((n, k), "float32")), data.draw(arrays((k, m), "float32"))
    same(lambda m, x, y: m.mm(x, y), a, b, names=True, tolerance=4)


@given(data=st.data(), sizes=st.tuples(SIZES, SIZES), batch=st.sampled_from([(), (0,), (1,), (5,), (2, 3), (2, 0)]))
def test_linear(data: st.DataObject, sizes: Any, batch: Any) -> None:
    width, out = sizes
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    x, w, b = (data.draw(arrays(shape, dtype)) for shape in ((*batch, width), (out, width), (out,)))
    same(lambda m, *t: m.nn.functional.linear(*t), x, w, b, tolerance=4)
    same(lambda m, *t: m.nn.functional.linear(*t), x, w, tolerance=4)


@given(x=arrays((3, 2), "float64"), w=arrays((2,), "float64"))
def test_linear_with_one_output(x: Any, w: Any) -> None:
    same(lambda m, *t: m.nn.functional.linear(*t), x, w)
    for batch in (x[0], x.reshape(1, 3, 2)):
        same(lambda m, *t: m.nn.functional.linear(*t), batch, w, np.array(0.75))


def test_names_of_products() -> None:
    v, a = np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    for operands in ((v, v), (a, v), (a, a)):
        same(lambda m, x, y: x @ y, *operands, names=True)


@pytest.mark.parametrize("shape", [(6400, 3), (6399, 3), (80, 81, 3), (1, 20000, 3)])
@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_many_rows(shape: tuple[int, ...], outputs: int, order: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    if len(shape) == 3:
        x = x.transpose(order)
    w, b = (rng.normal(size=size).astype(np.float32) for size in ((outputs, 3), (outputs,)))
    same(lambda m, x: m.nn.functional.linear(x, m.from_numpy(w), m.from_numpy(b)), x, tolerance=4)


@pytest.mark.parametrize("batch", [(4,), (), (2, 3)])
def test_names(batch: Any) -> None:
    x, w, b = np.ones((*batch, 3)), np.ones((2, 3)), np.ones(2)
    same(lambda m, *t: m.nn.functional.linear(*t), x, w, b, names=True)
    same(lambda m, *t: m.nn.functional.linear(*t), x, w, names=True)


def test_derivatives() -> None:
    draw = np.random.default_rng(0).normal
    check_derivatives(lambda a, b: a @ b, draw(size=(2, 3)), draw(size=(3, 2)))
    check_derivatives(lambda a, b: a @ b, draw(size=(2, 2, 3)), draw(size=(3, 2)))
    check_derivatives(lambda a, b: a @ b, draw(size=(2, 3)), draw(size=3))
    check_derivatives(lambda a, b: a @ b, draw(size=3), draw(size=3))
    check_derivatives(tinyact.nn.functional.linear, draw(size=(2, 3)), draw(size=(2, 3)), draw(size=2))
    check_derivatives(lambda x, w: tinyact.nn.functional.linear(x, w), draw(size=(2, 2, 3)), draw(size=(2, 3)))


def test_no_gradient_is_computed_for_an_input_that_needs_none() -> None:
    x, w, b = tinyact.ones(4, 3), tinyact.ones(2, 3, requires_grad=True), tinyact.ones(2, requires_grad=True)
    node = tinyact.nn.functional.linear(x, w, b).grad_fn
    assert node is not None
    grads = node.backward(np.ones((4, 2), np.float32), node.load())
    assert [grad is None for grad in grads] == [True, False, False]
    # And the weight, which only ∂L/∂x would want, is not kept.
    assert node.saved is not None
    assert [array is x.array for array, _, _ in node.saved] == [True]


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.ones(2, 3) @ m.ones(2, 3),
        lambda m: m.ones(3) @ m.ones(2),
        lambda m: m.ones(2, 3) @ m.ones(3).double(),
        lambda m: m.tensor(1.0) @ m.ones(3),
        lambda m: m.ones(3) @ m.tensor(1.0),
        lambda m: m.ones(2, 2, 3) @ m.ones(3, 3, 2),
        lambda m: m.mm(m.ones(3), m.ones(3, 2)),
        lambda m: m.mm(m.ones(2, 3), m.ones(3)),
        lambda m: m.matmul(m.ones(2, 2), 3),
        lambda m: m.ones(2, 2) @ 3,
        lambda m: m.nn.functional.linear(m.ones(32, 99), m.ones(16, 100)),
        lambda m: m.nn.functional.linear(m.ones(32, 99), m.ones(100)),
        lambda m: m.nn.functional.linear(m.tensor(1.0), m.ones(16, 100)),
        lambda m: m.nn.functional.linear(m.ones(3, 2), m.ones(2), m.tensor(1.0)),
        lambda m: m.nn.functional.linear(m.ones(2), m.ones(2), m.ones(1)),
        lambda m: m.nn.functional.linear(m.ones(32, 100), m.ones(16, 100), m.ones(15)),
        lambda m: m.nn.functional.linear(m.ones(32, 100).double(), m.ones(16, 100)),
        lambda m: m.nn.functional.linear(m.ones(2, 100).long(), m.ones(16, 100)),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


def test_an_error_names_what_was_given_and_expected() -> None:
    with pytest.raises(RuntimeError, match=r"Linear\(100, 16\) takes inputs of width 100, got \(32, 99\)"):
        tinyact.nn.Linear(100, 16)(tinyact.ones(32, 99))
