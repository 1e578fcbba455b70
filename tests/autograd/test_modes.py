"""``no_grad`` and its relatives."""

from __future__ import annotations

import threading
from typing import Any

import pytest

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
    import torch

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
    import torch

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
