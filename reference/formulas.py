"""What the activation functions and their derivatives really are: written as on paper, for numbers wide enough.

``m`` is `Wide` (arrays of NumPy's longdouble, for float32) or `Exact` (mpmath's numbers, for float64). No formula
subtracts numbers that nearly cancel within the ranges that are checked, but for those that cross zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Wide:
    """Functions of longdouble arrays."""

    exp, expm1, log1p, tanh, sin, cos, abs = np.exp, np.expm1, np.log1p, np.tanh, np.sin, np.cos, np.abs
    where = staticmethod(np.where)

    @staticmethod
    def erfc(x: Any) -> Any:
        from scipy.special import erfc

        return erfc(x.astype(np.float64)).astype(np.longdouble)


class Double(Wide):
    """The same for float64 arrays: for float32 good to a billionth of a unit, and ten times as fast."""


class Exact:
    """Functions of one mpmath number."""

    def __init__(self, digits: int = 60) -> None:
        import mpmath

        mpmath.mp.dps = digits
        self.exp, self.expm1, self.tanh, self.erfc = mpmath.exp, mpmath.expm1, mpmath.tanh, mpmath.erfc
        self.log1p, self.sin, self.cos = mpmath.log1p, mpmath.sin, mpmath.cos
        self.abs = abs

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        return a if condition else b


Formula = Callable[[Any, Any], Any]


def sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def sigmoid_slope(m: Any, x: Any) -> Any:
    e = m.exp(-m.abs(x))
    return e / (1 + e) ** 2


def softplus(m: Any, x: Any) -> Any:
    return m.where(x > 20, x, m.log1p(m.exp(x * (x <= 20))))


def true_softplus(m: Any, x: Any) -> Any:
    return m.where(x > 0, x, 0 * x) + m.log1p(m.exp(-m.abs(x)))


def silu_slope(m: Any, x: Any) -> Any:
    return sigmoid(m, x) + x * sigmoid_slope(m, x)


def mish(m: Any, x: Any) -> Any:
    return x * m.tanh(true_softplus(m, x))


def mish_slope(m: Any, x: Any) -> Any:
    e = m.exp(-m.abs(x))
    # 1 − tanh(softplus(x))² = 4·u² / (u² + 1)², with u = 1 + eˣ and eˣ·e^(−|x|) kept within the range.
    above = m.where(x > 0, e, 1 + 0 * x)
    below = m.where(x > 0, 1 + 0 * x, e)
    u = above + below
    d = u * u + above * above
    return m.tanh(true_softplus(m, x)) + x * sigmoid(m, x) * (4 * u * u * above * above) / (d * d)


PI = "3.14159265358979323846264338327950288419716939937510582097494459"


def constant(m: Any, text: str) -> Any:
    """A number in m's own kind."""
    if isinstance(m, Exact):
        import mpmath

        return mpmath.mpf(text)
    return float(text) if m is Double else np.longdouble(text)


def root(x: Any) -> Any:
    return x ** (x / x / 2)


def gelu(m: Any, x: Any) -> Any:
    return x * m.erfc(-x / root(constant(m, "2"))) / 2


def gelu_slope(m: Any, x: Any) -> Any:
    density = m.exp(-x * x / 2) / root(2 * constant(m, PI))
    return m.erfc(-x / root(constant(m, "2"))) / 2 + x * density


def _gelu_inner(m: Any, x: Any) -> tuple[Any, Any]:
    c, k = root(2 / constant(m, PI)), constant(m, "0.044715")
    return 2 * c * (x + k * x * x * x), 2 * c * (1 + 3 * k * x * x)


def gelu_tanh(m: Any, x: Any) -> Any:
    return x * sigmoid(m, _gelu_inner(m, x)[0])


def gelu_tanh_slope(m: Any, x: Any) -> Any:
    z, slope = _gelu_inner(m, x)
    return sigmoid(m, z) + x * slope * sigmoid_slope(m, z)


def tanh_slope(m: Any, x: Any) -> Any:
    e = m.exp(-2 * m.abs(x))
    return 4 * e / (1 + e) ** 2


def tanhshrink(m: Any, x: Any) -> Any:
    x2 = x * x
    series = x * x2 * (1 - x2 * (2 - x2 * 17 / 21 * (1 - x2 * 62 / 153)) / 5) / 3
    return m.where(m.abs(x) < 0.02, series, x - m.tanh(x))


def selu_constants(m: Any) -> tuple[Any, Any]:
    return constant(m, "1.0507009873554804934193349852946"), constant(m, "1.6732632423543772848170429916717")


def selu(m: Any, x: Any) -> Any:
    s, a = selu_constants(m)
    return s * m.where(x > 0, x, a * m.expm1(x * (x <= 0)))


def selu_slope(m: Any, x: Any) -> Any:
    s, a = selu_constants(m)
    return s * m.where(x > 0, 1 + 0 * x, a * m.exp(x * (x <= 0)))


def clip(m: Any, x: Any, low: float, high: float) -> Any:
    return m.where(x < low, low + 0 * x, m.where(x > high, high + 0 * x, x))


def between(m: Any, x: Any, low: float, high: float) -> Any:
    return m.where((x > low) & (x < high), 1 + 0 * x, 0 * x)


def outside(m: Any, x: Any, width: float) -> Any:
    return m.where((x < -width) | (x > width), 1 + 0 * x, 0 * x)


# Value and derivative by the name of the function, with PyTorch's defaults.
FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "sigmoid": (sigmoid, sigmoid_slope),
    "tanh": (lambda m, x: m.tanh(x), tanh_slope),
    "relu": (lambda m, x: m.where(x > 0, x, 0 * x), lambda m, x: m.where(x > 0, 1 + 0 * x, 0 * x)),
    "leaky_relu": (
        lambda m, x: m.where(x > 0, x, constant(m, "0.01") * x),
        lambda m, x: m.where(x > 0, 1 + 0 * x, constant(m, "0.01") + 0 * x),
    ),
    "elu": (
        lambda m, x: m.where(x > 0, x, m.expm1(x * (x <= 0))),
        lambda m, x: m.where(x > 0, 1 + 0 * x, m.exp(x * (x <= 0))),
    ),
    "selu": (selu, selu_slope),
    "celu": (
        lambda m, x: m.where(x > 0, x, m.expm1(x * (x <= 0))),
        lambda m, x: m.where(x > 0, 1 + 0 * x, m.exp(x * (x <= 0))),
    ),
    "silu": (lambda m, x: x * sigmoid(m, x), silu_slope),
    "mish": (mish, mish_slope),
    "gelu": (gelu, gelu_slope),
    "gelu_tanh": (gelu_tanh, gelu_tanh_slope),
    "softplus": (softplus, lambda m, x: m.where(x > 20, 1 + 0 * x, sigmoid(m, x))),
    "softsign": (lambda m, x: x / (1 + m.abs(x)), lambda m, x: 1 / (1 + m.abs(x)) ** 2),
    "logsigmoid": (lambda m, x: -true_softplus(m, -x), lambda m, x: sigmoid(m, -x)),
    "hardtanh": (lambda m, x: clip(m, x, -1, 1), lambda m, x: between(m, x, -1, 1)),
    "relu6": (lambda m, x: clip(m, x, 0, 6), lambda m, x: between(m, x, 0, 6)),
    "hardsigmoid": (lambda m, x: clip(m, x + 3, 0, 6) / 6, lambda m, x: between(m, x, -3, 3) / 6),
    "hardswish": (
        lambda m, x: x * clip(m, x + 3, 0, 6) / 6,
        lambda m, x: m.where(x <= -3, 0 * x, m.where(x < 3, (2 * x + 3) / 6, 1 + 0 * x)),
    ),
    "hardshrink": (lambda m, x: x * outside(m, x, 0.5), lambda m, x: outside(m, x, 0.5)),
    "softshrink": (
        lambda m, x: outside(m, x, 0.5) * m.where(x > 0, x - 0.5, x + 0.5),
        lambda m, x: outside(m, x, 0.5),
    ),
    "tanhshrink": (tanhshrink, lambda m, x: m.tanh(x) ** 2),
    "relu_squared": (lambda m, x: m.where(x > 0, x * x, 0 * x), lambda m, x: m.where(x > 0, 2 * x, 0 * x)),
    "snake": (lambda m, x: x + m.sin(x) ** 2, lambda m, x: 1 + m.sin(2 * x)),
}
