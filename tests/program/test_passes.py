"""Each pass makes a program better and changes no bit of it; so does none of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tinyact
from tests.program.test_compiled import training
from tests.program.twins import Maker, cases, same
from tinyact.nn import functional as F
from tinyact.program import improve as improving

PASSES = {improve.__name__: improve for improve in improving.PASSES}


@pytest.fixture(params=[*PASSES, "all"])
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the passes, or all of them, switched off."""
    rest = () if request.param == "all" else tuple(p for p in improving.PASSES if p.__name__ != request.param)
    monkeypatch.setattr(improving, "PASSES", rest)
    return str(request.param)


@pytest.mark.parametrize(("activation", "batch"), [("SiLU", 8), ("ReLU", 3000), ("Softmax", 8)])
def test_switched_off(without: str, activation: str, batch: int) -> None:
    same(training(activation, "SGD", "MSELoss", batch), 5)


def hessians() -> tuple[Any, list[Any]]:
    w = tinyact.randn(3)

    def function(x: Any) -> Any:
        hessian = tinyact.autograd.functional.hessian(lambda v: (v * w).tanh().square().sum() * (v * w).tanh().sum(), x)
        return hessian, [part * 2 for part in hessian]

    return function, [w]


def test_hessians_switched_off(without: str) -> None:
    same(hessians, 5, lambda call: (tinyact.ones(3) * (call + 1),))


# --- where a pass might go wrong -------------------------------------------------------------------------------------


def _changed_between(x: Any, y: Any) -> Any:
    first = y * 2
    x.add_(1)
    return first + y * 2


def _through_a_view(x: Any, y: Any) -> Any:
    z = x * 1
    view = z[1:]
    first = z.exp() + y
    view.mul_(3)
    return first + z.exp(), view * 2, z.exp()


def _copy_then_change(x: Any, y: Any) -> Any:
    z = x * 2
    kept = z.clone()
    z.mul_(5)
    return kept + y, z + kept


def _change_the_copy(x: Any, y: Any) -> Any:
    z = x * 2
    copy = z.clone()
    copy.mul_(5)
    return copy + y, z


def _copy_of_a_view(x: Any, y: Any) -> Any:
    z = x * 2
    part = z[:2].clone()
    z.zero_()
    return part, z, z.T.clone() if z.ndim == 2 else z


def _twice_the_same(x: Any, y: Any) -> Any:
    a, b = x * y, x * y
    a.add_(1)
    return a, b, x * y


def _twice_fresh(x: Any, y: Any) -> Any:
    a, b = tinyact.zeros(3), tinyact.zeros(3)
    a += x
    return a, b + y


def _zeros_with_signs(x: Any, y: Any) -> Any:
    return x * 0.0, x * -0.0, x * 0, x + 0.0, x - 0.0


def _kinds_of_one(x: Any, y: Any) -> Any:
    return x * 1, x * 1.0, x * True, x**2, x**2.0


def _random(x: Any, y: Any) -> Any:
    return tinyact.rand(3), tinyact.rand(3), F.dropout(x, 0.5), F.dropout(x, 0.5)


def _operand_used_twice(x: Any, y: Any) -> Any:
    z = x.tanh()
    w = z * z.sum()
    v = w.reshape(1, 3) * w.reshape(3, 1)
    return (v + v.T) @ v, (z.expand(3, 3) + z.reshape(3, 1)).exp()


def _overlapping(x: Any, y: Any) -> Any:
    z = x * 2
    z[1:] = z[:-1].clone()
    z[:-1] += z[1:].clone()
    return z + y


def _kinds_of_number(x: Any, y: Any) -> Any:
    z = x.tanh()
    return (z > 0).to(tinyact.float32) * z, (z * 10).int() * 2, z.double() * z, (z.double() * 2).float() + z


def _strides(x: Any, y: Any) -> Any:
    z = (x.reshape(3, 1) * y).T
    return (z * 2).T + 1, z.clone(), (z + z.T).reshape(9) * 2, z.T.contiguous() * 2


def _results_in_between(x: Any, y: Any) -> Any:
    a = x.exp()
    b = a * 2
    c = b[0]
    d = c + b
    return a, c, d * 2


def _empty(x: Any, y: Any) -> Any:
    return x[:0] * 2, (x[:0] + 1).sum(), y.sum() * 2


TRAPS: dict[str, Callable[[Any, Any], Any]] = {
    function.__name__[1:].replace("_", " "): function
    for function in (
        _changed_between, _through_a_view, _copy_then_change, _change_the_copy, _copy_of_a_view, _twice_the_same,
        _twice_fresh, _zeros_with_signs, _kinds_of_one, _random, _operand_used_twice, _overlapping, _kinds_of_number,
        _strides, _results_in_between, _empty,
    )
}  # fmt: skip


def _arguments(call: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(call)
    return tuple(tinyact.tensor(rng.normal(size=3), dtype=tinyact.float32) for _ in range(2))  # type: ignore[return-value]


@pytest.mark.parametrize("function", TRAPS.values(), ids=TRAPS)
def test_traps(function: Any) -> None:
    same(lambda: (function, []), 6, _arguments)


@pytest.mark.parametrize("function", TRAPS.values(), ids=TRAPS)
def test_traps_with_passes_switched_off(without: str, function: Any) -> None:
    same(lambda: (function, []), 5, _arguments)


# --- arguments that look at the same memory --------------------------------------------------------------------------


def _the_same(x: Any) -> tuple[Any, Any]:
    return x, x


def _detached(x: Any) -> tuple[Any, Any]:
    return x, x.detach()


def _overlapping_views(x: Any) -> tuple[Any, Any]:
    base = tinyact.ones(4) * 3
    return base[:3], base[1:]


ALIASES = {"the same": _the_same, "detached": _detached, "overlapping": _overlapping_views}


@pytest.mark.parametrize(
    "alias",
    cases(ALIASES),
)
def test_arguments_that_share_memory(alias: Any) -> None:
    def arguments(call: int) -> tuple[Any, Any]:
        return (tinyact.ones(3), tinyact.ones(3)) if call < 4 else alias(tinyact.ones(3))

    same(lambda: (_changed_between, []), 8, arguments, compiles=None)


def test_arrays_that_share_memory() -> None:
    def function(x: Any, y: Any) -> Any:
        first = y * 2
        x += 1
        return first + y * 2

    def arguments(call: int) -> tuple[Any, Any]:
        base = np.ones(4)
        return (base[:3], np.ones(4)[:3]) if call < 4 else (base[:3], base[1:])

    same(lambda: (function, []), 8, arguments, compiles=None)


CLOSURE_ALIASES = {"the same": lambda w: w, "detached": lambda w: w.detach(), "view": lambda w: w[:]}


@pytest.mark.parametrize("alias", CLOSURE_ALIASES.values(), ids=CLOSURE_ALIASES)
def test_an_argument_that_shares_memory_with_what_the_function_reads(alias: Any) -> None:
    def run(compile: Any) -> list[Any]:
        w = tinyact.ones(3)

        @compile
        def function(x: Any) -> Any:
            first = x * 2
            w.add_(1)
            return first + x * 2

        return [function(tinyact.ones(3) if call < 4 else alias(w)).tolist() for call in range(8)]

    assert run(tinyact.compile) == run(lambda function: function)


def test_an_argument_that_is_what_the_function_reads_has_one_gradient() -> None:
    def run(compile: Any) -> list[Any]:
        w = tinyact.ones(3, requires_grad=True)

        @compile
        def function(x: Any) -> None:
            (w * w * x).sum().backward()

        grads = []
        for call in range(8):
            x = tinyact.ones(3, requires_grad=True) if call < 4 else w
            w.grad = None
            function(x)
            grads.append((w.grad.tolist(), x.grad.tolist()))
        return grads

    assert run(tinyact.compile) == run(lambda function: function)


# --- random programs -------------------------------------------------------------------------------------------------

UNARY = ["exp", "tanh", "sin", "cos", "sigmoid", "relu", "neg", "abs", "square", "expm1"]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - b,
    lambda a, b: a / (b.square() + 1),
    lambda a, b: tinyact.where(a > b, a, b),
    lambda a, b: tinyact.maximum(a, b),
    lambda a, b: a * b.sum(0, keepdim=True),
    lambda a, b: a * b.mean(1, keepdim=True),
    lambda a, b: F.softmax(a, 1) * b,
    lambda a, b: F.silu(a) + F.gelu(b),
    lambda a, b: a @ b.T @ b * 0.1,
    lambda a, b: tinyact.stack([a, b]).max(0)[0],
    lambda a, b: tinyact.cat([a[:2], b[2:]]),
    lambda a, b: (a.T.reshape(3, 4) * 2).T,
    lambda a, b: F.dropout(a, 0.25),
    lambda a, b: a.clone().mul_(0.5).add_(b),
    lambda a, b: _row_set(a.clone(), b),
    lambda a, b: a * 2 if a.sum() > 0 else b * 3,
    lambda a, b: a * a.detach().max().item(),
    lambda a, b: a.detach(),
]


def _row_set(a: Any, b: Any) -> Any:
    a[1] = b[2]
    return a


STEPS = st.lists(
    st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 30), st.integers(0, 30), st.booleans()),
    min_size=1,
    max_size=16,
)


def random_program(steps: list[tuple[int, int, int, bool]], dtype: Any) -> Maker:
    def make() -> tuple[Any, list[Any]]:
        w, c = tinyact.randn(4, 3, dtype=dtype, requires_grad=True), tinyact.randn(4, 3, dtype=dtype)

        def function(x: Any) -> Any:
            w.grad = None
            values = [x * 1, w * 1, c * 1]
            for kind, i, j, changes in steps:
                a, b = values[i % len(values)], values[j % len(values)]
                new = getattr(a, UNARY[kind])() if kind < len(UNARY) else BINARY[kind - len(UNARY)](a, b)
                values.append(new.clamp(-3, 3))
                if changes:
                    with tinyact.no_grad():
                        c.add_(values[-1].detach() * 0.01)
            loss = sum(value.sum() for value in values[-4:]) + w.sum()
            loss.backward()
            with tinyact.no_grad():
                w.sub_(0.1 * w.grad)
            return loss.item(), [value.detach() for value in values[-3:]], w.grad

        return function, [w, c]

    return make


@given(STEPS, st.sampled_from([tinyact.float32, tinyact.float64]), st.integers(0, 99))
@settings(max_examples=40)
def test_random_programs(steps: list[tuple[int, int, int, bool]], dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = [rng.normal(size=(4, 3)) for _ in range(3)]

    def arguments(call: int) -> tuple[Any]:
        return (tinyact.tensor(batches[(0, 0, 0, 1, 2, 1, 0)[call]], dtype=dtype),)

    same(random_program(steps, dtype), 7, arguments, compiles=None)


@given(STEPS, st.sampled_from(sorted(PASSES)))
@settings(max_examples=20)
def test_random_programs_with_a_pass_switched_off(steps: list[tuple[int, int, int, bool]], name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(improving, "PASSES", tuple(p for p in improving.PASSES if p.__name__ != name))
        same(random_program(steps, tinyact.float32), 4, lambda call: (tinyact.ones(4, 3) * call,), compiles=None)
