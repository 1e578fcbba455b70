"""Watched arrays and numbers: they compute as always, and tell the recorder what is done with them.

A watched array is asked by NumPy's protocols and has methods of its own; a watched number stands for what lives on the
host, such as a learning rate. When the run is over they fall silent.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.autograd.operation import Variable
from tinyact.program.values import Array, Form, Value, leaves_of, mapped

if TYPE_CHECKING:
    from tinyact.program.record import Recorder


class Watched(np.ndarray):
    """An array whose use is written down."""

    value: Value | None = None
    recorder: Recorder | None = None

    def __array_finalize__(self, source: Any) -> None:
        # NumPy made it from another without being asked through the protocols below.
        self.recorder = getattr(source, "recorder", None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(isinstance(leaf, Variable) for leaf in (*inputs, *options.get("out", ()))):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self._call("function", function, function, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if any(isinstance(leaf, Variable) for leaf in leaves_of((args, options))):
            return NotImplemented
        return self._call("function", function, function, args, options)

    def _call(self, form: Form, target: Any, run: Callable[..., Any], args: Any, options: Any) -> Any:
        """Have a call written down, by the recorder that is still open if one of the arguments has such."""
        for leaf in leaves_of((args, options)):
            if isinstance(leaf, Watched) and leaf.recorder is not None and leaf.recorder.open:
                return leaf.recorder.call(form, target, run, args, options)
        return run(*mapped(plain, args), **mapped(plain, options))

    def _refuse(self, reason: str) -> None:
        if self.recorder is not None:
            self.recorder.refuse(reason)

    def _method(self, name: str, args: Any, options: Any) -> Any:
        return self._call("method", name, getattr(np.ndarray, name), (self, *args), options)

    def __getitem__(self, index: Any) -> Any:
        return self._call("index", "[]", operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, item: Any) -> None:
        self._call("assign", "[]=", operator.setitem, (self, index, item), {})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Any:
        return self._call("attribute", "T", _transposed, (self,), {})

    @property
    def mT(self) -> Any:
        return self._call("method", "swapaxes", np.ndarray.swapaxes, (self, -1, -2), {})

    def item(self, *index: Any) -> Any:
        return self._call("method", "item", np.ndarray.item, (self, *index), {})

    def tolist(self) -> Any:
        if self.ndim:
            self._refuse("tolist() takes numbers out of the program")
            return plain(self).tolist()
        return self.item()

    def tobytes(self, *args: Any) -> bytes:
        self._refuse("tobytes() takes numbers out of the program")
        result: bytes = plain(self).tobytes(*args)
        return result

    def _taken(self, kind: type) -> Any:
        number = self.item()
        return kind(number)

    def __bool__(self) -> bool:
        return bool(self._taken(bool))

    def __int__(self) -> int:
        return int(self._taken(int))

    def __float__(self) -> float:
        return float(self._taken(float))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self._taken(int))

    def __repr__(self) -> str:
        self._refuse("an array is turned into text (print?)")
        return repr(plain(self))

    def __str__(self) -> str:
        self._refuse("an array is turned into text (print?)")
        return str(plain(self))

    def __reduce__(self) -> Any:
        return plain(self).__reduce__()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()


def _transposed(array: Array) -> Array:
    return array.T


def _forwarding(name: str) -> Callable[..., Any]:
    def method(self: Watched, *args: Any, **options: Any) -> Any:
        return self._method(name, args, options)

    method.__name__ = name
    return method


for _method_name in dir(np.ndarray):
    if _method_name[0] != "_" and callable(getattr(np.ndarray, _method_name)) and _method_name not in vars(Watched):
        setattr(Watched, _method_name, _forwarding(_method_name))


class _Number:
    """A number whose use is written down; mixed into float and int."""

    value: Value
    recorder: Recorder

    def _operation(self, function: Any, *others: Any) -> Any:
        args = (self, *others)
        if not all(isinstance(other, (float, int)) for other in others):
            return NotImplemented
        return self.recorder.call("operator", function, function, args, {})

    def _compared(self, function: Any, other: Any) -> Any:
        if not isinstance(other, (float, int)):
            return NotImplemented
        return self._operation(function, other)

    def plain(self) -> Any:
        """The number itself."""
        return self.value.data

    def _exactly(self) -> Any:
        """The number, on which something depends that can't be followed: it must be the same each time."""
        return self.recorder.decide("is", self.value, self.value.data)

    def _text(self) -> None:
        self.recorder.refuse("a number that the program computes is turned into text (print?)")

    def __bool__(self) -> bool:
        return bool(self._operation(operator.truth))

    def __int__(self) -> int:
        return int(self._exactly())

    def __float__(self) -> float:
        return float(self._exactly())

    def __trunc__(self) -> int:
        return math.trunc(self._exactly())

    def __round__(self, digits: Any = None) -> Any:
        return round(self._exactly(), digits) if digits is not None else round(self._exactly())

    def __hash__(self) -> int:
        return hash(self._exactly())

    def __repr__(self) -> str:
        self._text()
        return repr(self.plain())

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        self._text()
        return format(self.plain(), spec)

    def __reduce__(self) -> Any:
        return type(self.plain()), (self.plain(),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def _power(self: Any, other: Any, modulus: Any = None) -> Any:
    if modulus is not None:
        return pow(self._exactly(), plain(other), plain(modulus))
    return _arithmetic(operator.pow, False)(self, other)


class Float(_Number, float):
    """A watched float."""


class Int(_Number, int):
    """A watched int."""


def _arithmetic(function: Any, reverse: bool) -> Any:
    def method(self: _Number, other: Any) -> Any:
        if not isinstance(other, (float, int)):
            return NotImplemented
        args = (other, self) if reverse else (self, other)
        return self.recorder.call("operator", function, function, args, {})

    return method


def _alone(function: Any) -> Any:
    return lambda self: self._operation(function)


for _name_of in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _class in (Float, Int):
        setattr(_class, f"__{_name_of}__", _arithmetic(getattr(operator, _name_of), False))
        setattr(_class, f"__r{_name_of}__", _arithmetic(getattr(operator, _name_of), True))
for _class in (Float, Int):
    _class.__pow__ = _power  # type: ignore[method-assign]
for _name_of in ("lt", "le", "gt", "ge", "eq", "ne"):
    for _class in (Float, Int):
        setattr(_class, f"__{_name_of}__", _arithmetic(getattr(operator, _name_of), False))
for _name_of in ("neg", "pos", "abs"):
    for _class in (Float, Int):
        setattr(_class, f"__{_name_of}__", _alone(getattr(operator, _name_of)))

WATCHED = {Watched, Float, Int}


def plain(leaf: Any) -> Any:
    """An argument without its watcher."""
    if type(leaf) not in WATCHED:
        return leaf
    return np.ndarray.view(leaf, np.ndarray) if leaf.value is None else leaf.value.data


def value_of(thing: Any) -> Value | None:
    """The value behind a tensor."""
    return value_of_array(getattr(thing, "array", None))


def value_of_array(array: Any) -> Value | None:
    return array.value if isinstance(array, Watched) else None
