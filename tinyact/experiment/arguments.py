"""What the command lines take: types for argparse, and checks before anything runs."""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable
from pathlib import Path

from tinyact.experiment.configuration import unknown
from tinyact.experiment.training import CHOICES


def activation_name(text: str) -> str:
    """One of ``CHOICES``."""
    if text not in CHOICES:
        raise argparse.ArgumentTypeError(unknown("activation", text, CHOICES))
    return text


def at_least(least: int) -> Callable[[str], int]:
    """The type of whole numbers from this one on."""

    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"takes a whole number of at least {least}, got {text!r}")
        return value

    return whole


def learning_rate(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"takes a number above 0, got {text!r}")
    return value


def share(text: str) -> float:
    """A number from 0 up to, but not including, 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"takes a number from 0 up to, but not including, 1, got {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def widths(text: str) -> list[int]:
    """``"16,8"`` as ``[16, 8]``."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"takes widths of at least 1 such as 16 or 16,16, got {text!r}")
    return numbers


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
