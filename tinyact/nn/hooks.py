"""Hooks of modules: functions that are called before and after a module, and with the gradients on its way back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tinyact.autograd import Function
from tinyact.autograd.hooks import RemovableHandle
from tinyact.tensor import Tensor

if TYPE_CHECKING:
    from tinyact.nn.module import Module

Gradients: TypeAlias = "tuple[Tensor | None, ...]"
BackwardHook: TypeAlias = "Callable[[Module, Gradients, Gradients], Gradients | Tensor | None]"
BackwardPreHook: TypeAlias = "Callable[[Module, Gradients], Gradients | Tensor | None]"


class ForwardHook(NamedTuple):
    """A function to be called before or after ``forward``, and how."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


# Hooks of all modules there are: the registry of a module that they would stand in, and the hook.
EVERYWHERE: dict[int, tuple[str, Any]] = {}


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """As `Module.register_forward_pre_hook`, for every module."""
    return RemovableHandle(EVERYWHERE, ("_forward_pre_hooks", ForwardHook(hook)))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """As `Module.register_forward_hook`, for every module."""
    return RemovableHandle(EVERYWHERE, ("_forward_hooks", ForwardHook(hook, with_kwargs, always_call)))


def register_module_full_backward_pre_hook(hook: BackwardPreHook) -> RemovableHandle:
    """As `Module.register_full_backward_pre_hook`, for every module."""
    return RemovableHandle(EVERYWHERE, ("_backward_pre_hooks", hook))


def register_module_full_backward_hook(hook: BackwardHook) -> RemovableHandle:
    """As `Module.register_full_backward_hook`, for every module."""
    return RemovableHandle(EVERYWHERE, ("_backward_hooks", hook))


def has_hooks(module: Any) -> bool:
    """Whether anything is to be called around this module's ``forward``."""
    own = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(EVERYWHERE or own)


def hooks_of(module: Module, registry: str) -> tuple[Any, ...]:
    """Those of all modules, then its own."""
    return (*(hook for of, hook in EVERYWHERE.values() if of == registry), *getattr(module, registry).values())


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The module's ``forward`` with all hooks around it."""
    hooks = hooks_of(module, "_forward_hooks")
    output, waiting = None, [hook for hook in hooks if hook.always_call]
    try:
        for hook in hooks_of(module, "_forward_pre_hooks"):
            args, kwargs = _before(hook, module, args, kwargs)
        pre_hooks, backward_hooks = (hooks_of(module, f"_backward{kind}_hooks") for kind in ("_pre", ""))
        watch = Watch(module, pre_hooks, backward_hooks) if pre_hooks or backward_hooks else None
        if watch is not None:
            args = watch.inputs(args)
        output = module.forward(*args, **kwargs)
        for hook in hooks:
            waiting = [other for other in waiting if other is not hook]
            output = _after(hook, module, args, kwargs, output)
        return output if watch is None else watch.outputs(output)
    except Exception:
        for hook in waiting:
            try:
                output = _after(hook, module, args, kwargs, output)
            except Exception as error:
                warnings.warn(
                    "module forward hook with ``always_call=True`` raised an exception that was silenced as another "
                    f"error was raised in forward: {error}",
                    stacklevel=3,
                )
        raise


def _before(hook: ForwardHook, module: Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments after a hook that may have changed them."""
    changed = hook.function(module, args, kwargs) if hook.with_kwargs else hook.function(module, args)
    if changed is None:
        return args, kwargs
    if not hook.with_kwargs:
        return changed if isinstance(changed, tuple) else (changed,), kwargs
    if not isinstance(changed, tuple) or len(changed) != 2:
        raise RuntimeError(
            f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
        )
    return changed


def _after(hook: ForwardHook, module: Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """The output after a hook that may have changed it."""
    arguments = (args, kwargs, output) if hook.with_kwargs else (args, output)
    changed = hook.function(module, *arguments)
    return output if changed is None else changed


class Watch:
    """One call of a module whose hooks want to know ∂L/∂input and ∂L/∂output.

    Its inputs and its outputs each pass a boundary that changes nothing on the way forward; on the way back the
    outputs' boundary notes the gradients, and the inputs' boundary, which they reach later, calls the hooks with both.
    """

    def __init__(self, module: Module, pre_hooks: tuple[BackwardPreHook, ...], hooks: tuple[BackwardHook, ...]) -> None:
        self.module = module
        self.pre_hooks = pre_hooks
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
        for hook in self.pre_hooks:
            grad_output = _replaced(grad_output, hook(self.module, grad_output), "pre hook", "grad_output")
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
            grad_input = _replaced(grad_input, hook(self.module, grad_input, self.grad_output), "hook", "grad_input")
        self.grad_output = None
        return grad_input


def _replaced(grads: Gradients, changed: Gradients | Tensor | None, hook: str, which: str) -> Gradients:
    """The gradients, or what a hook returned instead."""
    if changed is None:
        return grads
    if not isinstance(changed, tuple):
        changed = (changed,)
    if len(changed) != len(grads):
        raise RuntimeError(
            f"Backward {hook} returned an invalid number of {which}, got {len(changed)}, but expected {len(grads)}"
        )
    return changed


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
