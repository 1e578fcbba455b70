"""Ctrl-C at every place of a program where Python lets it in: on entering a function, and when one in C returns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


def interrupted(prepare: Callable[[], T], program: Callable[[T], Any]) -> Iterator[T]:
    """What ``program(prepare())`` leaves behind if it is interrupted at the first place, at the second, and so on."""
    for place in count(1):
        subject, passed = prepare(), 0

        def profile(frame: Any, event: str, arg: Any, place: int = place) -> None:
            nonlocal passed
            if event in ("call", "c_return"):
                passed += 1
                if passed == place:  # which nobody may listen to, in a destructor
                    raise KeyboardInterrupt

        before = sys.getprofile()
        sys.setprofile(None)  # or the new one is told that it was set, and that is no place of the program
        sys.setprofile(profile)
        try:
            program(subject)
            if passed < place:
                return
        except KeyboardInterrupt:
            pass
        finally:
            sys.setprofile(before)
        yield subject
