"""Backward hooks of modules: the gradients at a module's outputs and inputs, seen by one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from tinyact.autograd import Function
from tinyact.tensor import Tensor

if TYPE_CHECKING:
    from tinyact.nn.module import Module

Gradients: TypeAlias = "tuple[Tensor | None, ...]"
BackwardHook: TypeAlias = "Callable[[Module, Gradients, Gradients], Gradients | Tensor | None]"


class Watch:
    """One call of a module whose hooks want to know ∂L/∂input and ∂L/∂output.

    Its inputs and its outputs each pass a boundary that changes nothing on the way forward; on the way back the
    outputs' boundary notes the gradients, and the inputs' boundary, which they reach later, calls the hooks with both.
    """

    def __init__(self, module: Module, hooks: tuple[BackwardHook, ...]) -> None:
        self.module = module
        self.hooks = hooks
        self.input_count = 0
        self.has_learning_input = False
        self.grad_output: Gradients | None = None

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The module's inputs, watched."""
        self.input_count = len(args)
        passed = _watched(args, self._call_hooks, materialize=True)
        self.has_learning_input = any(isinstance(p, Tensor) and p.requires_grad for p in passed)
        return passed

    def outputs(self, result: Any) -> Any:
        """The module's output, a tensor or a tuple, watched."""
        if isinstance(result, tuple):
            return _watched(result, self._note, materialize=False)
        return _watched((result,), self._note, materialize=False)[0]

    def _note(self, grad_output: Gradients) -> Gradients:
        self.grad_output = grad_output
        if not self.has_learning_input:
            grads = self._call_hooks((None,) * self.input_count)
            if any(grad is not None for grad in grads):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None "
                    "for all gradients."
                )
        return grad_output

    def _call_hooks(self, grad_input: Gradients) -> Gradients:
        if self.grad_output is None:
            # The gradient came past the outputs, by way of something that is neither a tensor nor a tuple of them.
            return grad_input
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is None:
                continue
            if not isinstance(changed, tuple):
                changed = (changed,)
            if len(changed) != len(grad_input):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(changed)}, but expected "
                    f"{len(grad_input)}"
                )
            grad_input = changed
        self.grad_output = None
        return grad_input


class _Boundary(Function):
    """The same tensors again; on the way back, what ``arrived`` makes of their gradients."""

    @staticmethod
    def forward(
        ctx: Any, arrived: Callable[[Gradients], Gradients], materialize: bool, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.arrived = arrived
        ctx.set_materialize_grads(materialize)
        ctx.mark_non_differentiable(*[tensor for tensor in tensors if not tensor.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Gradients:
        return None, None, *ctx.arrived(grads)


def _watched(values: tuple[Any, ...], arrived: Callable[[Gradients], Gradients], materialize: bool) -> tuple[Any, ...]:
    """The values, the tensors among them through a boundary; ``arrived`` gets a gradient or None for each value.

    As in PyTorch, a tensor that no gradient reaches has zeros among the inputs (materialize), None among the outputs.
    """
    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]

    def of_tensors(grads: Gradients) -> Gradients:
        by_place = dict(zip(places, grads, strict=True))
        changed = arrived(tuple(by_place.get(place) for place in range(len(values))))
        return tuple(changed[place] for place in places)

    tensors = _Boundary.apply(of_tensors, materialize, *[values[place] for place in places])
    passed = dict(zip(places, tensors, strict=True))
    return tuple(passed.get(place, value) for place, value in enumerate(values))
