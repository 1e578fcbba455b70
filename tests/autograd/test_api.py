"""``backward`` and ``grad``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same, same_error


def test_gradients_of_several_outputs() -> None:
    def program(m: Any, a: Any, b: Any) -> Any:
        y, z = (a * b).sum(), a.exp()
        return m.autograd.grad([y, z], [a, b], [None, m.ones(2, dtype=m.float64) * 3])

    same(program, np.array([1.0, 2.0]), np.array([3.0, 4.0]))


def test_gradients_of_several_numbers_may_be_left_out() -> None:
    same(lambda m, a: m.autograd.grad([a.sum(), (a * a).sum()], a), np.array([1.0, 2.0]))

    def program(m: Any, a: Any) -> Any:
        a.requires_grad_()
        m.autograd.backward([a.sum(), (a * a).sum()])
        return a.grad

    same(program, np.array([1.0, 2.0]), upstream=None)


@pytest.mark.parametrize("several", [list, tuple, iter, lambda tensors: dict.fromkeys(tensors).keys(), set])
def test_tensors_may_stand_in_any_iterable(several: Any) -> None:
    def by_grad(m: Any, a: Any) -> Any:
        return m.autograd.grad(several([(a * a).sum()]), several([a]), several([m.tensor(2.0, dtype=m.float64)]))

    def by_backward(m: Any, a: Any) -> Any:
        a.requires_grad_()
        # PyTorch takes the length of inputs, which an iterator doesn't have.
        inputs = [a] if several is iter else several([a])
        first = several([m.tensor(2.0, dtype=m.float64)])
        m.autograd.backward(several([(a * a).sum()]), grad_tensors=first, inputs=inputs)
        return a.grad

    same(by_grad, np.array([1.0, 2.0]))
    same(by_backward, np.array([1.0, 2.0]), upstream=None)
    model = tinyact.nn.Linear(2, 1)
    loss = model(tinyact.ones(2)).sum()
    assert [list(g.shape) for g in tinyact.autograd.grad(loss, model.parameters(), retain_graph=True)] == [[1, 2], [1]]
    loss.backward(inputs=model.parameters())
    assert model.weight.grad is not None


def test_is_grads_batched() -> None:
    same(lambda m, a: m.autograd.grad(a.sum(), a, is_grads_batched=False), np.array([1.0, 2.0]))
    x = tinyact.ones(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="once for each"):
        tinyact.autograd.grad(x, x, tinyact.ones(3, 2), is_grads_batched=True)


@pytest.mark.parametrize("wrong", [[1.0], [None], ["x"]])
def test_what_is_no_tensor_is_refused(wrong: Any) -> None:
    same_error(lambda m: m.autograd.grad(m.ones(1, requires_grad=True), wrong))
    same_error(lambda m: m.ones(1, requires_grad=True).backward(inputs=wrong))
    with pytest.raises(RuntimeError, match="have to be Tensors"):
        tinyact.autograd.backward(wrong)


def test_grad_leaves_grad_alone() -> None:
    x = tinyact.ones(2, requires_grad=True)
    (g,) = tinyact.autograd.grad((x * 3).sum(), x)
    assert g.tolist() == [3.0, 3.0]
    assert x.grad is None
    assert not g.requires_grad


def test_grad_with_respect_to_results_on_the_way() -> None:
    def program(m: Any, x: Any) -> Any:
        y = x * 2
        z = y.exp()
        return m.autograd.grad(z.sum(), [z, y, x])

    same(program, np.array([0.5, 1.0]))


def test_only_what_is_wanted_is_computed() -> None:
    x, w = tinyact.ones(2, requires_grad=True), tinyact.ones(2, requires_grad=True)
    seen = []
    inner = w * 2
    inner.register_hook(lambda g: seen.append(g))
    tinyact.autograd.grad((x * inner).sum(), x)
    assert seen == []


def test_unused_inputs() -> None:
    def program(m: Any, x: Any, unused: Any) -> Any:
        y = (x * x).sum()
        first = m.autograd.grad(y, [x, unused], allow_unused=True, retain_graph=True)
        assert first[1] is None
        return m.autograd.grad(y, [x, unused], materialize_grads=True)

    same(program, np.array([1.0, 2.0]), np.array([1.0]))


def test_backward_into_chosen_leaves() -> None:
    def program(m: Any, a: Any, b: Any) -> Any:
        y = (a * b).sum()
        y.backward(inputs=[a], retain_graph=True)
        assert b.grad is None
        y.backward(inputs=a)
        return a.grad

    same(program, np.array([1.0, 2.0]), np.array([3.0, 4.0]))


def test_a_gradient_of_another_dtype_is_converted() -> None:
    def program(m: Any) -> Any:
        x, seen = m.ones(2, requires_grad=True), []
        y = x * 2
        y.register_hook(seen.append)
        y.backward(m.ones(2, dtype=m.float64))
        return x.grad, *seen

    same(program, upstream=None)


def test_second_derivatives() -> None:
    def program(m: Any, x: Any) -> Any:
        y = (x**3).sum()
        (g,) = m.autograd.grad(y, x, create_graph=True)
        (h,) = m.autograd.grad(g.sum(), x, create_graph=True)
        (third,) = m.autograd.grad(h.sum(), x, retain_graph=True)
        return g, h, third

    same(program, np.array([1.0, -2.0, 3.0]))


def test_a_penalty_on_the_gradient() -> None:
    def program(m: Any, x: Any, w: Any) -> Any:
        y = (x @ w).tanh().sum()
        (g,) = m.autograd.grad(y, x, create_graph=True)
        return y + (g * g).sum()

    draw = np.random.default_rng(0).normal
    same(program, draw(size=(4, 3)), draw(size=(3, 2)), tolerance=10)


def test_backward_with_create_graph() -> None:
    x = tinyact.tensor([1.0, 2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    assert x.grad is not None
    assert x.grad.requires_grad
    (h,) = tinyact.autograd.grad(x.grad.sum(), x)
    assert h.tolist() == [6.0, 12.0]


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.autograd.grad(m.ones(1), m.ones(1, requires_grad=True)),
        lambda m: m.autograd.grad(m.ones(1, requires_grad=True) * 2, m.ones(1)),
        lambda m: m.autograd.grad(m.ones(1, requires_grad=True) * 2, m.ones(1), allow_unused=True),
        lambda m: m.autograd.grad(m.ones(2, requires_grad=True) * 2, m.ones(2, requires_grad=True)),
        lambda m: m.autograd.grad(m.ones(1, requires_grad=True) * 2, m.ones(1, requires_grad=True)),
        lambda m: m.autograd.grad(m.ones(1, requires_grad=True) * 2, []),
        lambda m: m.autograd.backward(m.ones(1)),
        lambda m: m.ones(1, requires_grad=True).backward(inputs=[]),
        lambda m: m.autograd.grad(
            m.ones(1, requires_grad=True), m.ones(1, requires_grad=True), allow_unused=False, materialize_grads=True
        ),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


CONSTANT = ["relu", "leaky_relu", "relu6", "hardtanh", "hardshrink", "softshrink"]


@pytest.mark.parametrize("name", CONSTANT)
def test_a_constant_derivative_has_a_derivative_which_is_zero(name: str) -> None:
    def program(m: Any, x: Any) -> Any:
        (first,) = m.autograd.grad(getattr(m.nn.functional, name)(x).sum(), x, create_graph=True)
        (second,) = m.autograd.grad(first.sum(), x, create_graph=True)
        return first, second.abs()  # PyTorch's zeros have signs

    same(program, np.array([-2.0, 0.25, 0.75]))


def test_what_a_rule_does_not_take_it_does_not_depend_on() -> None:
    def program(m: Any, x: Any) -> Any:
        w, b = m.ones(1, 2, dtype=m.float64, requires_grad=True), m.ones(1, dtype=m.float64, requires_grad=True)
        grads = m.autograd.grad(m.nn.functional.linear(x, w, b).sum(), [x, w, b], create_graph=True)
        return [grad.requires_grad for grad in grads]

    same(program, np.array([[1.0, 2.0]]))


def test_a_constant_derivative_beside_one_that_is_none() -> None:
    def program(m: Any, x: Any) -> Any:
        data = m.tensor([1.0, 3.0], dtype=m.float64)
        (first,) = m.autograd.grad((x - data).abs().sum() + (2 * data * x).relu().sum(), x, create_graph=True)
        (first * x).sum().backward()
        return first.detach()

    same(program, np.array([2.0, -1.0]))


def test_inputs_of_backward() -> None:
    def program(m: Any, x: Any) -> Any:
        (x * x).sum().backward(inputs=[x, x])
        y = x * 3
        y.retain_grad()
        (y * y).sum().backward(inputs=[y])
        return x.grad.clone(), y.grad

    same(program, np.array([1.0, 2.0]))
    same_error(lambda m: (m.ones(1, requires_grad=True) * 2).backward(inputs=[m.ones(1)]))


def test_materialized_zeros_require_gradients_where_the_sweep_is_recorded() -> None:
    def program(m: Any, x: Any) -> Any:
        other = m.ones(3, requires_grad=True)
        return m.autograd.grad(x.sum(), other, create_graph=True, materialize_grads=True)

    same(program, np.array([1.0, 2.0]))


class Chain:
    """Results of one another, from leaves x and w: each used by what follows."""

    def __init__(self, m: Any) -> None:
        self.x, self.w = (m.tensor(numbers, requires_grad=True) for numbers in ([0.5, 1.0], [0.25, -1.0]))
        self.y = self.x.square()
        self.z = self.y * self.w
        self.u = self.z.square() + self.y


names = st.sampled_from(["x", "w", "y", "z", "u"])


@given(st.lists(st.tuples(names, st.lists(names, min_size=1, max_size=2, unique=True), st.booleans()), max_size=4))
def test_sweeps_to_results_run_and_free_what_leads_there(sweeps: list[tuple[str, list[str], bool]]) -> None:
    """One sweep after the other, on one graph: the same gradients, and errors at the same sweep."""

    def run(m: Any) -> list[Any]:
        chain, outcomes = Chain(m), []
        for root, targets, retain in sweeps:
            try:
                grads = m.autograd.grad(
                    getattr(chain, root).sum(),
                    [getattr(chain, target) for target in targets],
                    retain_graph=retain,
                    allow_unused=True,
                )
                outcomes.append([None if g is None else g.tolist() for g in grads])
            except RuntimeError as error:
                outcomes.append(str(error)[:40])
        return outcomes

    assert run(tinyact) == run(torch)


def test_what_is_changed_behind_a_target_does_not_matter() -> None:
    def run(m: Any) -> Any:
        x = m.tensor([1.0, 2.0], requires_grad=True)
        y = x.exp()
        z = (y * 3).sum()
        with m.no_grad():
            y.mul_(2)
        return m.autograd.grad(z, y)[0].tolist()

    assert run(tinyact) == run(torch) == [3, 3]


def test_a_root_has_its_hooks_and_gradient_even_if_nothing_is_reached() -> None:
    def run(m: Any) -> Any:
        x, other = (m.ones(2, requires_grad=True) for _ in range(2))
        y, seen = (x * 2).sum(), []
        y.retain_grad()
        y.register_hook(lambda grad: seen.append(grad.tolist()))
        unused = m.autograd.grad(y, other, allow_unused=True)
        first = y.grad
        y.backward()
        return unused, seen, first.tolist(), y.grad.tolist()

    assert run(tinyact) == run(torch) == ((None,), [1, 1], 1, 2)


def test_backward_for_a_result_lets_it_retain_its_gradient() -> None:
    def run(m: Any) -> Any:
        x = m.ones(2, requires_grad=True)
        y = x.exp()
        (y * 3).sum().backward(inputs=[y])
        return y.retains_grad, y.grad.tolist(), x.grad

    assert run(tinyact) == run(torch)


def test_the_flag_of_a_result_can_not_be_assigned() -> None:
    for m in (tinyact, torch):
        y = m.ones(2, requires_grad=True) * 2
        assert y.requires_grad_() is y
        for value in (True, False):
            with pytest.raises(RuntimeError, match="leaf variables"):
                y.requires_grad = value


@pytest.mark.parametrize("load", [True, False])
@pytest.mark.parametrize("change", [True, False])
@pytest.mark.parametrize("retain", [True, False])
def test_what_a_context_saved_is_loaded_when_it_is_asked_for(load: bool, change: bool, retain: bool) -> None:
    def run(m: Any) -> Any:
        contexts = []

        class Double(m.autograd.Function):  # type: ignore[misc, name-defined]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                contexts.append(ctx)
                return x * 2

            @staticmethod
            def backward(ctx: Any, grad: Any) -> Any:
                return grad * (2 * ctx.saved_tensors[0] ** 0 if load else 2)

        x = m.ones(2, requires_grad=True)
        z = x + 0
        y = Double.apply(z).sum()
        if change:
            z.add_(1)
        steps = [
            lambda: y.backward(retain_graph=retain),
            lambda: contexts[0].saved_tensors[0].tolist(),
            lambda: y.backward(),
            lambda: x.grad.tolist(),
        ]
        outcomes = []
        for step in steps:
            try:
                outcomes.append(step())
            except (RuntimeError, AttributeError) as error:
                outcomes.append(str(error)[:60])
        return outcomes

    assert run(tinyact) == run(torch)


@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
def test_recorded_gradients_of_named_inputs_outside_of_recording() -> None:
    def program(m: Any, x: Any) -> Any:
        y = (x * x).sum()
        with m.no_grad():
            y.backward(create_graph=True, inputs=[x])
        return [x.grad.requires_grad, m.autograd.grad(x.grad.sum(), x)[0]]

    same(program, np.array([1.0, 2.0]))


def test_no_tensor_is_its_own_gradient() -> None:
    def program(m: Any) -> None:
        x = m.ones(2, requires_grad=True)
        x.grad = x

    same_error(program, words=True)


NOT_SMOOTH = ["relu", "relu6", "hardtanh", "leaky_relu", "hardshrink", "softshrink", "elu", "selu"]


@pytest.mark.parametrize("name", NOT_SMOOTH)
def test_second_derivatives_of_constant_slopes_are_zero_wherever_the_gradient_comes_from(name: str) -> None:
    """Below a layer with weights the gradient that arrives requires gradients itself."""

    def program(m: Any, x: Any, w: Any) -> Any:
        y = getattr(m.nn.functional, name)(x) * w
        (gradient,) = m.autograd.grad(y.sum(), x, create_graph=True)
        return m.autograd.grad(gradient.sum(), [x, w])

    same(program, np.array([-0.25, 0.75, 2.0]), np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    "function", [lambda m, x: x.clamp(0, 1), lambda m, x: m.maximum(x, x * 0), lambda m, x: x.max()]
)
def test_a_choice_among_numbers_does_not_depend_on_them(function: Any) -> None:
    def program(m: Any, x: Any, w: Any) -> Any:
        (gradient,) = m.autograd.grad((function(m, x) * w).sum(), x, create_graph=True)
        return [g is None for g in m.autograd.grad(gradient.sum(), [x, w], allow_unused=True)]

    same(program, np.array([-0.25, 0.75, 2.0]), np.array([1.0, 2.0, 3.0]))
