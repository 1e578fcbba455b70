"""Where did the NaN come from: ``detect_anomaly``.

While it is on, two functions of the engine are replaced by ones that also look: at every operation as it is recorded,
and at every step of a sweep. They are replaced rather than asked to look, so that it costs nothing while it is off.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinyact.autograd import api, engine
from tinyact.autograd.engine import Operation
from tinyact.autograd.function import Application, Output
from tinyact.autograd.mathematics import argument, mathematics
from tinyact.numbers import numbers, short

if TYPE_CHECKING:
    from tinyact.tensor import Tensor

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
        self._before = _State(is_anomaly_enabled(), is_anomaly_check_nan_enabled())
        _switch(_State(bool(mode), bool(check_nan)))

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        self._before = _State(is_anomaly_enabled(), is_anomaly_check_nan_enabled())
        _switch(self._on)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
_sweeping = False
# What is replaced.
_record, _enter_graph, _sweep = Operation.record, Application.enter_graph, engine.sweep


def _switch(state: _State) -> None:
    global _state
    _state = state
    Operation.record = _watched_record if state.on else _record  # type: ignore[assignment,method-assign]
    Application.enter_graph = _watched_enter_graph if state.on else _enter_graph  # type: ignore[assignment,method-assign]
    api.sweep = _watched_sweep if state.on else _sweep  # type: ignore[attr-defined]


# --- forward -------------------------------------------------------------------------------------------------------


def _watched_record(operation: Operation, inputs: Sequence[Any], output: Tensor) -> None:
    _record(operation, inputs, output)
    _note(operation, inputs, (output,))


def _watched_enter_graph(
    application: Application, args: tuple[Any, ...], outputs: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    outputs = _enter_graph(application, args, outputs)
    _note(application, args, outputs)
    return outputs


def _note(operation: Any, inputs: Sequence[Any], outputs: Sequence[Tensor]) -> None:
    """Keep what an error would say about this operation; raise it, if there is something wrong already."""
    operation._recorded_at = _user_lines()
    operation._inputs_said = _said_of_inputs(operation, inputs)
    # The operations of a recorded sweep are looked at as parts of the rule that they belong to.
    if not _state.check_nan or _sweeping:
        return
    given = _bad(_arrays(i)[0] for i in inputs if isinstance(i, _kinds()))
    made = _bad(output.array for output in outputs)
    if made == "nan" and given == "nan":
        raise AnomalyError(f"the forward of '{operation.name()}' was given nan values.\n{_explained(operation)}")
    if made == "nan" or (made and not given):
        raise AnomalyError(f"the forward of '{operation.name()}' returned {made} values.\n{_explained(operation)}")


def _user_lines() -> str:
    """The calls that lead here, without those inside of the library; the last ones."""
    import traceback

    stack = traceback.walk_stack(None)
    user = (line for line in stack if not line[0].f_code.co_filename.startswith(_PACKAGE))
    return "".join(traceback.StackSummary.extract(reversed([*islice(user, _FRAMES)])).format()).rstrip()


def _said_of_inputs(operation: Operation, inputs: Sequence[Any]) -> list[str]:
    arrays = ((place, _arrays(i)[0]) for place, i in enumerate(inputs) if isinstance(i, _kinds()))
    return [f"{argument(operation, place)}: {_extremes(array)}" for place, array in arrays]


# --- backward ------------------------------------------------------------------------------------------------------


def _watched_sweep(*args: Any, **options: Any) -> Any:
    global _sweeping
    before, _sweeping = _sweeping, True
    if _state.check_nan:
        options["observer"] = _look
    try:
        return _sweep(*args, **options)
    except AnomalyError:
        raise
    except Exception as error:
        node = _failed_at(error)
        if node is not None:
            warnings.warn(
                f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{_lines(node)}",
                stacklevel=4,
            )
        raise
    finally:
        _sweeping = before


def _failed_at(error: Exception) -> Operation | None:
    """The node that the sweep was at when it failed."""
    import traceback

    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code is _sweep.__code__:
            node = frame.f_locals.get("node")
            return node if isinstance(node, Operation) else None
    return None


def _look(node: Any, grad: Any, sent: Sequence[Any]) -> None:
    """After one step of a sweep."""
    if not isinstance(node, Operation):
        return
    arrived = _arrays(grad)
    for place, gradient in enumerate(sent):
        made = _bad(_arrays(gradient)) if gradient is not None else ""
        if made and not _bad(arrived):
            output = f"{place}th output{_place(node, place, gradient)}"
            explained = _explained(node, _said_of_gradient(arrived))
            raise AnomalyError(f"Function '{node.name()}' returned {made} values in its {output}.\n{explained}")
    if _bad(arrived):
        raise AnomalyError(
            f"Function '{node.name()}' was given {_bad(arrived)} values: by the caller of the backward pass, by a "
            "hook, or because the sum over several paths is too large.\n"
            f"{_explained(node, _said_of_gradient(arrived))}"
        )


def _place(node: Operation, place: int, gradient: Any) -> str:
    """Which gradient it is, and the first element that is no number."""
    array = _arrays(gradient)[0]
    first = np.argwhere(~np.isfinite(array))[:1].tolist()
    where = f", first at {first[0]}" if array.ndim and first else ""
    return f", the gradient of {argument(node, place)}{where}"


def _said_of_gradient(arrays: list[Any]) -> list[str]:
    return [f"gradient that arrived: {_extremes(array)}" for array in arrays]


# --- words ---------------------------------------------------------------------------------------------------------


def _explained(operation: Any, said: Sequence[str] = ()) -> str:
    formula, derivatives = mathematics(operation)
    lines = ["      ".join(filter(None, [formula, *derivatives])), *said, *getattr(operation, "_inputs_said", ())]
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
    """The arrays of a gradient: of a Tensor where the sweep is recorded, of a Function's several outputs."""
    if hasattr(gradient, "parts"):
        return [array for part in gradient.parts.values() for array in _arrays(part)]
    return [gradient.array if isinstance(gradient, engine.Tensor) else np.asarray(gradient)]


def _kinds() -> tuple[type, ...]:
    """Of an operation's inputs those that are numbers."""
    return engine.Tensor, np.ndarray, float


def _bad(arrays: Iterable[Any]) -> str:
    """``"nan"`` if there is one, else ``"infinite"``, else nothing."""
    kinds = {"nan" if np.isnan(array).any() else "infinite" for array in arrays if not np.isfinite(array).all()}
    return min(kinds, key=("nan", "infinite").index, default="")
