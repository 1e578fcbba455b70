"""Devices as a machine has them that has none but its processor: what programs ask for them is answered, or refused."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["accelerator", "backends", "cuda", "device"]

_TYPES = ("cpu", "cuda", "mps", "xpu", "meta", "xla", "hpu", "mtia", "ipu", "vulkan", "privateuseone")


class device:
    """Where a tensor's memory is: on the CPU, always; others can be named, but nothing can be put there.

    Args:
        type: ``"cpu"``, ``"cuda"``, ``"cuda:0"`` …, or a device.
        index: which of several, if the type doesn't say it.

    Attributes:
        type: ``"cpu"`` …
        index: the number, or None.

    Raises:
        RuntimeError: for a type that PyTorch doesn't know.

    Example:
        >>> import tinyact
        >>> tinyact.ones(2, device=tinyact.device("cpu")).device
        device(type='cpu')
    """

    type: str
    index: int | None

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if name not in _TYPES:
            raise RuntimeError(f"Expected one of {', '.join(_TYPES)} device type at start of device string: {name}")
        if colon and (index is not None or not number.isdecimal()):
            raise RuntimeError(f"Invalid device string: '{type}'")
        self.type, self.index = name, int(number) if colon else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + ("" if self.index is None else f", index={self.index}") + ")"


CPU = device("cpu")
# What a program may say for one.
DeviceLike: TypeAlias = device | str | None


def is_device(value: Any) -> bool:
    """Whether this names a device, and no dtype."""
    return isinstance(value, device) or (isinstance(value, str) and value.partition(":")[0] in _TYPES)


def check_device(value: DeviceLike) -> None:
    """Raise the error of a PyTorch that was built without them, unless the device is the CPU, or none is named.

    Raises:
        AssertionError: for CUDA, as PyTorch has it.
        NotImplementedError: for any other.
    """
    if value is None:
        return
    kind = device(value).type
    if kind == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled: tinyact computes on the CPU alone")
    if kind != "cpu":
        raise NotImplementedError(f"there is no device '{value}': tinyact computes on the CPU alone")


class accelerator:
    """What programs ask of accelerators, on a machine that has none."""

    @staticmethod
    def is_available() -> bool:
        """False."""
        return False

    @staticmethod
    def device_count() -> int:
        """0."""
        return 0

    @staticmethod
    def current_accelerator(check_available: bool = False) -> device | None:
        """None."""
        return None


class cuda:
    """What programs ask of CUDA, on a machine that has none."""

    is_available, device_count = accelerator.is_available, accelerator.device_count

    @staticmethod
    def manual_seed(seed: int) -> None:
        """Nothing, as in PyTorch where there is no CUDA."""

    manual_seed_all = manual_seed

    @staticmethod
    def empty_cache() -> None:
        """Nothing, as in PyTorch where there is no CUDA."""


class backends:
    """What programs ask of, and set for, the libraries behind other devices; settings are without effect."""

    class mps:
        """Apple's."""

        is_available = is_built = accelerator.is_available

    class cudnn:
        """Nvidia's."""

        enabled = benchmark = deterministic = False
        is_available = accelerator.is_available
