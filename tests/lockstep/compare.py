"""Everything that one can see of two programs' things, compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import tinyact
from tests.against_torch import TOLERANCE

# A step that computes gradients.
SWEEPS = r"grad\(|backward\(|functional"


@dataclass
class Difference:
    """What is not the same on both sides after a step.

    Attributes:
        line: the step.
        what: what differs: ``value``, ``dtype``, ``requires_grad`` …; ``raised``, if one side refused.
        path: where: the name of a thing, and the way from it.
        ours, theirs: what tinyact and PyTorch have there.
        tensor: PyTorch's tensor there, if it is one.
        error: what PyTorch raised, where both did.
        program: the lines up to this one.
        names: PyTorch's things.
    """

    line: str
    what: str
    path: str
    ours: Any
    theirs: Any
    tensor: Any = None
    error: Exception | None = None
    program: str = ""
    names: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path or self.line}: {self.what}\n  tinyact: {self.ours!r}\n  PyTorch: {self.theirs!r}"

    @property
    def operands(self) -> list[Any]:
        """PyTorch's tensors that the step names."""
        named = [self.names.get(name) for name in re.findall(r"\w+", self.line)]
        parts = [part for value in named for part in (value if isinstance(value, (tuple, list)) else [value])]
        return [part for part in parts if isinstance(part, torch.Tensor)]


class Unequal(Exception):
    """Raised at the first difference."""


class Comparer:
    """Compares all things of two sides, those that look as they did the last time only once.

    Attributes:
        misnamed: results whose nodes have other names, which need not be the end: path, both names, PyTorch's tensor.
    """

    def __init__(self) -> None:
        self._looks: dict[str, Any] = {}
        self._counts: dict[str, Any] = {}
        self.misnamed: list[tuple[str, str, str, Any]] = []
        self._passed: set[tuple[int, str, str]] = set()
        # Gradients may have been float32 on the way, as soon as something is.
        self._float32 = self._sweeps = False
        self._owners: dict[int, str] = {}
        self._twins: dict[int, str] = {}
        self._alive: list[Any] = []  # so that no two objects have one id

    def difference(self, line: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Difference | None:
        """The first difference between two sides' things, by name."""
        self._owners, self._twins, self._alive = {}, {}, []
        self._sweeps = bool(re.search(SWEEPS, line))
        try:
            for name in theirs:
                self.compare(name, ours[name], theirs[name])
        except Unequal as unequal:
            return Difference(line, *unequal.args)
        except RuntimeError as error:  # PyTorch's, for a view that it refuses to look at
            return Difference(line, "raised", "", None, error)
        return None

    def differences_of_names(self, line: str) -> Iterator[Difference]:
        """The results whose nodes have other names, each once."""
        for path, ours, theirs, tensor in self.misnamed:
            self._passed.add((id(tensor), ours, theirs))
            yield Difference(line, "grad_fn", path, ours, theirs, tensor)
        self.misnamed.clear()

    def compare(self, path: str, ours: Any, theirs: Any) -> None:
        if isinstance(theirs, torch.Tensor):
            self.tensors(path, ours, theirs)
        elif isinstance(theirs, torch.nn.Module):
            equal("repr", path, repr(ours), repr(theirs))
            equal("training", path, [m.training for m in ours.modules()], [m.training for m in theirs.modules()])
            self.compare(
                f"dict({path}.named_parameters())", dict(ours.named_parameters()), dict(theirs.named_parameters())
            )
            self.compare(f"dict({path}.named_buffers())", dict(ours.named_buffers()), dict(theirs.named_buffers()))
        elif isinstance(theirs, torch.optim.Optimizer):
            equal("repr", path, repr(ours), repr(theirs))
            self.compare(f"{path}.state_dict()", ours.state_dict(), theirs.state_dict())
        elif isinstance(theirs, dict):
            equal("keys", path, list(ours), list(theirs))
            for key in theirs:
                self.compare(f"{path}[{key!r}]", ours[key], theirs[key])
        elif isinstance(theirs, (tuple, list)) and not isinstance(theirs, torch.Size):
            equal("length", path, len(ours), len(theirs))
            for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
                self.compare(f"{path}[{i}]", a, b)
        elif isinstance(theirs, np.ndarray):
            equal("dtype", path, ours.dtype, theirs.dtype)
            numbers(path, ours, theirs)
        elif isinstance(theirs, float):
            equal("type", path, type(ours), float)
            if not (math.isclose(ours, theirs, rel_tol=1e-5) or (math.isnan(ours) and math.isnan(theirs))):
                raise Unequal("value", path, ours, theirs)
        elif isinstance(theirs, str):
            equal("value", path, without_names(ours), without_names(theirs))
        elif isinstance(theirs, (int, torch.Size, torch.dtype, type(None))):
            equal("value", path, str(ours), str(theirs))

    def tensors(self, path: str, ours: Any, theirs: Any) -> None:
        """Two tensors and their gradients; small errors of rounding are taken over, so that they don't grow."""
        if not isinstance(ours, tinyact.Tensor):
            raise Unequal("type", path, type(ours), torch.Tensor)
        self._alive.append((ours, theirs))
        equal("identity", path, self._owners.setdefault(id(ours), path), self._twins.setdefault(id(theirs), path))
        a, b = ours.array, theirs.detach().numpy(force=True)
        looks = look(ours, a), look(theirs, b)
        if self._looks.get(path) != looks:
            equal("type", path, type(ours).__name__, type(theirs).__name__, theirs)
            equal("dtype", path, str(ours.dtype), str(theirs.dtype), theirs)
            equal("shape", path, tuple(ours.shape), tuple(theirs.shape), theirs)
            equal("requires_grad", path, ours.requires_grad, theirs.requires_grad, theirs)
            equal("is_leaf", path, ours.is_leaf, theirs.is_leaf, theirs)
            equal("retains_grad", path, ours.retains_grad, theirs.retains_grad, theirs)
            self.versions(path, ours, theirs)
            # PyTorch prints names without their namespace.
            names = [t.grad_fn and t.grad_fn.name().replace("torch::autograd::", "") for t in (ours, theirs)]
            if names[0] != names[1] and (id(theirs), *names) not in self._passed:
                self.misnamed.append((path, *names, theirs))
            self._float32 |= theirs.dtype == torch.float32
            numbers(
                path, a, b, theirs, "float32" if self._float32 and (self._sweeps or ".grad" in path) else a.dtype.name
            )
            if theirs.numel():
                strides = [[s for n, s in zip(t.shape, t.stride(), strict=True) if n > 1] for t in (ours, theirs)]
                equal("stride", path, *strides, theirs)
            if a.tobytes() == b.tobytes() and names[0] == names[1]:
                equal("repr", path, repr(ours), repr(theirs), theirs)
            take_over(a, b)
            self._looks[path] = look(ours, a), looks[1]
        grad = theirs.grad
        if grad is None or ours._grad is None:
            equal("grad is None", path, ours._grad is None, grad is None, theirs)
        else:
            self.tensors(f"{path}.grad", ours._grad, grad)

    def versions(self, path: str, ours: Any, theirs: Any) -> None:
        """The changes in place since this was first seen at this path; with what count one begins is no matter."""
        counts = np.array([ours._version.count, theirs._version])
        ids, first = self._counts.get(path, (None, counts))
        if ids != (id(ours), id(theirs)):
            self._counts[path], first = ((id(ours), id(theirs)), counts), counts
        equal("_version", path, *(counts - first).tolist(), theirs)


def look(tensor: Any, array: Any) -> tuple[Any, ...]:
    """All that the printed form and the flags of a tensor depend on."""
    node = tensor.grad_fn
    version = tensor._version if isinstance(tensor, torch.Tensor) else tensor._version.count
    flags = tensor.requires_grad, node and node.name(), version, tensor.retains_grad
    return flags, array.tobytes(), array.shape, array.strides, array.dtype


def without_names(text: str) -> str:
    """A printed form without the nodes' names, which are compared where they stand, and the line breaks after them."""
    return " ".join(re.sub(r"<\w+>", "", text).split())


def equal(what: str, path: str, ours: Any, theirs: Any, tensor: Any = None) -> None:
    if ours != theirs:
        raise Unequal(what, path, ours, theirs, tensor)


def numbers(path: str, a: Any, b: Any, tensor: Any = None, precision: str | None = None) -> None:
    """The same numbers; floating ones to rounding, zeros with their signs."""
    if a.tobytes() == b.tobytes():
        return
    if a.dtype.kind != "f":
        raise Unequal("value", path, a, b, tensor)
    finite = np.abs(b[np.isfinite(b)])
    rtol = TOLERANCE[precision or a.dtype.name]
    if not np.allclose(a, b, rtol, rtol * max(2.0, float(finite.max(initial=0.0))), equal_nan=True):
        raise Unequal("value", path, a, b, tensor)
    if np.any((a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b))):
        raise Unequal("sign of zero", path, a, b, tensor)


def take_over(a: Any, b: Any) -> None:
    """Put PyTorch's numbers into the memory of tinyact's."""
    if a.flags.writeable and a.tobytes() != b.tobytes():
        a[...] = b
