"""The mathematics of an operation, as its docstring has it, and the names of its arguments, as its ``forward`` has."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

from tinyact.autograd.function import Application, Output
from tinyact.autograd.operation import Operation


class Mathematics(NamedTuple):
    """A formula, and its derivatives as they stand in the docstring: ``("∂/∂a = b", "∂/∂b = a")``."""

    formula: str
    derivatives: tuple[str, ...] = ()

    def derivative(self, argument: str) -> str:
        """The derivative for one input, by its name or (W for ``weight``) its first letter; else all of them."""
        for derivative in self.derivatives:
            variable = re.match(r"∂L?/∂(\w+)", derivative)
            if variable and variable[1].lower() in (argument.lower(), argument[0].lower()):
                return derivative
        return "      ".join(self.derivatives)


def mathematics(operation: Operation) -> Mathematics:
    """The mathematics of an operation, from the docstring of its class, or of the class whose derivatives it inherits.

    Example:
        >>> import tinyact
        >>> a = tinyact.ones(2, requires_grad=True)
        >>> mathematics((a * 3).grad_fn)
        Mathematics(formula='a · b', derivatives=('∂/∂a = b', '∂/∂b = a'))
    """
    if isinstance(operation, Output):
        return Mathematics("one output of the function", ("its gradient goes on under its number",))
    if isinstance(operation, Application):
        return Mathematics(_first_line(operation.function.__doc__), ("its own backward",))
    classes = type(operation).__mro__
    for cls in classes[: classes.index(Operation)]:
        own = _of_class(cls)
        if own.derivatives:
            return own
    return Mathematics(_first_line(type(operation).__doc__))


def argument(operation: Operation, place: int) -> str:
    """The name of an operation's input, as its ``forward`` calls it; one of many as ``parts[0]``.

    Example:
        >>> import tinyact
        >>> argument(tinyact.ones(2, requires_grad=True).exp().grad_fn, 0)
        'x'
    """
    if isinstance(operation, Output):
        return "outputs"
    forward = operation.function.forward if isinstance(operation, Application) else type(operation).forward
    code = forward.__code__
    many = bool(code.co_flags & inspect.CO_VARARGS)
    # The first is ctx or self, the last may stand for many.
    names = code.co_varnames[1 : code.co_argcount + many]
    single = len(names) - many
    return names[place] if place < single else f"{names[-1] if names else 'args'}[{place - single}]"


class Facts(NamedTuple):
    """What an activation's docstring says, part by part."""

    formula: str
    range: str
    derivative: str
    largest_slope: str
    saturates: str
    source: str


def facts(operation: type[Operation]) -> Facts:
    """The facts about an activation, read from its docstring.

    Raises:
        ValueError: if a part is missing.
    """
    text = (inspect.getdoc(operation) or "").partition("\nArgs:")[0]
    formula, _, rest = text.partition("\n\n")
    lines = re.findall(r"^([A-Z][a-z ]+): (.*?)(?=\n[A-Z][a-z ]+: |\Z)", rest, flags=re.M | re.S)
    parts = {head.lower().replace(" ", "_"): " ".join(words.split()) for head, words in lines}
    if set(parts) != set(Facts._fields[1:]):
        raise ValueError(f"{operation.__name__}'s docstring must say {', '.join(Facts._fields[1:])}; it says {parts}")
    return Facts(formula=" ".join(formula.split()), **parts)


def _of_class(cls: type[Operation]) -> Mathematics:
    """Formula and derivatives stand in one line, well apart, or the derivatives follow in a paragraph of their own."""
    doc = cls.__doc__ or ""
    if "\n    Derivative: " in doc:
        formula, derivative = facts(cls).formula, facts(cls).derivative
        return Mathematics(formula, (derivative if derivative.startswith("∂") else f"∂/∂x = {derivative}",))
    formula, *first = _pieces(doc.partition("\n\n")[0])
    second = _pieces(doc.partition("\n\n")[2].partition("\n\n")[0])
    for pieces in (first, second):
        derivatives = tuple(piece for piece in pieces if re.match("∂|d/d", piece))
        if derivatives:
            return Mathematics(formula, derivatives)
    # Operations that only move elements say it in words.
    return Mathematics(formula, tuple(first[:1]))


def _pieces(text: str) -> list[str]:
    return [" ".join(piece.split()) for piece in re.split(r" {4,}(?=\S)", re.sub(r"\n *", " ", text.strip()))]


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]
