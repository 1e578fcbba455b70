"""Parameters and gradients of a network together: gradients clipped, parameters as one vector."""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable

from tinyact.autograd.modes import no_grad
from tinyact.creation import tensor
from tinyact.functions.shape import cat, stack
from tinyact.tensor import Tensor

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "parameters_to_vector",
    "vector_to_parameters",
]  # fmt: skip


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of these tensors, as if they were one vector.

    Args:
        tensors: one or more tensors.
        norm_type: p, in (Σ ∣x∣ᵖ)^(1/p); ``inf`` takes the largest ∣x∣.
        error_if_nonfinite: whether a norm that is NaN or infinite is an error.
        foreach: accepted for PyTorch's sake, and without effect.

    Returns:
        A tensor without dimensions.

    Raises:
        RuntimeError: if the norm is NaN or infinite, and ``error_if_nonfinite``.

    Example:
        >>> import tinyact
        >>> get_total_norm([tinyact.tensor([3.0]), tinyact.tensor([[4.0]])])
        tensor(5.)
    """
    parts = _listed(tensors)
    if not parts:
        return tensor(0.0)
    # Of the norms of each, as PyTorch has it: large numbers are squared no sooner than need be.
    norm = _norm(stack([_norm(part, float(norm_type)) for part in parts]), float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm.item()):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it cannot "
            "be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return norm


@no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales the gradients down, all by one factor, if their norm together is above ``max_norm``: g ← g · max/‖g‖.

    Args:
        parameters: whose gradients; those without one are left out.
        max_norm: the largest norm.
        norm_type, error_if_nonfinite, foreach: as for `get_total_norm`.

    Returns:
        The norm before, a tensor without dimensions.

    Raises:
        RuntimeError: if the norm is NaN or infinite, and ``error_if_nonfinite``; the gradients are unchanged then.

    Source: R. Pascanu, T. Mikolov and Y. Bengio, 2013: "On the difficulty of training recurrent neural networks".

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([3.0, 4.0], requires_grad=True)
        >>> (w * w / 2).sum().backward()
        >>> clip_grad_norm_([w], max_norm=1.0)
        tensor(5.)
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    of = _listed(parameters)
    if isinstance(parameters, types.GeneratorType) and not of:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    norm = get_total_norm(_grads(of), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(of, max_norm, norm)
    return norm


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """The second half of `clip_grad_norm_`, for a norm that is there already.

    Args:
        parameters, max_norm, foreach: as for `clip_grad_norm_`.
        total_norm: the norm, as `get_total_norm` gives it.
    """
    grads = _grads(_listed(parameters))
    if grads:
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor)


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limits every element of the gradients to [−v, v].

    Args:
        parameters: whose gradients; those without one are left out.
        clip_value: v.
        foreach: accepted for PyTorch's sake, and without effect.

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor([3.0, 0.5], requires_grad=True)
        >>> (w * w / 2).sum().backward()
        >>> clip_grad_value_([w], 1.0)
        >>> w.grad
        tensor([1.0000, 0.5000])
    """
    limit = float(clip_value)
    for grad in _grads(_listed(parameters)):
        grad.clamp_(-limit, limit)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters as one vector, one after the other; gradients go back to them.

    Args:
        parameters: tensors of any shapes.

    Example:
        >>> import tinyact
        >>> parameters_to_vector([tinyact.tensor([[1.0, 2.0]]), tinyact.tensor(3.0)])
        tensor([1., 2., 3.])
    """
    return cat([parameter.view(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Gives the parameters the elements of a vector, in its memory: the opposite of `parameters_to_vector`.

    Args:
        vec: a vector of as many elements as they have together.
        parameters: tensors; their ``data`` is replaced.

    Raises:
        TypeError: if the vector is no tensor.
        RuntimeError: if it is too short.

    Example:
        >>> import tinyact
        >>> w = tinyact.zeros(1, 2)
        >>> vector_to_parameters(tinyact.tensor([1.0, 2.0]), [w])
        >>> w
        tensor([[1., 2.]])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = vec[start:end].view(parameter.shape).data
        start = end


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _grads(parameters: list[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _norm(x: Tensor, p: float) -> Tensor:
    """‖x‖ₚ = (Σ ∣x∣ᵖ)^(1/p); for p = ±∞ the largest or smallest ∣x∣, for 0 how many are not 0."""
    size = x.abs()
    if math.isinf(p):
        return size.max() if p > 0 else size.min()
    if p == 0:
        return (size != 0).sum().to(x.dtype)
    return size.sum() if p == 1 else (size * size).sum().sqrt() if p == 2 else (size**p).sum() ** (1 / p)
