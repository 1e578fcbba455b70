"""What a function reads: whatever means something else at the next call is noticed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.program.twins import Maker, Setter, cases, same, setting
from tinyact import nn
from tinyact.nn import functional as F

X = tinyact.arange(12.0).reshape(4, 3) / 7 - 1
NUMBER = 2.0


def closure(first: Any, use: Callable[[Any, Any], Any] = lambda x, k: x * k) -> Maker:
    """A function that reads one thing from its closure, and the setter of that."""

    def make() -> tuple[Any, list[Any]]:
        k = first

        def put(value: Any) -> None:
            nonlocal k
            k = value

        return lambda x: use(x, k), [Setter(put)]

    return make


def compare(make: Maker, *values: Any, after: int = 4) -> Any:
    """Some calls, and some more after each setting."""
    changes = {after * (i + 1): setting(value) for i, value in enumerate(values)}
    return same(make, after * (len(values) + 1), lambda call: (X,), changes, compiles=None)


# --- names -----------------------------------------------------------------------------------------------------------

CLOSURES: dict[str, tuple[Any, ...]] = {
    "float": (2.0, 3.0, 2.0),
    "int, bool, float": (1, True, 1.0),
    "complex": (2, 3),
    "NumPy's number": (np.float32(2), np.float32(3), np.float64(3)),
    "tensor": (tinyact.ones(3), tinyact.zeros(3)),
    "tensor of another shape": (tinyact.ones(3), tinyact.ones(4, 1)),
    "tensor, number": (tinyact.ones(3), 5.0),
    "the sign of zero": (0.0, -0.0),
}


@pytest.mark.parametrize("values", cases(CLOSURES))
def test_closures(values: tuple[Any, ...]) -> None:
    compare(closure(values[0]), *values[1:])


USES: dict[str, tuple[Callable[[Any, Any], Any], tuple[Any, ...]]] = {
    "string": (lambda x, k: getattr(x, k)(), ("exp", "tanh", "exp")),
    "None": (lambda x, k: x if k is None else x * k, (None, 2.0, None)),
    "tuple": (lambda x, k: x * k[0], ((2.0, 1), (3.0, 1))),
    "dtype": (lambda x, k: x.to(k), (tinyact.float32, tinyact.float64)),
    "function": (lambda x, k: k(x), (tinyact.exp, tinyact.tanh, lambda x: x * 3)),
    "module": (lambda x, k: k(x), (nn.Tanh(), nn.ReLU())),
    "shape": (lambda x, k: x.reshape(k), ((3, 4), (2, 6))),
    "slice": (lambda x, k: x[k], (slice(0, 2), slice(1, 3))),
    "reduction": (lambda x, k: F.mse_loss(x, x * 2, reduction=k), ("mean", "sum", "none")),
}


@pytest.mark.parametrize(("use", "values"), USES.values(), ids=USES)
def test_things_from_closures(use: Callable[[Any, Any], Any], values: tuple[Any, ...]) -> None:
    compare(closure(values[0], use), *values[1:])


def test_programs_for_earlier_settings_are_used_again() -> None:
    compiled = compare(closure(2.0), 3.0, 2.0, 3.0, 2.0)
    assert compiled._recordings == 2


def test_globals() -> None:
    def make() -> tuple[Any, list[Any]]:
        return lambda x: x * NUMBER, [Setter(lambda value: globals().update(NUMBER=value))]

    compare(make, 3.0, 2.0)


def test_a_function_that_the_function_calls() -> None:
    def make() -> tuple[Any, list[Any]]:
        function, things = closure(2.0)()
        return lambda x: function(x) + 1, things

    compare(make, 3.0)


def reads_container(thing: Any, get: Callable[[Any], Any], put: Callable[[Any, Any], Any]) -> Maker:
    def make() -> tuple[Any, list[Any]]:
        box = thing()
        return lambda x: x * get(box), [Setter(lambda value: put(box, value))]

    return make


@dataclasses.dataclass
class Data:
    k: float = 2.0


class Plain:
    def __init__(self) -> None:
        self.k = 2.0
        self.deep = {"a": {"b": [2.0]}}

    @property
    def from_the_deep(self) -> float:
        return self.deep["a"]["b"][0]

    @property
    def doubled(self) -> float:
        return self.k * 2

    def method(self) -> float:
        return self.k * NUMBER


class OfTheClass:
    k = 2.0


class OwnSlots:
    __slots__ = ("k",)

    def __init__(self) -> None:
        self.k = 2.0


class Replaced:
    def method(self) -> float:
        return 2.0


def put_k(box: Any, value: Any) -> None:
    box.k = value


def put_class_k(box: Any, value: Any) -> None:
    type(box).k = value


CONTAINERS: dict[str, Maker] = {
    "list": reads_container(lambda: [2.0], lambda b: b[0], lambda b, v: b.__setitem__(0, v)),
    "length of a list": reads_container(lambda: [2.0], len, lambda b, v: b.append(v)),
    "dictionary": reads_container(lambda: {"k": 2.0}, lambda b: b["k"], lambda b, v: b.update(k=v)),
    "new key": reads_container(dict, lambda b: b.get("k", 2.0), lambda b, v: b.update(k=v)),
    "set": reads_container(set, lambda b: 5 if 3.0 in b else 2, lambda b, v: b.add(v)),
    "tensor in a list": reads_container(
        lambda: [tinyact.ones(3)], lambda b: b[0], lambda b, v: b.__setitem__(0, tinyact.zeros(3))
    ),
    "dataclass": reads_container(Data, lambda b: b.k, put_k),
    "object": reads_container(Plain, lambda b: b.k, put_k),
    "property": reads_container(Plain, lambda b: b.doubled, put_k),
    "method": reads_container(Plain, lambda b: b.method(), put_k),
    "deep property": reads_container(Plain, lambda b: b.from_the_deep, lambda b, v: b.deep["a"]["b"].__setitem__(0, v)),
    "new attribute": reads_container(Data, lambda b: getattr(b, "other", 2.0), lambda b, v: setattr(b, "other", v)),
    "attribute in front of its class's": reads_container(OfTheClass, lambda b: b.k, put_k),
    "method replaced": reads_container(Replaced, lambda b: b.method(), lambda b, v: setattr(b, "method", lambda: v)),
    "attribute of the class": reads_container(
        lambda: type("Fresh", (), {"k": 2.0, "__module__": __name__})(), lambda b: b.k, put_class_k
    ),
    "class": reads_container(lambda: type("Fresh", (), {"k": 2.0}), lambda b: b.k, put_k),
    "slots": reads_container(OwnSlots, lambda b: b.k, put_k),
    "arguments of a partial": reads_container(
        lambda: functools.partial(lambda k: k, k=2.0), lambda b: b(), lambda b, v: b.keywords.update(k=v)
    ),
    "NumPy array": reads_container(lambda: np.full(1, 2.0), lambda b: float(b[0]), lambda b, v: b.fill(v)),
    "NumPy array, copied": reads_container(
        lambda: np.full(1, 2.0), lambda b: tinyact.tensor(b), lambda b, v: b.fill(v)
    ),
    "NumPy array, shared": reads_container(
        lambda: np.full(1, 2.0), lambda b: tinyact.from_numpy(b), lambda b, v: b.fill(v)
    ),
}


@pytest.mark.parametrize("make", cases(CONTAINERS))
def test_containers_and_objects(make: Maker) -> None:
    compare(make, 3.0)


def _defaults() -> tuple[Any, list[Any]]:
    def function(x: Any, k: Any = 2.0) -> Any:
        return x * k

    return function, [Setter(lambda value: setattr(function, "__defaults__", (value,)))]


def _keyword_defaults() -> tuple[Any, list[Any]]:
    def function(x: Any, *, k: Any = 2.0) -> Any:
        return x * k

    return function, [Setter(lambda value: (function.__kwdefaults__ or {}).update(k=value))]


def _self() -> tuple[Any, list[Any]]:
    class Thing:
        def __init__(self) -> None:
            self.k = 2.0

        def step(self, x: Any) -> Any:
            return x * self.k

    thing = Thing()
    return thing.step, [Setter(lambda value: setattr(thing, "k", value))]


def _inner_class() -> tuple[Any, list[Any]]:
    k = 2.0

    class Inner:
        def __call__(self, x: Any) -> Any:
            return x * k

    def put(value: Any) -> None:
        nonlocal k
        k = value

    return lambda x: Inner()(x), [Setter(put)]


def _nested() -> tuple[Any, list[Any]]:
    function, things = closure(2.0)()
    inner = tinyact.compile(function)
    return lambda x: inner(x), things


def _function_of_ones_own() -> tuple[Any, list[Any]]:
    k = 2.0

    class Scale(tinyact.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * k

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * k

    def put(value: Any) -> None:
        nonlocal k
        k = value

    def function(x: Any) -> Any:
        w = x.clone().requires_grad_()
        (grad,) = tinyact.autograd.grad(Scale.apply(w * w).sum(), w)
        return grad

    return function, [Setter(put)]


FUNCTIONS: dict[str, Maker] = {
    "defaults": _defaults,
    "keyword defaults": _keyword_defaults,
    "self": _self,
    "a class that is used inside": _inner_class,
    "a compiled function inside": _nested,
    "a Function of one's own": _function_of_ones_own,
}


@pytest.mark.parametrize("make", cases(FUNCTIONS))
def test_functions(make: Maker) -> None:
    compare(make, 3.0)


# --- modules ---------------------------------------------------------------------------------------------------------


def network(*layers: Any) -> Maker:
    def make() -> tuple[Any, list[Any]]:
        module = nn.Sequential(nn.Linear(3, 4), *(layer() for layer in layers), nn.Linear(4, 2))

        def function(x: Any) -> Any:
            module.zero_grad()
            loss = module(x).square().sum()
            loss.backward()
            return loss

        return function, [module]

    return make


def _hook(register: str, hook: Any) -> Callable[[list[Any]], None]:
    def add(things: list[Any]) -> None:
        handle = getattr(things[0][0], register)(hook)
        things[0].remove = Setter(lambda value: handle.remove())

    return add


SIGNATURES: dict[str, tuple[tuple[Any, ...], list[Callable[[list[Any]], Any]]]] = {
    "train and eval": (
        (lambda: nn.Dropout(0.5),),
        [lambda t: t[0].eval(), lambda t: t[0].train(), lambda t: t[0][1].eval()],
    ),
    "p": ((lambda: nn.Dropout(0.5),), [lambda t: setattr(t[0][1], "p", 0.1), lambda t: setattr(t[0][1], "p", 1.0)]),
    "slope": ((nn.LeakyReLU,), [lambda t: setattr(t[0][1], "negative_slope", 0.5)]),
    "bounds": ((nn.Hardtanh,), [lambda t: setattr(t[0][1], "max_val", 0.25)]),
    "requires_grad_": (
        (),
        [lambda t: t[0][0].requires_grad_(False), lambda t: t[0][0].weight.requires_grad_(True)],
    ),
    "parameter replaced": ((), [lambda t: setattr(t[0][0], "weight", nn.Parameter(tinyact.ones(4, 3)))]),
    "parameter's data": ((), [lambda t: setattr(t[0][0].weight, "data", tinyact.ones(4, 3))]),
    "parameter removed": ((), [lambda t: setattr(t[0][0], "bias", None)]),
    "module replaced": ((nn.Tanh,), [lambda t: t[0].__setitem__(1, nn.ReLU())]),
    "load_state_dict": (
        (),
        [lambda t: t[0].load_state_dict({key: value * 2 for key, value in t[0].state_dict().items()})],
    ),
    "forward hook": ((), [_hook("register_forward_hook", lambda m, a, y: y * 2), lambda t: t[0].remove.put(0)]),
    "forward pre-hook": (
        (),
        [_hook("register_forward_pre_hook", lambda m, a: (a[0] * 2,)), lambda t: t[0].remove.put(0)],
    ),
    "tensor hook": ((), [lambda t: t[0][0].weight.register_hook(lambda g: g * 2)]),
    "accumulate hook": (
        (),
        [lambda t: t[0][0].weight.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(2))],
    ),
    "gradient set": (
        (),
        [lambda t: setattr(t[0][0].bias, "grad", tinyact.ones(4)), lambda t: setattr(t[0][0].bias, "grad", None)],
    ),
    "forward replaced": ((nn.Tanh,), [lambda t: setattr(t[0][1], "forward", lambda x: x * 2)]),
}


@pytest.mark.parametrize(
    ("layers", "changes"),
    [pytest.param(*case, id=name) for name, case in SIGNATURES.items()],
)
def test_modules(layers: tuple[Any, ...], changes: list[Callable[[list[Any]], Any]]) -> None:
    at = {4 * (i + 1): change for i, change in enumerate(changes)}
    same(network(*layers), 4 * (len(changes) + 1), lambda call: (X + call,), at, compiles=None)


# --- optimizers ------------------------------------------------------------------------------------------------------


def training(kind: str = "SGD", **settings: Any) -> Maker:
    def make() -> tuple[Any, list[Any]]:
        module = nn.Linear(3, 2)
        optimizer = getattr(tinyact.optim, kind)(module.parameters(), **{"lr": 0.1, **settings})
        more = tinyact.ones(2, requires_grad=True)
        more.grad = tinyact.ones(2)

        def function(x: Any) -> Any:
            module.zero_grad()
            loss = module(x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        return function, [module, optimizer, more]

    return make


def _update(**settings: Any) -> Callable[[list[Any]], None]:
    return lambda things: things[1].param_groups[0].update(settings)


OPTIMIZERS: dict[str, tuple[Maker, list[Callable[[list[Any]], Any]]]] = {
    "momentum": (training(momentum=0.9), [_update(momentum=0.0), _update(momentum=0.5)]),
    "nesterov": (training(momentum=0.9), [_update(nesterov=True)]),
    "maximize": (training("Adam"), [_update(maximize=True), _update(maximize=False)]),
    "weight decay": (training("Adam"), [_update(weight_decay=0.1), _update(weight_decay=0.0)]),
    "an integer": (training(), [_update(lr=1)]),
    "the sign of zero": (training(), [_update(lr=0.0), _update(lr=-0.0)]),
    "state cleared": (training("Adam"), [lambda t: t[1].state.clear()]),
    "state edited": (training("Adam"), [lambda t: [s["exp_avg"].mul_(2) for s in t[1].state.values()]]),
    "count edited": (training("Adam"), [lambda t: [s["step"].fill_(50) for s in t[1].state.values()]]),
    "load_state_dict": (training("Adam"), [lambda t: t[1].load_state_dict(t[1].state_dict())]),
    "parameter removed": (training(), [lambda t: t[1].param_groups[0]["params"].pop()]),
    "group removed": (training(), [lambda t: t[1].param_groups.pop()]),
    "groups replaced": (training(), [lambda t: setattr(t[1], "param_groups", [dict(t[1].param_groups[0], lr=0.5)])]),
    "group added": (training(), [lambda t: t[1].add_param_group({"params": [t[2]]})]),
    "group replaced": (
        training(),
        [lambda t: t[1].param_groups.__setitem__(0, dict(t[1].param_groups[0], lr=0.5))],
    ),
}


@pytest.mark.parametrize(
    ("make", "changes"),
    [pytest.param(*case, id=name) for name, case in OPTIMIZERS.items()],
)
def test_optimizers(make: Maker, changes: list[Callable[[list[Any]], Any]]) -> None:
    at = {4 * (i + 1): change for i, change in enumerate(changes)}
    same(make, 4 * (len(changes) + 1), lambda call: (X + call,), at, compiles=None)


def test_a_schedule_costs_no_recording() -> None:
    changes = {
        call: _update(lr=0.1 / call, betas=(0.9 - call / 100, 0.99), eps=1e-8 * call, weight_decay=call / 100)
        for call in range(4, 20)
    }
    compiled = same(training("Adam", weight_decay=0.1), 20, lambda call: (X + call,), changes)
    assert compiled._recordings == 2  # Adam's first step makes its state


def test_a_schedule_with_numpys_numbers_costs_no_recording() -> None:
    changes = {call: _update(lr=np.float64(0.1) / call) for call in range(4, 20)}
    compiled = same(training(), 20, lambda call: (X + call,), changes, compiles=None)
    assert compiled._recordings <= 3


# --- modes -----------------------------------------------------------------------------------------------------------


def test_grad_mode() -> None:
    def make() -> tuple[Any, list[Any]]:
        w = tinyact.ones(3, requires_grad=True)
        return lambda x: (w * x).detach() * (2 if tinyact.is_grad_enabled() else 3), [w]

    def switched(to: bool) -> Callable[[list[Any]], None]:
        return lambda things: tinyact.set_grad_enabled(to)

    try:
        same(make, 12, lambda call: (X + call,), {4: switched(False), 8: switched(True)}, compiles=None)
    finally:
        tinyact.set_grad_enabled(True)
