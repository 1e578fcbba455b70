"""Layers that compute x·Wᵀ + b, or nothing at all."""

from __future__ import annotations

import math
from typing import Any

from tinyact.creation import empty
from tinyact.device import DeviceLike
from tinyact.nn import functional as F
from tinyact.nn import init
from tinyact.nn.module import Module
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

__all__ = ["Identity", "Linear"]


class Identity(Module):
    """Its input as it is: a place where a layer could be. It takes any arguments, so that it can replace any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Linear(Module):
    """y = x·Wᵀ + b, W and b learned.

    Args:
        in_features: the width of x.
        out_features: the width of y.
        bias: whether there is a b.
        device: the CPU, or nothing.
        dtype: of the parameters, the default dtype if left out.

    Attributes:
        weight: W, shape (out_features, in_features).
        bias: b, shape (out_features,), or None.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(0)
        >>> layer = tinyact.nn.Linear(2, 3)
        >>> layer(tinyact.ones(4, 2)).shape
        torch.Size([4, 3])
        >>> layer.bias
        Parameter containing:
        tensor([-0.0140,  0.5607, -0.0628], requires_grad=True)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: DeviceLike = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new parameters: weights, then biases, all uniform in ±1/√in_features."""
        # √5 makes of He's bound √6 / √((1 + a²)·fan) just 1/√fan.
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
