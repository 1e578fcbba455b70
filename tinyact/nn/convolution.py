"""Layers that compute the same of every window of their input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinyact.creation import empty
from tinyact.device import DeviceLike, check_device
from tinyact.nn import functional as F
from tinyact.nn import init
from tinyact.nn.module import FunctionModule
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

__all__ = ["Conv1d", "Conv2d"]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Conv(FunctionModule):
    """What convolutions share, in ``dims`` dimensions."""

    weight: Parameter
    bias: Parameter | None
    dims: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = self._each(kernel_size)
        self.stride = self._each(stride)
        self.padding = padding if isinstance(padding, str) else self._each(padding)
        self.dilation = self._each(dilation)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check_padding()
        self.weight = Parameter(empty(out_channels, in_channels // groups, *self.kernel_size, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _each(self, value: int | Sequence[int]) -> tuple[int, ...]:
        return (value,) * self.dims if isinstance(value, int) else tuple(value)

    def _check_padding(self) -> None:
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'valid', 'same'}}")
        if self.padding == "same" and any(step != 1 for step in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {_PADDING_MODES}, but got {self.padding_mode!r}")
        if self.padding_mode != "zeros":
            raise NotImplementedError(
                f"padding_mode={self.padding_mode!r} isn't part of tinyact, which pads with 'zeros'"
            )

    def reset_parameters(self) -> None:
        """Draws new parameters: weights, then biases, all uniform in ±1/√(in_channels / groups · kernel)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        settings = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        others = {
            "padding": (self.padding, (0,) * len(self.padding)),
            "dilation": (self.dilation, (1,) * len(self.dilation)),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
        }
        return settings + "".join(f", {name}={value}" for name, (value, usual) in others.items() if value != usual)


class Conv1d(Conv, function=F.conv1d):
    """Args:
    as for `Conv2d`; inputs are sequences (N, in_channels, L) or (in_channels, L).
    """

    dims = 1


class Conv2d(Conv, function=F.conv2d):
    """Args:
        in_channels: how many channels inputs (N, in_channels, H, W) or (in_channels, H, W) have.
        out_channels: how many outputs have.
        kernel_size: the size of a window; a number, or one for each dimension.
        stride: from one window to the next.
        padding: how many zeros stand around the input; ``"same"``: as many as keep its sizes; ``"valid"``: none.
        dilation: from one element of a window to the next.
        groups: into how many groups the channels fall that have nothing to do with each other.
        bias: whether there is a b.
        padding_mode: must be ``"zeros"``.
        device: the CPU, or nothing.
        dtype: of the parameters, the default dtype if left out.

    Attributes:
        weight: W, shape (out_channels, in_channels / groups, kernel, kernel).
        bias: b, shape (out_channels,), or None.

    Raises:
        ValueError: if channels don't fit groups, or padding makes no sense.

    Example:
        >>> import tinyact
        >>> tinyact.nn.Conv2d(1, 8, 3, padding=1)(tinyact.ones(2, 1, 28, 28)).shape
        torch.Size([2, 8, 28, 28])
    """

    dims = 2
