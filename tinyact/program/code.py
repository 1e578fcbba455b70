"""The program as Python source, and as the function that this source makes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinyact.program.passes import Plan, last_uses, may_fail
from tinyact.program.values import Call, Value

SYMBOLS = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=",
    operator.eq: "==", operator.ne: "!=", operator.neg: "-", operator.pos: "+",
}  # fmt: skip
_LITERALS = (bool, int, str, bytes, type(None), type(Ellipsis))


class Changed(Exception):
    """A decision came out otherwise than when the program was recorded."""


class Source:
    """Writes calls as lines of Python; what can't be written down is bound to a name.

    Attributes:
        bound: by name the objects that the lines refer to.
        names: by value the names of arrays and numbers.
    """

    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}
        self.names: dict[Value, str] = {}
        self.fixed: dict[Value, Any] = {}
        self._by_identity: dict[int, str] = {}

    def bind(self, thing: Any, prefix: str = "k") -> str:
        """A name for an object."""
        if id(thing) not in self._by_identity:
            name = f"{prefix}{len(self.bound)}"
            self._by_identity[id(thing)] = name
            self.bound[name] = thing
        return self._by_identity[id(thing)]

    def name(self, value: Value) -> str:
        """The name of a value."""
        return self.names.setdefault(value, f"{'n' if value.kind == 'number' else 'v'}{value.number}")

    def text(self, argument: Any) -> str:
        """An argument as an expression."""
        if isinstance(argument, Value):
            return self.name(argument)
        if type(argument) in _LITERALS or (type(argument) is float and np.isfinite(argument)):
            return "..." if argument is Ellipsis else repr(argument)
        if type(argument) is tuple:
            return f"({''.join(self.text(part) + ', ' for part in argument)})"
        if type(argument) is list:
            return f"[{', '.join(map(self.text, argument))}]"
        if isinstance(argument, slice):
            return f"slice({', '.join(self.text(part) for part in (argument.start, argument.stop, argument.step))})"
        if isinstance(argument, dict):
            return f"{{{', '.join(f'{key!r}: {self.text(part)}' for key, part in argument.items())}}}"
        return self.bind(argument)

    def arguments(self, call: Call, first: int = 0, more: Iterable[str] = ()) -> str:
        """What stands between a call's parentheses."""
        if call.options.keys() == {"out"} and _takes_out_in_place(call.target):
            return ", ".join(map(self.text, (*call.args, *call.options["out"])))
        named = [f"{key}={self.text(part)}" for key, part in call.options.items()]
        return ", ".join([*map(self.text, call.args[first:]), *named, *more])

    def expression(self, call: Call, more: Iterable[str] = ()) -> str:
        """The call without what becomes of its result."""
        if call.form == "function":
            return f"{self.bind(call.target, _name(call.target))}({self.arguments(call, more=more)})"
        first = self.text(call.args[0])
        if call.form == "method":
            return f"{first}.{call.target}({self.arguments(call, 1)})"
        if call.form == "attribute":
            return f"{first}.{call.target}"
        if call.form == "index":
            return f"{first}[{self.text(call.args[1])}]"
        if call.target is operator.truth:
            return f"bool({first})"
        if call.target is operator.abs:
            return f"abs({first})"
        symbol = SYMBOLS[call.target]
        first, *second = (f"({text})" if text.startswith("-") else text for text in map(self.text, call.args))
        return f"{first} {symbol} {second[0]}" if second else f"{symbol}{first}"

    def fix(self, value: Value, array: Any) -> None:
        """The value is this array at every replay."""
        self.fixed[value] = array
        self.names[value] = self.bind(array, "c")

    def is_view_of_fixed(self, call: Call) -> bool:
        """Whether the call only looks at memory that is the same at every replay."""
        views = [output.kind == "view" and output is not call.written for output in call.outputs]
        return views == [True] and call.form != "assign" and all(value in self.fixed for value in call.inputs)

    def evaluated(self, call: Call) -> Any:
        """The result of a call on what is fixed."""
        return eval(self.expression(call), dict(self.bound))

    def statement(self, call: Call, into: bool = False) -> str:
        """The call as a line; ``into`` memory that its output has already."""
        if call.form == "assign":
            return f"{self.text(call.args[0])}[{self.text(call.args[1])}] = {self.text(call.args[2])}"
        if call.form == "guard":
            value, outcome = call.args
            if isinstance(outcome, bool):
                test = f"not {self.name(value)}" if outcome else self.name(value)
            else:
                test = f"{self.name(value)} != {self.text(outcome)}"
                # 0.0 and −0.0 are equal.
                test += f" or repr({self.name(value)}) != {str(outcome)!r}" if outcome == 0 else ""
            return f"if {test}"
        new = ", ".join(map(self.name, call.outputs))
        if into and call.form == "method":
            return f"{self.bind(np.copyto)}({new}, {self.text(call.args[0])}, 'unsafe')"
        if into:
            named = "" if _takes_out_in_place(call.target) and not call.options else "out="
            return self.expression(call, [named + new])
        if not new or (call.written is not None and len(call.outputs) == 1):
            return self.expression(call)
        if is_changed_scalar(call):
            return f"{new} = {self.bind(np.asarray)}({self.expression(call)})"
        return f"{new}{',' if call.several and len(call.outputs) == 1 else ''} = {self.expression(call)}"


def is_changed_scalar(call: Call) -> bool:
    """Whether NumPy gives a number of its own, which can't be changed in place, and it is to be changed."""
    return len(call.outputs) == 1 and call.outputs[0].given_as_scalar and bool(call.outputs[0].base.writes)


def _name(target: Any) -> str:
    """What a function's name here begins with."""
    name = getattr(target, "__name__", "")
    return f"{name}_" if name.isidentifier() else "k"


def _takes_out_in_place(target: Any) -> bool:
    """Whether ``out`` may stand behind the arguments, without its name: NumPy reads that faster."""
    return isinstance(target, np.ufunc) and target not in (np.maximum, np.minimum)


def made(source: str, bound: dict[str, Any], name: str) -> Callable[..., Any]:
    """The function of this name that the source defines, with these names bound."""
    namespace: dict[str, Any] = dict(bound)
    exec(compile(source, f"<{name}>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def starts(plan: Plan, source: Source, roots: dict[Value, tuple[str, str | None]]) -> list[str]:
    """Lines that fetch what the calls start from; what is the same at every replay gets its name."""
    used = {value for call in plan.calls for value in call.inputs} | plan.lasting
    lines = []
    for value in sorted(used, key=lambda value: value.number):
        if value in roots and roots[value][1] is not None:
            lines.append(f"{source.name(value)} = {roots[value][1]}")
        elif value.kind in ("root", "constant") and value not in source.names:
            source.fix(value, value.data)
    for value, buffer in plan.buffers.items():
        source.fix(value, buffer)
    return lines


def lines_of(plan: Plan, source: Source, generators: list[Any]) -> list[str]:
    """The calls as lines; views of what is the same at every replay are taken once, now."""
    lines: list[str] = []
    last = last_uses(plan.calls)
    lasting = {value.base for value in plan.lasting}
    made_here = {output for call in plan.calls for output in call.outputs}
    failing = set(may_fail(plan.calls))
    for place, call in enumerate(plan.calls):
        if source.is_view_of_fixed(call):
            source.fix(call.outputs[0], source.evaluated(call))
            continue
        into = bool(call.outputs) and call.written is None and call.outputs[0] in plan.buffers
        line = source.statement(call, into)
        if call.form == "guard":
            lines += _retreating([f"{line}:"], generators, source)
        elif call in failing:
            lines += _retreating(["try:", f"    {line}", "except ArithmeticError:"], generators, source)
        else:
            lines.append(line)
        for value in {value.base for value in (*call.inputs, *call.outputs)}:
            # Memory of its own that is worth being given back before the end.
            own = value in made_here and value.kind == "new" and value not in plan.buffers and value not in lasting
            if own and last[value] == place and value.data.nbytes > 1 << 16:
                lines.append(f"del {source.name(value)}")
    return lines


def _retreating(lines: list[str], generators: list[Any], source: Source) -> list[str]:
    """Lines behind which the program is left, the random streams where they were before."""
    back = [f"for g, s in zip({source.bind(generators)}, states): g.set_state(s)"] if generators else []
    return [*lines, *(f"    {line}" for line in [*back, f"raise {source.bind(Changed, 'Changed')}"])]


def definition(name: str, parameters: list[str], lines: list[str], source: Source) -> str:
    """A function with these lines, in which NumPy doesn't warn."""
    head = f"def {name}({', '.join(parameters)}):\n    with {source.bind(np.errstate)}(all='ignore'):\n"
    return head + "".join(f"        {line}\n" for line in lines)


def literal(structure: Any, name: Callable[[Any], str]) -> str:
    """A nested result as an expression, its leaves named by a function."""
    if type(structure) is tuple:
        return f"({''.join(literal(part, name) + ', ' for part in structure)})"
    if type(structure) is list:
        return f"[{', '.join(literal(part, name) for part in structure)}]"
    if type(structure) is dict:
        return f"{{{', '.join(f'{name(key)}: {literal(part, name)}' for key, part in structure.items())}}}"
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return f"{name(type(structure))}({', '.join(literal(part, name) for part in structure)})"
    return name(structure)
