"""Hooks of modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import tinyact
from tests.nn.twins import same_error

# PyTorch warns where no input of the module requires gradients, as for every network's first layer.
pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")


def product(module: Any) -> Any:
    """A module with two inputs and two outputs."""

    class Product(module.nn.Module):  # type: ignore[misc]
        def forward(self, a: Any, b: Any) -> Any:
            return a * b, a + b

    return Product()


def plain(value: Any) -> Any:
    """Tensors as numbers, so that both logs can be compared."""
    if isinstance(value, tuple):
        return tuple(plain(part) for part in value)
    return value.tolist() if hasattr(value, "tolist") else value


def logged(program: Callable[[Any, Any, list[Any]], Any]) -> None:
    """Assert that both write the same log."""
    logs = []
    for module in (tinyact, torch):
        log: list[Any] = []
        program(module, lambda net, gi, go, log=log: log.append((plain(gi), plain(go))), log)
        logs.append(log)
    assert logs[0] == logs[1]
    assert logs[0]


@pytest.mark.parametrize("needs", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)])
def test_gradients_arrive(needs: tuple[bool, bool], used: tuple[int, ...]) -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        net = product(m)
        net.register_full_backward_hook(hook)
        inputs = [m.tensor([v, 2 * v], requires_grad=need) for v, need in zip((3.0, 5.0), needs, strict=True)]
        outputs = net(*inputs)
        log.append(plain(outputs))
        sum(outputs[i].sum() for i in used).backward()
        log.extend(None if i.grad is None else plain(i.grad) for i in inputs)

    logged(program)


def test_a_number_among_inputs_and_outputs() -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        class Echo(m.nn.Module):  # type: ignore[misc]
            def forward(self, a: Any, b: Any) -> Any:
                return b, a * b

        net = Echo()
        net.register_full_backward_hook(hook)
        net(m.tensor([1.0, 2.0], requires_grad=True), 3)[1].sum().backward()

    logged(program)


def test_no_input_learns() -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        net = m.nn.Linear(2, 1)
        net.register_full_backward_hook(hook)
        net(m.ones(1, 2)).sum().backward()
        log.append(plain(net.weight.grad))

    logged(program)


def test_unrecorded_call() -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        net = product(m)
        net.register_full_backward_hook(hook)
        with m.no_grad():
            log.append(plain(net(m.ones(1), m.ones(1, requires_grad=True))))

    logged(program)


def test_hooks_replace_gradients_in_order_and_go_away() -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        net = product(m)
        net.register_full_backward_hook(lambda net, gi, go: (2 * gi[0], gi[1]))
        handle = net.register_full_backward_hook(hook)
        net.register_full_backward_hook(lambda net, gi, go: (gi[0] + 1, 7 * gi[1]))
        a, b = m.tensor([3.0], requires_grad=True), m.tensor([5.0], requires_grad=True)
        net(a, b)[0].backward()
        handle.remove()
        net(a, b)[0].backward()
        log.extend((plain(a.grad), plain(b.grad)))

    logged(program)


def test_second_derivatives_pass() -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        net = product(m)
        net.register_full_backward_hook(hook)
        a = m.tensor([3.0], requires_grad=True)
        (first,) = m.autograd.grad(net(a, a)[0], a, create_graph=True)
        (second,) = m.autograd.grad(first, a)
        log.extend((plain(first), plain(second)))

    logged(program)


def test_wrong_number_of_gradients() -> None:
    def program(m: Any) -> None:
        net = product(m)
        net.register_full_backward_hook(lambda net, gi, go: (gi[0],))
        net(m.ones(1, requires_grad=True), m.ones(1))[0].backward()

    same_error(program)


def test_gradient_where_no_input_learns() -> None:
    def program(m: Any) -> None:
        net = m.nn.Linear(1, 1)
        net.register_full_backward_hook(lambda net, gi, go: (m.ones(1, 1),))
        net(m.ones(1, 1)).backward()

    same_error(program)


# --- before and after forward --------------------------------------------------------------------------------------


def scaled(m: Any) -> Any:
    """A module with a keyword."""

    class Scaled(m.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any, *, factor: float = 2.0) -> Any:
            if factor == 0:
                raise ZeroDivisionError
            return x * factor

    return Scaled()


def test_keywords() -> None:
    def program(m: Any, _: Any, log: list[Any]) -> None:
        net = scaled(m)
        net.register_forward_pre_hook(lambda net, args, kwargs: log.append((plain(args), kwargs)), with_kwargs=True)
        net.register_forward_pre_hook(lambda net, args, kwargs: (args, {"factor": 3.0}), with_kwargs=True)
        net.register_forward_pre_hook(lambda net, args: args[0] + 1)
        net.register_forward_hook(lambda net, args, kwargs, y: log.append((kwargs, plain(y))), with_kwargs=True)
        net.register_forward_hook(lambda net, args, y: y * 10)
        log.append(plain(net(m.ones(2), factor=5.0)))

    logged(program)


def test_order() -> None:
    def program(m: Any, _: Any, log: list[Any]) -> None:
        net = m.nn.Linear(1, 1)
        for kind in ("forward_pre", "forward", "full_backward_pre", "full_backward"):
            register = getattr(net, f"register_{kind}_hook")
            for name, prepend in (("a", False), ("b", True), ("c", False), ("d", True)):
                register(lambda *given, name=name, kind=kind: log.append((kind, name)), prepend=prepend)
        net(m.ones(1, 1, requires_grad=True)).sum().backward()

    logged(program)


@pytest.mark.filterwarnings("ignore:module forward hook with:UserWarning")
def test_hooks_that_are_called_whatever_happens() -> None:
    def program(m: Any, _: Any, log: list[Any]) -> None:
        net = scaled(m)

        def fails(*given: Any) -> None:
            log.append("fails")
            raise KeyError

        net.register_forward_hook(lambda net, args, y: log.append("left out"))
        net.register_forward_hook(lambda net, args, y: log.append(plain(y)), always_call=True)
        handle = net.register_forward_hook(fails, always_call=True)
        net.register_forward_hook(lambda net, args, kw, y: log.append(kw), always_call=True, with_kwargs=True)
        for factor in (0.0, 1.0):
            try:
                net(m.ones(1), factor=factor)
            except (KeyError, ZeroDivisionError) as error:
                log.append(type(error).__name__)
        handle.remove()
        log.append(plain(net(m.ones(1))))

    logged(program)


def test_gradients_of_outputs_are_replaced() -> None:
    def program(m: Any, hook: Any, log: list[Any]) -> None:
        net = product(m)
        net.register_full_backward_pre_hook(lambda net, go: log.append(plain(go)))
        handle = net.register_full_backward_pre_hook(lambda net, go: tuple(g if g is None else g * 10 for g in go))
        net.register_full_backward_hook(hook)
        a = m.tensor([3.0], requires_grad=True)
        net(a, m.tensor([5.0]))[0].backward()
        handle.remove()
        net(a, m.tensor([5.0]))[1].backward()
        log.append(plain(a.grad))
        # Where no input learns.
        linear = m.nn.Linear(1, 1)
        linear.register_full_backward_pre_hook(lambda net, go: (go[0] * 2,))
        linear(m.ones(1, 1)).backward()
        log.append(plain(linear.weight.grad))

    logged(program)


def test_hooks_of_all_modules() -> None:
    def program(m: Any, _: Any, log: list[Any]) -> None:
        where = m.nn.module if m is tinyact else m.nn.modules.module
        net = m.nn.Sequential(m.nn.Linear(1, 1, bias=False), m.nn.Tanh())
        net[0].register_forward_hook(lambda net, args, y: log.append("own"))
        with m.no_grad():
            net[0].weight.fill_(0.5)

        def noted(kind: str) -> Any:
            return lambda net, *given: log.append((kind, type(net).__name__, len(given)))

        handles = [
            getattr(where, f"register_module_{kind}_hook")(noted(kind))
            for kind in ("forward_pre", "forward", "full_backward_pre", "full_backward")
        ]
        handles.append(where.register_module_forward_hook(noted("with"), with_kwargs=True))
        net(m.ones(1, 1, requires_grad=True)).sum().backward()
        for handle in handles:
            handle.remove()
        log.append("quiet")
        net(m.ones(1, 1, requires_grad=True)).sum().backward()

    logged(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda m, net: net.register_forward_pre_hook(lambda n, a, k: a, with_kwargs=True),
        lambda m, net: net.register_full_backward_pre_hook(lambda n, g: (g[0], g[0])),
    ],
)
def test_wrong_results_of_hooks(program: Any) -> None:
    def run(m: Any) -> None:
        net = m.nn.Linear(1, 1)
        program(m, net)
        net(m.ones(1, 1, requires_grad=True)).backward()

    same_error(run)
