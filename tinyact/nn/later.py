"""Files that few programs need, loaded when one of their names is first asked for: the others needn't wait for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any


def later(module: dict[str, Any], public: list[str], files: Sequence[str]) -> Callable[[str], Any]:
    """A module's ``__getattr__``, which gives it the public names of these files too.

    Args:
        module: its globals.
        public: the names of its own, which begin its ``__all__``.
        files: the names of the others.
    """

    def __getattr__(name: str) -> Any:
        if name[0] != "_" or name == "__all__":
            for file in map(importlib.import_module, files):
                module.update((each, getattr(file, each)) for each in file.__all__)
                public.extend(each for each in file.__all__ if each not in public)
            module["__all__"] = public
        if name in module:
            return module[name]
        raise AttributeError(f"module {module['__name__']!r} has no attribute {name!r}")

    return __getattr__
