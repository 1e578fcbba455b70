"""A compiled function as a thing to call: forms of it, signatures, the bound on recordings, threads, memory."""

from __future__ import annotations

import copy
import gc
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.autograd.test_function import cube
from tests.program.test_compiled import training
from tests.program.twins import cases, same
from tinyact import nn
from tinyact.nn import functional as F
from tinyact.program.compiled import LIMIT

X = tinyact.arange(12.0).reshape(4, 3) / 7 - 1

# --- signatures ------------------------------------------------------------------------------------------------------

SIGNATURES: dict[str, tuple[Callable[..., Any], list[Callable[[], tuple[Any, ...]]]]] = {
    "shape": (lambda x: x.sum(0) * 2, [lambda: (X,), lambda: (X[:2],), lambda: (X[0],)]),
    "no dimensions": (lambda x: x * 2, [lambda: (tinyact.tensor(1.0),), lambda: (tinyact.ones(1),)]),
    "nothing": (lambda x: x.sum(0) * 2, [lambda: (X,), lambda: (tinyact.zeros(0, 3),)]),
    "dtype": (lambda x: x * 2, [lambda: (X,), lambda: (X.double(),), lambda: (X.int(),), lambda: (X > 0,)]),
    "strides": (lambda x: x * 2, [lambda: (X,), lambda: (X.reshape(3, 4).T,), lambda: (X[:, :1].expand(4, 3),)]),
    "requires_grad": (
        lambda x: (x * 2).detach(),
        [lambda: (X + 0,), lambda: ((X + 0).requires_grad_(),), lambda: (nn.Parameter(X + 0),)],
    ),
    "the same twice": (lambda x, y: x * y, [lambda: (X, X), lambda: (X, X + 0)]),
    "number": (lambda x, k: x * k, [lambda: (X, 2), lambda: (X, 2.0), lambda: (X, True), lambda: (X, 3.0)]),
    "the sign of zero": (lambda x, k: x * k, [lambda: (X, 0.0), lambda: (X, -0.0)]),
    "string": (lambda x, k: getattr(x, k)(), [lambda: (X, "exp"), lambda: (X, "tanh")]),
    "None": (lambda x, k=None: x if k is None else x + k, [lambda: (X,), lambda: (X, None), lambda: (X, X)]),
    "dtype itself": (lambda x, k: x.to(k), [lambda: (X, tinyact.float32), lambda: (X, tinyact.float64)]),
    "array": (lambda a: tinyact.from_numpy(a) * 2, [lambda: (np.ones(3),), lambda: (np.ones(4, np.float32),)]),
    "tensor and array": (lambda a: a * 2, [lambda: (np.ones(3),), lambda: (tinyact.ones(3),)]),
    "nesting": (
        lambda d: sum(d.values()) if isinstance(d, dict) else d[0] - d[1],
        [lambda: ({"a": X, "b": X * 2},), lambda: ({"b": X, "a": X * 2},), lambda: ([X, X],), lambda: ((X, X),)],
    ),
    "number of arguments": (lambda *args: sum(args) * 1, [lambda: (X,), lambda: (X, X), lambda: (X, X, X)]),
    "module": (
        lambda m, x: m(x).detach(), [lambda m=m: (m, X) for m in (nn.Tanh(), nn.ReLU(), nn.Linear(3, 2))]
    ),
    "function": (lambda f, x: f(x), [lambda: (tinyact.exp, X), lambda: (tinyact.tanh, X)]),
}  # fmt: skip


@pytest.mark.parametrize("case", cases(SIGNATURES))
def test_signatures(case: tuple[Any, list[Callable[[], tuple[Any, ...]]]]) -> None:
    function, arguments = case
    compiled = same(
        lambda: (function, []),
        5 * len(arguments) + 2,
        lambda call: arguments[call // 5 % len(arguments)](),
        compiles=None,
    )
    assert compiled._recordings == len(arguments)
    assert compiled._reason is None


def test_keywords() -> None:
    compiled = tinyact.compile(lambda x, *, k=1.0, y=None: x * k if y is None else x * k + y)
    for call in range(6):
        x = X + call
        assert tinyact.equal(compiled(x, k=2.0), x * 2.0)
        assert tinyact.equal(compiled(x, y=x, k=3.0), x * 3.0 + x)
        assert tinyact.equal(compiled(x, k=3.0, y=x), x * 3.0 + x)
        assert tinyact.equal(compiled(x=x), x)


# --- the bound -------------------------------------------------------------------------------------------------------


def test_a_function_that_is_always_recorded_is_given_up_with_the_reason() -> None:
    compiled = tinyact.compile(lambda x: x * 2)
    for size in range(1, LIMIT):
        compiled(tinyact.ones(size))
    with pytest.warns(UserWarning, match=rf"not compiled.*recorded {LIMIT} times; the last time because of other arg"):
        compiled(tinyact.ones(LIMIT))
    for size in range(1, 20):
        assert tinyact.equal(compiled(tinyact.ones(size)), tinyact.ones(size) * 2)


def test_the_reason_names_what_changes() -> None:
    number = 0

    def function(x: Any) -> Any:
        nonlocal number
        number += 1
        return x * number

    compiled = tinyact.compile(function)
    results = []
    with pytest.warns(UserWarning, match="because of number"):
        results += [compiled(X) for _ in range(LIMIT)]
    assert all(tinyact.equal(result, X * (call + 1)) for call, result in enumerate(results))


def test_fullgraph_raises_each_time() -> None:
    @tinyact.compile(fullgraph=True)
    def function(x: Any) -> Any:
        return x * float(str(x.sum().item()))

    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"not compiled.*turned into text"):
            function(X)


def test_fullgraph_raises() -> None:
    with pytest.raises(RuntimeError, match="turned into text"):
        tinyact.compile(lambda x: x * float(str(x.sum().item())), fullgraph=True)(X)


def test_fullgraph_of_what_can_be_compiled() -> None:
    compiled = tinyact.compile(fullgraph=True)(lambda x: x * 2)
    for call in range(4):
        assert tinyact.equal(compiled(X + call), (X + call) * 2)


# --- forms -----------------------------------------------------------------------------------------------------------


class Methods:
    """Methods of every kind, compiled."""

    def __init__(self, k: float) -> None:
        self.k = k

    @tinyact.compile
    def method(self, x: Any) -> Any:
        return x * self.k

    @staticmethod
    @tinyact.compile
    def static(x: Any) -> Any:
        return x * 3

    @classmethod
    @tinyact.compile
    def of_class(cls, x: Any) -> Any:
        return x * 4

    @property
    @tinyact.compile
    def doubled(self) -> Any:
        return X * self.k


def test_methods() -> None:
    a, b = Methods(2.0), Methods(5.0)
    for call in range(6):
        x = X + call
        a.k += call == 4
        assert tinyact.equal(a.method(x), x * a.k)
        assert tinyact.equal(b.method(x), x * 5)
        assert tinyact.equal(Methods.static(x), x * 3)
        assert tinyact.equal(a.of_class(x), x * 4)
        assert tinyact.equal(a.doubled, X * a.k)


def test_it_looks_like_the_function() -> None:
    def function(x: Any) -> Any:
        """Doubles."""
        return x * 2

    compiled = tinyact.compile(function)
    assert (compiled.__name__, compiled.__doc__, compiled.__wrapped__) == ("function", "Doubles.", function)
    assert "function" in repr(compiled)
    with pytest.raises(TypeError, match="function or a module"):
        tinyact.compile(3)


def test_modules() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    compiled = tinyact.compile(module)
    assert [p is q for p, q in zip(compiled.parameters(), module.parameters(), strict=True)] == [True] * 4
    compiled.eval()
    with tinyact.no_grad():
        for call in range(6):
            if call == 4:
                module[0].weight.mul_(2)
            assert tinyact.equal(compiled(X + call), module(X + call))


COPIES: dict[str, Callable[[], Any]] = {
    "function": lambda: lambda x: x * 2,
    "module": lambda: nn.Sequential(nn.Linear(3, 2), nn.Tanh()),
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_deep_copies(make: Callable[[], Any]) -> None:
    compiled = tinyact.compile(make())
    with tinyact.no_grad():
        for _ in range(3):
            compiled(X)
        other = copy.deepcopy(compiled)
        if isinstance(compiled.function, nn.Module):
            compiled.function[0].weight.zero_()
        for call in range(4):
            assert tinyact.equal(other(X + call), other.function(X + call))
            assert tinyact.equal(compiled(X + call), compiled.function(X + call))


def test_deep_copies_of_what_holds_one() -> None:
    module = nn.Linear(3, 2)
    module.compiled = tinyact.compile(lambda x: x * 2)
    module.compiled(X)
    assert tinyact.equal(copy.deepcopy(module).compiled(X), X * 2)


def test_compiled_functions_inside_of_compiled_ones() -> None:
    inner = tinyact.compile(lambda x: x.tanh() * 2)
    same(lambda: (lambda x: inner(x) + inner(x[0]), []), 6, lambda call: (X + call,))


def test_recursion() -> None:
    def make() -> tuple[Any, list[Any]]:
        @tinyact.compile
        def function(x: Any, depth: int) -> Any:
            return x if depth == 0 else function(x * 2, depth - 1)

        return lambda x: function(x, 3), []

    same(make, 6, lambda call: (X + call,))


# --- kinds of functions ----------------------------------------------------------------------------------------------


def penalty() -> tuple[Any, list[Any]]:
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = tinyact.optim.SGD(module.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        x = x.clone().requires_grad_()
        (grad,) = tinyact.autograd.grad(module(x).sum(), x, create_graph=True)
        loss = (grad.square().sum(1) - 1).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step, [module, optimizer]


def gradients() -> tuple[Any, list[Any]]:
    w, v = tinyact.randn(3, requires_grad=True), tinyact.randn(3, requires_grad=True)

    def function(x: Any) -> Any:
        y = ((x * w).tanh() * v).sum()
        return tinyact.autograd.grad(y, [w, v]), y.item()

    return function, [w, v]


def third() -> tuple[Any, list[Any]]:
    def function(x: Any) -> Any:
        x = x.clone().requires_grad_()
        y = (x.sin() * x).sum()
        for _ in range(2):
            (y,) = tinyact.autograd.grad(y, x, create_graph=True)
            y = y.sum()
        return tinyact.autograd.grad(y, x)

    return function, []


def own_function() -> tuple[Any, list[Any]]:
    w, function_of_ones_own = tinyact.randn(3, requires_grad=True), cube(tinyact)

    def function(x: Any) -> Any:
        w.grad = None
        loss = function_of_ones_own.apply(w * x).sum()
        loss.backward()
        return loss

    return function, [w]


def inference() -> tuple[Any, list[Any]]:
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).requires_grad_(False)
    return lambda x: module(x), [module]


KINDS = {
    "gradient penalty": penalty,
    "autograd.grad": gradients,
    "third derivatives": third,
    "Function": own_function,
    "hessian": lambda: (
        lambda x: tinyact.autograd.functional.hessian(lambda v: (v.sin() * v * v).sum(), x[0]), []
    ),
    "jacobian": lambda: (lambda x: tinyact.autograd.functional.jacobian(lambda v: v.sin() * v, x[0]), []),
    "inference": inference,
}  # fmt: skip


@pytest.mark.parametrize("make", cases(KINDS))
def test_kinds_of_functions(make: Any) -> None:
    same(make, 8, lambda call: (X + call,))


# --- threads ---------------------------------------------------------------------------------------------------------


def run_in_threads(count: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("warm", [0, 1, 3])
def test_threads_call_one_function(warm: int) -> None:
    w = tinyact.randn(3, 30)
    compiled = tinyact.compile(lambda x: F.silu(x @ w).tanh().sum(0))
    for _ in range(warm):
        compiled(X)

    def work(number: int) -> None:
        for call in range(60):
            x = X + (number * 100 + call)
            assert tinyact.equal(compiled(x), F.silu(x @ w).tanh().sum(0))

    run_in_threads(4, work)
    assert compiled._reason is None


def test_threads_with_parameters_of_their_own() -> None:
    def work(number: int) -> None:
        module = nn.Linear(3, 2)
        twin = copy.deepcopy(module)

        def step(m: Any, x: Any) -> Any:
            m.zero_grad()
            loss = m(x).square().sum()
            loss.backward()
            with tinyact.no_grad():
                for p in m.parameters():
                    p.sub_(0.01 * p.grad)
            return loss.item()

        compiled = tinyact.compile(lambda x: step(module, x))
        for call in range(30):
            compiled(X * call)
            step(twin, X * call)
            assert [p.tolist() for p in module.parameters()] == [p.tolist() for p in twin.parameters()]

    run_in_threads(3, work)


def test_another_thread_works_eagerly_while_one_records() -> None:
    w = tinyact.ones(3)
    inside, done = threading.Event(), threading.Event()
    results: list[Any] = []

    def other() -> None:
        inside.wait(10)
        results.append((w * 2).array)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()

    @tinyact.compile
    def function(x: Any) -> Any:
        y = x * w
        inside.set()
        done.wait(10)
        return y

    assert tinyact.equal(function(X), X)
    thread.join()
    assert type(results[0]) is np.ndarray


# --- memory ----------------------------------------------------------------------------------------------------------


def _a_small_function() -> Callable[..., Any]:
    w = tinyact.ones(3)
    return lambda: (w * 2).tanh()


def _a_step() -> Callable[..., Any]:
    step, _ = training(batch=4)()
    return step


@pytest.mark.parametrize(("make", "count"), [(_a_small_function, 1000), (_a_step, 3)])
def test_recordings_leave_nothing(make: Callable[[], Callable[..., Any]], count: int) -> None:
    def record() -> Any:
        compiled = tinyact.compile(make())
        for _ in range(3):
            compiled()
        return weakref.ref(compiled)

    for _ in range(5):
        record()
    gc.collect()
    before = len(gc.get_objects())
    references = [record() for _ in range(count)]
    gc.collect()
    assert not any(reference() for reference in references)
    assert len(gc.get_objects()) - before < 2 * count  # the references themselves


def test_recordings_of_one_function_are_bounded() -> None:
    compiled = tinyact.compile(lambda x: x.tanh() * 2)
    with pytest.warns(UserWarning, match="not compiled"):
        _ = [compiled(tinyact.ones(size)) for size in range(1, 1000)]
    assert len(compiled._programs) <= LIMIT


def peak(call: Callable[[], Any]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# Drawing takes memory of its own, beside the program's.
STEPS = {
    "ReLU": ("ReLU", 0.0, 1.01), "SiLU": ("SiLU", 0.0, 1.01), "softmax": ("Softmax", 0.0, 1.01),
    "dropout": ("Tanh", 0.3, 1.3),
}  # fmt: skip


@pytest.mark.parametrize(("activation", "dropout", "ratio"), STEPS.values(), ids=STEPS)
def test_a_replay_needs_no_more_memory_than_the_eager_step(activation: str, dropout: float, ratio: float) -> None:
    """With the memory that the program holds between the calls."""
    eager, _ = training(activation, batch=5000, dropout=dropout)()
    for _ in range(4):
        eager()
    wanted = peak(eager)
    step, _ = training(activation, batch=5000, dropout=dropout)()
    compiled = tinyact.compile(step)
    for _ in range(4):
        compiled()
    (program, *_) = compiled._programs
    memory = {id(base): base.nbytes for base in map(_memory, program.plan.buffers.values())}
    assert peak(compiled) + sum(memory.values()) <= wanted * ratio + 20_000


def _memory(array: Any) -> Any:
    return array if array.base is None else _memory(array.base)


def test_threads_with_a_compiled_function_inside_of_theirs() -> None:
    inner = tinyact.compile(lambda x: x * 2)

    def work(number: int) -> None:
        outer = tinyact.compile(lambda x: inner(x) + number)
        for call in range(20):
            assert tinyact.equal(outer(X + call), (X + call) * 2 + number)
            assert tinyact.equal(inner(X * call), X * call * 2)

    run_in_threads(4, work)


def test_programs_are_kept_when_there_are_many() -> None:
    compiled = tinyact.compile(lambda x: x * 2)
    with pytest.warns(UserWarning, match="not compiled any further"):
        _ = [compiled(tinyact.ones(size)) for size in range(1, LIMIT + 3)]
    assert len(compiled._programs) == LIMIT
    compiled(tinyact.ones(3) * 5)
    assert compiled._programs[0].is_verified
