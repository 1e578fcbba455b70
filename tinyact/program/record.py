"""Recording: what NumPy is asked to compute while a function runs once, written down call by call.

A watched array is a NumPy array that tells the recorder what is done with it; a watched number does the same for what
lives on the host, such as a learning rate. Both compute as always. When the run is over they fall silent.
"""

from __future__ import annotations

import math
import operator
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from tinyact.autograd.mathematics import argument, mathematics
from tinyact.autograd.operation import Operation, Variable
from tinyact.autograd.watch import Watcher
from tinyact.kernels import HEAVY, at_once, in_blocks

Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal["root", "constant", "new", "view", "number"]
Form = Literal["function", "method", "attribute", "index", "assign", "operator", "guard"]

PACKAGE = str(Path(__file__).parents[1])

# What these say depends on shapes, dtypes and memory, not on numbers.
STRUCTURAL = {
    np.may_share_memory, np.shares_memory, np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj,
    np.isrealobj, np.min_scalar_type,
}  # fmt: skip


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
    # Whether NumPy gives it as a number of its own instead of an array without dimensions.
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


class Recorder(Watcher):
    """Writes down one run.

    Attributes:
        calls: the program, in the order of the run.
        refusal: why and where the run can't be written down, if it can't.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.refusal: str | None = None
        self.open = True
        self.thread = threading.get_ident()
        self.watched: list[Any] = []  # all watched arrays and numbers, which also keeps identities from being reused
        self._values: dict[int, Value] = {}  # by identity of the plain array
        self._owners: dict[int, Value] = {}  # by identity of what owns the memory
        self._count = 0
        self._inside = 0  # of a call that is one for the program, however many it makes itself
        self._drew = False
        self._labelled = 0
        self.notes = Notes({}, {})
        self._of_node: dict[Any, tuple[Part, Value | None]] = {}

    # --- values ----------------------------------------------------------------------------------------------------

    def value(self, kind: Kind, data: Any, base: Value | None = None) -> Value:
        """A new value."""
        value = Value(kind, data)
        self._count += 1
        value.number = self._count
        if base is not None:
            value.base = base.base
        if isinstance(data, np.ndarray):
            self._values[id(data)] = value
            self._owners.setdefault(_owner(data), value)
        return value

    def watch(self, value: Value) -> Any:
        """The watched array or number for a value."""
        data = value.data
        watched: Any
        if isinstance(data, np.ndarray):
            watched = data.view(Watched)
        elif type(data) is int:
            watched = Int(data)
        else:
            watched = Float(data)
        watched.value, watched.recorder = value, self
        self.watched.append(watched)
        return watched

    def root(self, array: Array) -> Any:
        """A watched array for memory that the program starts from; the same for the same array."""
        value = self._values.get(id(array))
        if value is None:
            value = self.value("root", array, self._owners.get(_owner(array)))
        return self.watch(value)

    def number(self, data: float) -> Any:
        """A watched number that the program reads anew each time."""
        return self.watch(self.value("number", data))

    def recording(self) -> bool:
        """Whether what happens now, in this thread, is written down."""
        return self.open and not self._inside and threading.get_ident() == self.thread

    def refuse(self, reason: str) -> None:
        """The run can't be written down; it goes on unwatched."""
        if self.open and threading.get_ident() == self.thread:
            self.refusal = self.refusal or f"{reason} ({_place()})"
            self.open = False

    # --- calls -----------------------------------------------------------------------------------------------------

    def call(self, form: Form, target: Any, run: Callable[..., Any], args: Any, options: Any) -> Any:
        """Make a call with plain arrays, and write it down."""
        if not self.recording():
            return run(*mapped(plain, args), **mapped(plain, options))
        if hasattr(target, "line"):
            return self._kernel(target, args, options)
        if target is in_blocks and args[2].size < 2 * options.get("share", HEAVY):
            return in_blocks.__wrapped__(*args, **options)  # which is computed at once, and so call by call
        symbols = mapped(self._symbol, args), mapped(self._symbol, options)
        written_out = self._written_out(target, args, options) if target is in_blocks else None
        self._inside, self._drew = 1, False
        try:
            result = run(*mapped(plain, args), **mapped(plain, options))
        finally:
            self._inside = 0
        if form == "function" and target in STRUCTURAL:
            return result
        call = Call(form, target, *symbols, draws=self._drew, written_out=written_out)
        return self._entered(call, result, args, options)

    def _kernel(self, kernel: Any, args: Any, options: Any) -> Any:
        """A kernel's call, with what it consists of: the calls that it makes itself, if nothing in it is decided."""
        symbols = mapped(self._symbol, args), mapped(self._symbol, options)
        calls, self.calls, refusal = self.calls, [], self.refusal
        writes = [(value.base, value.base.writes) for value in values_in(symbols)]
        result = kernel.__wrapped__(*args, **options)
        inner, self.calls = self.calls, calls
        value = _value_of_array(result)
        if self.refusal is refusal and value is not None and not any(call.form == "guard" for call in inner):
            call = Call("function", kernel, *symbols, outputs=(value,), inner=inner)
            call.written = value if value in set(call.inputs) else None
            self.calls.append(call)
            return result
        self.refusal, self.open = refusal, refusal is None
        if any(base.writes != count for base, count in writes):
            self.refuse(f"{kernel.__name__} changes an array and decides")
        self._inside = 1
        try:
            result = kernel(*mapped(plain, args), **mapped(plain, options))
        finally:
            self._inside = 0
        return self._entered(Call("function", kernel, *symbols), result, args, options)

    def _written_out(self, target: Any, args: Any, options: Any) -> tuple[list[Call], Value] | None:
        """What is computed in blocks, as calls with whole arrays, and their result."""
        function, dtype, *arrays = args
        calls, self.calls = self.calls, []
        with np.errstate(all="ignore"):
            result = at_once(function, options.get("wide"), *arrays).astype(dtype, copy=False)
        written_out, self.calls = self.calls, calls
        value = _value_of_array(result)
        return None if value is None or any(call.form == "guard" for call in written_out) else (written_out, value)

    def _symbol(self, leaf: Any) -> Any:
        """What stands for an argument in the program."""
        if type(leaf) in _WATCHED and leaf.value is not None:
            return leaf.value
        return self._constant(np.asarray(leaf)) if isinstance(leaf, np.ndarray) else leaf

    def _constant(self, array: Array) -> Value:
        base: Any = array
        while base is not None:
            if isinstance(base, Watched):
                self.refuse("an array went out of sight, through np.asarray or the like")
                break
            base = getattr(base, "base", None)
        value = self._values.get(id(array))
        if value is None:
            value = self.value("constant", array, self._owners.get(_owner(array)))
        return value

    def _entered(self, call: Call, result: Any, args: Any, options: Any) -> Any:
        """The call with its outputs, and these as watched ones."""
        operands = {value.number: value for value in call.inputs if value.is_array}
        several = isinstance(result, (tuple, list))
        if result is None:  # it changed its first argument
            self._written(call, call.args[0])
            self.calls.append(call)
            return None
        if not several and not _has_out(call) and any(value.data is result for value in operands.values()):
            return next(leaf for leaf in leaves_of((args, options)) if plain(leaf) is result)  # nothing was to be done
        outputs, watched = [], []
        for part in result if several else (result,):
            if isinstance(part, np.ndarray):
                target = next((v for v in operands.values() if v.data is part), None)
                if target is not None:
                    self._written(call, target)
                    # The array itself is handed on, not another that looks at it.
                    outputs.append(target)
                    watched.append(next(w for w in leaves_of((args, options)) if plain(w) is part))
                    continue
            elif not isinstance(part, (np.generic, float, int)):
                self.refuse(f"{_name(call)} gives a {type(part).__name__}")
                return result
            output = self._output(part, operands)
            outputs.append(output)
            watched.append(output)
        call.outputs, call.several = tuple(outputs), several
        self.calls.append(call)
        if _has_shape_from_numbers(call):
            for output in outputs:
                shape = self.value("number", output.data.shape)
                self.calls.append(Call("attribute", "shape", (output,), {}, (shape,)))
                self.decide("is", shape, shape.data)
        results = [self._watched(item) if isinstance(item, Value) else item for item in watched]
        return (tuple(results) if isinstance(result, tuple) else results) if several else results[0]

    def _watched(self, value: Value) -> Any:
        if type(value.data) is bool:
            return self.decide("is", value, value.data)
        return self.watch(value)

    def _output(self, data: Any, operands: dict[int, Value]) -> Value:
        if not isinstance(data, (np.ndarray, np.generic)):
            return self.value("number", data)
        array = np.asarray(data)
        viewed = next((v for v in operands.values() if np.may_share_memory(v.data, array)), None)
        value = self.value("new" if viewed is None else "view", array, viewed)
        value.is_scalar = isinstance(data, np.generic)
        return value

    def _written(self, call: Call, target: Any) -> None:
        if not isinstance(target, Value) or not target.is_array:
            self.refuse(f"{_name(call)} changes what is no array of the program")
        elif target.base.kind == "constant":
            self.refuse("an array is changed in place that the function neither is given nor makes")
        else:
            call.written = target
            target.base.writes += 1

    def decide(self, kind: str, value: Value, outcome: Any) -> Any:
        """A decision that depends on a number: the program only holds where it comes out the same."""
        if self.recording():
            self.calls.append(Call("guard", kind, (value, outcome), {}))
        return outcome

    # --- what the engine says --------------------------------------------------------------------------------------

    def recorded(self, node: Operation, inputs: Any, outputs: Any) -> None:
        part = self._part(node, inputs, "forward")
        output = _value_of(outputs[0]) if outputs else None
        self._label(part)
        self._of_node[node.serial] = part, output
        if output is not None:
            output.is_scalar = False  # a tensor holds an array
            self.notes.results.setdefault(output, part)

    def unrecorded(self, operation: Operation, inputs: Any, outputs: Any) -> None:
        self.recorded(operation, inputs, outputs)

    def passed_on(self, node: Operation | Variable, grad: Any, grads: Any) -> None:
        if not isinstance(node, Operation):
            value = _value_of(node)
            parts = self.calls[self._labelled :]
            if value is not None and parts:
                self.notes.gradients.update((output, value) for output in parts[-1].outputs)
            return
        part, _ = self._of_node.get(node.serial, (self._part(node, (), "forward"), None))
        for edge, g in zip(node.edges, grads, strict=False):
            value = self._of_node.get(edge.serial, (None, None))[1] if isinstance(edge, Operation) else _value_of(edge)
            if value is not None and (gradient := _value_of_array(g)) is not None:
                self.notes.gradients.setdefault(gradient, value)
        wanted = [argument(node, rule.input) for rule in node.plan.rules]
        derivatives = dict.fromkeys(mathematics(node).derivative(name) for name in wanted)
        backward = replace(part, phase="backward", mathematics="      ".join(filter(None, derivatives)))
        self._label(backward)

    def updated(self, optimizer: Any, parameter: Variable) -> None:
        self._label(Part(type(optimizer), id(parameter), "step", "", (_value_of(parameter),)))

    def _part(self, node: Operation, inputs: Any, phase: str) -> Part:
        number = node.serial if node.serial >= 0 else -len(self._of_node) - 2
        return Part(type(node), number, phase, mathematics(node).formula, tuple(map(_value_of, inputs)))

    def _label(self, part: Part) -> None:
        if self.recording():
            for call in self.calls[self._labelled :]:
                call.part = part
            self._labelled = len(self.calls)

    def drawn(self, draw: Callable[..., Any], args: Any, options: Any, numbers: Array) -> Array:
        if threading.get_ident() == self.thread and self._inside:
            self._drew = True
        if not self.recording():
            return numbers
        call = Call("function", draw, args, options, draws=True)
        output = self.value("new", numbers)
        call.outputs = (output,)
        self.calls.append(call)
        watched: Array = self.watch(output)
        return watched

    def made(self, array: Array) -> Array:
        if not self.recording() or isinstance(array, Watched):
            return array
        watched: Array = self.call("method", "copy", np.ndarray.copy, (array,), {})
        return watched


def _has_shape_from_numbers(call: Call) -> bool:
    """Whether how many results there are depends on numbers, as with masks."""
    if call.form == "index":
        return any(value.is_array and value.data.dtype == np.bool_ for value in values_in(call.args[1]))
    if call.target is np.repeat:
        return isinstance(call.args[1], Value)
    return call.target in _COUNTING or (call.target is np.where and len(call.args) == 1)


_COUNTING = (
    "nonzero",
    "compress",
    np.nonzero,
    np.flatnonzero,
    np.argwhere,
    np.unique,
    np.compress,
    np.extract,
)


def _has_out(call: Call) -> bool:
    """Whether a result may be an argument that the call has written to."""
    more = isinstance(call.target, np.ufunc) and len(call.args) > call.target.nin
    return more or "out" in call.options or hasattr(call.target, "line")


def _value_of(thing: Any) -> Value | None:
    """The value behind a tensor."""
    return _value_of_array(getattr(thing, "array", None))


def _value_of_array(array: Any) -> Value | None:
    return array.value if isinstance(array, Watched) else None


def plain(leaf: Any) -> Any:
    """An argument without its watcher."""
    if type(leaf) not in _WATCHED:
        return leaf
    return np.ndarray.view(leaf, np.ndarray) if leaf.value is None else leaf.value.data


def _owner(array: Array) -> int:
    """The identity of the object that owns an array's memory."""
    owner: Any = array
    while getattr(owner, "base", None) is not None:
        owner = owner.base
    return id(owner)


def leaves_of(structure: Any) -> Iterator[Any]:
    """Every leaf of nested arguments or results."""
    if isinstance(structure, (tuple, list)):
        for part in structure:
            yield from leaves_of(part)
    elif isinstance(structure, dict):
        yield from leaves_of(tuple(structure.values()))
    else:
        yield structure


def _name(call: Call) -> str:
    return call.target if isinstance(call.target, str) else getattr(call.target, "__name__", repr(call.target))


def _place() -> str:
    """Where in the user's own code the run is."""
    frames = [f for f in traceback.extract_stack() if not f.filename.startswith(PACKAGE) and "numpy" not in f.filename]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "in the library"


class Watched(np.ndarray):
    """An array whose use is written down."""

    value: Value | None = None
    recorder: Recorder

    def __array_finalize__(self, source: Any) -> None:
        # NumPy made it from another without being asked through the protocols below.
        self.recorder = getattr(source, "recorder", _SILENT)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(isinstance(leaf, Variable) for leaf in (*inputs, *options.get("out", ()))):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return _recorder(self, inputs, options).call("function", function, function, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if any(isinstance(leaf, Variable) for leaf in leaves_of((args, options))):
            return NotImplemented
        return _recorder(self, args, options).call("function", function, function, args, options)

    def _method(self, name: str, args: Any, options: Any) -> Any:
        return self.recorder.call("method", name, getattr(np.ndarray, name), (self, *args), options)

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.call("index", "[]", operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, item: Any) -> None:
        self.recorder.call("assign", "[]=", operator.setitem, (self, index, item), {})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Any:
        return self.recorder.call("attribute", "T", _transposed, (self,), {})

    @property
    def mT(self) -> Any:
        return self.recorder.call("method", "swapaxes", np.ndarray.swapaxes, (self, -1, -2), {})

    def item(self, *index: Any) -> Any:
        return self.recorder.call("method", "item", np.ndarray.item, (self, *index), {})

    def tolist(self) -> Any:
        if self.ndim:
            self.recorder.refuse("tolist() takes numbers out of the program")
            return plain(self).tolist()
        return self.item()

    def tobytes(self, *args: Any) -> bytes:
        self.recorder.refuse("tobytes() takes numbers out of the program")
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
        self.recorder.refuse("an array is turned into text (print?)")
        return repr(plain(self))

    def __str__(self) -> str:
        self.recorder.refuse("an array is turned into text (print?)")
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


def _recorder(watched: Watched, args: Any, options: Any) -> Recorder:
    """The recorder that is still open, if one of the arguments has such."""
    recorders = (leaf.recorder for leaf in leaves_of((args, options)) if isinstance(leaf, Watched))
    return next((recorder for recorder in recorders if recorder.open), watched.recorder)


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

_WATCHED = {Watched, Float, Int}
_SILENT = Recorder()
_SILENT.open = False
