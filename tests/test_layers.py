"""Imports between the library's own files stand at the top of each file and go in no circle.

What may import what is a contract of import-linter's, in pyproject.toml.
"""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import tinyact
from tests.typing.checkers import needed

PACKAGE = Path(tinyact.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def modules(statement: ast.AST) -> list[str]:
    """What it imports."""
    if isinstance(statement, ast.ImportFrom):
        return ["tinyact" if statement.level else statement.module or ""]
    return [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_no_function_imports_the_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = {name for function in functions for node in ast.walk(function) for name in modules(node)}
    assert {name for name in inside if name.partition(".")[0] == "tinyact"} == set()


def test_no_circles() -> None:
    needed("grimp")
    import grimp

    graph = grimp.build_graph("tinyact", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # In an order in which each file comes after what it imports; a circle is an error, which names it.
    assert {*TopologicalSorter(imports).static_order()} == graph.modules
