"""How results are written, and what each says about where it was measured."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tinyact


def versions(*names: str) -> dict[str, Any]:
    """The ``machine``, its ``cores``, ``python``, or the version of a package, of those that are installed."""
    own = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    own["tinyact"] = tinyact.__version__
    versions: dict[str, Any] = {}
    for name in names:
        with suppress(PackageNotFoundError):
            versions[name] = own[name] if name in own else version(name)
    return versions


def write(path: Path, title: str, command: str, versions: dict[str, Any], tables: str, **content: Any) -> None:
    """The tables as Markdown, below what made them; where there is more content, that as JSON with the same name.

    Args:
        path: of both files, without their suffixes.
        title: the heading.
        command: what makes the file anew, and what there is to say about it.
        versions: what it was measured with.
        tables: Markdown.
        content: what goes into the JSON file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    setting = ", ".join(f"{name} {version}" for name, version in versions.items())
    path.with_suffix(".md").write_text(f"# {title}\n\n{command} ({setting})\n\n{tables}\n")
    if content:
        path.with_suffix(".json").write_text(json.dumps({"versions": versions, **content}, indent=1) + "\n")
