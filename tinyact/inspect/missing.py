"""Why a tensor has no gradient: ``why_no_grad``."""

from __future__ import annotations

from tinyact.autograd.operation import Operation, edge_of
from tinyact.autograd.sweep import order
from tinyact.inspect.recorded import no_graph
from tinyact.tensor import Tensor


def why_no_grad(tensor: Tensor, loss: Tensor | None = None) -> str:
    """Says why ``tensor.grad`` is None, as far as that can be known now.

    A result that was computed under ``no_grad()`` looks like any tensor that never required gradients, and a gradient
    that was taken away again leaves no trace; where several reasons are possible, all are named.

    Args:
        tensor: the tensor, such as a parameter.
        loss: what ``backward()`` was called on, or is to be; with it, the reason is found in its graph.

    Returns:
        The reason in a sentence or two.

    Raises:
        TypeError: if one of them is no tensor.

    Example:
        >>> import tinyact
        >>> w = tinyact.tensor(3.0, requires_grad=True)
        >>> print(why_no_grad(w.detach()).split(":")[0])
        it is detached
        >>> print(why_no_grad(w, (w**2).sin()).split(";")[0])
        backward() was not called on this loss yet
    """
    for argument in (tensor,) if loss is None else (tensor, loss):
        if not isinstance(argument, Tensor):
            raise TypeError(f"why_no_grad() takes tensors, got {type(argument).__name__}")
    if tensor._grad is not None:
        return "it has a gradient: .grad is not None"
    return _of_itself(tensor) or _of_the_loss(tensor, loss)


def _of_itself(tensor: Tensor) -> str:
    """A reason that lies in the tensor, if there is one."""
    if tensor.array.dtype.kind != "f":
        return f"it holds {tensor.dtype}, which has no derivatives: only floating tensors have gradients"
    if tensor.is_detached and not tensor.requires_grad:
        return (
            "it is detached: detach() gives a tensor that requires no gradients. The tensor that it was called on may "
            "have one"
        )
    if not tensor.requires_grad:
        return (
            "it requires no gradients: requires_grad is False. It was made so, or frozen, or computed under no_grad() "
            "or from tensors that require none (which of these can't be told any more). Set requires_grad=True on what "
            "is to be learned, before computing with it"
        )
    if tensor.grad_fn is not None and not tensor.retains_grad:
        return (
            f"it is a result, made by {tensor.grad_fn.name()}: only leaves keep their gradients. Call its "
            "retain_grad() before backward()"
        )
    return ""


def _of_the_loss(tensor: Tensor, loss: Tensor | None) -> str:
    """A reason that lies in the graph of the loss, or in what was done with it."""
    if loss is None:
        return (
            "nothing about the tensor itself is in the way: no backward() has reached it, or its gradient was taken "
            "away since (zero_grad()). Give the loss, why_no_grad(tensor, loss), to learn more"
        )
    if loss.grad_fn is None and loss is not tensor:
        return f"the loss {no_graph(loss)}"
    nodes, _ = order([edge for edge in [edge_of(loss)] if edge is not None])
    if edge_of(tensor) not in set(nodes):
        return (
            "the loss was not computed from it, as far as was recorded: it isn't used, or only detached, under "
            "no_grad(), as data or before it required gradients; or another tensor has taken its place since"
        )
    saving = [node for node in nodes if isinstance(node, Operation) and node.saved != []]
    if any(node.saved is None for node in saving):
        return (
            "a backward pass has been through the graph of this loss, so its gradient was there and was taken away "
            "since (zero_grad(), or .grad = None); or it was autograd.grad() or backward(inputs=…), which leave .grad "
            "alone"
        )
    if saving:
        return (
            "backward() was not called on this loss yet; or only with retain_graph=True, and the gradient was taken "
            "away since"
        )
    return (
        "the loss depends on it, so backward() was not called yet, or the gradient was taken away since (which of "
        "these can't be told: its operations save nothing that a backward pass would have freed)"
    )
