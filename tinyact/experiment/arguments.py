"""What the command lines share: errors of one line, types of values, and checks before anything runs."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tinyact.experiment.configuration import ACTIVATIONS, RANGES, WIDEST, unknown
from tinyact.experiment.data import LARGEST_SEED

T = TypeVar("T")
# Exit codes. 2, 130 and 141 are the shell's: for wrong usage, for Ctrl-C, and for a pipe that nobody reads.
DONE, FAILED, REFUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141
# What stands for characters that the output's encoding doesn't have.
PLAIN = {"−": "-", "–": "-", "→": "->", "×": "x", "≥": ">=", "…": "...", "’": "'", "±": "+/-", "∞": "inf"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(REFUSED, f"{self.prog}: error: {message} (--help lists the options)\n")


def guarded(command: Callable[[], int]) -> int:
    """Runs a command so that whatever ends it early is said in one line.

    Returns:
        Its exit code, or what the shell expects after Ctrl-C or when nobody reads the output; 1 after other errors.
    """
    _make_printable()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned  # type: ignore[assignment]
            code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = failure("stopped", INTERRUPTED)
    except BrokenPipeError:
        code = UNREAD
    except (OSError, MemoryError) as error:
        code = failure(f"error: {reason(error)}")
    if code in (FAILED, UNREAD):
        _stop_printing()
    return code


def failure(message: str, code: int = FAILED) -> int:
    """Says why, and returns the exit code."""
    print(message, file=sys.stderr)
    return code


def reason(error: BaseException) -> str:
    """What went wrong, in words, without numbers of errors."""
    if isinstance(error, MemoryError):
        return "there is not enough memory; smaller widths or batches take less"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the output'}: {error.strerror}"
    return str(error)


def _warned(message: Warning | str, *where: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _make_printable() -> None:
    """Characters that an output can't encode are replaced, rather than ending the program."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def _stop_printing() -> None:
    """What couldn't be written would be tried again, and complained about, when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# --- types of values -----------------------------------------------------------------------------------------------


def activation_name(text: str) -> str:
    """One of ``ACTIVATIONS``."""
    if text not in ACTIVATIONS:
        raise argparse.ArgumentTypeError(unknown("activation", text, ACTIVATIONS))
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


def at_least(least: int, most: int = LARGEST_SEED) -> Callable[[str], int]:
    """The type of whole numbers from this one on."""
    words = f"a whole number of at least {least}"
    return option_type(int, f"{words}, and at most {most}", lambda number: least <= number <= most)


def integers(text: str) -> list[int]:
    """``"16,8"`` as ``[16, 8]``."""
    return [int(part) for part in text.split(",")]


learning_rate, share = (option_type(float, f"a number {words}", fits) for words, fits in RANGES.values())
widths = option_type(
    integers,
    f"widths of at least 1, and at most {WIDEST}, such as 16 or 16,16",
    lambda numbers: min(numbers) >= 1 and max(numbers) <= WIDEST,
)


# --- checks --------------------------------------------------------------------------------------------------------


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


def make_folder(parser: argparse.ArgumentParser, option: str, path: Path) -> None:
    """The folder that a file goes to, before hours of training rather than after."""
    if path.is_dir():
        parser.error(f"{option} {path}: is a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"{option} {reason(error)}")


def require_ending(parser: argparse.ArgumentParser, option: str, path: Path, endings: Any) -> None:
    """Refuse a file of a kind that isn't written."""
    if path.suffix[1:].lower() not in endings:
        parser.error(f"{option} {path}: the ending must be one of {', '.join(sorted(endings))}")
