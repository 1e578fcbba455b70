"""What a program consists of: values, and the calls that make them of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal["root", "constant", "new", "view", "number"]
Form = Literal["function", "method", "attribute", "index", "assign", "operator", "guard"]


@dataclass(eq=False, slots=True)
class Value:
    """An array or a number that the program has to do with.

    Attributes:
        kind: a root (what the program starts from), a constant, new memory, a view of another value's, or a number.
        data: the array or number of the recorded run.
        base: the value whose memory it looks at; itself, if the memory is its own.
    """

    kind: Kind
    data: Any
    base: Value = field(init=False)
    number: int = 0
    # How often its memory has been written to in the program, at the time of recording.
    writes: int = 0
    # Whether NumPy gives it as a number of its own instead of an array without dimensions; and whether the user has it
    # so, since a tensor holds an array.
    given_as_scalar: bool = False
    is_scalar: bool = False

    def __post_init__(self) -> None:
        self.base = self

    def forget(self) -> None:
        """Keep the shape, dtype and strides of a result, but not its numbers."""
        if self.kind in ("new", "view") and isinstance(self.data, np.ndarray):
            shape, strides = self.data.shape, self.data.strides
            self.data = np.lib.stride_tricks.as_strided(np.zeros(1, self.data.dtype), shape, strides)

    @property
    def is_array(self) -> bool:
        return self.kind != "number" and isinstance(self.data, np.ndarray)


@dataclass(frozen=True)
class Part:
    """A part of the run: an operation's forward or backward pass, or an optimizer's step with one parameter.

    Attributes:
        kind: the class of the operation or optimizer.
        number: tells one from another.
        phase: ``"forward"``, ``"backward"`` or ``"step"``.
        mathematics: the formula, or the derivatives.
        inputs: the operation's inputs, as far as they are values; or the parameter.
    """

    kind: type
    number: int
    phase: str
    mathematics: str
    inputs: tuple[Value | None, ...] = field(compare=False)


@dataclass(eq=False, slots=True)
class Call:
    """One call of the program. Arguments are values, literals, or tuples, lists, slices and dictionaries of them."""

    form: Form
    target: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    outputs: tuple[Value, ...] = ()
    # The value whose memory it changes, and whether it draws random numbers.
    written: Value | None = None
    draws: bool = False
    # Whether the result is a tuple or list of the outputs.
    several: bool = False
    # What it was a part of, if that is known.
    part: Part | None = None
    # A kernel's own calls, if it can be looked into.
    inner: list[Call] | None = None
    # The same for reading alone, where what is run goes block by block.
    written_out: tuple[list[Call], Value] | None = None
    # Every value among its arguments.
    inputs: list[Value] = field(init=False)

    def __post_init__(self) -> None:
        self.inputs = values_in((self.args, self.options))


def values_in(structure: Any) -> list[Value]:
    """Every value in nested arguments."""
    kind = type(structure)
    if kind is Value:
        return [structure]
    if kind is slice:
        structure = (structure.start, structure.stop, structure.step)
    elif kind is dict:
        structure = structure.values()
    elif not isinstance(structure, (tuple, list)):
        return []
    return [value for part in structure if type(part) not in _SIMPLE for value in values_in(part)]


_SIMPLE = {int, float, bool, str, type(None)}


def mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """Nested arguments with the function applied to each leaf."""
    kind = type(structure)
    if kind is tuple:
        return tuple([mapped(function, part) for part in structure])
    if kind is dict:
        return {key: mapped(function, part) for key, part in structure.items()}
    if kind is list:
        return [mapped(function, part) for part in structure]
    if kind is slice:
        return slice(*(mapped(function, part) for part in (structure.start, structure.stop, structure.step)))
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return kind(*(mapped(function, part) for part in structure))
    return function(structure)


class Notes(NamedTuple):
    """What names are made of: by value the part whose result it is, and the value whose gradient it is."""

    results: dict[Value, Part]
    gradients: dict[Value, Value]


def leaves_of(structure: Any) -> Iterator[Any]:
    """Every leaf of nested arguments or results."""
    if isinstance(structure, (tuple, list)):
        for part in structure:
            yield from leaves_of(part)
    elif isinstance(structure, dict):
        yield from leaves_of(tuple(structure.values()))
    else:
        yield structure


def owner(array: Any) -> Any:
    """The object that owns an array's memory."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array
