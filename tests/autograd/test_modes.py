"""``no_grad`` and its relatives."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error


def test_blocks_nest() -> None:
    x = tinyact.ones(1, requires_grad=True)
    with tinyact.no_grad():
        assert not (x * 2).requires_grad
        with tinyact.enable_grad():
            assert (x * 2).requires_grad
            with tinyact.set_grad_enabled(False):
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not tinyact.is_grad_enabled()
    assert tinyact.is_grad_enabled()


def test_decorators() -> None:
    x = tinyact.ones(1, requires_grad=True)

    @tinyact.no_grad()
    def quiet(n: int) -> bool:
        """How deep."""
        return (x * 2).requires_grad or (quiet(n - 1) if n else False)

    @tinyact.enable_grad()
    def loud() -> bool:
        return (x * 2).requires_grad

    assert not quiet(3)
    assert quiet.__name__ == "quiet"
    assert quiet.__doc__ == "How deep."
    with tinyact.no_grad():
        assert loud()
    assert tinyact.is_grad_enabled()


def test_no_grad_without_parentheses_decorates_too() -> None:
    for m in (tinyact, torch):
        x = m.ones(1, requires_grad=True)

        @m.no_grad
        def quiet(x: Any = x) -> Any:
            return (x * 2).requires_grad

        assert not quiet()


def test_an_error_leaves_the_mode() -> None:
    def fail() -> None:
        with tinyact.no_grad():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert tinyact.is_grad_enabled()


def test_set_grad_enabled_as_a_call() -> None:
    tinyact.set_grad_enabled(False)
    try:
        assert not tinyact.is_grad_enabled()
    finally:
        tinyact.set_grad_enabled(True)
    assert tinyact.is_grad_enabled()


def test_one_threads_mode_is_not_anothers() -> None:
    entered, leave, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        seen.append(tinyact.is_grad_enabled())
        with tinyact.no_grad():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with tinyact.no_grad():
        thread.start()
        assert entered.wait(10)
    assert tinyact.is_grad_enabled()
    assert (tinyact.ones(1, requires_grad=True) * 2).requires_grad
    leave.set()
    thread.join()
    assert seen == [True]


def test_leaves_made_in_no_grad_can_require_gradients() -> None:
    with tinyact.no_grad():
        x = tinyact.ones(1, requires_grad=True)
    (x * 2).backward()
    assert x.grad is not None


def test_arrays_of_tensors_that_require_gradients() -> None:
    same_error(lambda m: m.ones(1, requires_grad=True).numpy())
    with tinyact.no_grad():
        assert tinyact.ones(1, requires_grad=True).numpy().tolist() == [1.0]


def test_generators() -> None:
    for m in (tinyact, torch):
        x = m.ones(1, requires_grad=True)

        @m.no_grad()
        def steps(x: Any = x) -> Any:
            got = yield (x * 2).requires_grad
            yield got, (x * 2).requires_grad
            return 5

        generator = steps()
        assert next(generator) is False
        assert (x * 2).requires_grad
        assert generator.send("sent") == ("sent", False)
        with pytest.raises(StopIteration) as end:
            next(generator)
        assert end.value.value == 5


# What may be done to a generator that waits; "end" ends it from within when it goes on.
CALLS = st.lists(st.sampled_from(["next", "send", "throw", "throw another", "close", "end"]), max_size=6)


@pytest.mark.parametrize("mode", ["no_grad", "enable_grad", "set_grad_enabled"])
@given(calls=CALLS)
def test_what_is_done_to_a_generator_reaches_it(mode: str, calls: list[str]) -> None:
    def log_of(m: Any) -> list[Any]:
        x, log, wanted = m.ones(1, requires_grad=True), [], []

        @(m.set_grad_enabled(False) if mode == "set_grad_enabled" else getattr(m, mode)())
        def steps() -> Any:
            try:
                while "end" not in wanted:
                    try:
                        log.append(("got", (yield (x * 2).requires_grad)))
                    except KeyError:
                        log.append("caught")
                return 5
            finally:
                log.append(("left", (x * 2).requires_grad))

        generator = steps()
        for call in ["next", *calls]:
            wanted.append(call)
            try:
                if call == "send":
                    log.append(generator.send(3))
                elif call.startswith("throw"):
                    log.append(generator.throw(KeyError() if call == "throw" else IndexError()))
                else:
                    log.append(generator.close() if call == "close" else next(generator))
            except (StopIteration, IndexError, KeyError) as error:
                log.append((type(error), getattr(error, "value", None)))
            log.append((x * 2).requires_grad)
        return log

    assert log_of(tinyact) == log_of(torch)


def test_a_generator_as_a_context_manager() -> None:
    for m in (tinyact, torch):
        log = []

        @contextlib.contextmanager
        @m.no_grad()
        def block(m: Any = m, log: Any = log) -> Any:
            try:
                yield (m.ones(1, requires_grad=True) * 2).requires_grad
            except KeyError:
                log.append("caught")
            finally:
                log.append(m.is_grad_enabled())

        with block() as inside:
            assert inside is False
            assert m.is_grad_enabled()
            raise KeyError
        assert log == ["caught", False]


def test_a_class_that_is_decorated() -> None:
    for m in (tinyact, torch):
        with pytest.warns(FutureWarning, match="class"):

            @m.no_grad()
            class Made:
                def __init__(self) -> None:
                    self.mode = torch.is_grad_enabled() and tinyact.is_grad_enabled()

        assert Made().mode is False
