"""What an operation costs beside the arithmetic, activations of all sizes, and how cost grows."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.timing import Row, compare, missing

ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "silu", "softmax"]
SIZES = {"4 Ki": 1 << 12, "64 Ki": 1 << 16, "1 Mi": 1 << 20, "8 Mi": 1 << 23}


def chain(module: str, count: int = 100) -> Any:
    """``count`` tanh one after the other on ten numbers, and back."""
    m: Any = importlib.import_module(module)
    x = m.linspace(-1, 1, 10).requires_grad_()

    def program() -> None:
        y = x
        for _ in range(count):
            y = m.tanh(y)
        x.grad = None
        y.sum().backward()

    return program


def activation(module: str, name: str, size: int) -> Any:
    """One activation, forward and backward."""
    m: Any = importlib.import_module(module)
    numbers = np.random.default_rng(0).normal(size=(size // 64, 64)).astype(np.float32)
    x, g = m.from_numpy(numbers).requires_grad_(), m.ones(size // 64, 64)
    function = getattr(m.nn.functional, name)
    more = (1,) if name == "softmax" else ()

    def program() -> None:
        x.grad = None
        function(x, *more).backward(g)

    return program


def mean_time(program: Callable[[], Any], calls: int) -> float:
    """Microseconds of a call in the mean, which counts the garbage that only some of the calls collect."""
    program()
    start = time.perf_counter()
    for _ in range(calls):
        program()
    return (time.perf_counter() - start) / calls * 1e6


def growth() -> list[Row]:
    """Microseconds per operation in graphs of more and more operations, and per 1024 elements in larger arrays.

    The ratio is that to the smallest; flat is 1.
    """
    graphs = {
        f"one of {count:,} tanh in one graph": mean_time(chain("tinyact", count), max(1, 20_000 // count)) / count
        for count in (10, 1_000, 100_000, 1_000_000)
    }
    arrays = {
        f"tanh per 1024 of 2^{n} elements": mean_time(activation("tinyact", "tanh", 1 << n), 1) / 2 ** (n - 10)
        for n in (16, 20, 24, 26)
    }
    rows = []
    for peer, costs in (("in a graph of 10", graphs), ("of 2^16", arrays)):
        smallest = next(iter(costs.values()))
        rows += [Row(what, peer, cost, smallest, cost / smallest) for what, cost in costs.items()]
    return rows


def rows(quick: bool) -> list[Row]:
    """All of it."""
    names = ["100 tanh of 10 numbers"]
    pairs: list[tuple[Any, Any]] = [((chain, ("tinyact",)), (chain, ("torch",)))]
    for label, size in SIZES.items():
        if quick and size > 1 << 16:
            continue
        for name in ACTIVATIONS:
            names.append(f"{name}, {label}")
            pairs.append(((activation, ("tinyact", name, size)), (activation, ("torch", name, size))))
    ours, theirs = (list(side) for side in zip(*pairs, strict=True))
    rows = []
    for what, times in zip(names, compare(ours, theirs, 0.02 if quick else 0.3, 1 if quick else 5), strict=True):
        if isinstance(times, str):
            missing("PyTorch", times)
            return []
        rows.append(Row(what, "PyTorch", *times, 0.70 if what == names[0] else None))
    mean = math.exp(sum(math.log(row.ratio) for row in rows[1:]) / (len(rows) - 1))
    rows.append(Row("activations, geometric mean", "PyTorch", mean, 1.0, mean, 1.0, unit=""))
    return rows + ([] if quick else growth())
