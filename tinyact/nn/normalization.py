"""Layers that normalize: a sample by itself, or each channel over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinyact.creation import empty, ones, tensor, zeros
from tinyact.device import DeviceLike, check_device
from tinyact.dtype import int64
from tinyact.nn import functional as F
from tinyact.nn import init
from tinyact.nn.module import FunctionModule
from tinyact.nn.parameter import Parameter
from tinyact.tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d", "LayerNorm", "RMSNorm"]


class Affine(FunctionModule):
    """What these layers share: a weight that is 1 at first, and a bias that is 0, if they are wanted."""

    def _register(self, sizes: tuple[int, ...], dtype: Any, **wanted: bool) -> None:
        for name, is_wanted in wanted.items():
            self.register_parameter(name, Parameter(empty(sizes, dtype=dtype)) if is_wanted else None)

    def reset_parameters(self) -> None:
        """Sets the weight to 1, the bias to 0."""
        for name, parameter in self.named_parameters(recurse=False):
            init.constant_(parameter, 1.0 if name == "weight" else 0.0)


class LayerNorm(Affine, function=F.layer_norm):
    """Args:
        normalized_shape: the sizes of the last dimensions, over which each sample is normalized; one as a number.
        eps: ε.
        elementwise_affine: whether w and b are learned; if not, they are 1 and 0.
        bias: whether there is a b.
        device: the CPU, or nothing.
        dtype: of the parameters, the default dtype if left out.

    Attributes:
        weight: w, in the shape of ``normalized_shape``, or None.
        bias: b, in that shape, or None.

    Example:
        >>> import tinyact
        >>> tinyact.nn.LayerNorm(3)(tinyact.tensor([1.0, 2.0, 3.0])).detach()
        tensor([-1.2247,  0.0000,  1.2247])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register(self.normalized_shape, dtype, weight=elementwise_affine, bias=elementwise_affine and bias)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Affine, function=F.rms_norm):
    """Args:
        normalized_shape: the sizes of the last dimensions, over which each sample is normalized; one as a number.
        eps: ε; the distance from 1 to the next number of the input's dtype, if left out.
        elementwise_affine: whether w is learned; if not, it is 1.
        device: the CPU, or nothing.
        dtype: of the weight, the default dtype if left out.

    Attributes:
        weight: w, in the shape of ``normalized_shape``, or None.
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: DeviceLike = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register(self.normalized_shape, dtype, weight=elementwise_affine)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _sizes(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class BatchNorm(Affine):
    """Normalizes each channel: in training over the batch, in evaluation mode by what was measured in training."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    ndims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: DeviceLike = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_device(device)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._register((num_features,), dtype, weight=affine, bias=affine and bias)
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forgets what was measured."""
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(value)

    def reset_parameters(self) -> None:
        """Sets the weight to 1, the bias to 0, and forgets what was measured."""
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self.ndims:
            expected = " or ".join(f"{ndim}D" for ndim in self.ndims)
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1 / self.num_batches_tracked.item()  # the mean over all batches
        of_batch = self.training or (self.running_mean is None and self.running_var is None)
        measured = self.track_running_stats or not self.training
        mean, var = (self.running_mean, self.running_var) if measured else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, of_batch, momentum, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(BatchNorm, function=F.batch_norm):
    """Args:
        num_features: C, how many channels inputs (N, C) or (N, C, L) have.
        eps: ε.
        momentum: how far a batch moves the running values; None for the mean over all batches.
        affine: whether w and b are learned; if not, they are 1 and 0.
        track_running_stats: whether there are running values; if not, those of the batch serve in evaluation mode too.
        device: the CPU, or nothing.
        dtype: of parameters and buffers, the default dtype if left out.
        bias: whether there is a b.

    Attributes:
        weight, bias: w and b, shape (num_features,), or None.
        running_mean, running_var: the running values, or None.
        num_batches_tracked: how many batches they have seen.

    Example:
        >>> import tinyact
        >>> norm = tinyact.nn.BatchNorm1d(1)
        >>> norm(tinyact.tensor([[1.0], [3.0]])).flatten().detach()
        tensor([-1.0000,  1.0000])
        >>> norm.running_mean, norm.num_batches_tracked
        (tensor([0.2000]), tensor(1))
    """

    ndims = (2, 3)


class BatchNorm2d(BatchNorm, function=F.batch_norm):
    """Args:
    as for `BatchNorm1d`; inputs are images (N, C, H, W).
    """

    ndims = (4,)
