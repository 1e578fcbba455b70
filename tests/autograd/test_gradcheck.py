"""The check of derivatives can fail, and says where."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tinyact.autograd import gradcheck, gradgradcheck


class Wrong(tinyact.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 2.1


def test_right_derivatives_pass() -> None:
    x = tinyact.rand(2, 3, dtype=tinyact.float64, requires_grad=True)
    w = tinyact.rand(3, dtype=tinyact.float64, requires_grad=True)
    assert gradcheck(lambda a, b: (a @ b, a.sum(0) * b), (x, w))
    assert gradcheck(lambda a: a * 2, x)


def test_a_wrong_derivative_is_found() -> None:
    x = tinyact.rand(2, dtype=tinyact.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(Wrong.apply, (x,))
    assert gradcheck(Wrong.apply, (x,), raise_exception=False) is False
    assert gradcheck(Wrong.apply, (x,), atol=0.2)


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_nan_agrees_with_nothing(factor: float) -> None:
    for m in (tinyact, torch):
        x = m.ones(2, dtype=m.float64, requires_grad=True)
        with np.errstate(all="raise"), pytest.raises(RuntimeError, match="Jacobian mismatch"):
            m.autograd.gradcheck(lambda t: t * factor, (x,))


def test_a_derivative_that_is_another_every_time_is_found() -> None:
    turns = iter(range(100))

    class Restless(tinyact.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * (2 + 1e-3 * (next(turns) % 3))

    x = tinyact.ones(1, dtype=tinyact.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="not reentrant"):
        gradcheck(Restless.apply, (x,), atol=1.0)
    assert gradcheck(Restless.apply, (x,), atol=1.0, nondet_tol=0.01)


def test_the_input_is_as_before() -> None:
    x = tinyact.tensor([1.0, 2.0], dtype=tinyact.float64, requires_grad=True)
    gradcheck(lambda t: t * t, (x,))
    assert x.tolist() == [1.0, 2.0]
    assert x.grad is None


def test_inputs_that_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="require"):
        gradcheck(lambda t: t * 2, (tinyact.ones(2),))
    with pytest.raises(ValueError, match="require"):
        torch.autograd.gradcheck(lambda t: t * 2, (torch.ones(2),))
    for m in (tinyact, torch):
        with pytest.raises(RuntimeError, match="0th input has a dimension with stride 0"):
            m.autograd.gradcheck(lambda t: t * 2, (m.ones(1).double().expand(2).requires_grad_(),))


def test_float32_with_a_warning() -> None:
    for m in (tinyact, torch):
        x = m.tensor([0.5, 1.0], requires_grad=True)
        with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double") as warned:
            assert m.autograd.gradcheck(lambda t: t * t, (x,), eps=1e-2, atol=1e-2)
        assert m is torch or warned[0].filename == __file__
        with pytest.warns(UserWarning, match="double"):
            assert m.autograd.gradgradcheck(lambda t: t * t * t, (x,), eps=1e-2, atol=5e-2)


def test_functions_that_have_their_tensors_from_elsewhere() -> None:
    for m in (tinyact, torch):
        m.manual_seed(0)
        model = m.nn.Sequential(m.nn.Linear(3, 2), m.nn.Tanh(), m.nn.Linear(2, 1)).to(m.float64)
        x = m.ones(4, 3, dtype=m.float64)
        before = [p.tolist() for p in model.parameters()]
        for fast_mode in (False, True):
            for check in (m.autograd.gradcheck, m.autograd.gradgradcheck):
                assert check(lambda *p, f=model, x=x: f(x), tuple(model.parameters()), fast_mode=fast_mode)
        assert [p.tolist() for p in model.parameters()] == before
        with pytest.raises(RuntimeError, match=r"mismatch|expected to be zero"):
            m.autograd.gradcheck(
                lambda *p, f=model, x=x: f(x.clone()).detach() + p[0].sum() * 0, tuple(model.parameters())
            )


def test_arguments_for_pytorchs_sake() -> None:
    for m in (tinyact, torch):
        x = m.rand(3, dtype=m.float64, requires_grad=True)
        for more in ({"check_batched_grad": False}, {"check_undefined_grad": False}, {"fast_mode": True}):
            assert m.autograd.gradcheck(lambda t: t.exp(), (x,), **more)
            assert m.autograd.gradgradcheck(lambda t: t.exp(), (x,), **more)


def test_a_function_that_returns_its_input() -> None:
    for m in (tinyact, torch):
        assert m.autograd.gradcheck(lambda t: t.view(-1), (m.rand(2, 2, dtype=m.float64, requires_grad=True),))


def test_pytorchs_signature() -> None:
    for ours, theirs in ((gradcheck, torch.autograd.gradcheck), (gradgradcheck, torch.autograd.gradgradcheck)):
        known = inspect.signature(theirs).parameters
        for name, parameter in inspect.signature(ours).parameters.items():
            assert known[name].default == parameter.default


def test_several_inputs_some_of_them_constant() -> None:
    x = tinyact.tensor(np.array([0.5, 1.5]), requires_grad=True)
    assert gradcheck(lambda a, b, n: a * b + n, (x, tinyact.tensor([2.0, 3.0]), 1.5))


def test_an_input_that_is_not_used() -> None:
    for m in (tinyact, torch):
        inputs = tuple(m.ones(2, dtype=m.float64, requires_grad=True) for _ in "xy")
        assert m.autograd.gradcheck(lambda x, y: x * x, inputs)
        assert m.autograd.gradgradcheck(lambda x, y: x * x, inputs)


def test_a_function_cut_off_from_its_input_is_found() -> None:
    for m in (tinyact, torch):
        x = m.ones(2).double().requires_grad_()
        with pytest.raises(RuntimeError, match="Numerical gradient for function expected to be zero"):
            m.autograd.gradcheck(lambda a: a.detach() * 2, (x,))
    assert gradcheck(lambda a: (a * 2, a.detach() * 0), (tinyact.ones(2).double().requires_grad_(),))
    assert gradcheck(lambda a: a**2, (tinyact.ones(0).double().requires_grad_(),))


def test_second_derivatives_are_checked() -> None:
    x, w = (tinyact.rand(shape, dtype=tinyact.float64, requires_grad=True) for shape in ((2, 3), (3,)))
    assert gradgradcheck(lambda a, b: ((a @ b).tanh(), a.exp() * b), (x, w))
    assert gradgradcheck(lambda a: a * 2, x)
    assert gradgradcheck(lambda a, n: a**n, (w, 3), w.detach().clone().requires_grad_())


@pytest.mark.parametrize("m", [tinyact, torch])
def test_a_wrong_second_derivative_is_found(m: Any) -> None:
    class Square(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2 * ctx.saved_tensors[0].detach()

    x = m.ones(2, dtype=m.float64, requires_grad=True)
    assert m.autograd.gradcheck(Square.apply, (x,))
    with pytest.raises(RuntimeError, match=r"mismatch|expected to be zero"):
        m.autograd.gradgradcheck(Square.apply, (x,))
    assert m.autograd.gradgradcheck(Square.apply, (x,), raise_exception=False) is False


def test_a_check_does_not_move_the_random_stream() -> None:
    x = tinyact.ones(2, dtype=tinyact.float64, requires_grad=True)
    state = tinyact.get_rng_state()
    gradgradcheck(tinyact.exp, (x,))
    assert tinyact.get_rng_state().tolist() == state.tolist()
