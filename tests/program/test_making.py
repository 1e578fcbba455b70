"""What a run leaves behind: exceptions, effects, results and who owns them."""

from __future__ import annotations

import collections
import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinyact
from tests.program.twins import Maker, cases, same
from tinyact import nn
from tinyact.nn import functional as F

X = tinyact.arange(12.0).reshape(4, 3) / 7 - 1


def ascending(call: int) -> tuple[Any]:
    return (X + call,)


# --- exceptions ------------------------------------------------------------------------------------------------------


def raising(place: str, kind: str = "Adam") -> Maker:
    """A step that raises in one of its places when its second argument says so."""

    def make() -> tuple[Any, list[Any]]:
        module = nn.Linear(3, 2)
        optimizer = getattr(tinyact.optim, kind)(module.parameters(), lr=0.1)

        def step(x: Any, fails: Any) -> Any:
            def fail(here: str) -> None:
                if here == place and fails.item() > 0:
                    raise ValueError(place)

            fail("first")
            optimizer.zero_grad()
            loss = F.dropout(module(x), 0.5).square().sum()
            fail("before backward")
            loss.backward()
            fail("after backward")
            optimizer.step()
            fail("last")
            return loss

        return step, [module, optimizer]

    return make


PLACES = {place: place for place in ["first", "before backward", "after backward", "last"]}


@pytest.mark.parametrize("when", [0, 2, 5])
@pytest.mark.parametrize(
    "place",
    cases(PLACES),
)
def test_exceptions(place: str, when: int) -> None:
    same(raising(place), 8, lambda call: (X + call, tinyact.tensor(1.0 if call == when else -1.0)), compiles=None)


def dividing() -> tuple[Any, list[Any]]:
    module = nn.Linear(3, 2)
    optimizer = tinyact.optim.SGD(module.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        module(F.dropout(x, 0.5)).square().sum().backward()
        with tinyact.no_grad():
            module.weight.add_(1)
        result = 1 / x[0, 0].item()
        optimizer.step()
        return result

    return step, [module, optimizer]


@pytest.mark.parametrize("when", [1, 2, 5])
def test_an_exception_of_the_programs_own(when: int) -> None:
    same(dividing, 8, lambda call: (X * (call != when) + (call != when),), compiles=None)


ERRORS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = {
    "division": (lambda t: X * (1 / t.item()), (2.0,), (0.0,)),
    "overflow": (lambda t: X * 10.0 ** t.item(), (2.0,), (1000.0,)),
    "index": (lambda t: X[t], (1,), (9,)),
    "target": (lambda t: F.cross_entropy(X, t), ([0, 1, 2, 0],), ([0, 1, 2, 7],)),
    "probability": (lambda t: F.binary_cross_entropy(t, t), ([0.5],), ([1.5],)),
    "p": (lambda t: F.dropout(X, t.item()), (0.5,), (1.5,)),
}


@pytest.mark.parametrize("when", [1, 2, 5])
@pytest.mark.parametrize(("function", "first", "other"), ERRORS.values(), ids=ERRORS)
def test_errors_of_the_library(function: Any, first: Any, other: Any, when: int) -> None:
    def arguments(call: int) -> tuple[Any]:
        return (tinyact.tensor(*(other if call == when else first)),)

    same(lambda: (function, []), 8, arguments, compiles=None)


# --- effects ---------------------------------------------------------------------------------------------------------


def accumulating() -> tuple[Any, list[Any]]:
    module = nn.Linear(3, 2)
    return lambda x: module(x).square().sum().backward(), [module]


def moving_average() -> tuple[Any, list[Any]]:
    module, average = nn.Linear(3, 2), nn.Linear(3, 2)

    def function(x: Any) -> Any:
        with tinyact.no_grad():
            for p, q in zip(module.parameters(), average.parameters(), strict=True):
                q.mul_(0.9).add_(p * 0.1)
            module.weight.add_(1)
            return average(x)

    return function, [module, average]


class Running(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("average", tinyact.zeros(3))
        self.register_buffer("count", tinyact.tensor(0))

    def forward(self, x: Any) -> Any:
        self.average.mul_(0.9).add_(x.mean(0) * 0.1)
        self.count.add_(1)
        return x - self.average


def buffers() -> tuple[Any, list[Any]]:
    module = Running()
    return module, [module]


def gradients_scaled() -> tuple[Any, list[Any]]:
    module = nn.Linear(3, 2)
    optimizer = tinyact.optim.SGD(module.parameters(), lr=0.1)

    def function(x: Any) -> Any:
        optimizer.zero_grad()
        module(x).square().sum().backward()
        norm = sum(p.grad.square().sum() for p in module.parameters()) ** 0.5
        if norm > 10:
            with tinyact.no_grad():
                for p in module.parameters():
                    p.grad.mul_(10 / norm)
        optimizer.step()
        return norm

    return function, [module, optimizer]


def draws() -> tuple[Any, list[Any]]:
    def function(x: Any) -> Any:
        return (
            x + tinyact.rand(4, 3), tinyact.randn(20), tinyact.randint(0, 5, (3,)), tinyact.randperm(4),
            F.dropout(x, 0.3), F.rrelu(x, training=True), tinyact.rand_like(x), tinyact.empty(3).normal_(),
        )  # fmt: skip

    return function, []


def draws_and_decides() -> tuple[Any, list[Any]]:
    def function(x: Any) -> Any:
        noise = tinyact.rand(3)
        return noise + 1 if noise[0] > 0.5 else noise - tinyact.rand(3)

    return function, []


def eval_inside() -> tuple[Any, list[Any]]:
    module = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2))

    def function(x: Any) -> Any:
        module.eval()
        with tinyact.no_grad():
            y = module(x)
        module.train()
        return y

    return function, [module]


def swaps_data() -> tuple[Any, list[Any]]:
    a, b = tinyact.ones(3), tinyact.zeros(3)

    def function(x: Any) -> Any:
        a.data, b.data = b.data, a.data
        return a * x

    return function, [a, b]


def swaps_names() -> tuple[Any, list[Any]]:
    a, b = tinyact.ones(3), tinyact.zeros(3)

    def function(x: Any) -> Any:
        nonlocal a, b
        a, b = b, a
        return a * x

    return function, []


def counts() -> tuple[Any, list[Any]]:
    count = [0]

    def function(x: Any) -> Any:
        count[0] += 1
        return x * count[0]

    return function, [count]


def appends() -> tuple[Any, list[Any]]:
    losses: list[Any] = []

    def function(x: Any) -> Any:
        losses.append(x.sum().item())
        return x * 2

    return function, [losses]


def keeps_a_tensor() -> tuple[Any, list[Any]]:
    class Keeping(nn.Linear):
        def forward(self, x: Any) -> Any:
            self.last = super().forward(x).detach()
            return self.last * 2

    module = Keeping(3, 2)
    return lambda x: module(x) + 1, [module]


def generator() -> tuple[Any, list[Any]]:
    own = tinyact.Generator()
    own.manual_seed(3)
    return lambda x: x + tinyact.rand(4, 3, generator=own), []


def generator_and_decision() -> tuple[Any, list[Any]]:
    own = tinyact.Generator()
    own.manual_seed(3)

    def function(x: Any) -> Any:
        noise = tinyact.rand(3, generator=own)
        return noise if noise[0] > 0.5 else noise - tinyact.rand(3)

    return function, []


def freezes() -> tuple[Any, list[Any]]:
    w = tinyact.ones(3, requires_grad=True)

    def function(x: Any) -> Any:
        y = (w * x).detach()
        w.requires_grad_(False)
        return y

    return function, [w]


EFFECTS: dict[str, Maker] = {
    "gradients accumulated": accumulating,
    "moving average": moving_average,
    "buffers": buffers,
    "gradients scaled": gradients_scaled,
    "draws": draws,
    "draws and decides": draws_and_decides,
    "eval inside": eval_inside,
    "data swapped": swaps_data,
    "names swapped": swaps_names,
    "counts": counts,
    "appends": appends,
    "keeps a tensor": keeps_a_tensor,
    "a generator of its own": generator,
    "a generator of its own, and a decision": generator_and_decision,
    "sets a seed": lambda: (lambda x: (tinyact.manual_seed(3), x + tinyact.rand(3))[1], []),
}


@pytest.mark.parametrize(
    "make",
    cases(EFFECTS),
)
def test_effects(make: Maker) -> None:
    same(make, 10, ascending, compiles=None)


def test_requires_grad_inside() -> None:
    same(
        freezes, 8, ascending, dict.fromkeys(range(1, 8), lambda things: things[0].requires_grad_(True)), compiles=None
    )


@pytest.mark.filterwarnings("ignore:.*not compiled")
def test_requires_grad_of_an_argument_inside() -> None:
    compiled = tinyact.compile(lambda x: (x.requires_grad_() * 2).detach())
    for _ in range(4):
        x = tinyact.ones(3)
        compiled(x)
        assert x.requires_grad


@pytest.mark.filterwarnings("ignore:.*not compiled")
def test_a_list_among_the_arguments_is_the_users() -> None:
    compiled = tinyact.compile(lambda x, results: results.append(x * 2))
    for call in range(4):
        results: list[Any] = []
        compiled(X + call, results)
        assert len(results) == 1


@pytest.mark.filterwarnings("ignore:.*not compiled")
def test_a_dictionary_among_the_arguments_is_the_users() -> None:
    def function(x: Any, results: dict[str, Any]) -> None:
        results["length"] = len(x)

    compiled = tinyact.compile(function)
    for call in range(4):
        results: dict[str, Any] = {}
        compiled(X + call, results)
        assert results == {"length": 4}


# --- results ---------------------------------------------------------------------------------------------------------

Pair = collections.namedtuple("Pair", "first second")


class Numbers(list[Any]):
    """A list of a class of its own."""


RESULTS: dict[str, Callable[[Any], Any]] = {
    "None": lambda x: None,
    "constants": lambda x: (1, 2.5, "s", None, True, tinyact.float32),
    "number": lambda x: x.sum().item(),
    "bool": lambda x: bool(x.sum() > 0),
    "int": lambda x: int(x.sum()),
    "nested": lambda x: {"a": [x * 2, (x.sum().item(), None)], 1: "s", "b": {"c": ()}},
    "named tuple": lambda x: Pair(x * 2, [x + 1]),
    "the argument": lambda x: (x, x.T, x[1:], x.detach(), [x]),
    "max": lambda x: x.max(0),
    "bool tensor": lambda x: x > 0,
    "int tensor": lambda x: x.argmax(1),
    "array": lambda x: (x * 2).numpy(),
    "the argument's array": lambda x: x.numpy(),
    "stride": lambda x: x.stride(),
    "fresh": lambda x: (tinyact.zeros(3), tinyact.ones(2), tinyact.tensor([1.0, 2.0])),
    "0-d array": lambda x: x.sum().numpy(),
    "NumPy's number": lambda x: x.numpy().sum(),
    "shape": lambda x: x.shape,
    "OrderedDict": lambda x: collections.OrderedDict(a=x * 2),
    "defaultdict": lambda x: collections.defaultdict(list, a=x * 2),
    "list of a class": lambda x: Numbers([x * 2]),
    "set": lambda x: {1, 2},
}


@pytest.mark.parametrize("function", cases(RESULTS))
@pytest.mark.filterwarnings("ignore:.*not compiled")
def test_results(function: Callable[[Any], Any]) -> None:
    def kinds(thing: Any) -> Any:
        parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, (list, tuple)) else ()
        return type(thing), [kinds(part) for part in parts]

    same(lambda: (function, []), 6, ascending, compiles=None)
    compiled = tinyact.compile(function)
    for call in range(4):
        assert kinds(compiled(X + call)) == kinds(function(X + call))


@pytest.mark.parametrize("name", ["numpy", "sum"])
def test_a_generator_function_runs_eagerly(name: str) -> None:
    def function(x: Any) -> Any:
        yield x * 2
        yield getattr(x, name)()

    compiled = tinyact.compile(function)
    with pytest.warns(UserWarning, match="is not compiled.*returns a generator"):
        first = [np.asarray(part) for part in compiled(X)]
    second = [np.asarray(part) for part in compiled(X + 1)]
    third = [np.asarray(part) for part in compiled(X + 2)]
    for call, parts in enumerate((first, second, third)):
        for part, other in zip(parts, function(X + call), strict=True):
            np.testing.assert_array_equal(part, np.asarray(other))


SHARING: dict[str, Callable[[Any], Any]] = {
    "twice the same": lambda x: (lambda y: (y, y))(x * 2),
    "two of the same numbers": lambda x: (x * 2, x * 2),
    "a copy": lambda x: (lambda y: (y, y.clone()))(x * 2),
    "its array": lambda x: (lambda y: (y, y.numpy()))(x * 2),
    "two of zeros": lambda x: (tinyact.zeros(3), tinyact.zeros(3)),
    "views of the argument": lambda x: (x.detach(), x[0]),
    "the argument": lambda x: (x, x.detach()),
    "detached": lambda x: (lambda y: (y, y.detach()))(x * 2),
    "a view": lambda x: (lambda y: (y, y[0]))(x * 2),
    "transposed": lambda x: (lambda y: (y, y.T))(x * 2),
    "reshaped": lambda x: (lambda y: (y, y.view(-1)))(x * 2),
}


@pytest.mark.parametrize("function", cases(SHARING))
def test_what_results_share(function: Callable[[Any], Any]) -> None:
    def look(call: Callable[[Any], Any], number: int) -> Any:
        x = X + number
        a, b = call(x)
        told = [a is b, a is x]
        if isinstance(a, tinyact.Tensor):
            a.add_(1)
            told += [x.tolist(), np.asarray(b).tolist(), a._version.count, x._version.count]
            told += [b._version.count] if isinstance(b, tinyact.Tensor) else []
        return told

    compiled = tinyact.compile(function)
    for number in range(5):
        assert look(compiled, number) == look(function, number), number


# --- who owns what ---------------------------------------------------------------------------------------------------

OWNED: dict[str, Callable[[Any], Any]] = {
    "result": lambda x: [x * 2],
    "large": lambda x: [(x.expand(1000, 4, 3) * 2).tanh() + 1],
    "view": lambda x: [(x * 2)[0], (x * 3).T],
    "array": lambda x: [(x * 2).numpy(), x.exp().numpy()[1:]],
    "between": lambda x: (lambda y: [y, y * 2, (y * 2).exp()])(x.tanh()),
    "changed in place": lambda x: [x.clone().mul_(2).add_(x), tinyact.zeros(4, 3).add_(x)],
    "kernels": lambda x: [F.softmax(x, 1), F.silu(x), F.gelu(x), F.softplus(x)],
    "gradient": lambda x: [*tinyact.autograd.functional.hessian(lambda v: (v.sin() * v).sum(), x[0])],
}


@pytest.mark.parametrize("function", OWNED.values(), ids=OWNED)
def test_the_next_call_does_not_change_results(function: Callable[[Any], list[Any]]) -> None:
    compiled = tinyact.compile(function)
    results = [compiled(X + call) for call in range(6)]
    for call, result in enumerate(results):
        for mine, other in zip(result, function(X + call), strict=True):
            np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))


@pytest.mark.parametrize("to_none", [True, False])
def test_the_next_call_does_not_change_gradients_that_the_user_holds(to_none: bool) -> None:
    def run(compile: Callable[[Any], Any]) -> list[Any]:
        tinyact.manual_seed(0)
        module = nn.Linear(3, 2)
        optimizer = tinyact.optim.SGD(module.parameters(), lr=0.1)

        @compile
        def step(x: Any) -> Any:
            optimizer.zero_grad(set_to_none=to_none)
            loss = module(x).square().sum()
            loss.backward()
            optimizer.step()
            return loss

        held = []
        for call in range(6):
            step(X + call)
            held += [module.weight.grad, module.weight.grad.numpy()]
        return [np.asarray(grad).tolist() for grad in held]

    assert run(tinyact.compile) == run(lambda function: function)


def test_changing_a_result_changes_no_later_call() -> None:
    compiled = tinyact.compile(lambda x: [x * 2, tinyact.ones(3), (x * 3).numpy()])
    for _ in range(6):
        a, b, c = compiled(X)
        assert tinyact.equal(a, X * 2)
        assert tinyact.equal(b, tinyact.ones(3))
        np.testing.assert_array_equal(c, (X * 3).numpy())
        a.zero_()
        b.zero_()
        c[...] = 0


def test_arguments_and_results_are_let_go() -> None:
    compiled = tinyact.compile(lambda x: x.exp() * 2)
    for _ in range(4):
        x = X + 0
        y = compiled(x)
        argument, result = weakref.ref(x), weakref.ref(y)
        del x, y
        gc.collect()
        assert argument() is None
        assert result() is None


def _returned(x: Any, kept: Any) -> Any:
    y = x * 2
    kept.append(y)
    return y


@pytest.mark.filterwarnings("ignore:.*not compiled")
def test_what_is_returned_and_kept_too() -> None:
    kept: Any = collections.deque()
    compiled = tinyact.compile(lambda x: _returned(x, kept))
    for call in range(5):
        compiled(X + call)
    assert len(kept) == 5


@pytest.mark.filterwarnings("ignore:.*not compiled")
def test_a_gradient_that_is_kept() -> None:
    kept: Any = collections.deque()
    w = tinyact.ones(3, requires_grad=True)

    def function(x: Any) -> None:
        w.grad = None
        (w * x).sum().backward()
        kept.append(w.grad)

    compiled = tinyact.compile(function)
    for call in range(5):
        compiled(X[0] + call)
    assert len({id(grad) for grad in kept}) == 5


def test_a_gradient_that_is_always_the_same() -> None:
    def make() -> tuple[Any, list[Any]]:
        x = tinyact.ones(3, requires_grad=True)
        return lambda: (x + 1).sum().backward(), [x]

    same(make, 8)


def test_a_division_by_what_was_changed_before_is_not_compiled() -> None:
    def make() -> tuple[Any, list[Any]]:
        w = tinyact.ones(3)

        def function(x: Any) -> Any:
            w.add_(x)
            return 1 / w[0].item()

        return function, [w]

    same(make, 8, lambda call: (X[0] * 0 + (-5 if call == 4 else 1),), compiles=False)


def test_hooks_of_leaves_behind_a_result_are_called_once() -> None:
    def run(compiled: bool) -> list[Any]:
        w = tinyact.ones(3, requires_grad=True)
        seen: list[Any] = []
        w.register_hook(lambda g: (seen.append(g.tolist()), g * 2)[1])
        function: Any = tinyact.compile(lambda x: w * x) if compiled else lambda x: w * x
        for call in range(6):
            function(X[0] + call).sum().backward()
        return [seen, w.grad.tolist()]

    with pytest.warns(UserWarning, match="hooks"):
        compiled = run(True)
    assert compiled == run(False)
