"""The graph, the sweep, and what they say when something is wrong."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same, same_error
from tests.interrupts import interrupted
from tinyact.autograd.memory import share_memory
from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Operation
from tinyact.autograd.sums import sum_to
from tinyact.autograd.sweep import fitted

UNARY = [
    lambda m, x: x.tanh(), lambda m, x: x * x, lambda m, x: x.exp() * 0.1, lambda m, x: x.sum(), lambda m, x: x / 2,
    lambda m, x: x.relu(), lambda m, x: x.t() if x.ndim == 2 else x + 1, lambda m, x: x.detach() * x,
    lambda m, x: x[:1],
]  # fmt: skip
BINARY = [lambda m, x, y: x + y, lambda m, x, y: x * y, lambda m, x, y: x - y.tanh(), lambda m, x, y: m.maximum(x, y)]


@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12
    )
)
def test_any_graph(steps: Any) -> None:
    """Operations put together at random, results used again and again."""

    def program(m: Any, a: Any, b: Any) -> Any:
        values = [a, b]
        for unary, which, i, j in steps:
            if unary:
                values.append(UNARY[which % len(UNARY)](m, values[i % len(values)]))
            else:
                x, y = values[i % len(values)].sum(), values[j % len(values)]
                values.append(BINARY[which % len(BINARY)](m, x, y))
        return sum(v.tanh().sum() for v in values)

    same(program, np.array([[0.5, -1.0, 2.0]]), np.array([1.5, -0.25]), tolerance=100)


def test_a_result_used_twice_adds_its_gradients() -> None:
    x = tinyact.tensor(3.0, requires_grad=True)
    y = x * 2
    (y * y + y).backward()
    assert x.grad is not None
    assert x.grad.item() == 2 * (2 * 6 + 1)


def test_each_node_is_visited_once() -> None:
    # 2⁶⁰ paths lead from the loss to x.
    x = tinyact.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 2.0**60


def test_leaves_collect() -> None:
    x = tinyact.tensor([1.0, 2.0], requires_grad=True)
    for expected in ([2.0, 4.0], [4.0, 8.0]):
        (x * x).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == expected


def test_gradients_are_not_shared() -> None:
    a, b = tinyact.ones(2, requires_grad=True), tinyact.ones(2, requires_grad=True)
    given_gradient = tinyact.ones(2)
    (a + b).backward(given_gradient)
    assert a.grad is not None
    a.grad *= 5
    assert b.grad is not None
    assert b.grad.tolist() == [1.0, 1.0]
    assert given_gradient.tolist() == [1.0, 1.0]


DEPTH = 1_000_000


def test_a_million_operations_deep() -> None:
    limit = sys.getrecursionlimit()
    x = tinyact.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(DEPTH):
        y = y + 0.0
    assert sys.getrecursionlimit() == limit
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 1.0
    # Freed without recursion too, with everything in it: this would end the process otherwise.
    first = weakref.ref(_first_node(y))
    del y
    gc.collect()
    assert first() is None


def _first_node(tensor: Any) -> Operation:
    node = tensor.grad_fn
    while isinstance(node.edges[0], Operation):
        node = node.edges[0]
    assert isinstance(node, Operation)
    return node


def test_a_deep_graph_that_was_never_swept_is_freed() -> None:
    y = tinyact.tensor(1.0, requires_grad=True)
    for _ in range(200_000):
        y = y * 1.0
    array = weakref.ref(_first_node(y))
    del y
    gc.collect()
    assert array() is None


def test_memory_is_freed_with_the_sweep() -> None:
    x = tinyact.ones(10, requires_grad=True)
    inner = x.exp()
    kept = weakref.ref(inner.array)
    loss = (inner * inner).sum()
    del inner
    assert kept() is not None
    loss.backward()
    assert kept() is None


# --- errors --------------------------------------------------------------------------------------------------------


def backward_twice(m: Any) -> None:
    y = (m.ones(2, requires_grad=True) ** 2).sum()
    y.backward()
    y.backward()


def changed_by_a_step(m: Any) -> None:
    w = m.ones(2, requires_grad=True)
    x = m.ones(2, requires_grad=True)
    loss = (w * x).sum()
    loss.backward(retain_graph=True)
    m.optim.SGD([w], lr=0.1).step()
    loss.backward()


def changed_output(m: Any) -> None:
    y = m.ones(2, requires_grad=True).exp()
    y.add_(1)
    y.sum().backward()


def changed_through_a_view(m: Any) -> None:
    x = m.ones(2, requires_grad=True)
    data = m.ones(2)
    y = x * data
    data.view(2, 1).zero_()
    y.sum().backward()


def changed_by_the_next_gradient(m: Any) -> None:
    x, p = m.ones(2, requires_grad=True), m.ones(2, requires_grad=True)
    (x * x).sum().backward()
    loss = (p * x.grad).sum()
    (x * x).sum().backward()
    loss.backward()


@pytest.mark.parametrize(
    "program",
    [
        backward_twice,
        changed_by_the_next_gradient,
        changed_by_a_step,
        changed_output,
        changed_through_a_view,
        lambda m: m.ones(2, requires_grad=True).backward(),
        lambda m: m.ones(2).sum().backward(),
        lambda m: (m.ones(2, requires_grad=True) * 2).backward(m.ones(3)),
        lambda m: m.ones(2, requires_grad=True).add_(1),
        lambda m: m.tensor([1, 2], requires_grad=True),
        lambda m: m.tensor([True]).requires_grad_(),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize(("dtype", "kind"), [("float32", "Float"), ("float64", "Double")])
def test_what_was_changed_is_named(dtype: str, kind: str) -> None:
    for m in (tinyact, torch):
        y = m.ones(2, dtype=getattr(m, dtype), requires_grad=True).exp()
        y.add_(1)
        with pytest.raises(RuntimeError, match=rf"\[torch\.{kind}Tensor \[2\]"):
            y.sum().backward()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (backward_twice, "backward through the graph a second time"),
        (changed_by_a_step, "modified by an inplace operation.*version 1; expected version 0"),
        (lambda m: m.ones(2, requires_grad=True).backward(), "implicitly created only for scalar"),
        (lambda m: m.ones(2, requires_grad=True).add_(1), "leaf Variable that requires grad"),
        (lambda m: m.tensor([1, 2], requires_grad=True), "floating point"),
    ],
)
def test_words(program: Any, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        program(tinyact)


def test_a_graph_without_saved_values_can_be_swept_again() -> None:
    def program(m: Any, x: Any) -> Any:
        y = x + 1
        y.sum().backward()
        return y

    same(program, np.array([1.0, 2.0]))


# --- hooks and retained gradients ----------------------------------------------------------------------------------


def test_hooks_see_and_replace_gradients() -> None:
    def program(m: Any, x: Any) -> Any:
        seen: list[Any] = []
        y = x * 2
        y.register_hook(lambda g: seen.append(g.tolist()))
        y.register_hook(lambda g: g * 10)
        removed = y.register_hook(lambda g: g * 1000)
        removed.remove()
        x.register_hook(lambda g: g + 1)
        y.retain_grad()
        (y * y).sum().backward()
        return [*seen, y.grad.tolist(), x.grad.tolist(), y.retains_grad, x.retains_grad]

    same(program, np.array([1.0, 2.0]))


def test_a_retained_gradient_is_that_of_the_tensor_as_it_is_after_a_change_in_place() -> None:
    def program(m: Any, x: Any) -> Any:
        seen: list[Any] = []
        y = x * 2
        y.retain_grad()
        y.register_hook(lambda g: seen.append(g.tolist()))
        y.mul_(3)
        y.register_hook(lambda g: seen.append(g.tolist()))
        y.sum().backward()
        return [*seen, y.grad.tolist(), y.retains_grad]

    same(program, np.array([1.0, 2.0]))


def test_hooks_of_a_recorded_sweep_are_recorded() -> None:
    def program(m: Any, x: Any) -> Any:
        y = x**3
        y.register_hook(lambda g: g * x)
        x.register_hook(lambda g: g * g)
        (first,) = m.autograd.grad(y.sum(), x, create_graph=True)
        return first.detach(), *m.autograd.grad(first.sum(), x)

    same(program, np.array([1.0, 2.0]))


def test_a_hook_runs_once_with_the_whole_gradient() -> None:
    x = tinyact.tensor(2.0, requires_grad=True)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y + y * 3).backward()
    assert seen == [4.0]


def test_a_handle_is_a_context_manager() -> None:
    x = tinyact.tensor(2.0, requires_grad=True)
    with x.register_hook(lambda g: g * 5):
        (x * 1).backward()
    (x * 1).backward()
    assert x.grad is not None
    assert x.grad.item() == 6.0


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph:UserWarning")
def test_hooks_after_a_gradient_was_added() -> None:
    def program(m: Any, x: Any) -> Any:
        seen: list[Any] = []
        w = m.ones(2, dtype=m.float64, requires_grad=True)
        x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.tolist())))
        removed = x.register_post_accumulate_grad_hook(lambda t: seen.append("removed"))
        removed.remove()

        def step(t: Any) -> None:
            with m.no_grad():
                t.sub_(t.grad)
            t.grad = None

        w.register_post_accumulate_grad_hook(step)
        for _ in range(2):
            (x * x * w).sum().backward()
        (x * x).sum().backward(inputs=[x])
        (x * 3).sum().backward(create_graph=True)
        m.autograd.grad((x * 5).sum(), x)
        return [*seen, w.tolist(), w.grad is None]

    same(program, np.array([1.0, 2.0]))


@pytest.mark.parametrize("tensor", [lambda m: m.ones(1), lambda m: m.ones(1, requires_grad=True) * 2])
def test_hooks_after_a_gradient_was_added_are_for_leaves(tensor: Any) -> None:
    same_error(lambda m: tensor(m).register_post_accumulate_grad_hook(print))


# --- operations ----------------------------------------------------------------------------------------------------


def test_rules_take_what_they_name() -> None:
    class Hypotenuse(Operation):
        def forward(self, a: Any, b: Any) -> Any:
            return np.sqrt(a * a + b * b)

        def grad_a(self, grad: Any, a: Any, y: Any) -> Any:
            return grad * a / y

        def grad_b(self, grad: Any, b: Any, y: Any) -> Any:
            return grad * b / y

    a, b = tinyact.tensor([3.0], requires_grad=True), tinyact.tensor([4.0])
    y = Hypotenuse().apply(a, b)
    assert y.grad_fn is not None
    assert y.grad_fn.saved is not None
    assert [saved[0] is array for saved, array in zip(y.grad_fn.saved, (a.array, y.array), strict=True)] == [True, True]
    y.backward()
    assert a.grad is not None
    assert a.grad.item() == pytest.approx(0.6)
    assert tinyact.autograd.gradcheck(
        lambda p, q: Hypotenuse().apply(p, q), [tinyact.rand(2, dtype="float64", requires_grad=True) for _ in "ab"]
    )


def test_a_rule_that_names_something_unknown_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="grad_a takes c"):

        class Wrong(Operation):
            def forward(self, a: Any) -> Any:
                return a

            def grad_a(self, grad: Any, c: Any) -> Any:
                return grad


@given(st.data())
def test_sum_to_undoes_broadcasting(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(0, 3), max_size=3)))
    small = tuple(data.draw(st.sampled_from([n, 1])) for n in shape)[data.draw(st.integers(0, len(shape))) :]
    grad = np.arange(float(np.prod(shape))).reshape(shape)
    result = sum_to(grad, small)
    assert result.shape == small
    assert result.sum() == grad.sum()


def test_a_root_that_is_given_twice_counts_twice() -> None:
    def program(m: Any, x: Any) -> Any:
        y = x.requires_grad_() * 3
        m.autograd.backward([y, y], [m.ones(2).double(), m.tensor([10.0, 100.0]).double()])
        return x.grad

    same(program, np.array([1.0, 2.0]), upstream=None)


def test_a_gradient_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RuntimeError, match="invalid gradient"):
        fitted(np.ones((2, 3)), tinyact.ones(4, requires_grad=True))
    with pytest.raises(RuntimeError, match="invalid gradient"):
        sum_to(np.ones(3), (3, 3))


def test_the_graph_can_be_walked() -> None:
    x = tinyact.ones(2, requires_grad=True)
    y = (x * 2).sum()
    assert y.grad_fn is not None
    assert repr(y.grad_fn).startswith("<SumBackward0 object at 0x")
    ((times, _),) = y.grad_fn.next_functions
    assert isinstance(times, Operation)
    assert times.name() == "MulBackward0"
    assert times.next_functions[0][0].variable is x


def test_a_leaf_that_was_frozen_since_gets_no_gradient() -> None:
    def program(m: Any) -> Any:
        w, x = m.ones(2, requires_grad=True), m.ones(2, requires_grad=True)
        y = (w * x).sum()
        w.requires_grad_(False)
        y.backward()
        assert w.grad is None
        return x.grad

    same(program)


@pytest.mark.parametrize("hook", [lambda g: g[:1], lambda g: g.double(), lambda g: 3])
def test_what_a_hook_returns_is_checked(hook: Any) -> None:
    def program(m: Any) -> None:
        x = m.ones(2, requires_grad=True)
        x.register_hook(hook)
        (x * x).sum().backward()

    same_error(program)


def test_second_derivative_of_a_constant_power() -> None:
    def program(m: Any, x: Any) -> Any:
        (g,) = m.autograd.grad((x**0).sum() + (x**2).sum(), x, create_graph=True)
        return g

    same(program, np.array([0.0, 2.0]))


def test_gradients_must_be_tensors() -> None:
    same_error(lambda m: (m.ones(2, requires_grad=True) * 2).backward(1.0))


# An interrupt may strike a generator that nobody listens to any more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("create_graph", [True, False])
def test_an_interrupt_leaves_recording_as_it_was(create_graph: bool) -> None:
    def prepare() -> Any:
        # Where the mode that a sweep switches to is another one.
        recording.on = not create_graph
        with tinyact.enable_grad():
            return (tinyact.nn.Linear(3, 2)(tinyact.ones(4, 3)).tanh() ** 2).sum()

    try:
        places = interrupted(prepare, lambda loss: loss.backward(create_graph=create_graph))
        states = [(recording.on, recording.sweeps) for _ in places]
    finally:
        recording.on = True
    assert len(states) > 50
    assert set(states) == {(not create_graph, 0)}


def test_first_gradients_from_many_threads() -> None:
    """However they take turns, none is lost."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            x = tinyact.zeros(3, requires_grad=True)
            losses = [(x * 1).sum() for _ in range(8)]
            threads = [threading.Thread(target=loss.backward) for loss in losses]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert x.grad is not None
            assert x.grad.tolist() == [8.0] * 3
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("program", [lambda x: [x[i] for i in range(len(x))], lambda x: tinyact.stack(list(x)).sum()])
def test_many_views_cost_what_each_of_them_does(program: Any) -> None:
    counts = [_lines_of(program, tinyact.ones(n, requires_grad=True)) for n in (1000, 8000)]
    assert counts[1] < 10 * counts[0]


def _lines_of(program: Any, x: Any) -> int:
    """How many lines, also of the comprehensions in it, `share_memory` runs."""
    lines = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal lines
        inside = frame.f_code is share_memory.__code__ or frame.f_code.co_name == "<listcomp>"
        lines += inside
        return trace if inside else None

    sys.settrace(trace)
    try:
        kept = program(x)
    finally:
        sys.settrace(None)
    assert kept is not None
    return lines


PROGRAM = """
import hashlib, tinyact
tinyact.set_num_threads(2)
tinyact.manual_seed(3)
F = tinyact.nn.functional
model = tinyact.nn.Sequential(tinyact.nn.Linear(20, 256), tinyact.nn.GELU(), tinyact.nn.Dropout(0.2),
                               tinyact.nn.Linear(256, 5))
optimizer = tinyact.optim.Adam(model.parameters(), lr=0.01)
for _ in range(3):
    loss = F.cross_entropy(model(tinyact.randn(2000, 20)), tinyact.randint(0, 5, (2000,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest(), loss.item())
"""


def test_the_same_seed_and_threads_give_the_same_bits() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "2"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
        ).stdout
        for _ in range(3)
    ]
    assert len(set(runs)) == 1
