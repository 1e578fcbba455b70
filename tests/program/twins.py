"""The same steps eagerly and compiled, compared bit by bit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import tinyact
from tinyact.program import Compiled

Maker = Callable[[], tuple[Callable[..., Any], list[Any]]]


def cases(functions: dict[str, Any]) -> list[Any]:
    """The functions as parameters, by name."""
    return [pytest.param(function, id=name) for name, function in functions.items()]


def late(first: Any, other: Any) -> Callable[[int], tuple[Any]]:
    """Arguments that stay the same until the program is trusted: what it holds fast by mistake shows only then."""
    return lambda call: (tinyact.tensor(first if call < 4 or call == 6 else other),)


class Setter:
    """Sets something that a function reads, for `changes`; it looks the same on both sides."""

    def __init__(self, put: Callable[[Any], Any]) -> None:
        self.put = put

    def __repr__(self) -> str:
        return "Setter"


def setting(value: Any) -> Callable[[list[Any]], None]:
    """A change: the first of the things, a `Setter`, sets this."""
    return lambda things: things[0].put(value)


def bits(thing: Any) -> Any:
    """Something nested, with everything about its tensors that a user can see."""
    if isinstance(thing, tinyact.Tensor):
        node = None if thing.grad_fn is None else thing.grad_fn.name()
        about = (type(thing).__name__, thing.requires_grad, node, thing.is_leaf, thing._version.count)
        return (*about, bits(thing.array), bits(thing._grad))  # .grad warns of results
    if isinstance(thing, (np.ndarray, np.generic)):
        return type(thing).__name__, thing.shape, thing.dtype, thing.strides, thing.tobytes()
    if isinstance(thing, dict):
        return {key if not isinstance(key, tinyact.Tensor) else "parameter": bits(part) for key, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing).__name__, [bits(part) for part in thing]
    return type(thing).__name__, repr(thing)


class Side:
    """One of the two: what is called, and everything that it may change.

    A maker returns a function and a list of things to look at.
    """

    def __init__(self, make: Maker, compiled: bool) -> None:
        tinyact.manual_seed(0)
        function, self.things = make()
        self.call: Any = tinyact.compile(function) if compiled else function
        self.stream = tinyact.get_rng_state()

    def run(self, arguments: Sequence[Any], change: Callable[[list[Any]], None] | None) -> Any:
        """One call, with a random stream of its own, after this change."""
        tinyact.set_rng_state(self.stream)
        if change is not None:
            change(self.things)
        try:
            result = bits(self.call(*arguments))
        except Exception as error:
            result = type(error), str(error)
        self.stream = tinyact.get_rng_state()
        states = [t.state_dict() for t in self.things if isinstance(t, (tinyact.nn.Module, tinyact.optim.Optimizer))]
        grads = [[p.grad for p in t.parameters()] for t in self.things if isinstance(t, tinyact.nn.Module)]
        return result, bits(self.things), bits(states), bits(grads), bits(self.stream)


def same(
    make: Maker,
    calls: int = 6,
    arguments: Callable[[int], Sequence[Any]] = lambda call: (),
    changes: dict[int, Callable[[list[Any]], None]] | None = None,
    compiles: bool | None = True,
) -> Compiled:
    """Call both sides so many times and compare all that can be seen after each call; the compiled function.

    Args:
        make: makes a function, and a list of what it changes.
        calls: how often.
        arguments: by the number of the call.
        changes: made to both sides before the call of this number.
        compiles: whether the last call must have been a replay; None if that doesn't matter.
    """
    with warnings.catch_warnings():
        if compiles:
            warnings.simplefilter("error")
        else:
            warnings.simplefilter("ignore")
        eager, compiled = Side(make, False), Side(make, True)
        for call in range(calls):
            change = (changes or {}).get(call)
            assert eager.run(arguments(call), change) == compiled.run(arguments(call), change), f"call {call}"
    function: Compiled = compiled.call
    if compiles is not None:
        reason = function._reason or [program.is_verified for program in function._programs]
        assert any(p.is_verified for p in function._programs) is compiles, reason
    return function
