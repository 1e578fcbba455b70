"""The training step in NumPy alone, derivatives worked out on paper: as one writes it, and as fast as can be.

Both compute what the network, BCELoss and Adam say, for any targets: nothing is left out that the numbers at hand
happen not to need.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinyact
from tinyact.experiment import build, notebook_data

Step = Callable[[], Any]
RATE = 0.001
FLOAT = np.float32


def start(batch: int, hidden: tuple[int, ...]) -> tuple[Any, Any, list[Any]]:
    """Data and initial parameters (W and b per layer) as arrays."""
    data = notebook_data(tinyact)
    tinyact.manual_seed(0)
    arrays = [p.detach().numpy().copy() for p in build(tinyact, "relu", hidden).parameters()]
    return data.train_x[:batch].numpy(), data.train_y[:batch].numpy(), arrays


def parts(flat: Any, arrays: list[Any]) -> list[Any]:
    """Views of a flat vector, shaped like the arrays."""
    ends = np.cumsum([array.size for array in arrays])
    return [flat[end - array.size : end].reshape(array.shape) for end, array in zip(ends, arrays, strict=True)]


class Adam:
    """Adam on one flat vector, in place."""

    def __init__(self, arrays: list[Any]) -> None:
        self.p = np.concatenate([a.ravel() for a in arrays])
        self.m, self.v, self.t = np.zeros_like(self.p), np.zeros_like(self.p), 0
        self.views = parts(self.p, arrays)

    def step(self, grads: list[Any]) -> None:
        g = np.concatenate([part.ravel() for part in grads])
        self.t += 1
        self.m += (g - self.m) * FLOAT(0.1)
        self.v *= FLOAT(0.999)
        g *= g
        g *= FLOAT(0.001)
        self.v += g
        d = np.sqrt(self.v)
        d *= FLOAT((1 - 0.999**self.t) ** -0.5)
        d += FLOAT(1e-8)
        np.divide(self.m, d, out=d)
        d *= FLOAT(RATE / (1 - 0.9**self.t))
        self.p -= d


def plain(batch: int, hidden: tuple[int, ...]) -> Step:
    """As one writes it who knows NumPy."""
    x, y, arrays = start(batch, hidden)
    adam = Adam(arrays)
    views = adam.views
    ones = np.ones(batch, FLOAT)

    def step() -> Any:
        inputs, a = [], x
        for i in range(0, len(views) - 2, 2):
            inputs.append(a)
            a = a @ views[i].T
            a += views[i + 1]
            np.maximum(a, FLOAT(0), out=a)
        inputs.append(a)
        z = a @ views[-2].T
        z += views[-1]
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        p = np.divide(1, z, out=z)
        with np.errstate(all="ignore"):
            log_p, log_q = np.maximum(np.log(p), FLOAT(-100)), np.maximum(np.log1p(-p), FLOAT(-100))
        loss = -np.mean(y * log_p + (1 - y) * log_q)
        g = (p - y) / FLOAT(batch)
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


class FixedAdam:
    """Adam with all of its memory made before, by the formula in which one multiplication corrects both means."""

    def __init__(self, arrays: list[Any]) -> None:
        self.p = np.concatenate([a.ravel() for a in arrays])
        self.g, self.m, self.v, self.d = (np.zeros_like(self.p) for _ in range(4))
        self.views, self.grads, self.t = parts(self.p, arrays), parts(self.g, arrays), 0
        # As arrays, since NumPy takes twice as long for a number.
        self.first, self.second, self.keep = (np.array(c, FLOAT) for c in (0.1, 0.001, 0.999))
        self.rate, self.epsilon = np.zeros((), FLOAT), np.zeros((), FLOAT)

    def step(self) -> None:
        g, m, v, d = self.g, self.m, self.v, self.d
        self.t += 1
        root = math.sqrt(1 - 0.999**self.t)
        self.epsilon[()], self.rate[()] = 1e-8 * root, RATE * root / (1 - 0.9**self.t)
        np.subtract(g, m, d)
        np.multiply(d, self.first, d)
        np.add(m, d, m)
        np.multiply(v, self.keep, v)
        np.multiply(g, g, g)
        np.multiply(g, self.second, g)
        np.add(v, g, v)
        np.sqrt(v, d)
        np.add(d, self.epsilon, d)
        np.divide(m, d, d)
        np.multiply(d, self.rate, d)
        np.subtract(self.p, d, self.p)


class Hidden:
    """A layer x·W + b with ReLU, and its memory; W is stored as BLAS and the gradient's product like it best."""

    def __init__(self, x: Any, w: Any, b: Any, grad_w: Any, grad_b: Any) -> None:
        batch, width = len(x), w.shape[1]
        self.x, self.x_t, self.w, self.b = x, x.T, w, b
        self.grad_w, self.grad_b, self.ones = grad_w, grad_b, np.ones(batch, FLOAT)
        self.y, self.grad = np.empty((batch, width), FLOAT), np.empty((batch, width), FLOAT)
        self.zeros, self.mask = np.zeros((batch, width), FLOAT), np.empty((batch, width), bool)
        # Many short rows take NumPy longer than few long ones; below that, copying the bias does.
        together = math.gcd(batch, 64) if batch > 1000 else 1
        self.tile = np.empty((together, width), FLOAT)
        self.long_b, self.long_y = self.tile.reshape(-1), self.y.reshape(-1, together * width)
        self.long_grad = self.grad.reshape(self.long_y.shape)

    def rows(self, row: Any) -> Any:
        """The row, as often as it fits a long row."""
        if len(self.tile) == 1:
            return row
        self.tile[...] = row
        return self.long_b

    def forward(self) -> None:
        np.dot(self.x, self.w, self.y)
        np.add(self.long_y, self.rows(self.b), self.long_y)
        np.maximum(self.y, self.zeros, self.y)

    def backward(self, grad: Any, w: Any) -> None:
        """From the gradient that the layer behind receives, and its W."""
        if w.shape[1] > 1:
            np.dot(grad, w.T, self.grad)
        elif len(self.tile) == 1:
            np.multiply(grad, w.T, self.grad)
        else:
            repeated = np.repeat(grad, len(w), 1).reshape(self.long_grad.shape)
            np.multiply(repeated, self.rows(w.T), self.long_grad)
        np.greater(self.y, self.zeros, self.mask)
        np.multiply(self.grad, self.mask, self.grad)
        np.dot(self.x_t, self.grad, self.grad_w)
        np.dot(self.ones, self.grad, self.grad_b)


def fixed(batch: int, hidden: tuple[int, ...]) -> Step:
    """As fast as it can be written: every result goes to memory of its own, in the layouts and by the calls that are
    fastest, and the gradients straight into Adam's vector.
    """
    np.seterr(all="ignore")
    x, y, arrays = start(batch, hidden)
    adam = FixedAdam([a.T for a in arrays])
    views, grads = adam.views, adam.grads
    layers: list[Hidden] = []
    for i in range(0, len(views) - 2, 2):
        layers.append(Hidden(layers[-1].y if layers else x, *views[i : i + 2], *grads[i : i + 2]))
    p, q, log_p, log_q, g = (np.empty(batch, FLOAT) for _ in range(5))
    h, w, b, grad_w, grad_b = layers[-1].y, views[-2][:, 0], views[-1], grads[-2][:, 0], grads[-1]
    y, other, ones, minus_b = y[:, 0].copy(), 1 - y[:, 0], np.ones(batch, FLOAT), np.empty_like(b)
    one, least, share = np.array(1, FLOAT), np.full(batch, -100, FLOAT), np.array(1 / batch, FLOAT)
    # Each layer with the gradient that the layer behind receives, and that layer's weight.
    backward = [(layers[-1], g[:, None], views[-2])]
    backward += [(a, b.grad, b.w) for a, b in zip(layers[-2::-1], layers[:0:-1], strict=True)]

    def step() -> Any:
        for layer in layers:
            layer.forward()
        np.dot(h, w, p)
        np.negative(b, minus_b)
        np.subtract(minus_b, p, p)
        np.exp(p, p)
        np.add(p, one, p)
        np.divide(one, p, p)
        np.subtract(one, p, q)
        np.maximum(np.log(p, log_p), least, log_p)
        np.maximum(np.log(q, log_q), least, log_q)
        loss = -(np.dot(y, log_p) + np.dot(other, log_q)) * share
        np.subtract(p, y, g)
        np.multiply(g, share, g)
        grad_w[...] = np.dot(g, h)
        grad_b[0] = np.dot(ones, g)
        for layer, grad, weight in backward:
            layer.backward(grad, weight)
        adam.step()
        return loss

    return step
