"""Where the time of a training step goes, and what NumPy alone needs for it: why some goals of the table can't be met.

Each operation's forward and each rule of the notebook's step are timed inside of the running engine; what remains is
the engine itself. The floors are NumPy calls without which the result can't be had, with nothing around them.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from benchmarks.accuracy import RESULTS
from benchmarks.operations import ACTIVATIONS, SIZES, activation
from benchmarks.steps import with_framework
from benchmarks.timing import versions
from tinyact.autograd.engine import Operation

STEPS = {
    "batch 4000, 100→16→1": (4000, (16,)),
    "batch 32, 100→16→1": (32, (16,)),
    "batch 4000, 4×64 hidden": (4000, (64,) * 4),
}

WHOLE = "whole"


def microseconds(program: Callable[[], Any], calls: int) -> float:
    """The median time of a call."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        program()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def operations(cls: type[Operation] = Operation) -> Iterator[type[Operation]]:
    """Every class of operations."""
    for sub in cls.__subclasses__():
        yield sub
        yield from operations(sub)


def parts(make: Callable[[], Callable[[], Any]], steps: int = 300) -> dict[str, float]:
    """Microseconds of a whole call of the program that is made, and of each part of it that is arithmetic."""
    whole = make()
    microseconds(whole, steps // 6)
    found = {WHOLE: microseconds(whole, steps)}
    spent: dict[str, list[float]] = defaultdict(list)

    inside: list[str] = []

    def timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any) -> Any:
            # An operation that others are made of counts as part of them, also where they share its work among threads.
            if inside:
                return function(self, *arguments)
            inside.append(name)
            start = time.perf_counter()
            result = function(self, *arguments)
            spent[name.format(type(self).__name__)].append(time.perf_counter() - start)
            inside.clear()
            return result

        return call

    originals = [(tinyact.optim.Adam, "_update", tinyact.optim.Adam._update)]
    tinyact.optim.Adam._update = timed(tinyact.optim.Adam._update, "{}: the formula")  # type: ignore[method-assign]
    for cls in operations():
        if "forward" in cls.__dict__:
            originals.append((cls, "forward", cls.forward))
            cls.forward = timed(cls.forward, "{}: forward")
        if hasattr(cls, "_rules"):
            originals += [(cls, "_rules", cls._rules), (cls, "_plans", cls._plans)]
            rules = [rule._replace(function=timed(rule.function, f"{{}}: {_name(cls, rule)}")) for rule in cls._rules]
            cls._rules, cls._plans = tuple(rules), {}
    try:
        microseconds(make(), steps)
    finally:
        for cls, name, value in originals:
            setattr(cls, name, value)
    # Those of single calls belong to making the network.
    for name, times in ((name, times) for name, times in spent.items() if len(times) >= steps):
        found[name] = statistics.median(times) * 1e6 * len(times) / steps
    return found


def _name(cls: type[Operation], rule: Any) -> str:
    return f"∂/∂{cls._names[rule.input]}"


def floors() -> dict[str, float]:
    """Microseconds of NumPy calls alone."""
    rng = np.random.default_rng(0)
    x, w, g = (rng.normal(size=size).astype(np.float32) for size in ((4000, 100), (16, 100), (4000, 16)))
    ten, y = (rng.normal(size=10).astype(np.float32) for _ in range(2))
    large = rng.normal(size=1 << 20)
    large32 = large.astype(np.float32)
    return {
        "step, batch 4000: x·Wᵀ and gᵀ·x of the first layer": microseconds(lambda: (x @ w.T, x.T @ g), 500),
        "tanh of 10 numbers: tanh in float64, rounded; (1 − y·y)·g": microseconds(
            lambda: (np.tanh(ten.astype(np.float64)).astype(np.float32), (1 - y * y) * ten), 5000
        ),
        "sigmoid of 1 Mi numbers: eˣ in float64, on one core": microseconds(lambda: np.exp(large), 30),
        "the same in float32, two or three units in the last place off": microseconds(lambda: np.exp(large32), 30),
    }


def report() -> str:
    """The tables."""
    said = ", ".join(f"{name} {version}" for name, version in versions().items() if name in ("python", "numpy"))
    lines = ["# Where the time goes", "", f"`python -m benchmarks.profile` ({said})", ""]
    for name, (batch, hidden) in STEPS.items():
        found = parts(functools.partial(with_framework, "tinyact", batch, hidden))
        whole = found.pop(WHOLE)
        lines += [f"| a step, {name} | µs | share |", "|---|--:|--:|"]
        for part, spent in sorted(found.items(), key=lambda item: -item[1]):
            lines.append(f"| {part} | {spent:.1f} | {spent / whole:.0%} |")
        rest = whole - sum(found.values())
        lines += [f"| the engine: recording, sweep, checks, modules, optimizer | {rest:.1f} | {rest / whole:.0%} |"]
        lines += [f"| {WHOLE} | {whole:.1f} | |", ""]
    lines += ["| activation, through the engine | forward, µs | backward, µs | engine, µs |", "|---|--:|--:|--:|"]
    for label in ("64 Ki", "1 Mi"):
        for name in ACTIVATIONS:
            found = parts(functools.partial(activation, "tinyact", name, SIZES[label]), 60)
            whole = found.pop(WHOLE)
            forward = sum(spent for part, spent in found.items() if part.endswith("forward"))
            backward = sum(found.values()) - forward
            cells = (forward, backward, whole - forward - backward)
            lines.append(f"| {name}, {label} | {' | '.join(f'{spent:.0f}' for spent in cells)} |")
    lines.append("")
    lines += ["| NumPy calls alone | µs |", "|---|--:|"]
    lines += [f"| {name} | {spent:.1f} |" for name, spent in floors().items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for profile.md")
    options = parser.parse_args()
    text = report()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "profile.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
