"""Initial values for parameters, set in place and unrecorded; the random ones are PyTorch's own for the same seed.

Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks ("xavier");
He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, arXiv:1502.01852 ("kaiming").
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinyact.autograd import no_grad
from tinyact.creation import eye
from tinyact.tensor import Tensor

_GAINS = {
    **dict.fromkeys(("linear", "sigmoid"), 1.0),
    **{f"conv{kind}{dimensions}d": 1.0 for kind in ("", "_transpose") for dimensions in (1, 2, 3)},
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights before this function must be larger for its outputs to keep the inputs' spread.

    Args:
        nonlinearity: the function's name: ``"linear"``, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"`` …
        param: the negative slope a of ``"leaky_relu"``, whose gain is √(2 / (1 + a²)); 0.01 if left out.

    Raises:
        ValueError: for other names, or a slope that is no number.

    Example:
        >>> import tinyact
        >>> tinyact.nn.init.calculate_gain("relu")
        1.4142135623730951
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {slope} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Random numbers, uniform in [a, b).

    Raises:
        RuntimeError: if a > b, or the elements are no floating numbers.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.nn.init.uniform_(tinyact.empty(3), -1, 1)
        tensor([-0.0075,  0.5364, -0.8230])
    """
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Random numbers of a normal distribution.

    Raises:
        RuntimeError: if the standard deviation is negative, or the elements are no floating numbers.
    """
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same number everywhere."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """1 on the diagonal of a matrix, 0 elsewhere.

    Raises:
        ValueError: if it is no matrix.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(eye(*tensor.shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in ±gain·√(6 / (fan_in + fan_out)): Glorot's compromise between the ways forward and back.

    Args:
        tensor: weights (out, in, …).
        gain: as `calculate_gain` has it.
        generator: of random numbers, the default one if left out.

    Raises:
        ValueError: if it has fewer than 2 dimensions.
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain·√(2 / (fan_in + fan_out)); arguments as for `xavier_uniform_`."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform in ±gain·√(3 / fan): He's initial weights before rectifiers.

    Args:
        tensor: weights (out, in, …).
        a: the negative slope of the leaky ReLU that follows; 0 for a ReLU.
        mode: ``"fan_in"`` keeps the spread on the way forward, ``"fan_out"`` on the way back.
        nonlinearity: the name of the function that follows, for `calculate_gain`.
        generator: of random numbers, the default one if left out.

    Raises:
        ValueError: if it has fewer than 2 dimensions, or there is no such mode or nonlinearity.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> tinyact.nn.init.kaiming_uniform_(tinyact.empty(1, 3), nonlinearity="relu")
        tensor([[-0.0106,  0.7586, -1.1640]])
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain / √fan; arguments as for `kaiming_uniform_`."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output is computed from, and how many outputs each input goes into."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    outputs, inputs, *field = tensor.shape
    size = math.prod(field)
    return inputs * size, outputs * size


# The order of the operations below is that of PyTorch's: the last bit of every weight depends on it.


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2.0 / float(sum(_fans(tensor))))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {modes}")
    fan = _fans(tensor)[modes.index(mode.lower())]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _is_empty(tensor: Tensor) -> bool:
    """Whether there is nothing to initialize, which PyTorch finds worth a warning."""
    if tensor.numel() == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return tensor.numel() == 0
