"""What an operation costs beside the arithmetic, activations of all sizes, and how cost grows."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from statistics import geometric_mean
from typing import Any

import numpy as np

import tinyact
from benchmarks.speed.timing import Make, Row, compared, in_turn

ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "silu", "softmax"]
SIZES = {"4 Ki": 1 << 12, "64 Ki": 1 << 16, "1 Mi": 1 << 20, "8 Mi": 1 << 23}


def chain(module: str, count: int = 100) -> Any:
    """``count`` tanh one after the other on ten numbers, and back."""
    m: Any = importlib.import_module(module)
    x = m.linspace(-1, 1, 10).requires_grad_()

    def program() -> Any:
        y = x
        for _ in range(count):
            y = m.tanh(y)
        x.grad = None
        y.sum().backward()
        return x.grad

    return program


def ten(module: str, size: int = 1 << 20) -> Any:
    """Ten elementwise operations in a row on float32 numbers, and back."""
    m: Any = importlib.import_module(module)
    numbers = np.random.default_rng(0).normal(size=size).astype(np.float32)
    x, g = m.from_numpy(numbers).requires_grad_(), m.ones(size)

    def program() -> Any:
        y = m.sigmoid(x * 2 + 1)
        y = m.relu(y * y - 1 + 0.5)
        y = m.exp(-y) / 3
        x.grad = None
        y.backward(g)
        return x.grad

    return program


def hessian(module: str) -> Any:
    """The Hessian of a loss of 32 samples for the 100 parameters of a network 9→9→1."""
    m: Any = importlib.import_module(module)
    rng = np.random.default_rng(0)
    x, y, p = (m.from_numpy(rng.normal(size=size).astype(np.float32)) for size in ((32, 9), (32, 1), 100))

    def loss(p: Any) -> Any:
        hidden = m.tanh(x @ p[:81].reshape(9, 9) + p[81:90])
        return ((hidden @ p[90:99].reshape(9, 1) + p[99:] - y) ** 2).mean()

    return lambda: m.autograd.functional.hessian(loss, p)


def compiled(make: Callable[..., Any]) -> Any:
    """What ``make`` makes of tinyact, compiled."""
    return tinyact.compile(make("tinyact"), fullgraph=True)


def activation(module: str, name: str, size: int, exact: bool = False) -> Any:
    """One activation, forward and backward.

    Args:
        exact: whether float64 is what it computes in, from and to float32; tinyact does that of itself.
    """
    m: Any = importlib.import_module(module)
    numbers, ones = _numbers(size)
    x, g = m.from_numpy(numbers).requires_grad_(), m.from_numpy(ones)
    function = getattr(m.nn.functional, name)
    more = (1,) if name == "softmax" else ()

    def program() -> Any:
        x.grad = None
        y = function(x.double(), *more).float() if exact else function(x, *more)
        y.backward(g)
        return x.grad

    return program


def activation_in_jax(name: str, size: int) -> Any:
    """The same in JAX, compiled."""
    import jax

    numbers, ones = map(jax.numpy.asarray, _numbers(size))

    @jax.jit
    def both(x: Any, g: Any) -> Any:
        y, pull_back = jax.vjp(getattr(jax.nn, name), x)
        return y, pull_back(g)[0]

    return lambda: jax.block_until_ready(both(numbers, ones))[1]


def _numbers(size: int) -> tuple[Any, Any]:
    """An input with rows of 64, and the gradient that arrives."""
    shape = (size // 64, 64)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32), np.ones(shape, np.float32)


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


ALONE = {
    "100 tanh of 10 numbers": chain,
    "ten elementwise operations, 1 Mi": ten,
    "hessian for 100 parameters": hessian,
}
GOALS = {
    "100 tanh of 10 numbers": 1.40,
    "100 tanh of 10 numbers, compiled": 0.65,
    "ten elementwise operations, 1 Mi, compiled": 1.00,
    "hessian for 100 parameters, compiled": 0.50,
}
# For the geometric mean over activations and sizes.
MEANS = {"PyTorch": 1.50, "PyTorch in float64, rounded": 0.45, "JAX": 1.50}


def rows(quick: bool) -> list[Row]:
    """All of it."""
    each = {
        f"{name}, {label}": (name, size)
        for label, size in SIZES.items()
        if not quick or size <= 1 << 16
        for name in ACTIVATIONS
    }
    alone, others = ({what: (make, (module,)) for what, make in ALONE.items()} for module in ("tinyact", "torch"))
    sides: dict[str, dict[str, Make]] = {
        "tinyact": alone | {what: (activation, ("tinyact", *which)) for what, which in each.items()},
        "compiled": {what: (compiled, (make,)) for what, make in ALONE.items()},
        "PyTorch": others | {what: (activation, ("torch", *which)) for what, which in each.items()},
        "PyTorch in float64, rounded": {what: (activation, ("torch", *which, True)) for what, which in each.items()},
        "JAX": {what: (activation_in_jax, which) for what, which in each.items()},
    }
    times = in_turn(sides, 0.02 if quick else 0.1, 1 if quick else 5)
    rows = []
    for what in ALONE:
        for ours, label in (("tinyact", what), ("compiled", f"{what}, compiled")):
            rows += compared(label, "PyTorch", times[ours][what], times["PyTorch"][what], GOALS.get(label))
    for peer, goal in MEANS.items():
        these = [row for what in each for row in compared(what, peer, times["tinyact"][what], times[peer][what])]
        if these:
            mean = geometric_mean(row.ratio for row in these)
            rows += [*these, Row("activations, geometric mean", peer, mean, 1.0, mean, goal, unit="")]
    return rows + ([] if quick else growth())
