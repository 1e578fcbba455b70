"""Arguments without their nesting, and with it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def flattened(args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
    """How arguments are nested, and what they hold."""
    leaves: list[Any] = []

    def layout(structure: Any) -> Any:
        if type(structure) in (tuple, list):
            return (type(structure), *map(layout, structure))
        if type(structure) is dict:
            return (dict, *((key, layout(part)) for key, part in structure.items()))
        leaves.append(structure)
        return None

    return (layout(args), layout(kwargs)), leaves


def unflattened(layout: Any, leaves: Iterator[Any]) -> Any:
    """The other way round."""
    if layout is None:
        return next(leaves)
    kind, *parts = layout
    if kind is dict:
        return {key: unflattened(part, leaves) for key, part in parts}
    return kind(unflattened(part, leaves) for part in parts)
