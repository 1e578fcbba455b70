"""Modules that hold modules: one after the other, in a list, by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import groupby
from operator import index
from typing import TYPE_CHECKING, Any

from tinyact.nn.module import Module, as_module
from tinyact.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Numbered(Module):
    """Submodules in an order, by default under the names "0", "1" …"""

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, idx: int | slice) -> Any:
        if isinstance(idx, slice):
            return self._cut(idx)
        return self._modules[self._name_at(idx)]

    def _cut(self, part: slice) -> Self:
        raise NotImplementedError

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, self._name_at(idx), module)

    def __delitem__(self, idx: int | slice) -> None:
        names = list(self._modules)[idx] if isinstance(idx, slice) else [self._name_at(idx)]
        self._renumber([module for name, module in self._modules.items() if name not in names])

    def append(self, module: Module) -> Self:
        """Adds a module at the end."""
        return self.extend([module])

    def extend(self, modules: Iterable[Module]) -> Self:
        """Adds modules at the end: all, or, if one of them is none, no one.

        Raises:
            TypeError: if one is no Module.
        """
        added = {str(number): as_module(module) for number, module in enumerate(modules, len(self))}
        self._modules.update(added)  # type: ignore[arg-type]
        return self

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def insert(self, index: int, module: Module) -> Self:
        """Adds a module before the one at this index.

        Raises:
            IndexError: if the index is beyond the ends.
            TypeError: if it is no Module.
        """
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules: list[Any] = list(self)
        modules.insert(index, as_module(module))
        self._renumber(modules)
        return self

    def _renumber(self, modules: list[Module]) -> None:
        self._modules = {str(number): module for number, module in enumerate(modules)}

    def _name_at(self, idx: int) -> str:
        place = index(idx)
        if not -len(self) <= place < len(self):
            raise IndexError(f"index {idx} is out of range")
        return list(self._modules)[place]


class Sequential(_Numbered):
    """Modules one after the other: each one's output is the next one's input.

    Args:
        args: the modules, or one OrderedDict of modules by name.

    Example:
        >>> from tinyact import nn
        >>> nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        Sequential(
          (0): Linear(in_features=2, out_features=4, bias=True)
          (1): ReLU()
          (2): Linear(in_features=4, out_features=1, bias=True)
        )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Tensor) -> Tensor:
        for module in self._modules.values():
            input = module(input)
        return input

    def _cut(self, part: slice) -> Self:
        return type(self)(OrderedDict(list(self._modules.items())[part]))


class ModuleList(_Numbered):
    """Modules in a list, for a ``forward`` that loops over them.

    Args:
        modules: what it holds at first.

    Example:
        >>> from tinyact import nn
        >>> nn.ModuleList(nn.Linear(3, 3) for _ in range(4))
        ModuleList(
          (0-3): 4 x Linear(in_features=3, out_features=3, bias=True)
        )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _cut(self, part: slice) -> Self:
        return type(self)(list(self)[part])

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        lines = []
        start = 0
        for text, group in groupby(map(repr, self)):
            count = len(list(group))
            lines.append(f"({start}): {text}" if count == 1 else f"({start}-{start + count - 1}): {count} x {text}")
            start += count
        return self._tree([], lines)


class ModuleDict(Module):
    """Modules by name, for a ``forward`` that chooses among them.

    Args:
        modules: what it holds at first: a mapping, or pairs of names and modules.

    Example:
        >>> from tinyact import nn
        >>> nn.ModuleDict({"bend": nn.ReLU(), "squash": nn.Sigmoid()})["bend"]
        ReLU()
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """The names with their modules."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Adds modules, in place of those that have the same names."""
        for name, module in dict(modules).items():
            self[name] = module

    def pop(self, key: str) -> Module:
        """Takes a module away and returns it."""
        return self._modules.pop(key)

    def clear(self) -> None:
        """Takes all modules away."""
        self._modules.clear()
