"""Operations of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tests.against_torch import same, same_error
from tinyact.autograd import function
from tinyact.autograd.operation import Operation


def cube(m: Any) -> Any:
    class Cube(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * 3 * x**2

    return Cube


def split(m: Any) -> Any:
    """Two outputs, an argument that is no tensor, one without gradient."""

    class Split(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, scale: float, mask: Any) -> Any:
            ctx.scale = scale
            y = x * scale
            where = x > 0
            ctx.save_for_backward(y, mask)
            ctx.mark_non_differentiable(where)
            return y, x.exp(), where

        @staticmethod
        def backward(ctx: Any, grad_y: Any, grad_e: Any, _: Any) -> Any:
            y, mask = ctx.saved_tensors
            assert ctx.needs_input_grad == (True, False, False)
            return grad_y * ctx.scale + grad_e * (y / ctx.scale).exp() * mask, None, None

    return Split


def test_values_gradients_and_name() -> None:
    same(lambda m, x: cube(m).apply(x * 2), np.array([1.0, -2.0]), names=True)


def test_second_derivatives() -> None:
    def program(m: Any, x: Any) -> Any:
        y = cube(m).apply(x * x).sum()
        (g,) = m.autograd.grad(y, x, create_graph=True)
        return g

    same(program, np.array([1.0, -2.0]))


def test_several_outputs() -> None:
    def program(m: Any, x: Any) -> Any:
        y, e, where = split(m).apply(x, 3.0, m.ones(2, dtype=m.float64))
        assert not where.requires_grad
        return y, e, where

    same(program, np.array([1.0, -2.0]))
    same(lambda m, x: split(m).apply(x, 3.0, m.ones(2))[1], np.array([1.0, -2.0]))


@pytest.mark.parametrize("other", [5, None, "x", [1.0]])
def test_what_is_no_tensor_is_passed_on(other: Any) -> None:
    def program(m: Any, x: Any) -> Any:
        class Beside(m.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any, given: Any) -> Any:
                return x * 2, given

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                first, second = grads
                assert second is None
                return first * 2, None

        y, passed = Beside.apply(x, other)
        assert passed is other
        return y

    same(program, np.array([1.0, -2.0]))
    for m in (tinyact, torch):
        kind = type("Alone", (m.autograd.Function,), {"forward": staticmethod(lambda ctx, x: other)})
        assert kind.apply(m.ones(1, requires_grad=True)) is other
        assert kind.apply(m.ones(1)) is other


def test_gradients_of_an_output_and_of_what_was_saved_of_it_add_up() -> None:
    def program(m: Any, x: Any) -> Any:
        class Exp(m.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                (y,) = ctx.saved_tensors
                return grad * y

        y = Exp.apply(x.requires_grad_())
        (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
        return m.autograd.grad((3 * y + 5 * g).sum(), x)

    same(program, np.array([1.0, -2.0]), upstream=None)


def test_an_input_returned_as_it_is() -> None:
    def same_again(m: Any) -> Any:
        class Same(m.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                return grad * 10

        return Same

    same(lambda m, x: same_again(m).apply(x) * 2, np.array([1.0]))

    x = tinyact.ones(2, requires_grad=True)
    y = same_again(tinyact).apply(x)
    z = y * y
    with tinyact.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        z.sum().backward()


def test_nothing_is_recorded_where_nothing_needs_it() -> None:
    assert cube(tinyact).apply(tinyact.ones(1)).is_leaf
    with tinyact.no_grad():
        assert cube(tinyact).apply(tinyact.ones(1, requires_grad=True)).is_leaf


def test_gradients_that_did_not_arrive_are_zeros_or_none() -> None:
    for materialize in (True, False):

        def make(m: Any, materialize: bool = materialize) -> Any:
            class Two(m.autograd.Function):  # type: ignore[misc]
                @staticmethod
                def forward(ctx: Any, x: Any) -> Any:
                    ctx.set_materialize_grads(materialize)
                    return x * 1, x * 2

                @staticmethod
                def backward(ctx: Any, a: Any, b: Any) -> Any:
                    assert (b is None) is not materialize
                    return a if b is None else a + b

            return Two

        same(lambda m, x: make(m).apply(x)[0], np.array([1.0]))


def wrong(m: Any, returned: Any) -> Any:
    class Wrong(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x * y

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return returned(m, grad)

    return Wrong.apply(m.ones(2, requires_grad=True), m.ones(2, requires_grad=True)).sum()


@pytest.mark.parametrize(
    "returned",
    [
        lambda m, g: g,
        lambda m, g: (g, g, g),
        lambda m, g: (m.ones(3), g),
        lambda m, g: (1.0, g),
    ],
)
def test_a_wrong_backward_is_refused(returned: Any) -> None:
    same_error(lambda m: wrong(m, returned).backward())


def test_only_tensors_are_saved() -> None:
    def program(m: Any) -> None:
        class Saves(m.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(3.0)
                return x

        Saves.apply(m.ones(1, requires_grad=True))

    same_error(program)


def test_a_second_sweep_and_a_changed_tensor_are_noticed() -> None:
    def twice(m: Any) -> None:
        y = cube(m).apply(m.ones(1, requires_grad=True))
        y.backward()
        y.backward()

    def changed(m: Any) -> None:
        x = m.ones(1, requires_grad=True) * 2
        y = cube(m).apply(x)
        x.add_(1)
        y.backward()

    same_error(twice)
    same_error(changed)


def test_gradcheck_takes_it() -> None:
    x = tinyact.rand(3, dtype=tinyact.float64, requires_grad=True)
    assert tinyact.autograd.gradcheck(cube(tinyact).apply, (x,))
    assert torch.autograd.gradcheck(cube(torch).apply, (torch.rand(3, dtype=torch.float64, requires_grad=True),))


# --- derivatives of derivatives through code for arrays ------------------------------------------------------------


def arrays_only(m: Any, mark: Any = lambda backward: backward) -> Any:
    class ArrayCube(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @mark
        def backward(ctx: Any, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grad * m.from_numpy(3 * x.numpy() ** 2)

    return ArrayCube


def test_code_for_arrays_is_named() -> None:
    x = tinyact.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\)") as raised:
        tinyact.autograd.grad(arrays_only(tinyact).apply(x).sum(), x, create_graph=True)
    assert "ArrayCubeBackward can't be differentiated with create_graph=True" in raised.value.__notes__[0]
    assert x.grad is None


def test_a_rule_for_arrays_is_named() -> None:
    class Arctan(Operation):
        """arctan x      d/dx arctan x = 1 / (1 + x²)"""

        def forward(self, x: Any) -> Any:
            return np.arctan(x)

        def grad_x(self, grad: Any, x: Any) -> Any:
            return grad * np.cos(np.arctan(x)) ** 2

    x = tinyact.ones(2, requires_grad=True)
    Arctan().apply(x).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), 0.5, rtol=1e-6)
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\)") as raised:
        Arctan().apply(x).sum().backward(create_graph=True)
    assert "ArctanBackward0 can't be differentiated with create_graph=True" in raised.value.__notes__[0]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyError("mine"), ZeroDivisionError(), StopIteration()])
@pytest.mark.parametrize("create_graph", [True, False])
def test_an_exception_of_the_users_arrives(error: Exception, create_graph: bool) -> None:
    for m in (tinyact, torch):

        class Fails(m.autograd.Function):  # type: ignore[name-defined, misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 2

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                raise error

        with pytest.raises(type(error)) as raised:
            Fails.apply(m.ones(1, requires_grad=True)).backward(create_graph=create_graph)
        assert raised.value is error


def once(m: Any) -> Any:
    mark = function.once_differentiable if m is tinyact else torch.autograd.function.once_differentiable
    return arrays_only(m, mark)


def test_once_differentiable() -> None:
    same(lambda m, x: once(m).apply(x * 2), np.array([1.0, -2.0]))

    def twice(m: Any) -> Any:
        x = m.ones(2, requires_grad=True)
        v = m.ones(2, requires_grad=True)
        (g,) = m.autograd.grad(once(m).apply(x * 1), x, v, create_graph=True)
        assert g.tolist() == [3.0, 3.0]
        assert g.requires_grad
        return g.sum().backward()

    same_error(twice)
    with pytest.raises(RuntimeError, match=r"trying to differentiate twice .*ArrayCube.backward"):
        twice(tinyact)


def test_once_differentiable_is_noticed_for_what_was_saved_too() -> None:
    x = tinyact.ones(2, requires_grad=True)
    (g,) = tinyact.autograd.grad(once(tinyact).apply(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice"):
        tinyact.autograd.grad(g.sum(), x)


def test_once_differentiable_with_several_gradients_and_nothing_saved() -> None:
    class Product(function.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, None, b)
            return a * b

        @staticmethod
        @function.once_differentiable
        def backward(ctx: Any, grad: Any) -> Any:
            a, nothing, b = ctx.saved_tensors
            assert nothing is None
            return grad * b, grad * a

    a, b = tinyact.tensor([1.0, 2.0], requires_grad=True), tinyact.tensor([3.0, 5.0], requires_grad=True)
    for recorded in (False, True):
        gradients = tinyact.autograd.grad(Product.apply(a, b).sum(), (a, b), create_graph=recorded)
        assert [g.tolist() for g in gradients] == [b.tolist(), a.tolist()]
        assert [g.requires_grad for g in gradients] == [recorded, recorded]


def test_a_rule_that_returns_an_array_is_named() -> None:
    class Doubled(Operation):
        def forward(self, x: Any) -> Any:
            return x * 2

        def grad_x(self, grad: Any) -> Any:
            return np.asarray(grad) * 2

    x = tinyact.ones(2, requires_grad=True)
    Doubled().apply(x).sum().backward()
    with pytest.raises(RuntimeError, match="returned ndarray") as raised:
        tinyact.autograd.grad(Doubled().apply(x).sum(), x, create_graph=True)
    assert "DoubledBackward0 can't be differentiated with create_graph=True" in raised.value.__notes__[0]


def test_arguments_by_name() -> None:
    def program(m: Any, x: Any, y: Any) -> Any:
        class Times(m.autograd.Function):  # type: ignore[name-defined, misc]
            @staticmethod
            def forward(ctx: Any, x: Any, k: float = 1, other: Any = None) -> Any:
                ctx.k = k
                return x * k + other

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                return grad * ctx.k, None, grad * 5

        return Times.apply(x, other=y, k=3)

    same(program, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
