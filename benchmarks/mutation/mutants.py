"""What is changed: all small changes of a file that could change what it computes. They are cosmic-ray's."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

# One wrong operator each is enough: the other nine that cosmic-ray knows are noticed by the same tests.
BINARY = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "Pow": "Mul", "BitAnd": "BitOr", "BitXor": "BitAnd"}
COMPARISONS = {"Lt": ("LtE", "GtE"), "LtE": ("Lt", "Gt"), "Gt": ("GtE", "LtE"), "GtE": ("Gt", "Lt"), "Eq": ("NotEq",)}
COMPARISONS |= {"NotEq": ("Eq",), "Is": ("IsNot",), "IsNot": ("Is",)}
OPERATORS = [
    *(f"core/ReplaceBinaryOperator_{old}_{new}" for old, new in BINARY.items()),
    *(f"core/ReplaceComparisonOperator_{old}_{new}" for old, news in COMPARISONS.items() for new in news),
    *(f"core/ReplaceUnaryOperator_Delete_{name}" for name in ("USub", "Invert", "Not")),
    *(f"core/Replace{change}" for change in ("TrueWithFalse", "FalseWithTrue", "AndWithOr", "OrWithAnd")),
    *(f"core/{name}" for name in ("NumberReplacer", "AddNot", "ZeroIterationForLoop")),
]


class Mutant(NamedTuple):
    """One change of one file."""

    file: str
    place: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """What identifies it, however the lines around it move."""
        return f"{self.file} {self.place}: {self.before} → {self.after}"


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """All changes of a file that could change what it computes, statement by statement of the module."""
    irrelevant, places, lines = without_effect(source), definitions(source), source.splitlines(keepends=True)
    seen: Counter[str] = Counter()
    for node in ast.parse(source).body:
        first, end = _lines(node).start - 1, _lines(node).stop - 1
        before, piece, after = ("".join(part) for part in (lines[:first], lines[first:end], lines[end:]))
        for offset, changed in _changes(piece):
            line = first + offset
            if line in irrelevant:
                continue
            place, old_and_new = places.get(line, ""), _difference(piece, changed)
            mutant = Mutant(file, place, line, *old_and_new, before + changed + after)
            seen[mutant.key] += 1
            if seen[mutant.key] > 1:  # the same line stands in the function once more
                mutant = mutant._replace(place=f"{place} ({seen[mutant.key]})")
            yield mutant


def _changes(piece: str) -> Iterator[tuple[int, str]]:
    """All changes of a piece of source, each with its line, counted from 1."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    nodes, meanings = list(ast_nodes(get_ast(piece))), {_meaning(piece)}
    for name in OPERATORS:
        operator = get_operator(name)()
        positions = [at for node in nodes for at in operator.mutation_positions(node)]
        for occurrence, ((line, _), _) in enumerate(positions):
            changed = mutate_code(piece, operator, occurrence)
            # zip's strict=True can't change a result.
            if changed is None or changed.count("strict=True") < piece.count("strict=True"):
                continue
            meaning = _meaning(changed)
            if meaning is not None and meaning not in meanings:
                meanings.add(meaning)
                yield line, changed


def _meaning(piece: str) -> str | None:
    """The same text for all ways to write a piece of source; None if it is no Python."""
    try:
        return ast.dump(ast.parse(piece))
    except SyntaxError:
        return None


def _lines(node: ast.stmt) -> range:
    """The lines of a statement with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    return range(min([node.lineno, *(decorator.lineno for decorator in decorators)]), (node.end_lineno or 0) + 1)


def _difference(source: str, changed: str) -> tuple[str, str]:
    """The lines between the first and the last that differ, before and after."""
    old, new = source.splitlines(), changed.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return " ".join(line.strip() for line in old), " ".join(line.strip() for line in new)


def definitions(source: str) -> dict[int, str]:
    """By line the class and function that it is in."""
    places: dict[int, str] = {}

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = name
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                inner = f"{name}.{child.name}".lstrip(".")
                places.update(dict.fromkeys(_lines(child), inner))
            visit(child, inner)

    visit(ast.parse(source), "")
    return places


def without_effect(source: str) -> set[int]:
    """The lines that only say something: docstrings, annotations, decorators, imports, error messages."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            # The signature up to the body; its defaults are checked against PyTorch's by another test.
            lines |= {*range(node.lineno, node.body[0].lineno), *(d.lineno for d in node.decorator_list)}
        elif (
            isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom))
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        ):
            lines.update(_lines(node))
    return lines
