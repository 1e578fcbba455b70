"""What a function reads: the tensors that its program starts from, and what must stay the same for it to hold.

Looked through are closures, globals, defaults and ``self``; modules, optimizers, containers and objects of the user's
own classes that are reached from there; and the functions that it calls by name.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.operation import Operation, Variable
from tinyact.nn.hooks import EVERYWHERE
from tinyact.nn.module import Module
from tinyact.optim.optimizer import Optimizer

# How far containers and objects inside of each other are followed, and how long a container may be.
DEPTH, LENGTH = 6, 1000
# Up to how many bytes an array that is no tensor is compared at each call.
FEW = 4096
_BY_VALUE = (bool, int, float, complex, str, bytes, type(None), np.dtype, np.generic)


class Slot(NamedTuple):
    """A number that the program reads anew each time: ``mapping[key]``, or an element of the tuple that is there."""

    mapping: dict[Any, Any]
    key: Any
    place: int | None = None

    def get(self) -> Any:
        return self.mapping[self.key] if self.place is None else self.mapping[self.key][self.place]

    def set(self, number: Any) -> None:
        if self.place is None:
            self.mapping[self.key] = number
        else:
            numbers = list(self.mapping[self.key])
            numbers[self.place] = number
            self.mapping[self.key] = tuple(numbers)


class Condition(NamedTuple):
    """Something that must stay the same: an expression, the objects for its ``{0}`` …, and what it is about."""

    expression: str
    objects: tuple[Any, ...]
    about: str


class Reads:
    """What a function reads.

    Attributes:
        tensors: the tensors, by identity, each with a name.
        remembered: the identities of those that are an optimizer's state, of which the array alone matters.
        slots: numbers that are read anew each time.
        conditions: what must stay the same.
        visited: by identity all that was looked through.
    """

    def __init__(self) -> None:
        self.tensors: dict[int, tuple[Any, str]] = {}
        self.remembered: set[int] = set()
        self.slots: list[tuple[Slot, str]] = []
        self.conditions: list[Condition] = []
        self.visited: dict[int, Any] = {}
        self._in_module = False
        self._optimizers: list[tuple[Optimizer, str, int]] = []

    def finish(self) -> None:
        """Look through optimizers, whose parameters have their names from elsewhere."""
        while self._optimizers:
            self._optimizer(*self._optimizers.pop(0))

    def visit(self, thing: Any, name: str, depth: int = 0) -> None:
        """Look through whatever this is."""
        if isinstance(thing, (*_BY_VALUE, types.BuiltinFunctionType)) or id(thing) in self.visited or depth > DEPTH:
            return
        self.visited[id(thing)] = thing
        for kind, visit in self._KINDS:
            if isinstance(thing, kind):
                visit(self, thing, name, depth)
                return
        for slot in (
            [slot for kind in type(thing).__mro__ for slot in _slots(kind)] if _is_the_users(type(thing)) else ()
        ):
            if hasattr(thing, slot):
                self._same(f"{{0}}.{slot}", (thing,), getattr(thing, slot), f"{name}.{slot}", depth)
        if isinstance(thing, type):
            self._methods(thing, name, depth)
        elif "__wrapped__" in getattr(thing, "__dict__", ()):
            self.visit(thing.__wrapped__, name, depth)
        elif hasattr(thing, "__dict__") and _is_the_users(type(thing)):
            self._methods(type(thing), name, depth)
            self._length(vars(thing), name)
            self._attributes(vars(thing), name, depth)

    def _same(self, expression: str, objects: tuple[Any, ...], thing: Any, name: str, depth: int) -> None:
        """What this expression gives must stay what it is, and is looked through."""
        new = f"{{{len(objects)}}}"
        if isinstance(thing, _BY_VALUE) and thing is not None and not isinstance(thing, bool):
            again = f"({expression} is {new} or type({expression}) is type({new}) and {expression} == {new}"
            again += f" and repr({expression}) == {repr(thing)!r})" if _is_zero(thing) else ")"
            self.conditions.append(Condition(again, (*objects, thing), name))
        else:
            self.conditions.append(Condition(f"{expression} is {new}", (*objects, thing), name))
            self.visit(thing, name, depth + 1)

    def _length(self, things: Any, name: str) -> None:
        self.conditions.append(Condition(f"len({{0}}) == {len(things)}", (things,), f"the attributes of {name}"))

    # --- kinds of things ---------------------------------------------------------------------------------------------

    def _tensor(self, tensor: Any, name: str, depth: int) -> None:
        self.tensors[id(tensor)] = tensor, name
        for hooks in ("_hooks", "_accumulate_hooks") if id(tensor) not in self.remembered else ():
            self._hooks(f"{{0}}.{hooks}", (tensor,), getattr(tensor, hooks), f"a hook of {name}", depth)

    def _hooks(self, expression: str, objects: tuple[Any, ...], hooks: Any, name: str, depth: int) -> None:
        if not hooks:
            self.conditions.append(Condition(f"not {expression}", objects, name))
            return
        present = tuple(hooks.values())
        self.conditions.append(
            Condition(f"tuple({expression}.values()) == {{{len(objects)}}}", (*objects, present), name)
        )
        for hook in present:
            self.visit(getattr(hook, "function", hook), name, depth + 1)

    def _module(self, module: Module, name: str, depth: int) -> None:
        self._hooks("{0}", (EVERYWHERE,), EVERYWHERE, "hooks of all modules", depth)
        outermost, self._in_module = not self._in_module, True
        if _is_the_users(type(module)):
            self._methods(type(module), name, depth)
        self._length(vars(module), name)
        for attribute, thing in vars(module).items():
            if attribute.endswith("_hooks"):
                self._hooks(f"{{0}}.{attribute}", (module,), thing, f"a hook of {name}", depth)
            elif attribute in ("_parameters", "_buffers", "_modules"):
                self._contents(thing, "" if outermost else name, depth - 1)
            elif attribute != "_non_persistent_buffers_set":
                self._entry(vars(module), attribute, f"{name}.{attribute}", depth)
        self._in_module = not outermost

    def _later(self, optimizer: Optimizer, name: str, depth: int) -> None:
        self._optimizers.append((optimizer, name, depth))

    def _optimizer(self, optimizer: Optimizer, name: str, depth: int) -> None:
        self._same("{0}.param_groups", (optimizer,), optimizer.param_groups, f"{name}.param_groups", depth + DEPTH)
        groups = optimizer.param_groups
        self.conditions.append(Condition(f"len({{0}}) == {len(groups)}", (groups,), f"the groups of {name}"))
        for place, group in enumerate(groups):
            self.conditions.append(Condition(f"{{0}}[{place}] is {{1}}", (groups, group), f"the groups of {name}"))
        self._same("{0}.state", (optimizer,), optimizer.state, f"{name}.state", depth + DEPTH)
        for group in optimizer.param_groups:
            self._contents(group, name, depth, slots=True)
            for parameter in group["params"]:
                self._state(optimizer.state, parameter, name, depth)

    def _state(self, states: Any, parameter: Any, name: str, depth: int) -> None:
        state = dict.get(states, parameter)
        if not state:
            self.conditions.append(Condition("not {0}.get({1})", (states, parameter), f"{name}.state"))
        else:
            self._same("{0}.get({1})", (states, parameter), state, f"{name}.state", depth + DEPTH)
            prefix = self.tensors[id(parameter)][1] if id(parameter) in self.tensors else name
            new = {id(thing) for thing in state.values() if isinstance(thing, Variable)} - self.tensors.keys()
            self.remembered |= new
            self._contents(state, prefix, depth, slots=True)

    def _contents(self, mapping: dict[Any, Any], name: str, depth: int, slots: bool = False) -> None:
        """A dictionary with the same keys and the same things under them, but numbers that are read anew each time."""
        self.conditions.append(Condition(f"len({{0}}) == {len(mapping)}", (mapping,), f"the keys of {name}"))
        for key, thing in mapping.items():
            part = f"{name}.{key}" if name else str(key)
            if slots and type(thing) in (int, float, np.float64):
                self._slot(Slot(mapping, key), thing, part)
            elif slots and isinstance(thing, tuple) and thing and all(type(number) in (int, float) for number in thing):
                self.conditions.append(Condition("len({0}[{1}]) == {2}", (mapping, key, len(thing)), part))
                for place, number in enumerate(thing):
                    self._slot(Slot(mapping, key, place), number, f"{part.removesuffix('s')}{place + 1}")
            else:
                self._same("{0}[{1}]", (mapping, key), thing, part, depth)

    def _slot(self, slot: Slot, number: Any, name: str) -> None:
        self.slots.append((slot, name))
        place = "" if slot.place is None else f"[{slot.place}]"
        expression = f"type({{0}}[{{1}}]{place}) is {{2}}"
        self.conditions.append(Condition(expression, (slot.mapping, slot.key, type(number)), name))

    def _entry(self, mapping: Mapping[str, Any], key: str, name: str, depth: int) -> None:
        self._same("{0}[{1}]", (mapping, key), mapping[key], name, depth)

    def _attributes(self, attributes: dict[str, Any], name: str, depth: int) -> None:
        for key in list(attributes):
            self._entry(attributes, key, f"{name}.{key}", depth)

    def _mapping(self, mapping: dict[Any, Any], name: str, depth: int) -> None:
        if len(mapping) <= LENGTH:
            self._contents(mapping, name, depth)

    def _sequence(self, sequence: Any, name: str, depth: int) -> None:
        if len(sequence) > LENGTH:
            return
        if isinstance(sequence, list):
            self.conditions.append(Condition("len({0}) == {1}", (sequence, len(sequence)), f"the length of {name}"))
            for place, thing in enumerate(sequence):
                self._same(f"{{0}}[{place}]", (sequence,), thing, f"{name}[{place}]", depth)
        else:
            for place, thing in enumerate(sequence):
                self.visit(thing, f"{name}[{place}]", depth + 1)

    def _set(self, things: Any, name: str, depth: int) -> None:
        self.conditions.append(Condition("{0} == {1}", (things, frozenset(things)), name))

    def _array(self, array: Any, name: str, depth: int) -> None:
        """Of an array of the user's the numbers matter too, which are compared if there are few."""
        if array.nbytes <= FEW:
            self.conditions.append(Condition("{0}.tobytes() == {1}", (array, array.tobytes()), name))

    def _method(self, method: Any, name: str, depth: int) -> None:
        self.visit(method.__self__, name, depth)
        self.visit(method.__func__, name, depth)

    def _partial(self, partial: Any, name: str, depth: int) -> None:
        self.visit(partial.func, name, depth)
        self.visit(partial.args, name, depth)
        self._contents(partial.keywords, name, depth)

    def _function(self, function: Any, name: str, depth: int) -> None:
        if not _is_the_users(function):
            return
        code = function.__code__
        for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                thing = cell.cell_contents
            except ValueError:
                continue
            self._same("{0}.cell_contents", (cell,), thing, variable, depth)
        for attribute in ("__code__", "__defaults__", "__kwdefaults__"):
            thing = getattr(function, attribute)
            self._same(f"{{0}}.{attribute}", (function,), thing, f"{name}.{attribute}", depth)
        names = set(_names(code))
        for variable in sorted(names & set(function.__globals__)):
            thing = function.__globals__[variable]
            self._same("{0}[{1}]", (function.__globals__, variable), thing, variable, depth)
            if isinstance(thing, (types.ModuleType, type)) and _is_the_users(thing):
                for attribute in sorted(names & set(vars(thing))):
                    self._entry(vars(thing), attribute, f"{variable}.{attribute}", depth)

    def _methods(self, kind: type, name: str, depth: int) -> None:
        for parent in kind.__mro__:
            if _is_the_users(parent):
                for key, attribute in list(vars(parent).items()):
                    function = getattr(attribute, "fget", None) or getattr(attribute, "__func__", attribute)
                    if isinstance(function, types.FunctionType):
                        self.visit(function, name, depth)
                    if not key.startswith("__"):
                        self._entry(vars(parent), key, f"{parent.__name__}.{key}", depth)

    _KINDS: tuple[tuple[Any, Callable[..., None]], ...] = (
        (Variable, _tensor),
        (Module, _module),
        (Optimizer, _later),
        (types.MethodType, _method),
        (types.FunctionType, _function),
        (functools.partial, _partial),
        (dict, _mapping),
        ((list, tuple), _sequence),
        ((set, frozenset), _set),
        (np.ndarray, _array),
        ((types.ModuleType, Operation), lambda self, thing, name, depth: None),
    )


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_zero(thing: Any) -> bool:
    return isinstance(thing, (float, complex, np.floating)) and thing == 0


def _names(code: types.CodeType) -> Iterator[str]:
    """The names that code, and the code inside of it, reads."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_the_users(thing: Any) -> bool:
    """Whether it is neither the library's nor Python's own nor of an installed package."""
    return _is_users_module(str(getattr(thing, "__module__", None) or getattr(thing, "__name__", "")))


@functools.lru_cache(maxsize=1000)
def _is_users_module(name: str) -> bool:
    package = name.partition(".")[0]
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return (
        package != "tinyact" and package not in sys.stdlib_module_names - {"__main__"} and "site-packages" not in file
    )


def holding(
    conditions: list[Condition], arguments: int, bound: Mapping[str, Any] = types.MappingProxyType({})
) -> Callable[..., bool]:
    """One function that says whether all conditions hold; those of arguments are about ``a0``, ``a1`` …

    Args:
        conditions: all of them.
        arguments: how many there are.
        bound: what other names stand for that are in the conditions.
    """
    objects: list[Any] = []
    names: dict[int, str] = {}

    def name(thing: Any) -> str:
        if id(thing) not in names:
            names[id(thing)] = f"o{len(objects)}"
            objects.append(thing)
        return names[id(thing)]

    tests = [condition.expression.format(*map(name, condition.objects)) for condition in conditions]
    body = " and ".join(dict.fromkeys(tests)) or "True"
    parameters = ", ".join(f"a{i}" for i in range(arguments))
    source = f"def make({', '.join(f'o{i}' for i in range(len(objects)))}):\n"
    source += f"    def holds({parameters}):\n        try:\n            return {body}\n"
    source += "        except (AttributeError, LookupError, TypeError, ValueError):\n            return False\n"
    source += "    return holds\n"
    namespace: dict[str, Any] = dict(bound)
    exec(source, namespace)
    function: Callable[..., bool] = namespace["make"](*objects)
    return function


def broken(conditions: list[Condition]) -> str | None:
    """What the first condition that doesn't hold is about."""
    for condition in conditions:
        if not holding([condition], 0)():
            return condition.about
    return None
