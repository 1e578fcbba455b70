"""Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import torch

import tinyact
from tests.nn.twins import errors, same_error, same_module, seeded


def mixed(nn: Any) -> list[Any]:
    return [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh()]


def named(nn: Any) -> Any:
    return nn.Sequential(OrderedDict(zip("abcd", mixed(nn), strict=True)))


BUILT = {
    "empty": lambda nn: nn.Sequential(),
    "numbered": lambda nn: nn.Sequential(*mixed(nn)),
    "named": named,
    "nested": lambda nn: nn.Sequential(named(nn), nn.Sequential(nn.ELU(0.5), nn.Sequential())),
    "one": lambda nn: nn.Sequential(nn.Softmax(dim=1)),
    "slice": lambda nn: nn.Sequential(*mixed(nn))[1:3],
    "named slice": lambda nn: named(nn)[::-2],
    "append": lambda nn: nn.Sequential(nn.ReLU()).append(nn.Tanh()).append(nn.ELU()),
    "append to named": lambda nn: named(nn).append(nn.Tanh()),
    "extend": lambda nn: nn.Sequential(nn.ReLU()).extend(nn.Sequential(*mixed(nn))),
    "insert": lambda nn: nn.Sequential(*mixed(nn)).insert(1, nn.Sigmoid()),
    "insert at the end": lambda nn: nn.Sequential(*mixed(nn)).insert(4, nn.Sigmoid()),
    "insert from the end": lambda nn: nn.Sequential(*mixed(nn)).insert(-1, nn.Sigmoid()),
    "list": lambda nn: nn.ModuleList(mixed(nn)),
    "empty list": lambda nn: nn.ModuleList(),
    "list of repeated": lambda nn: nn.ModuleList([nn.ReLU(), *(nn.Linear(2, 2) for _ in range(3)), nn.ReLU()]),
    "list of repeated blocks": lambda nn: nn.ModuleList(nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(12)),
    "list slice": lambda nn: nn.ModuleList(mixed(nn))[1:],
    "list append": lambda nn: nn.ModuleList([nn.ReLU()]).append(nn.ELU()),
    "list extend": lambda nn: nn.ModuleList([nn.ReLU()]).extend(mixed(nn)),
    "list and list": lambda nn: nn.ModuleList([nn.ReLU()]) + nn.ModuleList([nn.ELU()]),
    "list in a network": lambda nn: nn.Sequential(nn.ReLU(), nn.ModuleList([nn.ReLU(), nn.ReLU()])),
    "dict": lambda nn: nn.ModuleDict({"a": nn.ReLU(), "b": nn.Linear(1, 2)}),
    "dict of pairs": lambda nn: nn.ModuleDict([["a", nn.ReLU()], ["b", nn.ELU()]]),
    "empty dict": lambda nn: nn.ModuleDict(),
}


@pytest.mark.parametrize("make", BUILT.values(), ids=BUILT)
def test_built_alike(make: Any) -> None:
    ours, theirs = seeded(lambda m: make(m.nn))
    assert repr(ours) == repr(theirs)
    assert len(ours) == len(theirs)
    assert [name for name, _ in ours.named_modules()] == [name for name, _ in theirs.named_modules()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert a.tolist() == b.tolist()


EDITS = {
    "setitem": lambda nn, s: s.__setitem__(1, nn.SiLU()),
    "setitem from the end": lambda nn, s: s.__setitem__(-4, nn.SiLU()),
    "del": lambda nn, s: s.__delitem__(0),
    "del from the end": lambda nn, s: s.__delitem__(-2),
    "del slice": lambda nn, s: s.__delitem__(slice(0, None, 2)),
    "del all": lambda nn, s: s.__delitem__(slice(None)),
}


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList", "named"])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edited_alike(kind: str, edit: Any) -> None:
    texts = []
    for nn in (tinyact.nn, torch.nn):
        built = {"Sequential": lambda nn=nn: nn.Sequential(*mixed(nn)), "named": lambda nn=nn: named(nn)}
        made = built.get(kind, lambda nn=nn: nn.ModuleList(mixed(nn)))()
        edit(nn, made)
        texts.append(repr(made))
    assert texts[0] == texts[1]


def test_indexing_and_iteration() -> None:
    modules = mixed(tinyact.nn)
    for container in (tinyact.nn.Sequential(*modules), tinyact.nn.ModuleList(modules)):
        assert list(container) == modules
        assert [container[i] for i in range(-4, 4)] == [*modules, *modules]
        assert list(container[-3:-1]) == modules[1:3]
        assert type(container[:1]) is type(container)


def test_insert_into_a_named_sequential_numbers_anew() -> None:
    assert list(named(tinyact.nn).insert(0, tinyact.nn.ReLU())._modules) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("make", [lambda m: m.nn.Sequential(*mixed(m.nn)), lambda m: named(m.nn)])
def test_forward_and_gradients(make: Any) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    same_module(make, rng.normal(size=(5, 3)).astype(np.float32))


ERRORS = {
    "a number": lambda nn: nn.Sequential(3),
    "append a number": lambda nn: nn.Sequential().append(3),
    "beyond the end": lambda nn: nn.Sequential(*mixed(nn))[4],
    "before the start": lambda nn: nn.Sequential(*mixed(nn))[-5],
    "index no integer": lambda nn: nn.Sequential(*mixed(nn))["a"],
    "insert beyond the end": lambda nn: nn.Sequential().insert(1, nn.ReLU()),
    "delete beyond the end": lambda nn: nn.Sequential().__delitem__(0),
    "set beyond the end": lambda nn: nn.Sequential().__setitem__(0, nn.ReLU()),
    "set a number": lambda nn: nn.Sequential(nn.ReLU()).__setitem__(0, 3),
    "list of numbers": lambda nn: nn.ModuleList([3]),
    "list beyond the end": lambda nn: nn.ModuleList([])[0],
    "list called": lambda nn: nn.ModuleList([])(1),
    "dict without key": lambda nn: nn.ModuleDict()["a"],
    "dict key of a method": lambda nn: nn.ModuleDict({"keys": nn.ReLU()}),
    "dict of a number": lambda nn: nn.ModuleDict({"a": 3}),
}


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_same_error(program: Any) -> None:
    same_error(lambda m: program(m.nn))


def test_other_errors() -> None:
    errors(lambda m: m.nn.ModuleList().extend(3))
    errors(lambda m: m.nn.ModuleDict(3))
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        tinyact.nn.Sequential().insert(0, 3)  # type: ignore[arg-type]


def test_nothing_is_half_added() -> None:
    container = tinyact.nn.Sequential(tinyact.nn.ReLU())
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        container.extend([tinyact.nn.Tanh(), 3])  # type: ignore[list-item]
    assert len(container) == 1


def test_dict() -> None:
    nn = tinyact.nn
    relu, tanh = nn.ReLU(), nn.Tanh()
    modules = nn.ModuleDict({"a": relu})
    modules["b"] = tanh
    assert list(modules) == list(modules.keys()) == ["a", "b"]
    assert list(modules.values()) == [relu, tanh]
    assert list(modules.items()) == [("a", relu), ("b", tanh)]
    assert "a" in modules
    assert "z" not in modules
    assert modules.pop("a") is relu
    modules.update({"c": relu})
    del modules["b"]
    assert list(modules) == ["c"]
    modules.clear()
    assert len(modules) == 0


@pytest.mark.parametrize(
    "kind", [lambda m, *layers: m.nn.ModuleList(layers), lambda m, *layers: m.nn.Sequential(*layers)]
)
def test_adding_in_place_keeps_the_object(kind: Any) -> None:
    for m in (tinyact, torch):
        layers = kept = kind(m, m.nn.Linear(1, 1))
        layers += kind(m, m.nn.ReLU(), m.nn.Linear(1, 2))
        assert layers is kept
        assert [name for name, _ in layers.named_children()] == ["0", "1", "2"]
