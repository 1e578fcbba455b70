"""What an editor, ``help`` and an error say about each function, module, loss and optimizer is its signature."""

from __future__ import annotations

import inspect
import pickle
import re
import sys
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from typing import Any

import pytest

import tinyact
import tinyact.nn.functional as F
from tests.typing.checkers import needed
from tests.typing.signatures import (
    ACTIVATIONS,
    FUNCTIONS,
    LOSSES,
    MODULES,
    OPERATIONS,
    OPTIMIZERS,
    annotation,
    parameters,
    right,
)
from tinyact import nn

ROOT = Path(tinyact.__file__).parents[1]
HEAD = "import tinyact\nimport tinyact.nn.functional as F\nfrom tinyact import nn, optim\n"
FACES = {
    **{f"F.{name}": function for name, function in FUNCTIONS.items()},
    **{f"nn.{name}": kind for name, kind in MODULES.items()},
    **{f"optim.{name}": kind for name, kind in OPTIMIZERS.items()},
}
PUBLIC = {**OPERATIONS, **FUNCTIONS}
each_face = pytest.mark.parametrize(("name", "face"), FACES.items(), ids=list(FACES))


def test_there_are_many() -> None:
    assert len(ACTIVATIONS) >= 30
    assert len(LOSSES) >= 9
    assert len(MODULES) >= 41
    assert len(OPTIMIZERS) >= 2
    assert ACTIVATIONS.keys() | LOSSES.keys() <= FUNCTIONS.keys()


# --- editors -------------------------------------------------------------------------------------------------------


def script(code: str) -> Any:
    """The code in an editor, the cursor behind it."""
    needed("jedi")
    import jedi

    return jedi.Script(HEAD + code, project=jedi.Project(ROOT), environment=jedi.InterpreterEnvironment())


@each_face
def test_signature(name: str, face: Callable[..., Any]) -> None:
    signatures = script(f"{name}(").get_signatures()
    assert len(signatures) == 1
    shown = signatures[0].params
    names = vars(sys.modules[face.__module__])
    expected = inspect.signature(face).parameters.values()
    assert [(p.name, p.kind) for p in shown] == [(p.name, p.kind) for p in expected]
    for p, own in zip(shown, expected, strict=True):
        _, equals, default = p.to_string().rpartition("=")
        assert bool(equals) == (own.default is not Parameter.empty)
        assert not equals or eval(default, names) == own.default


@pytest.mark.parametrize("name", [*FACES, *(f"tinyact.{name}" for name in OPERATIONS)])
def test_definition(name: str) -> None:
    (place,) = script(name).goto(follow_imports=True)
    own = name.rpartition(".")[2]
    assert place.module_path.is_relative_to(ROOT / "tinyact")
    assert re.match(rf"(def|class) {own}\b", place.get_line_code())


# --- help ----------------------------------------------------------------------------------------------------------


@each_face
def test_documented_arguments(name: str, face: Callable[..., Any]) -> None:
    """All of them or, where others' documentation is referred to, none."""
    section = re.search(r"^Args:\n((?:[ ]+.*\n)+)", inspect.getdoc(face) or "", flags=re.MULTILINE)
    lines = re.findall(r"^    (\w+(?:, \w+)*): ", section[1], flags=re.MULTILINE) if section else []
    documented = [argument for line in lines for argument in line.split(", ")]
    # Those of one kind stand together, in whichever order they are taken.
    assert sorted(documented) in ([], sorted(p.name for p in parameters(face)))


@each_face
def test_types(name: str, face: Callable[..., Any]) -> None:
    """Each argument has a type; only a dtype may be given in several ways of which there is none."""
    untyped = {
        p.name for p in parameters(face) if p.annotation is Parameter.empty or "Any" in annotation(p).split(" | ")
    }
    assert untyped <= {"dtype"}


# --- errors --------------------------------------------------------------------------------------------------------


@each_face
def test_unknown_argument(name: str, face: Callable[..., Any]) -> None:
    """It is the public name that the error blames, or what is common to layers of one, two … dimensions."""
    x = tinyact.rand(4, 4)
    needed = {p.name: x for p in parameters(face) if p.default is Parameter.empty}
    own = re.sub(r"([12])d$", r"(\1d)?", name.rpartition(".")[2])
    where = rf"{own}\.__init__" if isinstance(face, type) else own
    with pytest.raises(TypeError, match=rf"^{where}\(\) got an unexpected keyword argument 'alfa'"):
        face(**needed, alfa=1)


# --- pickling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLIC)
def test_a_function_pickles(name: str) -> None:
    function = PUBLIC[name]
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("name", MODULES)
def test_a_module_pickles(name: str) -> None:
    module = eval(right(f"nn.{name}", parameters(MODULES[name])))
    assert repr(pickle.loads(pickle.dumps(module))) == repr(module)


class Holder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bend = F.elu

    def forward(self, x: tinyact.Tensor) -> tinyact.Tensor:
        return self.bend(x, alpha=0.5)


def test_a_module_that_holds_a_function_pickles() -> None:
    x = tinyact.linspace(-1, 1, 5)
    assert pickle.loads(pickle.dumps(Holder()))(x).equal(F.elu(x, 0.5))
