"""The program as text: NumPy as a person would have written it."""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.functions.activation import Activation
from tinyact.functions.linear import Linear
from tinyact.functions.loss import Loss, NllLoss
from tinyact.program.code import SYMBOLS, is_changed_scalar
from tinyact.program.passes import Plan, computed_once, copies_spared, unused_dropped
from tinyact.program.values import Call, Part, Value

if TYPE_CHECKING:
    from tinyact.program.program import Program

WIDTH = 100

_OPERATORS: dict[Any, tuple[str, int]] = {
    np.add: ("+", 11), np.subtract: ("-", 11), np.multiply: ("*", 12), np.true_divide: ("/", 12), np.matmul: ("@", 12),
    np.floor_divide: ("//", 12), np.remainder: ("%", 12), np.power: ("**", 14), np.less: ("<", 7),
    np.less_equal: ("<=", 7), np.greater: (">", 7), np.greater_equal: (">=", 7), np.equal: ("==", 7),
    np.not_equal: ("!=", 7), np.bitwise_and: ("&", 10), np.bitwise_or: ("|", 8), np.bitwise_xor: ("^", 9),
}  # fmt: skip
_UNARY = {np.negative: "-", np.invert: "~"}
_PRECEDENCE = {"+": 11, "-": 11, "*": 12, "/": 12, "//": 12, "%": 12, "**": 14}
# An expression's precedence where it needs no parentheses.
ATOM = 20


def identifier(name: str) -> str:
    """A name as Python can have it: ``0.weight`` as ``layer0_weight``."""
    name = re.sub(r"\W", "_", name)
    if keyword.iskeyword(name) or name in ("np", "start", "Path"):
        return f"{name}_"
    return f"layer{name}" if name[:1].isdigit() else name or "value"


class Text:
    """A program as text.

    Attributes:
        calls: what is written.
        names: by value its name.
        constants: by name arrays that are the same in every run.
        written: those of them that can be written down, as expressions.
        helpers: by name sources of functions that are not NumPy's.
        sections: headings, each with its statements.
    """

    def __init__(self, program: Program, result: str = "") -> None:
        self.recording = program.recording
        calls = [call for call in self.recording.calls if call.form != "guard"]
        self.plan = Plan(calls, set(self.recording.effects.values()))
        for improve in (computed_once, copies_spared, unused_dropped):
            improve(self.plan)
        # By value what it is called outside of the calls that it was written out as.
        self._outputs: dict[Value, Value] = {}
        self.calls = copies_beside_their_sources(list(self._written_out(self.plan.calls)))
        self.names: dict[Value, str] = {}
        self.constants: dict[str, Any] = {}
        self.written: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self._taken: Counter[str] = Counter()
        self._name_values(result)
        self.makers = {output: call for call in self.calls for output in call.outputs if output is not call.written}
        self.inline = set(self._inlined())
        self.sections = list(self._sections())

    # --- which calls -------------------------------------------------------------------------------------------------

    def _written_out(self, calls: list[Call]) -> Iterator[Call]:
        """The calls, kernels that their plain line doesn't give to the last bit as what they consist of."""
        for call in calls:
            inner = call.inner if call.inner is not None and not call.target.exact else None
            if call.written_out is not None:
                inner, result = call.written_out
                self._outputs[result] = call.outputs[0]
            if inner is None:
                yield call
                continue
            for part in self._written_out(inner):
                part.part = call.part
                yield part

    def _same(self, value: Value) -> Value:
        """The value that stands for this one in the text."""
        value = self.plan.current(value)
        return self._same(self._outputs[value]) if value in self._outputs else value

    # --- names -------------------------------------------------------------------------------------------------------

    def _name_values(self, result: str) -> None:
        for value, (name, _) in self.recording.roots.items():
            self._name(value, identifier(name))
        for value in self.recording.effects.values() if result else ():
            self._name(value, result)
        notes = self.recording.notes
        counts: Counter[str] = Counter()
        for value, part in notes.results.items():
            letter = "z" if issubclass(part.kind, Linear) else "h" if issubclass(part.kind, Activation) else "y"
            if issubclass(part.kind, (Loss, NllLoss)) and value.data.ndim == 0:
                self._name(value, "loss")
                continue
            counts[letter] += 1
            self._name(value, f"{letter}{counts[letter]}")
        # What is kept in the end comes first: it has the name without a number.
        gradients = sorted(notes.gradients.items(), key=lambda pair: pair[1].kind != "root" or -pair[0].number)
        for gradient, value in gradients:
            value = self._same(value)
            if value in self.names:
                self._name(gradient, f"d_{self.names[value]}")
        for call in self.calls:
            if call.form == "assign" and isinstance(call.args[2], Value) and call.args[2].kind == "number":
                self._name(call.args[2], self.names.get(call.args[0], "number").rpartition("_")[2])

    def _name(self, value: Value, name: str) -> None:
        value = self._same(value)
        if value not in self.names:
            self._taken[name] += 1
            self.names[value] = name if self._taken[name] == 1 else f"{name}_{self._taken[name]}"

    def name(self, value: Value) -> str:
        """The name of a value; a new one, if nothing is known about it."""
        value = self._same(value)
        if value not in self.names:
            if value.kind == "constant":
                name = self._constant(value)
                if name is not None:
                    return name
            else:
                self._name(value, f"n{self._taken['n'] + 1}" if value.kind == "number" else f"t{self._taken['t'] + 1}")
                self._taken["n" if value.kind == "number" else "t"] += 1
        return self.names[value]

    def _constant(self, value: Value) -> str | None:
        """A constant as an expression, or given a name."""
        array = value.data
        if array.ndim == 0:
            return repr(array[()])
        expression = _written(array)
        self._name(value, "ones" if expression.startswith("np.ones") else "constant")
        self.constants[self.names[value]] = array
        if expression:
            self.written[self.names[value]] = expression
        return None

    # --- expressions -------------------------------------------------------------------------------------------------

    def _inlined(self) -> Iterator[Value]:
        """Results that are used once, at once, and may stand inside of the expression that uses them."""
        uses = Counter(self._same(value) for call in self.calls for value in call.inputs)
        lasting = {self._same(value) for value in self.plan.lasting}
        places = {self._same(value): place for place, call in enumerate(self.calls) for value in call.inputs}
        written = [(place, call.written.base) for place, call in enumerate(self.calls) if call.written is not None]
        own = {base for _, base in written}
        for place, call in enumerate(self.calls):
            if len(call.outputs) != 1 or call.written is not None or call.several or call.draws:
                continue
            if is_changed_scalar(call):
                continue
            output = self._same(call.outputs[0])
            if uses[output] != 1 or output in lasting or (output.kind == "new" and output in own):
                continue
            user = self.calls[places[output]]
            glimpse = call.form in ("attribute", "index") or (call.form == "method" and call.target == "reshape")
            if not glimpse and (user.part != call.part or self.names.get(output, "").startswith(("d_", "z", "h", "y"))):
                continue
            read = {value.base for value in call.inputs}
            if not any(place < other < places[output] and base in read for other, base in written):
                yield output

    def expression(self, argument: Any, level: int = 0) -> str:
        """An argument as an expression, in parentheses if what it stands in binds more strongly."""
        if isinstance(argument, Value):
            value = self._same(argument)
            if value not in self.inline:
                return self.name(value)
            text, precedence = self.of_call(self.makers[value])
            return f"({text})" if precedence < level else text
        if isinstance(argument, np.dtype):
            return "np.bool_" if argument == np.bool_ else f"np.{argument.name}"
        if isinstance(argument, type) and issubclass(argument, np.generic):
            return f"np.{argument.__name__}"
        if isinstance(argument, np.generic):
            return repr(argument)
        if argument is Ellipsis:
            return "..."
        if isinstance(argument, float) and not np.isfinite(argument):
            return {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}[repr(argument)]
        if isinstance(argument, (int, float)) and not isinstance(argument, bool):
            return f"({argument!r})" if argument < 0 and level > 13 else repr(argument)
        if type(argument) is tuple:
            return f"({''.join(self.expression(part) + ', ' for part in argument)[: -1 if len(argument) == 1 else -2]})"
        if isinstance(argument, list):
            return f"[{', '.join(map(self.expression, argument))}]"
        return repr(argument)

    def _index(self, index: Any) -> str:
        """What stands between an index's brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._index, index))
        if isinstance(index, slice):
            start, stop = ("" if end is None else self._index(end) for end in (index.start, index.stop))
            return f"{start}:{stop}" + ("" if index.step is None else f":{self._index(index.step)}")
        return self.expression(int(index) if isinstance(index, np.integer) else index)

    def of_call(self, call: Call) -> tuple[str, int]:
        """A call's result as an expression, and how strongly that binds."""
        if call.form == "operator":
            return self._of_numbers(call)
        if call.form == "function":
            return self._of_function(call)
        first = self.expression(call.args[0], ATOM)
        if call.form == "attribute":
            return f"{first}.{call.target}", ATOM
        if call.form == "index":
            return f"{first}[{self._index(call.args[1])}]", ATOM
        return f"{first}.{call.target}({self._arguments(call, 1)})", ATOM

    def _of_numbers(self, call: Call) -> tuple[str, int]:
        symbol = SYMBOLS.get(call.target)
        if symbol is None:
            return f"abs({self.expression(call.args[0])})", ATOM
        if len(call.args) == 1:
            return f"{symbol}{self.expression(call.args[0], 13)}", 13
        return self._binary(symbol, _PRECEDENCE.get(symbol, 7), *call.args)

    def _binary(self, symbol: str, precedence: int, left: Any, right: Any) -> tuple[str, int]:
        power = symbol == "**"
        comparison = precedence == 7
        left = self.expression(left, precedence + (power or comparison))
        right = self.expression(right, precedence + (not power))
        return (
            f"{left}**{right}" if power and re.fullmatch(r"[\w.]+", left + right) else f"{left} {symbol} {right}"
        ), (precedence)

    def _of_function(self, call: Call) -> tuple[str, int]:
        target = call.target
        if hasattr(target, "line"):
            return self._of_kernel(call)
        if not call.options and target in _OPERATORS and len(call.args) == 2:
            return self._binary(*_OPERATORS[target], *call.args)
        if not call.options and target in _UNARY:
            return f"{_UNARY[target]}{self.expression(call.args[0], 13)}", 13
        owner = getattr(target, "__self__", None)
        is_sum = target is np.sum or (owner is np.add and target.__name__ == "reduce")
        if is_sum and call.options.keys() <= {"axis", "keepdims"}:
            axis = call.args[1:2] or ([] if call.options.get("axis") is None else [call.options["axis"]])
            options = [self.expression(part) for part in axis if part is not None]
            options += [f"keepdims={call.options['keepdims']}"] if call.options.get("keepdims") else []
            return f"{self.expression(call.args[0], ATOM)}.sum({', '.join(options)})", ATOM
        return f"{self._function(target)}({self._arguments(call)})", ATOM

    def _function(self, target: Any) -> str:
        owner = getattr(target, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"np.{owner.__name__}.{target.__name__}"
        name = getattr(target, "__name__", "function")
        if getattr(np, name, None) is target:
            return f"np.{name}"
        module = getattr(target, "__module__", None) or ""
        return f"np{module.removeprefix('numpy')}.{name}" if module.startswith("numpy.lib.") else self._helper(target)

    def _helper(self, target: Any) -> str:
        """A function that is not NumPy's, with its source."""
        if isinstance(target, np.ufunc):
            self.helpers[target.__name__] = f"from scipy.special import {target.__name__}\n"
            return target.__name__
        function = inspect.unwrap(target)
        source = textwrap.dedent(inspect.getsource(function))
        self.helpers[function.__name__] = source[source.index("def ") :]
        return str(function.__name__)

    def _arguments(self, call: Call, first: int = 0) -> str:
        named = [f"{key}={self.expression(part)}" for key, part in call.options.items()]
        return ", ".join([*map(self.expression, call.args[first:]), *named])

    def _of_kernel(self, call: Call) -> tuple[str, int]:
        """A kernel as its plain line, or if that would not be the same to the last bit, as a function."""
        if not call.target.exact:
            return f"{self._helper(call.target)}({self._arguments(call)})", ATOM
        names = inspect.signature(call.target).parameters
        arguments = {name: f"({self.expression(part)})" for name, part in zip(names, call.args, strict=False)}
        line = re.sub(
            r"(?<![\w.])([a-z]\w*)(?![\w(=])", lambda match: arguments.get(match[1], match[1]), call.target.line
        )
        tree = ast.parse(line, mode="eval").body
        binds = {ast.BinOp: 11, ast.Compare: 7}.get(type(tree), ATOM)
        return ast.unparse(tree), binds

    # --- lines -------------------------------------------------------------------------------------------------------

    def statements(self, call: Call) -> list[str]:
        """The call as a line; as several, if it would be too long for one."""
        line = self._statement(call)
        if len(line) <= WIDTH:
            return [line]
        nested = [self._same(value) for value in call.inputs if self._same(value) in self.inline]
        if not nested:
            return [line]
        longest = max(nested, key=lambda value: len(self.expression(value)))
        self.inline.discard(longest)
        return [*self.statements(self.makers[longest]), *self.statements(call)]

    def _statement(self, call: Call) -> str:
        if call.form == "assign":
            return f"{self.expression(call.args[0])}[{self._index(call.args[1])}] = {self.expression(call.args[2])}"
        if call.written is not None:
            return self._in_place(call)
        names = ", ".join(map(self.name, call.outputs))
        comma = "," if call.several and len(call.outputs) == 1 else ""
        if is_changed_scalar(call):
            return f"{names} = np.asarray({self.of_call(call)[0]})"
        return f"{names}{comma} = {self.of_call(call)[0]}" if names else self.of_call(call)[0]

    def _in_place(self, call: Call) -> str:
        if hasattr(call.target, "line"):
            tree = ast.parse(self._of_kernel(call)[0], mode="eval").body
            if isinstance(tree, ast.Call) and ast.unparse(tree.func) == "np.add":
                return f"{ast.unparse(tree.args[0])} += {ast.unparse(tree.args[1])}"
        if call.target in _OPERATORS and call.options.keys() == {"out"} and call.options["out"] == (call.args[0],):
            return f"{self.expression(call.args[0])} {_OPERATORS[call.target][0]}= {self.expression(call.args[1])}"
        if "out" in call.options:
            (out,) = call.options["out"] if isinstance(call.options["out"], tuple) else (call.options["out"],)
            others = {key: part for key, part in call.options.items() if key != "out"}
            named = [f"{key}={self.expression(part)}" for key, part in (*others.items(), ("out", out))]
            return f"{self._function(call.target)}({', '.join([*map(self.expression, call.args), *named])})"
        return self.of_call(call)[0]

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        """Headings and the lines below them."""
        part: Part | None = None
        heading, shape = "", None
        lines: list[str] = []
        for call in self.calls:
            if call.part != part and call.part is not None:
                if lines:
                    yield heading, lines
                phase = part.phase if part is not None else "forward"
                heading = ("# backward\n" if call.part.phase == "backward" != phase else "") + self._heading(call.part)
                part, lines = call.part, []
            if any(self._same(output) in self.inline for output in call.outputs):
                continue
            statements = self.statements(call)
            output = call.outputs[0] if call.outputs and call.outputs[0].is_array else None
            if output is not None and output.data.shape != shape and call.written is None and output.data.ndim:
                shape = output.data.shape
                statements[-1] += f"  # {shape}"
            lines += statements
        if lines:
            yield heading, lines

    def _heading(self, part: Part) -> str:
        names = [self.names.get(self._same(value), "") for value in part.inputs if value is not None]
        if part.phase == "step":
            return f"# {part.kind.__name__}: {names[0] if names else 'a parameter'}"
        owner = next((name.rpartition("_")[0] for name in names if name.endswith("_weight")), "")
        name = f"{owner}: {part.kind.__name__}" if owner else part.kind.__name__
        return f"# {name}      {part.mathematics}" if part.mathematics else f"# {name}"

    def first_lines(self) -> list[str]:
        """The constants that can be written down."""
        return [f"{name} = {expression}" for name, expression in self.written.items()]

    def __str__(self) -> str:
        first = [("", self.first_lines())] if self.first_lines() else []
        sections = ("\n".join([heading, *lines] if heading else lines) for heading, lines in [*first, *self.sections])
        return "\n\n".join(sections)


def _written(array: Any) -> str:
    """A constant array as an expression, if that is short."""
    dtype = "np.bool_" if array.dtype == np.bool_ else f"np.{array.dtype.name}"
    if not array.size or not (array.flags.c_contiguous or array.dtype.kind in "iub"):
        return ""  # sums of floating numbers depend on the layout
    if (array == 1).all():
        return f"np.ones({array.size if array.ndim == 1 else array.shape}, {dtype})"
    return f"np.array({array.tolist()}, {dtype})" if array.size <= 64 and np.isfinite(array).all() else ""


def copies_beside_their_sources(calls: list[Call]) -> list[Call]:
    """A gradient's copy, which the sweep makes at its end, behind what it copies, where nothing comes between."""
    ordered = list(calls)
    for call in calls:
        if call.form == "method" and call.target == "copy" and call.part is not None and call.part.phase != "forward":
            source = call.args[0]
            maker = next((place for place, other in enumerate(ordered) if source in other.outputs), None)
            place = ordered.index(call)
            if maker is None or any(
                other.written is not None and other.written.base is source.base for other in ordered[maker + 1 : place]
            ):
                continue
            moved = replace(call, part=ordered[maker].part)
            del ordered[place]
            ordered.insert(maker + 1, moved)
    return ordered
