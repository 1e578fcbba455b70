"""Names that few programs need, loaded when they are first asked for: the others needn't wait for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def later(
    module: dict[str, Any], places: Mapping[str, str], public: Sequence[str] = (), files: Sequence[str] = ()
) -> Callable[[str], Any]:
    """A module's ``__getattr__``, which loads what isn't there yet.

    Args:
        module: its globals.
        places: by name the module that it is, ``"a.b"``, or where it stands, ``"a.b:name"``.
        public: the names of its own, which begin its ``__all__``, if it has the names of files too.
        files: modules of which it has all public names.
    """

    def __getattr__(name: str) -> Any:
        if name in places:
            path, _, attribute = places[name].partition(":")
            place = importlib.import_module(path)
            return getattr(place, attribute) if attribute else place
        if files and (name[0] != "_" or name == "__all__"):
            loaded = {
                each: getattr(file, each) for file in map(importlib.import_module, files) for each in file.__all__
            }
            module.update(loaded, __all__=list(dict.fromkeys([*public, *loaded])))
        if name in module:
            return module[name]
        raise AttributeError(f"module {module['__name__']!r} has no attribute {name!r}")

    return __getattr__
