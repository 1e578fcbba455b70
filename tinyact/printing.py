"""The printed form of tensors: what ``print(t)`` shows is what PyTorch shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinyact.dtype import BY_NUMPY, bool_, get_default_dtype, int64

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Options:
    """How tensors are printed; see `set_printoptions`."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=math.inf)}
_options = Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed.

    Args:
        precision: digits after the decimal point (4 unless changed).
        threshold: tensors with more elements than this are summarized (1000).
        edgeitems: how many elements a summary shows at either end of each dimension (3).
        linewidth: characters per line (80).
        profile: ``"default"``, ``"short"`` or ``"full"``: values for all of these, before the others are applied.
        sci_mode: whether numbers take the form 1.0000e+00; None, and every call that leaves it out, lets the
            numbers decide.

    Raises:
        ValueError: for an unknown profile.

    Example:
        >>> import tinyact
        >>> tinyact.set_printoptions(precision=2)
        >>> tinyact.tensor([1.12345])
        tensor([1.12])
        >>> tinyact.set_printoptions(profile="default")
    """
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile must be one of {', '.join(_PROFILES)}; got {profile!r}")
    options = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    base = _options if profile is None else _PROFILES[profile]
    _options = replace(base, **changes, sci_mode=sci_mode)


def tensor_text(array: Array, *, grad_fn: str | None = None, requires_grad: bool = False) -> str:
    """The whole printed form: ``tensor([1., 2.], requires_grad=True)``.

    Args:
        array: the numbers.
        grad_fn: the name of the operation that made them, if one was recorded.
        requires_grad: whether gradients are wanted; not said beside a ``grad_fn``.
    """
    prefix = "tensor("
    text = prefix + (_numbers_text(array, len(prefix)) if array.size else "[]")
    return _with_suffixes(text, _suffixes(array, grad_fn, requires_grad), len(prefix)) + ")"


def _suffixes(array: Array, grad_fn: str | None, requires_grad: bool) -> Iterator[str]:
    if (array.size == 0 and array.ndim != 1) or (array.size and not _options.edgeitems):
        yield f"size={array.shape}"
    # A reader sees the default, int64 and bool by the numbers; where there are none, the default goes without saying.
    default = get_default_dtype()
    obvious = (default, int64, bool_) if array.size else (default,)
    dtype = BY_NUMPY[array.dtype]
    if dtype not in obvious:
        yield f"dtype={dtype}"
    if grad_fn is not None:
        yield f"grad_fn=<{grad_fn}>"
    elif requires_grad:
        yield "requires_grad=True"


def _with_suffixes(text: str, suffixes: Iterator[str], indent: int) -> str:
    # One more than the last line's length: PyTorch counts so, and lines break where PyTorch's do.
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text


def _numbers_text(array: Array, indent: int) -> str:
    summarize = array.size > _options.threshold
    shown = _shown(array) if summarize else array
    return _nested(array, indent, summarize, _form_of(shown.reshape(-1)))


def _shown(array: Array) -> Array:
    """What a summary shows: both ends along each dimension."""
    ends = _options.edgeitems
    for axis, size in enumerate(array.shape):
        if size > 2 * ends:
            array = np.take(array, [*range(ends), *range(size - ends, size)], axis)
    return array


def _nested(array: Array, indent: int, summarize: bool, form: _Form) -> str:
    """Brackets within brackets, one per dimension. (Recursion over dimensions, not over the graph.)"""
    if array.ndim == 0:
        return form.text(array.item())
    ends = _options.edgeitems
    shortened = summarize and len(array) > 2 * ends
    parts = [*array[:ends], *array[len(array) - ends :]] if shortened else list(array)
    if array.ndim == 1:
        texts = [form.text(number.item()) for number in parts]
        if shortened:
            texts.insert(ends, " ..." if ends else "...")
        return f"[{_lines(texts, indent, form)}]"
    texts = [_nested(part, indent + 1, summarize, form) for part in parts]
    if shortened:
        texts.insert(ends, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(texts) + "]"


def _lines(texts: list[str], indent: int, form: _Form) -> str:
    per_line = max(1, (_options.linewidth - indent) // (form.width + 2))
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return (",\n" + " " * (indent + 1)).join(lines)


@dataclass(frozen=True)
class _Form:
    """How each number of one tensor is written, so that all are equally wide."""

    spec: str
    point: bool = False  # whole floating numbers are written ``1.``
    width: int = 1

    def text(self, number: Any) -> str:
        text = format(number, self.spec) if self.spec else str(number)
        if self.point and math.isfinite(number):
            text += "."
        return text.rjust(self.width)


def _form_of(numbers: Array) -> _Form:
    """The form for these numbers: integers, whole floating numbers, fractions, or powers of ten."""
    if numbers.dtype.kind != "f":
        return _as_wide_as(_Form(""), numbers)
    numbers = numbers[np.isfinite(numbers) & (numbers != 0)]
    if numbers.size and _is_scientific(np.abs(numbers).astype(np.float64)):
        return _as_wide_as(_Form(f".{_options.precision}e"), numbers)
    whole = bool(np.all(numbers == np.ceil(numbers)))
    return _as_wide_as(_Form(".0f", point=True) if whole else _Form(f".{_options.precision}f"), numbers)


def _is_scientific(sizes: Array) -> bool:
    if _options.sci_mode is not None:
        return _options.sci_mode
    with np.errstate(over="ignore"):
        return bool(sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or sizes.min() < 1e-4)


def _as_wide_as(form: _Form, numbers: Array) -> _Form:
    return replace(form, width=max((len(form.text(number)) for number in numbers.tolist()), default=1))
