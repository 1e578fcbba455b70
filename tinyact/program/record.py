"""Recording: what NumPy is asked to compute while a function runs once, written down call by call."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tinyact.autograd.mathematics import argument, mathematics
from tinyact.autograd.operation import Operation, Variable
from tinyact.autograd.watch import Watcher
from tinyact.functions.dispatch import STRUCTURAL
from tinyact.kernels import HEAVY, at_once, in_blocks
from tinyact.program.values import Array, Call, Form, Kind, Notes, Part, Value, leaves_of, mapped, owner, values_in
from tinyact.program.watched import WATCHED, Float, Int, Watched, plain, value_of, value_of_array

PACKAGE = str(Path(__file__).parents[1])


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
            self._owners.setdefault(id(owner(data)), value)
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
            value = self.value("root", array, self._owners.get(id(owner(array))))
        return self.watch(value)

    def number(self, data: float) -> Any:
        """A watched number that the program reads anew each time."""
        return self.watch(self.value("number", data))

    def recording(self) -> bool:
        """Whether what happens now, in this thread, is written down."""
        return self.open and not self._inside and threading.get_ident() == self.thread

    def reject(self, reason: str) -> None:
        """The run can't become a program."""
        self.refusal = self.refusal or reason

    def refuse(self, reason: str) -> None:
        """The run can't be written down; it goes on unwatched."""
        if self.open and threading.get_ident() == self.thread:
            self.reject(f"{reason} ({_place()})")
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
        value = value_of_array(result)
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
        value = value_of_array(result)
        return None if value is None or any(call.form == "guard" for call in written_out) else (written_out, value)

    def _symbol(self, leaf: Any) -> Any:
        """What stands for an argument in the program."""
        if type(leaf) in WATCHED and leaf.value is not None:
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
            value = self.value("constant", array, self._owners.get(id(owner(array))))
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
        value.is_scalar = value.given_as_scalar = isinstance(data, np.generic)
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
        output = value_of(outputs[0]) if outputs else None
        self._label(part)
        self._of_node[node.serial] = part, output
        if output is not None:
            output.is_scalar = False
            self.notes.results.setdefault(output, part)

    def unrecorded(self, operation: Operation, inputs: Any, outputs: Any) -> None:
        self.recorded(operation, inputs, outputs)

    def passed_on(self, node: Operation | Variable, grad: Any, grads: Any) -> None:
        if not isinstance(node, Operation):
            value = value_of(node)
            parts = self.calls[self._labelled :]
            if value is not None and parts:
                self.notes.gradients.update((output, value) for output in parts[-1].outputs)
            return
        part, _ = self._of_node.get(node.serial, (self._part(node, (), "forward"), None))
        for edge, g in zip(node.edges, grads, strict=False):
            value = self._of_node.get(edge.serial, (None, None))[1] if isinstance(edge, Operation) else value_of(edge)
            if value is not None and (gradient := value_of_array(g)) is not None:
                self.notes.gradients.setdefault(gradient, value)
        wanted = [argument(node, rule.input) for rule in node.plan.rules]
        derivatives = dict.fromkeys(mathematics(node).derivative(name) for name in wanted)
        backward = replace(part, phase="backward", mathematics="      ".join(filter(None, derivatives)))
        self._label(backward)

    def updated(self, optimizer: Any, parameter: Variable) -> None:
        self._label(Part(type(optimizer), id(parameter), "step", "", (value_of(parameter),)))

    def _part(self, node: Operation, inputs: Any, phase: str) -> Part:
        number = node.serial if node.serial >= 0 else -len(self._of_node) - 2
        return Part(type(node), number, phase, mathematics(node).formula, tuple(map(value_of, inputs)))

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


def _name(call: Call) -> str:
    return call.target if isinstance(call.target, str) else getattr(call.target, "__name__", repr(call.target))


def _place() -> str:
    """Where in the user's own code the run is."""
    frames = [f for f in traceback.extract_stack() if not f.filename.startswith(PACKAGE) and "numpy" not in f.filename]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "in the library"
