"""Layers that keep of every window its largest element, or its mean."""

from __future__ import annotations

from collections.abc import Sequence

from tinyact.nn import functional as F
from tinyact.nn.module import FunctionModule
from tinyact.tensor import Tensor

__all__ = ["AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]


class Pool(FunctionModule):
    """What these layers share."""

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, **self._settings())


class MaxPool(Pool):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(MaxPool, function=F.max_pool1d):
    pass


class MaxPool2d(MaxPool, function=F.max_pool2d):
    pass


class AvgPool(Pool):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(AvgPool, function=F.avg_pool1d):
    def extra_repr(self) -> str:
        numbers = {name: getattr(self, name) for name in ("kernel_size", "stride", "padding")}
        each = {name: (value,) if isinstance(value, int) else tuple(value) for name, value in numbers.items()}
        return ", ".join(f"{name}={value}" for name, value in each.items())


class AvgPool2d(AvgPool, function=F.avg_pool2d):
    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override
