"""The layer that multiplies two inputs."""

from __future__ import annotations

import math
from typing import Any

from tinyact.creation import empty
from tinyact.device import DeviceLike, check_device
from tinyact.nn import functional as F
from tinyact.nn import init
from tinyact.nn.module import FunctionModule
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

__all__ = ["Bilinear"]


class Bilinear(FunctionModule, function=F.bilinear):
    """Args:
        in1_features: the width of a.
        in2_features: the width of b.
        out_features: the width of y.
        bias: whether there is a c.
        device: the CPU, or nothing.
        dtype: of the parameters, the default dtype if left out.

    Attributes:
        weight: W, shape (out_features, in1_features, in2_features).
        bias: c, shape (out_features,), or None.

    Raises:
        ValueError: if a has no width.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got ({in1_features=})")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new parameters: weights, then biases, all uniform in ±1/√in1_features."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters(recurse=False):
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
