"""Where the time of a training step goes, and what NumPy alone needs for it.

A watcher collects the operations of one step with their arrays; then each forward and each rule is timed alone, again
and again. The engine is what remains of the whole step, and with it what the caches lose between operations. The floors
are NumPy calls without which the result can't be had, with nothing around them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import tinyact
from benchmarks.speed.operations import ACTIVATIONS, SIZES, activation
from benchmarks.speed.steps import NETWORKS, training, with_framework
from benchmarks.speed.timing import median_time
from tinyact.autograd.watch import Watcher, watching


class Collector(Watcher):
    """The operations that a program records, each with its inputs and what it saved, and the gradients that arrive."""

    def __init__(self) -> None:
        self.operations: list[tuple[Any, list[Any], list[Any]]] = []
        self.grads: dict[Any, Any] = {}

    def recorded(self, node: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        arrays = [i.array if isinstance(i, tinyact.Tensor) else i for i in inputs]
        self.operations.append((node, arrays, node.load()))

    def passed_on(self, node: Any, grad: Any, grads: Sequence[Any]) -> None:
        self.grads[node] = grad


def parts(program: Callable[[], Any], calls: int) -> dict[str, float]:
    """Microseconds of each forward and each rule of one call of the program.

    An operation that others are made of counts as part of them, since it is not recorded.
    """
    with watching(Collector()) as collector:
        program()
    times: dict[str, float] = defaultdict(float)
    with np.errstate(all="ignore"):
        for node, inputs, saved in collector.operations:
            name = type(node).__name__
            times[f"{name}: forward"] += median_time(partial(node.forward, *inputs), calls=calls)
            for index, rule, takes in node.plan.rules:
                apply = partial(rule, node, collector.grads[node], *[saved[k] for k in takes])
                times[f"{name}: ∂/∂{node.names[index]}"] += median_time(apply, calls=calls)
    return times


def step_table(name: str, calls: int) -> list[str]:
    """Every part of the training step of this network, the longest first."""
    forward, optimizer = training("tinyact", *NETWORKS[name])
    times = parts(lambda: forward().backward(), calls)
    times["Adam: step"] = median_time(optimizer.step, calls=calls)
    whole = median_time(with_framework("tinyact", *NETWORKS[name]), calls=calls)
    rows = sorted(times.items(), key=lambda row: -row[1])
    rows.append(("the engine: recording, sweep, checks, modules", whole - sum(times.values())))
    lines = [f"| a {name} | µs | share |", "|---|--:|--:|"]
    lines += [f"| {part} | {time:.1f} | {time / whole:.0%} |" for part, time in rows]
    return [*lines, f"| whole | {whole:.1f} | |", ""]


def activation_row(name: str, label: str, calls: int) -> str:
    """Forward, backward and engine of one activation."""
    program = activation("tinyact", name, SIZES[label])
    times = parts(program, calls)
    forward = sum(time for part, time in times.items() if part.endswith("forward"))
    backward = sum(times.values()) - forward
    engine = median_time(program, calls=calls) - forward - backward
    return f"| {name}, {label} | {forward:.0f} | {backward:.0f} | {engine:.0f} |"


def floors(calls: int) -> dict[str, float]:
    """Microseconds of NumPy calls alone."""
    rng = np.random.default_rng(0)
    x, w, g = (rng.normal(size=size).astype(np.float32) for size in ((4000, 100), (16, 100), (4000, 16)))
    ten, y = (rng.normal(size=10).astype(np.float32) for _ in range(2))
    large = rng.normal(size=1 << 20)
    large32 = large.astype(np.float32)
    programs: dict[str, Callable[[], Any]] = {
        "step, batch 4000: x·Wᵀ and gᵀ·x of the first layer": lambda: (x @ w.T, x.T @ g),
        "tanh of 10 numbers: tanh in float64, rounded; (1 − y·y)·g": lambda: (
            np.tanh(ten.astype(np.float64)).astype(np.float32),
            (1 - y * y) * ten,
        ),
        "sigmoid of 1 Mi numbers: eˣ in float64, on one core": lambda: np.exp(large),
        "the same in float32, two or three units in the last place off": lambda: np.exp(large32),
    }
    return {name: median_time(program, calls=calls) for name, program in programs.items()}


def tables(quick: bool) -> str:
    """All of it as Markdown."""
    calls = 3 if quick else 300
    lines = [line for name in NETWORKS for line in step_table(name, calls)]
    lines += ["| activation, through the engine | forward, µs | backward, µs | engine, µs |", "|---|--:|--:|--:|"]
    lines += [activation_row(name, label, calls) for label in ("64 Ki", "1 Mi") for name in ACTIVATIONS]
    lines += ["", "| NumPy calls alone | µs |", "|---|--:|"]
    return "\n".join([*lines, *(f"| {name} | {time:.1f} |" for name, time in floors(calls).items())])
