"""What autograd offers: gradients, modes, hooks, checks, derivatives of functions, and looking inside."""

from collections.abc import Callable

from typing_extensions import assert_type

import tinyact
from tinyact import Tensor, autograd, nn

x = tinyact.tensor([1.0, 2.0], dtype=tinyact.float64, requires_grad=True)
y = (x * x).sum()
y.backward(retain_graph=True)
y.backward(tinyact.tensor(2.0, dtype=tinyact.float64), create_graph=True)
autograd.backward([y, x.sum()], [None, None], inputs=[x])

assert_type(autograd.grad((x**3).sum(), x), tuple[Tensor, ...])
(slope,) = autograd.grad((x**3).sum(), [x], create_graph=True)
assert_type(slope, Tensor)
(curvature,) = autograd.grad(slope.sum(), x, retain_graph=True, allow_unused=True, materialize_grads=True)
assert_type(curvature, Tensor)


def cube(t: Tensor) -> Tensor:
    return t**3


@tinyact.no_grad()
def with_parentheses(t: Tensor, times: int = 2) -> Tensor:
    return t * times


@tinyact.no_grad
def without(t: Tensor) -> Tensor:
    return t * 2


@tinyact.set_grad_enabled(False)
def switched(t: Tensor) -> Tensor:
    return t * 2


kept: Callable[[Tensor], Tensor] = without
assert_type(with_parentheses(x, times=3), Tensor)
assert_type(without(x), Tensor)
assert_type(switched(x), Tensor)
with tinyact.no_grad(), tinyact.enable_grad():
    assert_type(tinyact.is_grad_enabled(), bool)
with tinyact.no_grad():
    x.detach().mul_(0.5)
with tinyact.set_grad_enabled(True):
    cube(x)
with autograd.detect_anomaly():
    cube(x).sum().backward()

assert_type(autograd.gradcheck(cube, x), bool)
assert_type(autograd.gradcheck(cube, (x,), eps=1e-6, atol=1e-4), bool)
assert_type(autograd.gradcheck(lambda a, b: a * b, (x, x.detach().clone())), bool)
assert_type(autograd.gradgradcheck(cube, x), bool)
jacobian: Tensor = autograd.functional.jacobian(cube, x)
value, product = autograd.functional.vjp(cube, x, tinyact.ones_like(x))


def doubled(grad: Tensor) -> Tensor:
    return grad * 2


handle = x.register_hook(lambda grad: grad * 2)
handle.remove()
with x.register_hook(doubled), x.register_hook(lambda grad: None):
    cube(x).sum().backward()
x.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad)).remove()

x.grad = None
x.requires_grad_(True)
middle = x * 2
middle.retain_grad()
loss = middle.sum()
network = nn.Sequential(nn.Linear(2, 1))
graph = tinyact.inspect.graph(loss, names={"x": x})
assert_type(graph, tinyact.inspect.Graph)
assert_type(graph.to_svg(), str)
assert_type(str(tinyact.inspect.graph(network(x.float()).sum(), network)), str)
trace = tinyact.inspect.trace(loss, names={"x": x})
assert_type(trace, tinyact.inspect.Trace)
assert_type([step.number for step in trace.steps], list[int])
