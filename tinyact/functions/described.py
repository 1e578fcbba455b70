"""What is derived from an activation's class: its public function; and the checks of its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.autograd import engine
from tinyact.functions.elementwise import as_tensor_operand
from tinyact.functions.operand import as_floating

if TYPE_CHECKING:
    from tinyact.functions.activation import Activation
    from tinyact.tensor import Tensor


def number(value: Any, function: str, argument: str) -> float:
    """An argument that must be a number, or a tensor without dimensions that needs no gradient.

    Raises:
        TypeError: if it is none.
    """
    if isinstance(value, engine.Tensor) and value.array.ndim == 0 and not value.requires_grad:
        return float(value.array)
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{function}(): argument '{argument}' must be Number, not {type(value).__name__}")
    return float(value)


def floating(input: Any, name: str) -> Tensor:
    """The tensor, if its elements are floating numbers.

    Raises:
        TypeError: if it is no tensor.
        NotImplementedError: for integers and booleans.
    """
    if as_tensor_operand(input, name).array.dtype.kind != "f":
        raise NotImplementedError(f"{name} takes floating tensors, got {input.dtype}")
    return input  # type: ignore[no-any-return]


def function(operation: type[Activation], name: str, example: str = "") -> Callable[..., Tensor]:
    """The public function of an activation: the tensor first, then the settings of the operation.

    Args:
        operation: the activation.
        name: of the function.
        example: what it makes of −1, 0 and 1, as printed.
    """
    settings = tuple(inspect.signature(operation).parameters.values())

    def apply(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        inplace = kwargs.pop("inplace", False) if operation.inplace else False
        if operation.inplace and len(args) > len(settings):
            *args, inplace = args  # type: ignore[assignment]
        activation = operation(*args, **kwargs)
        if not isinstance(input, engine.Tensor) or input.array.dtype.kind != "f":
            result = _of_integers(activation, input, name)
            return input.copy_(result) if inplace else result
        return input.change(activation.apply) if inplace else activation.apply(input)

    def apply_plain(input: Tensor) -> Tensor:
        if not isinstance(input, engine.Tensor) or input.array.dtype.kind != "f":
            return _of_integers(operation(), input, name)
        return operation().apply(input)

    public = apply if settings or operation.inplace else apply_plain
    public.operation = operation  # type: ignore[attr-defined]
    public.__name__ = public.__qualname__ = name
    public.__doc__ = _documentation(operation, name, example)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("input", kind, annotation="Tensor"), *settings]
    if operation.inplace:
        parameters.append(inspect.Parameter("inplace", kind, default=False, annotation="bool"))
    public.__signature__ = inspect.Signature(parameters, return_annotation="Tensor")  # type: ignore[attr-defined]
    return public


def _of_integers(activation: Activation, input: Any, name: str) -> Tensor:
    """What becomes of a tensor of integers or booleans, and the errors."""
    dtype = as_tensor_operand(input, name).array.dtype
    if activation.integers == "floats":
        return activation.apply(as_floating(input, name))
    if activation.integers == "kept" and dtype != np.bool_:
        return engine.wrap(activation.value(input.array).astype(dtype))
    if activation.integers == "kept" and name != "threshold":
        raise RuntimeError(f"Boolean inputs not supported for {name}")
    return floating(input, name)


def _documentation(operation: type[Activation], name: str, example: str) -> str:
    """The operation's docstring, with the arguments that every function has, and an example."""
    mathematics, _, settings = (operation.__doc__ or "").rstrip().partition("\n    Args:\n")
    taken = {"refused": "a floating tensor", "floats": "a tensor; integers are taken as float32", "kept": "a tensor"}
    text = f"{mathematics}\n\n    Args:\n        input: {taken[operation.integers]}, of any shape.\n"
    text += f"{settings}\n" if settings else ""
    if operation.inplace:
        text += "        inplace: whether the result replaces the input's elements.\n"
    if example:
        call = f"tinyact.nn.functional.{name}(tinyact.tensor([-1.0, 0.0, 1.0]))"
        text += f"\n    Example:\n        >>> import tinyact\n        >>> {call}\n        {example}\n"
    return text + "    "
