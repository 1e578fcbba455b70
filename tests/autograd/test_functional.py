"""``jacobian``, ``hessian`` and products with them, against PyTorch's."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import assert_equal, same_error

NAMES = ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"]

# Functions of two matrices a (2, 3) and b (3,), by what they return: several tensors, or a number.
SEVERAL: list[Any] = [
    lambda m, a, b: a @ b,
    lambda m, a, b: (a.tanh() * b, b.sum()),
    lambda m, a, b: (a.exp().sum(0) / (1 + b * b), a[0], m.ones(2).double()),
    lambda m, a, b: a.relu() * 2,
]
SINGLE: list[Any] = [
    lambda m, a, b: (a @ b).sigmoid().sum(),
    lambda m, a, b: (a**3).sum() * b.prod(),
    lambda m, a, b: ((a - b) ** 2).mean().reshape(1, 1),
    lambda m, a, b: (a * 2).sum(),
    lambda m, a, b: m.nn.functional.elu(a @ b).sum() + b.abs().sum(),
]


@st.composite
def points(draw: Any) -> tuple[Any, ...]:
    """a and b, and vectors of their shapes."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return tuple(np.round(rng.uniform(-2, 2, shape), 3) for shape in ((2, 3), (3,), (2, 3), (3,)))


def flat(result: Any) -> list[Any]:
    return [tensor for part in result for tensor in flat(part)] if isinstance(result, tuple) else [result]


def agree(program: Any, *arrays: Any, tolerance: float = 10) -> None:
    """Assert that both return tensors nested in the same way, with the same numbers."""
    ours, theirs = (program(m, *[m.from_numpy(array.copy()) for array in arrays]) for m in (tinyact, torch))
    assert _nesting(ours) == _nesting(theirs)
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        assert_equal(a, b, tolerance)


def _nesting(result: Any) -> Any:
    return [_nesting(part) for part in result] if isinstance(result, tuple) else "tensor"


@pytest.mark.parametrize("which", range(len(SEVERAL + SINGLE)))
@given(at=points())
def test_of_functions_with_two_inputs(which: int, at: Any) -> None:
    function = (SEVERAL + SINGLE)[which]

    def program(m: Any, a: Any, b: Any, va: Any, vb: Any) -> Any:
        def func(a: Any, b: Any) -> Any:
            return function(m, a, b)

        f, inputs, v = m.autograd.functional, (a, b), (va, vb)
        outputs = func(a, b)
        # Any vectors of the outputs' shapes.
        back = tuple(output * 0.5 + 1 for output in outputs) if isinstance(outputs, tuple) else outputs * 0.5 + 1
        results = (f.jacobian(func, inputs), f.vjp(func, inputs, back), f.jvp(func, inputs, v))
        if which >= len(SEVERAL):
            results += (f.hessian(func, inputs), f.hvp(func, inputs, v), f.vhp(func, inputs, v))
        return results

    agree(program, *at)


@given(at=points())
def test_of_one_input(at: Any) -> None:
    def program(m: Any, a: Any, b: Any, va: Any, vb: Any) -> Any:
        f = m.autograd.functional

        def single(b: Any) -> Any:
            return (a @ b).tanh().sum()

        return (
            f.jacobian(lambda b: (a @ b).exp(), b),
            f.jacobian(lambda b: (a @ b,), (b,)),
            f.hessian(single, b), f.hessian(single, (b,)),
            f.hvp(single, b, vb), f.vhp(single, (b,), (vb,)),
            f.vjp(single, b), f.jvp(lambda t: t * a, vb[0]),
            f.vhp(lambda t: t**3, vb[:1]), f.hvp(lambda t: t**3, vb[0]),
        )  # fmt: skip

    agree(program, *at)


@given(at=points())
def test_results_can_be_differentiated_again(at: Any) -> None:
    def program(m: Any, a: Any, b: Any, va: Any, vb: Any) -> Any:
        f = m.autograd.functional
        for tensor in (a, b, va, vb):
            tensor.requires_grad_()

        def func(a: Any, b: Any) -> Any:
            return (a.tanh() @ b).exp().sum()

        results = (
            f.jacobian(func, (a, b), create_graph=True),
            f.hessian(func, (a, b), create_graph=True),
            f.vjp(func, (a, b), create_graph=True),
            *(getattr(f, name)(func, (a, b), (va, vb), create_graph=True) for name in ("jvp", "hvp", "vhp")),
        )
        total = sum((tensor**2).sum() for tensor in flat(results))
        return results, m.autograd.grad(total, (a, b, va, vb))

    agree(program, *at)


def test_without_create_graph_nothing_is_recorded_and_the_inputs_are_as_before() -> None:
    x = tinyact.tensor([1.0, 2.0], requires_grad=True)
    for name in NAMES:
        v = {"v": x.detach()} if name in ("jvp", "hvp", "vhp") else {}
        results = getattr(tinyact.autograd.functional, name)(lambda x: (x**3).sum(), x, **v)
        assert not any(tensor.requires_grad for tensor in flat(results))
    assert x.grad is None
    assert x.tolist() == [1.0, 2.0]


def test_also_where_nothing_is_recorded() -> None:
    def program(m: Any, x: Any) -> Any:
        with m.no_grad():
            return m.autograd.functional.hessian(lambda x: (x**3).sum(), x)

    agree(program, np.array([1.0, 2.0]))


def test_a_tensor_that_the_function_knows_anyway_is_a_constant() -> None:
    def program(m: Any, x: Any) -> Any:
        x.requires_grad_()
        return m.autograd.functional.jacobian(lambda given: given * x, x)

    agree(program, np.array([1.0, 2.0]))


# PyTorch's own forward mode warns of PyTorch's own compiler.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_every_strategy_gives_the_same_numbers() -> None:
    def program(m: Any, x: Any) -> Any:
        f = m.autograd.functional
        return (
            f.jacobian(lambda x: x**2, x, vectorize=True),
            f.jacobian(lambda x: x**2 + 1, x, vectorize=True, strategy="forward-mode"),
            f.hessian(square, x, vectorize=True),
            f.hessian(square, x, vectorize=True, outer_jacobian_strategy="forward-mode").detach(),
        )

    agree(program, np.array([1.0, 2.0]))


def test_nothing_in_it() -> None:
    result = tinyact.autograd.functional.jacobian(lambda x: x.exp(), tinyact.ones(0))
    assert result.shape == (0, 0)


def test_signatures() -> None:
    for name in NAMES:
        ours, theirs = (inspect.signature(getattr(m.autograd.functional, name)) for m in (tinyact, torch))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]


def square(x: Any) -> Any:
    return (x * x).sum()


REFUSED: list[Any] = [
    lambda m, f: f.jacobian(square, 1.0),
    lambda m, f: f.jacobian(lambda x: 1.0, m.ones(2)),
    lambda m, f: f.jacobian(lambda x: (x, 1.0), m.ones(2)),
    lambda m, f: f.jacobian(lambda x: [x], m.ones(2)),
    lambda m, f: f.vjp(lambda x: x * x, m.ones(2)),
    lambda m, f: f.vjp(lambda x: x * x, m.ones(2), m.ones(3)),
    lambda m, f: f.vjp(lambda x: (square(x), square(x)), m.ones(2)),
    lambda m, f: f.vjp(lambda x: (x, x), m.ones(2), (m.ones(2), m.ones(3))),
    lambda m, f: f.vjp(lambda x: (x, x), m.ones(2), (m.ones(2),)),
    lambda m, f: f.vjp(lambda x: x, m.ones(2), (m.ones(2), m.ones(2))),
    lambda m, f: f.vjp(lambda x: x, m.ones(2), 1.0),
    *(lambda m, f, n=name: getattr(f, n)(square, m.ones(2)) for name in ("jvp", "hvp", "vhp")),
]  # fmt: skip
REFUSED_IN_OTHER_WORDS: list[Any] = [
    lambda m, f: f.jacobian(square, m.ones(2, dtype=m.int64)),
    lambda m, f: f.jacobian(square, m.ones(2), strategy="sideways"),
    lambda m, f: f.jacobian(square, m.ones(2), strategy="forward-mode"),
    lambda m, f: f.hessian(square, m.ones(2), outer_jacobian_strategy="forward-mode"),
    lambda m, f: f.jacobian(square, m.ones(2), vectorize=True, strategy="forward-mode", create_graph=True),
    lambda m, f: f.jacobian(square, m.ones(2), vectorize=True, strategy="forward-mode", strict=True),
    lambda m, f: f.jacobian(square, m.ones(2), vectorize=True, strict=True),
    lambda m, f: f.hessian(square, m.ones(2), vectorize=True, strict=True),
    lambda m, f: f.hessian(lambda x: x * x, m.ones(2)),
    lambda m, f: f.hessian(lambda x: (square(x), square(x)), m.ones(2)),
    lambda m, f: f.hvp(lambda x: x * x, m.ones(2), m.ones(2)),
    lambda m, f: f.vhp(lambda x: (square(x),), m.ones(2), m.ones(2)),
]  # fmt: skip

# In strict mode: no dependence, or none that goes on after the first derivative.
INDEPENDENT: list[Any] = [
    lambda m, x: m.ones(1),
    lambda m, x: (x.detach() * 2).sum(),
    lambda m, x: m.ones(1, requires_grad=True) * 2,
    lambda m, x: x.sum(),
]


@pytest.mark.parametrize("program", REFUSED)
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m, m.autograd.functional), words=True)


@pytest.mark.parametrize("program", REFUSED_IN_OTHER_WORDS)
def test_refused_in_other_words(program: Any) -> None:
    same_error(lambda m: program(m, m.autograd.functional))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", range(len(INDEPENDENT)))
@pytest.mark.parametrize("create_graph", [False, True])
def test_strict(name: str, which: int, create_graph: bool) -> None:
    def program(m: Any) -> Any:
        x = m.ones(2, dtype=m.float64, requires_grad=True)
        v = {} if name in ("jacobian", "hessian") else {"v": m.ones(1 if name == "vjp" else 2, dtype=m.float64)}
        if name == "vjp" and which in (1, 3):
            v = {}
        function = getattr(m.autograd.functional, name)
        return function(lambda x: INDEPENDENT[which](m, x).double(), x, create_graph=create_graph, strict=True, **v)

    try:
        program(torch)
    except RuntimeError:
        # Where a first derivative is constant, PyTorch's words depend on how it went about computing the second.
        same_error(program, words=which != 3 and name != "hessian")
    else:
        ours, theirs = program(tinyact), program(torch)
        for a, b in zip(flat(ours), flat(theirs), strict=True):
            assert a.detach().tolist() == b.detach().tolist()


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "vhp"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_strict_where_the_derivative_is_constant_piece_by_piece(name: str, create_graph: bool) -> None:
    def program(m: Any, x: Any, v: Any) -> Any:
        given = {"v": v} if name == "vhp" else {}
        function = getattr(m.autograd.functional, name)
        return function(lambda x: x.relu().sum(), x, create_graph=create_graph, strict=True, **given)

    agree(program, np.array([1.0, 2.0]), np.array([3.0, -4.0]))


def test_a_network_with_binary_cross_entropy() -> None:
    """Hessian-vector products with respect to all parameters of the notebook's network, small."""
    rng = np.random.default_rng(0)
    shapes = ((8, 5), (8,), (1, 8), (1,))
    arrays = [rng.normal(size=shape) / 2 for shape in shapes * 2]
    x, target = rng.normal(size=(20, 5)), rng.integers(0, 2, (20, 1)).astype(float)

    for activation in ("relu", "tanh", "gelu"):
        for logits in (False, True):

            def program(m: Any, *given: Any, activation: str = activation, logits: bool = logits) -> Any:
                f = m.nn.functional

                def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
                    z = f.linear(getattr(f, activation)(f.linear(m.from_numpy(x), w1, b1)), w2, b2)
                    t = m.from_numpy(target)
                    if logits:
                        return f.binary_cross_entropy_with_logits(z, t)
                    return f.binary_cross_entropy(z.sigmoid(), t)

                parameters, v = given[:4], given[4:]
                products = (
                    m.autograd.functional.hvp(loss, parameters, v),
                    m.autograd.functional.vhp(loss, parameters, v),
                )
                return products, m.autograd.functional.hessian(loss, parameters)

            # PyTorch's second derivative of BCE has 10⁻¹² added to x and to 1 − x.
            agree(program, *arrays, tolerance=10 if logits else 1e4)
