"""Where did the NaN come from: ``detect_anomaly``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from tinyact.autograd.function import Output
from tinyact.autograd.mathematics import argument, mathematics
from tinyact.autograd.modes import recording
from tinyact.autograd.operation import Operation, Variable, array_of
from tinyact.autograd.watch import Watcher, watchers
from tinyact.numbers import numbers, short

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

# Not with pathlib: it would be a tenth of what importing the package takes.
_PACKAGE = os.path.dirname(os.path.dirname(__file__))
# So many of the calls that led to an operation are told.
_FRAMES = 3


class AnomalyError(RuntimeError):
    """A NaN or an infinity."""


class set_detect_anomaly:
    """Switches `detect_anomaly` on or off: from the call on, or only within, if used as a context manager.

    Args:
        mode: on or off.
        check_nan: whether to raise for NaN and infinities; else only errors of a backward pass are explained.

    Example:
        >>> import tinyact
        >>> with tinyact.autograd.set_detect_anomaly(True):
        ...     tinyact.is_anomaly_enabled()
        True
        >>> tinyact.is_anomaly_enabled()
        False
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _state
        _switch(_State(bool(mode), bool(check_nan)))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _switch(self._before)


class detect_anomaly:
    """Context manager in which the first NaN or infinity is an error that says which operation made it, and where.

    It looks at every value that is recorded, and at every gradient of a backward pass. The error names the operation,
    its formula, the extremes of what went in, and the lines of the program that recorded it. An infinity or NaN that
    an operation was given, and one that nothing was recorded for, are not the operation's doing: a mask of −∞ is no
    anomaly. Errors of other kinds in a backward pass come with a warning that names the lines.

    PyTorch's looks at gradients alone, and only for NaN.

    Args:
        check_nan: whether to raise for NaN and infinities; else only other errors are explained.

    Raises:
        RuntimeError: in the block, at the operation or at the backward pass.

    Example:
        >>> import tinyact, warnings
        >>> warnings.simplefilter("ignore")  # that it takes time
        >>> x = tinyact.tensor([4.0, 0.0], requires_grad=True)
        >>> with tinyact.autograd.detect_anomaly():
        ...     try:
        ...         x.sqrt().sum().backward()
        ...     except RuntimeError as error:
        ...         print(str(error).split("recorded by")[0])
        Function 'SqrtBackward0' returned infinite values in its 0th output, the gradient of x, first at [1].
          √x, NaN below 0      d/dx √x = 1 / (2√x)
          gradient that arrived: 2 numbers from 1 to 1
          x: 2 numbers from 0 to 4
        <BLANKLINE>
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._on = _State(True, check_nan)
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = _state
        _switch(self._on)

    def __exit__(self, *error: object) -> None:
        _switch(self._before)


def is_anomaly_enabled() -> bool:
    """Whether `detect_anomaly` is on; in all threads, as in PyTorch."""
    return _state.on


def is_anomaly_check_nan_enabled() -> bool:
    """Whether it raises for NaN and infinities, when it is on."""
    return _state.check_nan


class _State(NamedTuple):
    on: bool
    check_nan: bool


_state = _State(False, True)


def _switch(state: _State) -> None:
    global _state
    if state.on and not _state.on:
        watchers.append(_watcher)
    elif _state.on and not state.on:
        watchers.remove(_watcher)
    _state = state


class _Anomalies(Watcher):
    """Raises what it sees, and names the lines of the program that recorded it."""

    def recorded(self, node: Any, inputs: Sequence[Any], outputs: Sequence[Variable]) -> None:
        """Keep what an error would say about this operation; raise it, if there is something wrong already."""
        node._recorded_at = _user_lines()
        node._input_lines = _lines_of_inputs(node, inputs)
        # The operations of a recorded sweep are looked at as parts of the rule that they belong to.
        if not _state.check_nan or recording.sweeps:
            return
        before = _bad(array_of(i) for i in inputs if isinstance(i, _NUMBERS))
        after = _bad(output.array for output in outputs)
        if after == "nan" and before == "nan":
            raise AnomalyError(f"the forward of '{node.name()}' was given nan values.\n{_explained(node)}")
        if after == "nan" or (after and not before):
            raise AnomalyError(f"the forward of '{node.name()}' returned {after} values.\n{_explained(node)}")

    def passed_on(self, node: Operation | Variable, grad: Any, grads: Sequence[Any]) -> None:
        """Raise if a rule made something of its gradient that is no number."""
        if not isinstance(node, Operation) or not _state.check_nan:
            return
        arrays = _arrays(grad)
        lines = [f"gradient that arrived: {_extremes(array)}" for array in arrays]
        before = _bad(arrays)
        for place, gradient in enumerate(grads):
            after = _bad(_arrays(gradient)) if gradient is not None else ""
            if after and not before:
                output = f"{place}th output{_place(node, place, gradient)}"
                explained = _explained(node, lines)
                raise AnomalyError(f"Function '{node.name()}' returned {after} values in its {output}.\n{explained}")
        if before:
            raise AnomalyError(
                f"Function '{node.name()}' was given {before} values: by the caller of the backward pass, by a hook, "
                f"or because the sum over several paths is too large.\n{_explained(node, lines)}"
            )

    def failed(self, node: Operation | Variable | None, error: Exception) -> None:
        """Warn with the lines of the operation that the sweep was at."""
        if isinstance(node, Operation) and not isinstance(error, AnomalyError):
            warnings.warn(
                f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{_lines(node)}",
                stacklevel=5,
            )


_watcher = _Anomalies()
# Of an operation's inputs, those that are numbers.
_NUMBERS = (Variable, np.ndarray, float)


def _user_lines() -> str:
    """The calls that lead here, without those inside of the library; the last ones."""
    import traceback

    stack = traceback.walk_stack(None)
    user = (line for line in stack if not line[0].f_code.co_filename.startswith(_PACKAGE))
    return "".join(traceback.StackSummary.extract(reversed([*islice(user, _FRAMES)])).format()).rstrip()


def _lines_of_inputs(operation: Operation, inputs: Sequence[Any]) -> list[str]:
    arrays = ((place, np.asarray(array_of(i))) for place, i in enumerate(inputs) if isinstance(i, _NUMBERS))
    return [f"{argument(operation, place)}: {_extremes(array)}" for place, array in arrays]


def _place(node: Operation, place: int, gradient: Any) -> str:
    """Which gradient it is, and the first element that is no number."""
    array = _arrays(gradient)[0]
    first = np.argwhere(~np.isfinite(array))[:1].tolist()
    where = f", first at {first[0]}" if array.ndim and first else ""
    return f", the gradient of {argument(node, place)}{where}"


def _explained(operation: Any, lines: Sequence[str] = ()) -> str:
    formula, derivatives = mathematics(operation)
    lines = ["      ".join(filter(None, [formula, *derivatives])), *lines, *getattr(operation, "_input_lines", ())]
    return "".join(f"  {line}\n" for line in lines if line) + f"recorded by\n{_lines(operation)}"


def _lines(operation: Any) -> str:
    owner = operation.edges[0] if isinstance(operation, Output) else operation
    return getattr(owner, "_recorded_at", "  an operation outside of detect_anomaly(): enable it for the forward too")


def _extremes(array: Any) -> str:
    n = numbers(array)
    bad = f", {n.not_finite:,} NaN or infinite" if n.not_finite else ""
    if array.size == 1:
        return f"{array.item():.4g}"
    return f"{' × '.join(map(str, n.shape))} numbers from {short(n.least)} to {short(n.greatest)}{bad}"


def _arrays(gradient: Any) -> list[Any]:
    """The arrays of a gradient: of a Function with several outputs there are several."""
    if hasattr(gradient, "parts"):
        return [array for part in gradient.parts.values() for array in _arrays(part)]
    return [np.asarray(array_of(gradient))]


def _bad(arrays: Iterable[Any]) -> str:
    """``"nan"`` if there is one, else ``"infinite"``, else nothing."""
    kinds = {"nan" if np.isnan(array).any() else "infinite" for array in arrays if not np.isfinite(array).all()}
    return min(kinds, key=("nan", "infinite").index, default="")
