"""Copies of all that a program may change: to bring it back, and to compare two ways of computing it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyact.autograd.operation import Variable
from tinyact.program.reads import Slot
from tinyact.random import Generator


class State:
    """All that a program may change, copied."""

    def __init__(self, tensors: list[Any], slots: list[Slot], generators: list[Generator]) -> None:
        self.tensors = [
            (t, t.array, t.array.copy(), t._version.count, t._grad, None if t._grad is None else t._grad.array.copy())
            for t in tensors
        ]
        self.grad_versions = [(t._grad._version, t._grad._version.count) for t in tensors if t._grad is not None]
        self.slots = [(slot, slot.get()) for slot in slots]
        self.generators = [(generator, generator.get_state()) for generator in generators]

    def restore(self) -> None:
        """Bring everything back to what it was."""
        for tensor, array, numbers, count, grad, grad_numbers in self.tensors:
            tensor.array = array
            if array.flags.writeable:
                array[...] = numbers
            tensor._version.count, tensor._grad = count, grad
            if grad is not None and grad.array.flags.writeable:
                grad.array[...] = grad_numbers
        for version, count in self.grad_versions:
            version.count = count
        for slot, number in self.slots:
            slot.set(number)
        for generator, state in self.generators:
            generator.set_state(state)

    def difference(self, other: State) -> str | None:
        """What differs from the other, if anything does."""
        for (tensor, _, mine, count, _, grad), (_, _, theirs, other_count, _, other_grad) in zip(
            self.tensors, other.tensors, strict=True
        ):
            if not (same(mine, theirs) and same(grad, other_grad) and count == other_count):
                return f"a tensor of shape {list(tensor.array.shape)}"
        if [number for _, number in self.slots] != [number for _, number in other.slots]:
            return "a setting"
        mine, theirs = ([state.array for _, state in side.generators] for side in (self, other))
        return None if same(mine, theirs) else "the random numbers"


class Start:
    """Something that a program starts from, and what it was when the program was recorded.

    As long as it is the same in every run, a number that was computed from it out of sight could not be told from a
    constant. So the first run in which it is another is compared with the eager one.

    Attributes:
        expression, objects: what says that it was not changed, as for a `Condition`.
    """

    def __init__(self, holder: Any, place: int | None) -> None:
        self.holder, self.place = holder if place is None else None, place
        self.digest = self._digest(holder)
        self._look(holder)

    def differs(self, leaves: Sequence[Any]) -> bool:
        """Whether it is another now; else what is looked at is renewed."""
        holder = self.holder if self.place is None else leaves[self.place]
        if self._digest(holder) != self.digest:
            return True
        self._look(holder)
        return False

    def _digest(self, holder: Any) -> Any:
        if isinstance(holder, Slot):
            return repr(holder.get())
        return hash((holder.array if isinstance(holder, Variable) else holder).tobytes())

    def _look(self, holder: Any) -> None:
        a = "{0}" if self.place is None else f"a{self.place}"
        objects: tuple[Any, ...] = () if self.place is not None else (holder,)
        if isinstance(holder, Slot):
            self.expression, self.objects = "{0}.get() == {1}", (holder, holder.get())
        elif isinstance(holder, Variable):
            self.expression = f"{a}.array is {{{len(objects)}}}() and {a}._version.count == {holder._version.count}"
            self.objects = (*objects, weakref.ref(holder.array))
        else:
            self.expression, self.objects = f"{a} is {{{len(objects)}}}()", (*objects, weakref.ref(holder))


def snapshot(result: Any) -> Any:
    """A nested result with arrays copied."""
    if isinstance(result, (tuple, list)):
        return [snapshot(part) for part in result]
    if isinstance(result, dict):
        return {key: snapshot(part) for key, part in result.items()}
    if isinstance(result, Variable):
        name = None if result.grad_fn is None else result.grad_fn.name()
        return [snapshot(result.array), result.requires_grad, name, result._version.count]
    return result.copy() if isinstance(result, np.ndarray) else result


def same(a: Any, b: Any) -> bool:
    """Whether two snapshots are the same to the last bit."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.strides == b.strides and a.tobytes() == b.tobytes()
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a is b or bool(type(a) is type(b) and (a == b or a != a))
