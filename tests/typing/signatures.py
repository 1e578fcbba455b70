"""What is public, and a program of calls made from its signatures: right ones, and one for each way to be wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from itertools import takewhile
from typing import Any

import tinyact
import tinyact.nn.functional as F
from tinyact import Tensor, nn, optim
from tinyact.nn.activation import ActivationModule
from tinyact.nn.loss import Loss

FUNCTIONS = {name: getattr(F, name) for name in F.__all__}  # type: ignore[attr-defined]
ACTIVATIONS = {name: FUNCTIONS[name] for name in nn.activations()}
LAYERS = (
    nn.Linear,
    nn.Dropout,
    nn.Flatten,
    nn.Unflatten,
    nn.LayerNorm,
    nn.RMSNorm,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.Embedding,
    nn.Bilinear,
)
LOSSES = {name: function for name, function in FUNCTIONS.items() if "target" in inspect.signature(function).parameters}
MODULES: dict[str, Any] = {
    name: kind
    for name, kind in vars(nn).items()
    if isinstance(kind, type) and issubclass(kind, (ActivationModule, Loss, *LAYERS))
}
OPTIMIZERS: dict[str, Any] = {
    name: kind
    for name, kind in vars(optim).items()
    if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
}
OPERATIONS = {
    name: function
    for name, function in vars(tinyact).items()
    if inspect.isfunction(function) and function.__module__.startswith(("tinyact.functions.", "tinyact.creation"))
}
METHODS = {name: getattr(Tensor, name) for name in OPERATIONS if vars(Tensor).get(name) is OPERATIONS[name]}

HEAD = """\
from typing_extensions import assert_type

import tinyact
import tinyact.nn.functional as F
from tinyact import Tensor, nn, optim

x = tinyact.rand(4, 4)
"""

# A right value for each type.
VALUES = {
    "Tensor": "x",
    "float": "0.5",
    "int": "1",
    "bool": "True",
    "str": '""',
    "Any": "x",
    "np.ndarray[Any, np.dtype[Any]]": "x.numpy()",
    "Sequence[Tensor]": "[x]",
    "Sequence[int]": "(1, 1)",
    "Iterable[Any]": "[x]",
    "Iterable[Tensor]": "[x]",
    "ParamsT": "[x]",
}


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    """Those that are there for users; what comes after others is by name only."""
    users: list[Parameter] = []
    everything = list(inspect.signature(function).parameters.values())
    for i, parameter in enumerate(everything):
        if not parameter.name.startswith("_"):
            named = any(p.name.startswith("_") for p in everything[:i])
            users.append(parameter.replace(kind=Parameter.KEYWORD_ONLY) if named else parameter)
    return users


def annotation(parameter: Parameter) -> str:
    """Its type as it is written."""
    text = parameter.annotation
    return text if isinstance(text, str) else inspect.formatannotation(text)


def program() -> str:
    """All calls, the wrong ones marked."""
    lines = [HEAD]
    for name, function in FUNCTIONS.items():
        lines += calls(f"F.{name}", parameters(function), "Tensor")
    for name, kind in MODULES.items():
        lines += calls(f"nn.{name}", parameters(kind), f"nn.{name}")
        module = right(f"nn.{name}", parameters(kind))
        lines += calls(module, parameters(kind.forward)[1:], "Tensor")
    for name, kind in OPTIMIZERS.items():
        lines += calls(f"optim.{name}", parameters(kind), f"optim.{name}")
    for name, function in OPERATIONS.items():
        lines += calls(f"tinyact.{name}", parameters(function))
    for name, method in METHODS.items():
        lines += calls(f"x.{name}", parameters(method)[1:])
    return "\n".join(dict.fromkeys(lines)) + "\n"


def calls(name: str, parameters: list[Parameter], result: str = "") -> Iterator[str]:
    """Right calls, whose result has this type, and wrong ones."""
    kinds = {p.kind for p in parameters}
    yield checked(right(name, parameters), result)
    if Parameter.VAR_POSITIONAL not in kinds:
        positional = list(takewhile(lambda p: p.kind is Parameter.POSITIONAL_OR_KEYWORD, parameters))
        values = [value(p) for p in positional]
        yield checked(call(name, values), result)
        yield refused(call(name, [*values, "object()"]))  # one too many, or no such private one
        if any(p.default is Parameter.empty for p in parameters):
            yield refused(call(name, []))
    named = [p for p in parameters if p.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)]
    if Parameter.VAR_KEYWORD not in kinds:
        yield refused(right(name, parameters, no_such_argument="1"))
    if kinds <= {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}:
        yield checked(call(name, [f"{p.name}={value(p)}" for p in named]), result)
    for p in named:
        if "Any" not in annotation(p).split(" | "):
            yield refused(right(name, parameters, **{p.name: "object()"}))


def right(name: str, parameters: list[Parameter], **changes: str) -> str:
    """The call with what must be given, but for the changes."""
    needed = {p.name: value(p) for p in parameters if p.default is Parameter.empty and p.kind not in VARIABLE}
    positional = list(takewhile(lambda key: key not in changes, needed))
    rest = {key: needed[key] for key in needed if key not in positional} | changes
    return call(name, [*(needed[key] for key in positional), *(f"{key}={text}" for key, text in rest.items())])


VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def call(name: str, arguments: list[str]) -> str:
    return f"{name}({', '.join(arguments)})"


def checked(expression: str, result: str) -> str:
    return f"assert_type({expression}, {result})" if result else expression


def refused(expression: str) -> str:
    return f"{expression}  # refused"


def value(parameter: Parameter) -> str:
    """Something of the parameter's type; its default, if that says what it takes."""
    if parameter.default not in (None, Parameter.empty):
        return repr(parameter.default)
    for kind in annotation(parameter).split(" | "):
        if kind in VALUES and (parameter.name != "dtype"):
            return VALUES[kind]
    if parameter.default is None:
        return "None"
    raise KeyError(f"{parameter} is of a type of which no value is known")
