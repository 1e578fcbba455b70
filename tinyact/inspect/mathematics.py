"""What an operation's docstring says about it: its formula, and its derivative for each input."""

from __future__ import annotations

import re
from typing import NamedTuple

from tinyact.autograd.function import Application, Output
from tinyact.autograd.operation import Operation
from tinyact.functions.described import facts


class Mathematics(NamedTuple):
    """A formula, and its derivatives as they stand in the docstring: ``("∂/∂a = b", "∂/∂b = a")``."""

    formula: str
    derivatives: tuple[str, ...] = ()

    def derivative(self, argument: str) -> str:
        """The derivative for one input, found by its name or (W for ``weight``) its first letter; else all of them."""
        for derivative in self.derivatives:
            found = re.match(r"∂L?/∂(\w+)", derivative)
            if found and found[1].lower() in (argument.lower(), argument[0].lower()):
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
    own = classes[: classes.index(Operation)]
    for cls in own:
        said = _said(cls)
        if said.derivatives:
            return said
    return Mathematics(_first_line(type(operation).__doc__))


def _said(cls: type[Operation]) -> Mathematics:
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
