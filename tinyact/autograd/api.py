"""What a user calls to differentiate: ``backward`` and ``grad``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.autograd.modes import set_grad_enabled
from tinyact.autograd.operation import Variable, accumulate, edge_of, wrap
from tinyact.autograd.sweep import sweep

if TYPE_CHECKING:
    from tinyact.tensor import Tensor


def backward(
    tensors: Tensor | Iterable[Tensor],
    grad_tensors: Tensor | Iterable[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Iterable[Tensor] | None = None,
) -> None:
    """Adds ∂(Σ tensors · grad_tensors)/∂leaf to ``.grad`` of every leaf that the tensors were computed from.

    Args:
        tensors: what to differentiate.
        grad_tensors: the gradients that arrive at each, of its shape; may be left out for tensors of one element (1).
        retain_graph: whether to keep what the forward pass saved, for another sweep. Default: ``create_graph``.
        create_graph: whether to record the sweep, so that the gradients can be differentiated again.
        inputs: if given, only their ``.grad`` changes.

    Raises:
        RuntimeError: if a tensor or an input does not require gradients, a tensor is no scalar and has no gradient
            given, the graph has been freed, or a saved value was changed in place.

    Example:
        >>> import tinyact
        >>> x = tinyact.tensor([1.0, 2.0], requires_grad=True)
        >>> tinyact.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 4.])
    """
    roots = _tensors(tensors)
    grads = first_gradients(roots, _as_list(grad_tensors, len(roots)))
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        sweep(roots, grads, None, keep, create_graph)
        return
    # Each once, however often it is named.
    leaves = list(dict.fromkeys(_tensors(inputs)))
    if not leaves:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    for leaf in leaves:
        if not leaf.requires_grad:
            raise RuntimeError("One of the inputs to backward does not require grad")
        leaf.retain_grad()
    gradients = sweep(roots, grads, leaves, keep, create_graph)
    with set_grad_enabled(create_graph):
        for leaf in leaves:
            gradient = gradients.get(edge_of(leaf))
            if gradient is not None and leaf.grad_fn is None:  # a result has retained it
                accumulate(leaf, gradient)


def grad(
    outputs: Tensor | Iterable[Tensor],
    inputs: Tensor | Iterable[Tensor],
    grad_outputs: Tensor | Iterable[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """∂(Σ outputs · grad_outputs)/∂input for each input, returned; no ``.grad`` changes.

    Args:
        outputs: what to differentiate.
        inputs: with respect to what; leaves or results on the way.
        grad_outputs: the gradients that arrive at each output, of its shape; may be left out for one element (1).
        retain_graph: whether to keep what the forward pass saved, for another sweep. Default: ``create_graph``.
        create_graph: whether to record the sweep, so that the gradients can be differentiated again.
        allow_unused: whether an input that the outputs don't depend on gets None instead of an error.
        is_grads_batched: must be False.
        materialize_grads: whether it gets zeros instead of None.

    Returns:
        One gradient per input, of its shape and dtype.

    Raises:
        RuntimeError: as for `backward`, and if an input requires no gradients or is unused.

    Example:
        >>> import tinyact
        >>> x = tinyact.tensor(3.0, requires_grad=True)
        >>> tinyact.autograd.grad(x**2, x)
        (tensor(6.),)
    """
    if allow_unused is False and materialize_grads:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True")
    if is_grads_batched:
        raise NotImplementedError("is_grads_batched=True is not supported: call grad once for each gradient")
    roots, targets = _tensors(outputs), _tensors(inputs)
    if not targets:
        raise RuntimeError("grad requires non-empty inputs.")
    grads = first_gradients(roots, _as_list(grad_outputs, len(roots)))
    for tensor in targets:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    gradients = sweep(roots, grads, targets, keep, create_graph)
    return tuple(
        _result(gradients.get(edge_of(tensor)), tensor, create_graph, allow_unused, materialize_grads)
        for tensor in targets
    )


def _result(gradient: Any, tensor: Tensor, create_graph: bool, allow_unused: bool | None, materialize: bool) -> Tensor:
    if gradient is not None:
        # Copied, because one array may be the gradient of several tensors.
        return gradient if create_graph else wrap(gradient.copy())
    if materialize:
        return wrap(np.zeros_like(tensor.array)).requires_grad_(create_graph)
    if not allow_unused:
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
            "this is the desired behavior."
        )
    return None  # type: ignore[return-value]  # PyTorch's own signature promises tensors


def _as_list(values: Any, count: int = 1) -> list[Any]:
    """What a caller gives as one, as several in any iterable, or not at all."""
    if values is None:
        return [None] * count
    return [values] if isinstance(values, Variable) else list(values)


def _tensors(values: Any) -> list[Any]:
    tensors = _as_list(values)
    for tensor in tensors:
        if not isinstance(tensor, Variable):
            raise RuntimeError(f"all inputs and outputs have to be Tensors, but got {type(tensor).__name__}")
    return tensors


def first_gradients(roots: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> list[Tensor]:
    """∂L/∂root for each root, checked; 1 where the root is L itself."""
    if len(gradients) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(gradients)} gradients")
    grads = []
    for i, (root, gradient) in enumerate(zip(roots, gradients, strict=True)):
        if not root.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if gradient is not None and not isinstance(gradient, Variable):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if gradient is None:
            if root.array.size != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            gradient = wrap(np.array(1, root.array.dtype, ndmin=root.array.ndim))
        elif gradient.array.shape != root.array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} and output[{i}] has a shape of "
                f"{root.shape}."
            )
        elif gradient.array.dtype != root.array.dtype:
            gradient = gradient.to(root.dtype)
        grads.append(gradient)
    return grads
