"""What the command lines take: types for argparse, and checks before anything runs."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tinyact.experiment.configuration import RANGES, unknown
from tinyact.experiment.training import CHOICES

T = TypeVar("T")


def activation_name(text: str) -> str:
    """One of ``CHOICES``."""
    if text not in CHOICES:
        raise argparse.ArgumentTypeError(unknown("activation", text, CHOICES))
    return text


def option_type(
    parse: Callable[[str], T], words: str, fits: Callable[[T], bool] = lambda _: True
) -> Callable[[str], T]:
    """The type of what can be parsed and fits; the words say what that is."""

    def parsed(text: str) -> T:
        with contextlib.suppress(ValueError):
            value = parse(text)
            if fits(value):
                return value
        raise argparse.ArgumentTypeError(f"takes {words}, got {text!r}")

    return parsed


def at_least(least: int) -> Callable[[str], int]:
    """The type of whole numbers from this one on."""
    return option_type(int, f"a whole number of at least {least}", lambda value: value >= least)


def integers(text: str) -> list[int]:
    """``"16,8"`` as ``[16, 8]``."""
    return [int(part) for part in text.split(",")]


learning_rate, share = (option_type(float, f"a number {words}", fits) for words, fits in RANGES.values())
widths = option_type(integers, "widths of at least 1 such as 16 or 16,16", lambda numbers: min(numbers) >= 1)


def installed(module: str) -> bool:
    """Whether it could be imported."""
    return importlib.util.find_spec(module) is not None


def require(parser: argparse.ArgumentParser, what: str, module: str, extra: str) -> None:
    """Refuse what needs a library that isn't installed; the extra is how to install it."""
    if not installed(module):
        parser.error(f'{what} needs {module}, which is not installed: pip install "tinyact[{extra}]"')


def require_file(parser: argparse.ArgumentParser, option: str, path: Path) -> None:
    """Refuse what can't become a file."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        parser.error(f"{option} {path}: is no file in a folder that exists")
