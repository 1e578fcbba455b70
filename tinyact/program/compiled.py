"""``tinyact.compile``: a function that is run eagerly once, written down, and replayed from then on."""

from __future__ import annotations

import functools
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from tinyact.autograd.watch import watchers
from tinyact.program.code import Changed
from tinyact.program.listing import Listing
from tinyact.program.making import Making, Refused
from tinyact.program.program import Program
from tinyact.program.reads import broken

F = TypeVar("F", bound=Callable[..., Any])

# How many programs a function may have, for different shapes, modes and so on.
LIMIT = 8


# One comparison at a time: each brings the random stream back to where it was.
_comparing = threading.RLock()


class _Here(threading.local):
    """Whether this thread runs a compiled function eagerly: what is called then is a part of that."""

    is_running = False


_here = _Here()


@contextmanager
def _running() -> Iterator[None]:
    _here.is_running = True
    try:
        yield
    finally:
        _here.is_running = False


class Compiled:
    """A function that replays what it did when it ran eagerly; made by `tinyact.compile`.

    Attributes:
        function: the function itself.
        fullgraph: whether it is an error if it can't be compiled.
    """

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False) -> None:
        self.function = function
        self.fullgraph = fullgraph
        self._programs: list[Program] = []
        self._recordings = 0
        self._reason: str | None = None
        self._lock = threading.RLock()
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._reason is not None or _here.is_running or watchers:
            if self._reason is not None and self.fullgraph:
                raise RuntimeError(self._message())
            return self.function(*args, **kwargs)
        with self._lock:
            for program in self._programs:
                leaves = program.leaves(args, kwargs)
                if leaves is not None and program.unchanged() and program.holds(*leaves):
                    try:
                        result = self._replayed(program, leaves, args, kwargs)
                    except Changed:
                        continue
                    if self._programs and program is not self._programs[0]:
                        self._programs.remove(program)
                        self._programs.insert(0, program)
                    return result
            if self._recordings < LIMIT:
                return self._record(args, kwargs)
        return self.function(*args, **kwargs)

    def program(self, optimized: bool = False) -> Listing:
        """The program that was used last, as an object that prints as NumPy code.

        Args:
            optimized: whether to show what really runs, with its buffers, instead of what is easy to read.

        Raises:
            RuntimeError: if there is none: the function was not called yet, or can't be compiled.
        """
        if not self._programs:
            raise RuntimeError(
                self._reason
                or "there is no program yet: call the function first, twice if it makes an optimizer's state"
            )
        return Listing(self._programs[0], optimized)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __getattr__(self, name: str) -> Any:
        if name == "function" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.function, name)

    def __reduce__(self) -> Any:
        # A copy has programs of its own.
        return Compiled, (self.function, self.fullgraph)

    def __repr__(self) -> str:
        return f"<compiled {self.function!r}>"

    def _replayed(self, program: Program, leaves: Sequence[Any], args: Any, kwargs: Any) -> Any:
        if program.is_trusted(leaves):
            return program.replay(*leaves)
        with _comparing, _running():
            result, difference = program.verify(leaves, functools.partial(self.function, *args, **kwargs))
        if difference:
            self._give_up(f"it computed other numbers than the function itself: {difference} differed")
        return result

    def _record(self, args: Any, kwargs: Any) -> Any:
        try:
            with _running():
                result, program = Making(self.function, args, kwargs).run()
        except Refused as refusal:
            self._give_up(str(refusal))
            return refusal.result
        self._recordings += 1
        if isinstance(program, Program):
            self._programs.insert(0, program)
        if self._recordings == LIMIT:
            self._stop(f"it was recorded {LIMIT} times; the last time because of {self._why(program)}")
        return result

    def _why(self, program: Program | str) -> str:
        if isinstance(program, str):
            return program
        reasons = [broken(other.reads) for other in self._programs if other is not program]
        return next((reason for reason in reasons if reason), "other arguments, modes or gradients")

    def _stop(self, reason: str) -> None:
        """Record nothing any more; what there are programs for is replayed."""
        if not self._programs:
            self._give_up(reason)
        else:
            warnings.warn(
                f"{self._name()} is not compiled any further, what is new runs eagerly: {reason}", stacklevel=4
            )

    def _give_up(self, reason: str) -> None:
        """From now on the function runs eagerly."""
        self._reason, self._programs = reason, []
        if self.fullgraph:
            raise RuntimeError(self._message())
        warnings.warn(self._message(), stacklevel=4)

    def _message(self) -> str:
        return f"{self._name()} is not compiled, it runs eagerly: {self._reason}"

    def _name(self) -> str:
        name: str = getattr(self.function, "__name__", type(self.function).__name__)
        return name


@overload
def compile(model: F, *, fullgraph: bool = False) -> F: ...
@overload
def compile(model: None = None, *, fullgraph: bool = False) -> Callable[[F], F]: ...
def compile(model: Any = None, *, fullgraph: bool = False) -> Any:
    """A function that replays, to the last bit, what it computed when it ran eagerly; also a decorator.

    The first call is recorded, NumPy call by NumPy call; the next one runs both ways and compares every bit; from then
    on the program runs, after a check that what the function reads is as it was. Where it is not, because of a shape, a
    mode, a setting, another program is recorded. What can't be compiled runs eagerly, and a warning says why, once.
    `docs/compile.md` says what is checked, what is read anew each time, and what isn't watched.

    Args:
        model: a function, a method or a module; left out in ``@tinyact.compile(fullgraph=True)``.
        fullgraph: whether it is an error if it can't be compiled.

    Returns:
        A `Compiled`, which is called like the function; its ``program()`` is the program, to print, save and measure.

    Raises:
        TypeError: if it can't be called.
        RuntimeError: with ``fullgraph``, by a call after which it is clear that the function can't be compiled.

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([[0.5], [-0.5]], requires_grad=True)
        >>> @tinyact.compile
        ... def slope(x, y, w):
        ...     loss = tinyact.nn.functional.mse_loss(x @ w, y)
        ...     return tinyact.autograd.grad(loss, w)[0]
        >>> for _ in range(3):  # recorded, compared, replayed
        ...     gradient = slope(tinyact.ones(4, 2), tinyact.ones(4, 1), w)
        >>> gradient
        tensor([[-2.],
                [-2.]])
        >>> len(slope.program())  # lines of NumPy
        4
    """
    if model is None:
        return lambda function: compile(function, fullgraph=fullgraph)
    if not callable(model):
        raise TypeError(f"compile takes a function or a module, got {type(model).__name__}")
    return Compiled(model, fullgraph)
