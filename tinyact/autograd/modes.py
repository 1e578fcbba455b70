"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``; one switch per thread."""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, TypeVar, overload

__all__ = ["enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


class _Recording(threading.local):
    """Whether operations are recorded, and how many sweeps are under way, one inside the other."""

    on = True
    sweeps = 0


recording = _Recording()


class _Mode(ContextDecorator):
    """A mode that holds inside a ``with`` block or a decorated function, in the thread that entered it."""

    def __init__(self, mode: bool) -> None:
        self._mode = mode
        # What held before; a stack, because a block may be entered inside itself.
        self._before: list[bool] = []

    def _recreate_cm(self) -> _Mode:
        # Every call of a decorated function has its own, since several threads may be in it.
        return _Mode(self._mode)

    def __call__(self, func: F) -> F:
        if inspect.isclass(func):
            warnings.warn(
                f"{func.__name__} is a class: the mode holds in its constructor alone, and what was the class is a "
                "function now. Decorate its methods instead",
                FutureWarning,
                stacklevel=2,
            )
        if not inspect.isgeneratorfunction(func):
            return super().__call__(func)

        @functools.wraps(func)
        def steps(*args: Any, **kwargs: Any) -> Any:
            # The mode holds while the generator runs, not while it waits.
            generator = func(*args, **kwargs)
            resume, sent = generator.send, None
            while True:
                with _Mode(self._mode):
                    try:
                        item = resume(sent)
                    except StopIteration as end:
                        return end.value
                try:
                    resume, sent = generator.send, (yield item)
                except BaseException as error:  # what was thrown in; also close() does that
                    resume, sent = generator.throw, error

        return steps  # type: ignore[return-value]

    def __enter__(self) -> None:
        self._before.append(recording.on)
        recording.on = self._mode

    def __exit__(self, *error: object) -> None:
        recording.on = self._before.pop()


@overload
def no_grad() -> _Mode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: F | None = None) -> _Mode | F:
    """Context manager and decorator in which nothing is recorded: results do not require gradients.

    Example:
        >>> import tinyact
        >>> x = tinyact.ones(2, requires_grad=True)
        >>> with tinyact.no_grad():
        ...     (2 * x).requires_grad
        False
    """
    return _Mode(False) if function is None else _Mode(False)(function)


@overload
def enable_grad() -> _Mode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: F | None = None) -> _Mode | F:
    """Context manager and decorator in which operations are recorded, also inside ``no_grad``.

    Example:
        >>> import tinyact
        >>> x = tinyact.ones(2, requires_grad=True)
        >>> with tinyact.no_grad(), tinyact.enable_grad():
        ...     (2 * x).requires_grad
        True
    """
    return _Mode(True) if function is None else _Mode(True)(function)


class set_grad_enabled(_Mode):
    """Switches recording on or off: from the call on, or only within, if used as a context manager.

    Args:
        mode: whether operations on tensors that require gradients are recorded.

    Example:
        >>> import tinyact
        >>> x = tinyact.ones(2, requires_grad=True)
        >>> with tinyact.set_grad_enabled(False):
        ...     (2 * x).requires_grad
        False
        >>> (2 * x).requires_grad
        True
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._at_call = recording.on
        recording.on = mode

    def __enter__(self) -> None:
        # The call itself has switched already; leaving goes back to what held before it.
        self._before.append(self._at_call)
        recording.on = self._mode

    def __call__(self, func: F) -> F:
        recording.on = self._at_call
        return _Mode(self._mode)(func)


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread now."""
    return recording.on
