"""One training step of the notebook's network, and of a deeper one: tinyact beside its peers and NumPy by hand."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import tinyact
from benchmarks.speed import by_hand
from benchmarks.speed.timing import Row, alone, compared, in_turn, median_time, replays, results
from tinyact.experiment import build, notebook_data

Step = Callable[[], Any]


def training(name: str, batch: int, hidden: tuple[int, ...]) -> tuple[Callable[[], Any], Any]:
    """What computes the loss in tinyact or PyTorch, and the optimizer."""
    m: Any = importlib.import_module(name)
    data = notebook_data(m)
    x, y = data.train_x[:batch], data.train_y[:batch]
    m.manual_seed(0)
    network = build(m, "relu", hidden)
    criterion = m.nn.BCELoss()
    return lambda: criterion(network(x), y), m.optim.Adam(network.parameters(), lr=by_hand.RATE)


def with_framework(name: str, batch: int, hidden: tuple[int, ...]) -> Step:
    """The step in tinyact or PyTorch; returns the loss."""
    forward, optimizer = training(name, batch, hidden)

    def step() -> Any:
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss

    return step


def compiled(batch: int, hidden: tuple[int, ...]) -> Step:
    """The step in tinyact, compiled."""
    return tinyact.compile(with_framework("tinyact", batch, hidden), fullgraph=True)


def torch_compiled(batch: int, hidden: tuple[int, ...]) -> Step:
    import torch

    torch.compiler.reset()  # or another batch size would be taken for a sign that all are to come
    return torch.compile(with_framework("torch", batch, hidden))  # type: ignore[no-any-return]


def _forward(np_: Any, parameters: Any, x: Any) -> Any:
    for i in range(0, len(parameters) - 2, 2):
        x = np_.maximum(np_.matmul(x, parameters[i].T) + parameters[i + 1], 0)
    z = np_.matmul(x, parameters[-2].T) + parameters[-1]
    return 1 / (1 + np_.exp(-z))


def _loss(np_: Any, parameters: Any, x: Any, y: Any) -> Any:
    p = _forward(np_, parameters, x)
    return -np_.mean(y * np_.log(p) + (1 - y) * np_.log(1 - p))


def jax_jit(batch: int, hidden: tuple[int, ...]) -> Step:
    import jax
    import jax.numpy as jnp

    x, y, start = by_hand.start(batch, hidden)
    x, y = jnp.asarray(x), jnp.asarray(y)

    @jax.jit
    def update(p: Any, m: Any, v: Any, t: Any) -> Any:
        loss, g = jax.value_and_grad(lambda q: _loss(jnp, q, x, y))(p)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        t = t + 1
        p = [
            a - by_hand.RATE * (b / (1 - 0.9**t)) / (jnp.sqrt(c / (1 - 0.999**t)) + 1e-8)
            for a, b, c in zip(p, m, v, strict=True)
        ]
        return p, m, v, t, loss

    p = [jnp.asarray(a) for a in start]
    state: list[Any] = [(p, [0 * a for a in p], [0 * a for a in p], 0.0, None)]

    def step() -> Any:
        state[0] = update(*state[0][:4])
        return state[0][4].block_until_ready()

    return step


def autograd_hips(batch: int, hidden: tuple[int, ...]) -> Step:
    import autograd
    import autograd.numpy as anp

    x, y, start = by_hand.start(batch, hidden)
    adam = by_hand.Adam(start)
    slope = autograd.value_and_grad(lambda parameters: _loss(anp, parameters, x, y))

    def step() -> Any:
        loss, grads = slope(adam.views)
        adam.step(grads)
        return loss

    return step


def mygrad(batch: int, hidden: tuple[int, ...]) -> Step:
    import mygrad as mg

    x, y, start = by_hand.start(batch, hidden)
    adam = by_hand.Adam(start)

    def step() -> Any:
        parameters = [mg.tensor(view) for view in adam.views]
        loss = _loss(mg, parameters, x, y)
        loss.backward()
        adam.step([p.grad for p in parameters])
        return loss

    return step


PEERS: dict[str, Callable[[int, tuple[int, ...]], Step]] = {
    "PyTorch": partial(with_framework, "torch"),
    "torch.compile": torch_compiled,
    "jax.jit": jax_jit,
    "MyGrad": mygrad,
    "HIPS autograd": autograd_hips,
    "NumPy by hand": by_hand.plain,
    "NumPy by hand, fixed buffers": by_hand.fixed,
}
OURS = {"eager": partial(with_framework, "tinyact"), "compiled": compiled}
NETWORKS = {
    "step, batch 4000, 100→16→1": (4000, (16,)),
    "step, batch 32, 100→16→1": (32, (16,)),
    "step, batch 4000, 4×64 hidden": (4000, (64, 64, 64, 64)),
}
NOTEBOOK = next(iter(NETWORKS))
# On the notebook's network the eager step is seen beside all peers.
BESIDE = {
    "eager": ["PyTorch", "NumPy by hand"],
    "compiled": ["PyTorch", "torch.compile", "jax.jit", "NumPy by hand", "NumPy by hand, fixed buffers"],
}
GOALS = {
    ("step, batch 4000, 100→16→1", "PyTorch"): 0.75,
    ("step, batch 32, 100→16→1", "PyTorch"): 0.50,
    ("step, batch 4000, 100→16→1, compiled", "PyTorch"): 0.52,
    ("step, batch 4000, 100→16→1, compiled", "torch.compile"): 0.62,
    ("step, batch 4000, 100→16→1, compiled", "jax.jit"): 0.92,
    ("step, batch 4000, 100→16→1, compiled", "NumPy by hand, fixed buffers"): 1.02,
    ("step, batch 32, 100→16→1, compiled", "PyTorch"): 0.13,
    ("step, batch 32, 100→16→1, compiled", "jax.jit"): 1.40,
    ("step, batch 32, 100→16→1, compiled", "NumPy by hand"): 1.02,
    ("step, batch 4000, 4×64 hidden, compiled", "PyTorch"): 1.00,
}


def losses() -> dict[str, list[float]]:
    """The first ten losses of each network."""
    return {what: results(with_framework("tinyact", *network)) for what, network in NETWORKS.items()}


def checked(name: str, what: str, losses: list[float]) -> Step:
    """The step of this name, which trains the network that has these losses.

    Raises:
        AssertionError: if it doesn't. Compiled, not a bit may differ.
    """
    step = {**OURS, **PEERS}[name](*NETWORKS[what])
    theirs = results(step, len(losses))
    worst = max(abs(a - b) for a, b in zip(losses, theirs, strict=True))
    if not worst <= (0 if name in OURS else 1e-5):
        raise AssertionError(f"{name} trains something else: losses differ by {worst}")
    return step


def recording(quick: bool) -> dict[str, tuple[float, float]]:
    """Microseconds of all calls of a step until it replays, and of the eager step.

    One recording and one verification, if the step was run eagerly before. If it wasn't, there is another recording:
    the first step makes the optimizer's state.
    """
    times = {}
    for what, network in NETWORKS.items():
        step = with_framework("tinyact", *network)
        eager = median_time(step, 0.02 if quick else 0.3)
        times[f"recording: {what}"] = median_time(partial(until_it_replays, step), calls=1 if quick else 9), eager
        if what == NOTEBOOK:
            first = partial(until_it_replays, with_framework("tinyact", *network))
            times[f"recording from the first step on: {what}"] = median_time(first, calls=1), eager
    return times


def until_it_replays(step: Step) -> None:
    """Calls it, compiled, as often as is needed.

    Raises:
        RuntimeError: if it can't be compiled.
    """
    program: Any = tinyact.compile(step, fullgraph=True)
    while not replays(program):
        program()


def rows(quick: bool) -> list[Row]:
    """All networks with all peers that are installed."""
    expected = alone(losses)
    sides = {
        name: {
            what: (checked, (name, what, expected[what]))
            for what in NETWORKS
            if what == NOTEBOOK or name in (*OURS, *BESIDE["eager"], *BESIDE["compiled"])
        }
        for name in (*OURS, *PEERS)
    }
    times = in_turn(sides, 0.05 if quick else 0.5, 1 if quick else 5)
    rows = []
    for what in NETWORKS:
        for ours in OURS:
            label = what if ours == "eager" else f"{what}, compiled"
            for peer in PEERS if (what, ours) == (NOTEBOOK, "eager") else BESIDE[ours]:
                rows += compared(label, peer, times[ours][what], times[peer][what], GOALS.get((label, peer)))
    taken = [alone(recording, quick) for _ in range(1 if quick else 5)]
    for what in taken[0]:
        ours, theirs = zip(*(now[what] for now in taken), strict=True)
        rows += compared(what, "an eager step", [*ours], [*theirs], None if "first" in what else 10.0)
    return rows
