"""The sweep, watched: the engine's own numbers, in the order in which they came about."""

from __future__ import annotations

import sys
from threading import Thread
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.inspect.networks import deep, diamond, small_network
from tinyact import nn
from tinyact.inspect import trace
from tinyact.inspect.values import RECOMPUTED, SAVED
from tinyact.tensor import Tensor


def test_the_same_gradients_as_backward() -> None:
    (loss, network, named), (other, other_network, _) = small_network(), small_network()
    steps = trace(loss, network, named).steps
    other.backward()
    for (name, parameter), expected in zip(network.named_parameters(), other_network.parameters(), strict=True):
        step = next(step for step in steps if step.node.name == name)
        assert parameter.grad is not None
        assert expected.grad is not None
        assert np.array_equal(parameter.grad.array, expected.grad.array)
        assert np.array_equal(step.gradient, expected.grad.array)
        assert step.before is None
        assert np.array_equal(step.after, expected.grad.array)


def test_gradients_on_the_way() -> None:
    loss, named = diamond()
    for tensor in named.values():
        tensor.retain_grad() if tensor.grad_fn is not None else None
    steps = trace(loss, names=named).steps
    for step in steps[1:]:
        assert step.gradient == named[step.node.name].grad.array  # type: ignore[union-attr]


def test_sums_over_paths_and_what_goes_on() -> None:
    loss, named = diamond()
    result = trace(loss, names=named)
    assert [step.node.name for step in result.steps] == ["L", "sine", "doubled", "v", "w"]
    v = result.step("v")
    assert [(term.source.name, term.argument) for term in v.terms if term.source] == [("sine", "x"), ("doubled", "a")]
    assert [float(term.array) for term in v.terms] == [np.cos(np.float32(9)), 2.0]
    assert v.gradient == v.terms[0].array + v.terms[1].array
    assert [(sent.target.name, sent.argument, sent.rule) for sent in v.sent] == [
        ("w", "a", "∂/∂a = b"), ("w", "b", "∂/∂b = a"),
    ]  # fmt: skip
    assert [float(sent.array) for sent in v.sent] == [3 * float(v.gradient)] * 2
    assert result.step(4) is v
    with pytest.raises(KeyError, match="no step 'u'; there are L, sine"):
        result.step("u")


def test_what_a_rule_returned_and_what_was_added() -> None:
    a, b = tinyact.ones(3, 2, requires_grad=True), tinyact.ones(2, requires_grad=True)
    sent = trace((a + b).sum(), names={"a": a, "b": b}).step(2).sent[1]
    assert sent.target.name == "b"
    assert sent.returned.shape == (3, 2)
    assert sent.array.tolist() == [3, 3]


def test_the_slope_of_an_elementwise_operation() -> None:
    x = tinyact.tensor([0.0, 1.0], requires_grad=True)
    step = trace(x.tanh().sum()).step(2)
    (sent,) = step.sent
    assert sent.slope == pytest.approx(1 - np.tanh([0, 1]) ** 2)
    assert step.gradient * sent.slope == pytest.approx(sent.array)


def test_grad_is_added_to() -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    (w * 2).backward()
    step = trace(w * 3).steps[-1]
    assert (step.before, step.gradient, step.after) == (2, 3, 5)


def test_a_hook_is_seen() -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    w.register_hook(lambda grad: grad * 10)
    step = trace(w * 3).steps[-1]
    assert step.hooked
    assert (step.terms[0].array, step.gradient) == (3, 30)


def test_sweeps_inside_of_it_are_none_of_its_steps() -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    v, other = w * 3, w * 100
    v.register_hook(lambda grad: other.backward())
    result = trace(v * 2, names={"w": w, "v": v})
    assert [(step.node.name, float(step.gradient)) for step in result.steps] == [("L", 1), ("v", 2), ("w", 6)]
    assert result.steps[-1].after == 106


def test_sweeps_of_other_threads_are_none_of_its_steps() -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    v = w * 3

    def other(grad: Tensor) -> None:
        thread = Thread(target=lambda: (w * 100).backward())
        thread.start()
        thread.join()

    v.register_hook(other)
    steps = trace(v * 2, names={"w": w, "v": v}).steps
    assert [(step.node.name, float(step.gradient)) for step in steps] == [("L", 1), ("v", 2), ("w", 6)]


def test_figures() -> None:
    w = tinyact.tensor([1.0, 0.0, -2.0], requires_grad=True)
    n = trace((w * w * w).sum(), names={"w": w}).step("w").numbers
    assert (n.shape, n.least, n.greatest, n.not_finite) == ((3,), 0, 12, 0)
    assert n.zeros == pytest.approx(1 / 3)
    assert n.norm == pytest.approx(np.sqrt(9 + 144))


def test_the_graph_is_freed_or_retained() -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    loss = w * w
    trace(loss, retain_graph=True)
    trace(loss)
    with pytest.raises(ValueError, match=r"trace\(\): this graph was freed"):
        trace(loss)


def test_a_gradient_to_start_from() -> None:
    w = tinyact.tensor([1.0, 2.0], requires_grad=True)
    trace(w * 3, gradient=tinyact.tensor([1.0, 10.0]))
    assert w.grad is not None
    assert w.grad.tolist() == [3, 30]
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        trace(w * 3)


def test_changed_in_place() -> None:
    w = tinyact.tensor([1.0, 2.0], requires_grad=True)
    v = w * 1
    loss = (v * v).sum()
    v.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        trace(loss)
    assert w.grad is None


def test_a_users_function() -> None:
    class Both(tinyact.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx, a, b):  # type: ignore[no-untyped-def]
            (x,) = ctx.saved_tensors
            return a * 2 * x + b * 3 * x**2

    x = tinyact.tensor(2.0, requires_grad=True)
    square, cube = Both.apply(x)
    result = trace(square + 2 * cube, names={"x": x})
    assert result.step("x").gradient == 4 + 24
    application = next(step for step in result.steps if step.node.operation == "Both")
    assert application.gradient.tolist() == [1, 2]
    assert "Both" in str(result)


def test_values() -> None:
    loss, network, named = small_network()
    hidden = network.get_submodule("fc1")(named["x"])
    result = trace(loss, network, named)
    by_name = {node.name: result.values[node.number] for node in result.graph.nodes}
    assert by_name["v1"].origin == RECOMPUTED
    assert np.array_equal(by_name["v1"].array, hidden.array)
    assert by_name["v2"].origin == SAVED
    assert np.array_equal(by_name["v2"].array, np.maximum(hidden.array, 0))
    assert by_name["L"].array == loss.array
    assert np.array_equal(by_name["target"].array, named["target"].array)


def test_values_stay_as_they_were() -> None:
    w = tinyact.tensor([1.0], requires_grad=True)
    result = trace((w * w).sum(), names={"w": w})
    with tinyact.no_grad():
        w.add_(5)
    assert result.values[result.graph.node("w").number].array.tolist() == [1]


def test_a_value_that_nothing_kept_is_unknown() -> None:
    w = tinyact.tensor(1.0, requires_grad=True)
    result = trace((w + 3) + 4)
    assert result.values[result.graph.node("v1").number].array is None


# --- as text -------------------------------------------------------------------------------------------------------


def test_the_table() -> None:
    loss, named = diamond()
    assert str(trace(loss, names=named)).splitlines() == [
        "#  gradient     =                      norm  least  greatest  zeros                  goes on by the rule",
        "1  ∂L/∂L        1                                                    Add  → doubled  ∂/∂a = 1",
        "                                                                          → sine     ∂/∂b = 1",
        "2  ∂L/∂sine     1                                                    Sin  → v        d/dx sin x = cos x",
        "3  ∂L/∂doubled  1                                                    Mul  → v        ∂/∂a = b",
        "4  ∂L/∂v        -0.9111 + 2 = 1.089                                  Mul  → w        ∂/∂a = b",
        "                                                                          → w        ∂/∂b = a",
        "5  ∂L/∂w        3.267 + 3.267 = 6.533                                                is added to .grad",
        "",
        "g is the gradient on the left; a rule ∂/∂x = … is a factor: g · ∂/∂x goes on, summed over what was broadcast",
    ]


def test_large_gradients_are_figures() -> None:
    loss, network, named = small_network(samples=50)
    lines = str(trace(loss, network, named)).splitlines()
    (relu,) = [line for line in lines if "ReLU" in line]
    assert "from v3" in relu
    n = trace(*small_network(samples=50)).step("v2").numbers
    assert relu.split()[4:7] == [f"{x:.4g}" for x in (n.norm, n.least, n.greatest)]


def test_not_finite_is_said() -> None:
    x = tinyact.tensor([0.0, 1.0, 2.0, 3.0, 4.0], requires_grad=True)
    assert "1 not finite" in str(trace(x.sqrt().sum()))


# --- by module -----------------------------------------------------------------------------------------------------


def test_grouped() -> None:
    loss, network, named = small_network()
    whole = trace(loss, network, named)
    first, second = whole.grouped().steps
    assert (first.node.name, second.node.name) == ("fc2", "fc1")
    assert second.gradient is whole.step("v2").gradient
    assert [sent.target.name for sent in first.sent] == ["fc1", "fc2.weight", "fc2.bias"]
    assert [term.source.name for term in second.terms if term.source] == ["fc2"]


def test_a_deep_network_prints_by_module() -> None:
    loss, network = deep()
    text = str(trace(loss, network))
    assert text.endswith("shown by module")
    assert "→ 16 leaves inside" in text
    assert len(text.splitlines()) < 150


def test_a_deep_network_without_modules_prints_its_beginning() -> None:
    assert str(trace(nn.Sequential(*[nn.Tanh() for _ in range(200)])(tinyact.ones(1, requires_grad=True)))).endswith(
        "the first 150 of 201 steps"
    )


def test_long_chains_cost_what_each_operation_does() -> None:
    calls = []
    for n in (200, 1600):
        y = tinyact.ones(2, requires_grad=True)
        for _ in range(n):
            y = y * 1.5
        lines = 0

        def count(frame: Any, event: str, arg: Any) -> Any:
            nonlocal lines
            lines += 1
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            trace(y.sum())
        finally:
            sys.settrace(before)
        calls.append(lines)
    assert calls[1] < 10 * calls[0]
