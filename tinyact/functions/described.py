"""What an activation's docstring says about it, part by part."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

from tinyact.autograd.operation import Operation


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
    parts = re.findall(r"^([A-Z][a-z ]+): (.*?)(?=\n[A-Z][a-z ]+: |\Z)", rest, flags=re.M | re.S)
    found = {name.lower().replace(" ", "_"): " ".join(said.split()) for name, said in parts}
    if set(found) != set(Facts._fields[1:]):
        raise ValueError(f"{operation.__name__}'s docstring must say {', '.join(Facts._fields[1:])}; it says {found}")
    return Facts(formula=" ".join(formula.split()), **found)
