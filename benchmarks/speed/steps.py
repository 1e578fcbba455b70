"""One training step of the notebook's network, and of a deeper one: tinyact beside its peers and NumPy by hand."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import tinyact
from benchmarks.speed.timing import Row, alone, compare, missing, results
from tinyact.experiment import build, notebook_data

Step = Callable[[], Any]
RATE = 0.001


def training(name: str, batch: int, hidden: tuple[int, ...]) -> tuple[Callable[[], Any], Any]:
    """What computes the loss in tinyact or PyTorch, and the optimizer."""
    m: Any = importlib.import_module(name)
    data = notebook_data(m)
    x, y = data.train_x[:batch], data.train_y[:batch]
    m.manual_seed(0)
    network = build(m, "relu", hidden)
    criterion = m.nn.BCELoss()
    return lambda: criterion(network(x), y), m.optim.Adam(network.parameters(), lr=RATE)


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


def torch_compiled(batch: int, hidden: tuple[int, ...]) -> Step:
    import torch

    return torch.compile(with_framework("torch", batch, hidden))  # type: ignore[no-any-return]


def _start(batch: int, hidden: tuple[int, ...]) -> tuple[Any, Any, list[Any]]:
    """Data and initial parameters (Wᵀ and b per layer) as arrays."""
    data = notebook_data(tinyact)
    tinyact.manual_seed(0)
    arrays = [p.detach().numpy().copy() for p in build(tinyact, "relu", hidden).parameters()]
    return data.train_x[:batch].numpy(), data.train_y[:batch].numpy(), arrays


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

    x, y, start = _start(batch, hidden)
    x, y = jnp.asarray(x), jnp.asarray(y)

    @jax.jit
    def update(p: Any, m: Any, v: Any, t: Any) -> Any:
        loss, g = jax.value_and_grad(lambda q: _loss(jnp, q, x, y))(p)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        t = t + 1
        p = [
            a - RATE * (b / (1 - 0.9**t)) / (jnp.sqrt(c / (1 - 0.999**t)) + 1e-8)
            for a, b, c in zip(p, m, v, strict=True)
        ]
        return p, m, v, t, loss

    p = [jnp.asarray(a) for a in start]
    state: list[Any] = [(p, [0 * a for a in p], [0 * a for a in p], 0.0, None)]

    def step() -> Any:
        state[0] = update(*state[0][:4])
        return state[0][4].block_until_ready()

    return step


class _Adam:
    """Adam on one flat vector, in place."""

    def __init__(self, arrays: list[Any]) -> None:
        self.arrays = arrays
        self.p = np.concatenate([a.ravel() for a in arrays])
        self.m, self.v, self.t = np.zeros_like(self.p), np.zeros_like(self.p), 0
        at = np.cumsum([0] + [a.size for a in arrays])
        self.views = [self.p[i:j].reshape(a.shape) for i, j, a in zip(at, at[1:], arrays, strict=False)]

    def step(self, grads: list[Any]) -> None:
        g = np.concatenate([part.ravel() for part in grads])
        self.t += 1
        self.m += (g - self.m) * np.float32(0.1)
        self.v *= np.float32(0.999)
        g *= g
        g *= np.float32(0.001)
        self.v += g
        d = np.sqrt(self.v)
        d *= np.float32((1 - 0.999**self.t) ** -0.5)
        d += np.float32(1e-8)
        np.divide(self.m, d, out=d)
        d *= np.float32(RATE / (1 - 0.9**self.t))
        self.p -= d


def autograd_hips(batch: int, hidden: tuple[int, ...]) -> Step:
    import autograd
    import autograd.numpy as anp

    x, y, start = _start(batch, hidden)
    adam = _Adam(start)
    slope = autograd.value_and_grad(lambda parameters: _loss(anp, parameters, x, y))

    def step() -> Any:
        loss, grads = slope(adam.views)
        adam.step(grads)
        return loss

    return step


def mygrad(batch: int, hidden: tuple[int, ...]) -> Step:
    import mygrad as mg

    x, y, start = _start(batch, hidden)
    adam = _Adam(start)

    def step() -> Any:
        parameters = [mg.tensor(view) for view in adam.views]
        loss = _loss(mg, parameters, x, y)
        loss.backward()
        adam.step([p.grad for p in parameters])
        return loss

    return step


def by_hand(batch: int, hidden: tuple[int, ...]) -> Step:
    """The same step in NumPy alone, derivatives worked out on paper."""
    x, y, start = _start(batch, hidden)
    adam = _Adam(start)
    views = adam.views
    ones = np.ones(batch, np.float32)

    def step() -> Any:
        inputs, a = [], x
        for i in range(0, len(views) - 2, 2):
            inputs.append(a)
            a = a @ views[i].T
            a += views[i + 1]
            np.maximum(a, np.float32(0), out=a)
        inputs.append(a)
        z = a @ views[-2].T
        z += views[-1]
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        p = np.divide(1, z, out=z)
        with np.errstate(all="ignore"):
            log_p, log_q = np.maximum(np.log(p), np.float32(-100)), np.maximum(np.log1p(-p), np.float32(-100))
        loss = -np.mean(y * log_p + (1 - y) * log_q)
        g = (p - y) / np.float32(batch)
        grads: list[Any] = []
        for i in range(len(views) - 2, -1, -2):
            a = inputs.pop()
            grads = [(a.T @ g).T, ones @ g, *grads]
            if i:
                g = g * views[i] if g.shape[1] == 1 else g @ views[i]
                g *= a > 0
        adam.step(grads)
        return loss

    return step


PEERS: dict[str, Callable[[int, tuple[int, ...]], Step]] = {
    "PyTorch": partial(with_framework, "torch"),
    "torch.compile": torch_compiled,
    "jax.jit": jax_jit,
    "MyGrad": mygrad,
    "HIPS autograd": autograd_hips,
    "NumPy by hand": by_hand,
}
NETWORKS = {
    "step, batch 4000, 100→16→1": (4000, (16,)),
    "step, batch 32, 100→16→1": (32, (16,)),
    "step, batch 4000, 4×64 hidden": (4000, (64, 64, 64, 64)),
}
GOALS = {
    ("step, batch 4000, 100→16→1", "PyTorch"): 0.50,
    ("step, batch 4000, 100→16→1", "torch.compile"): 0.60,
    ("step, batch 4000, 100→16→1", "jax.jit"): 0.60,
    ("step, batch 4000, 100→16→1", "NumPy by hand"): 1.10,
    ("step, batch 32, 100→16→1", "PyTorch"): 0.40,
    ("step, batch 4000, 4×64 hidden", "PyTorch"): 0.90,
}


def same_network(what: str, peer: str) -> None:
    """The first ten losses agree.

    Raises:
        AssertionError: if they don't.
    """
    batch, hidden = NETWORKS[what]
    ours = alone(results, (with_framework, ("tinyact", batch, hidden)))
    theirs = alone(results, (PEERS[peer], (batch, hidden)))
    worst = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    if not worst < 1e-4:
        raise AssertionError(f"{peer} trains something else: losses differ by {worst}")


def rows(quick: bool) -> list[Row]:
    """All networks with all peers that are installed."""
    rows = []
    for what, (batch, hidden) in NETWORKS.items():
        for peer, make in PEERS.items():
            if what != next(iter(NETWORKS)) and peer not in ("PyTorch", "NumPy by hand"):
                continue
            ours, theirs = (with_framework, ("tinyact", batch, hidden)), (make, (batch, hidden))
            (times,) = compare([ours], [theirs], 0.05 if quick else 1.0, 1 if quick else 5)
            if isinstance(times, str):
                missing(peer, times)
                continue
            same_network(what, peer)
            rows.append(Row(what, peer, *times, GOALS.get((what, peer))))
    return rows
