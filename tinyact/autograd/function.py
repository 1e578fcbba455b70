"""Operations of one's own, written as for PyTorch: ``autograd.Function``."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyact.autograd.memory import save, share_memory
from tinyact.autograd.modes import no_grad, recording
from tinyact.autograd.operation import Edge, Gradient, Operation, Variable, edge_of, next_serial, wrap
from tinyact.autograd.watch import watchers

if TYPE_CHECKING:
    from tinyact.tensor import Tensor


class Function:
    """An operation with a derivative of one's own: a subclass with static ``forward`` and ``backward``.

    ``forward(ctx, *args)`` computes with its arguments, unrecorded, and returns a tensor or a tuple of them (other
    things beside them are passed on); ``ctx.save_for_backward(*tensors)`` keeps what the derivative needs.
    ``backward(ctx, *grads)`` gets one gradient per output (None for what is no tensor) and returns one per argument of
    ``forward`` (None for those that have none). Used through ``apply``.

    Example:
        >>> import tinyact
        >>> class Cube(tinyact.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return grad * 3 * x**2
        >>> x = tinyact.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad
        tensor(12.)
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a Function needs a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grads: Any, **kwargs: Any) -> Any:
        raise TypeError("a Function needs a static method backward(ctx, *grads) to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs ``forward`` and records it, if an argument requires gradients."""
        if kwargs:
            args = inspect.signature(cls.forward).bind(None, *args, **kwargs).args[1:]
        edges = tuple(edge_of(arg) for arg in args)
        context = Context(tuple(edge is not None for edge in edges))
        with no_grad():
            result = cls.forward(context, *args)
        outputs = result if isinstance(result, tuple) else (result,)
        if recording.on and any(context.needs_input_grad):
            node = Application(cls, context)
            node.edges = edges
            outputs = node.enter_graph(args, outputs)
        return outputs if isinstance(result, tuple) else outputs[0]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a ``backward`` that can't itself be differentiated, because it computes with arrays.

    It runs unrecorded, so that ``numpy()`` works in it; a second derivative through it is an error that names it.

    Example:
        >>> import tinyact
        >>> class Cube(tinyact.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...
        ...     @staticmethod
        ...     @once_differentiable
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return tinyact.from_numpy(grad.numpy() * 3 * x.numpy() ** 2)
        >>> x = tinyact.tensor([1.0, 2.0], requires_grad=True)
        >>> Cube.apply(x).sum().backward()
        >>> x.grad
        tensor([ 3., 12.])
    """

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            result = backward(ctx, *grads)
        # What the result depends on, so that a second derivative with respect to it comes by here.
        sources = [t for t in (*grads, *ctx.saved_tensors) if isinstance(t, Variable) and t.requires_grad]
        results = result if isinstance(result, tuple) else (result,)
        name = backward.__qualname__
        marked = tuple(_Once(name).apply(r, *sources) if isinstance(r, Variable) else r for r in results)
        return marked if isinstance(result, tuple) else marked[0]

    return once


class _Once(Operation):
    """A gradient that has no derivative      ∂/∂x is an error"""

    def __init__(self, function: str) -> None:
        self.function = function

    def forward(self, result: Any, *sources: Any) -> Any:
        return result

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        raise RuntimeError(
            f"trying to differentiate twice a function that was marked with @once_differentiable: {self.function}"
        )


class Context:
    """``ctx``: what one application of a `Function` hands from its forward to its backward.

    Attributes:
        needs_input_grad: per argument, whether its gradient is wanted.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._to_save: tuple[Tensor | None, ...] = ()
        self._node: weakref.ref[Application] | None = None
        self._constants: tuple[Tensor, ...] = ()
        self._materialize_grads = True

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` was given.

        Raises:
            RuntimeError: if it was freed by a sweep, or changed in place since it was saved.
        """
        node = None if self._node is None else self._node()
        return () if node is None else node.saved_tensors()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps inputs, outputs or intermediate tensors for ``backward``, where ``saved_tensors`` has them again.

        Raises:
            TypeError: for anything else; other values can be set as attributes of ``ctx``.
        """
        for tensor in tensors:
            if not isinstance(tensor, Variable | None):
                raise TypeError(f"save_for_backward can only save variables, but got {type(tensor).__name__}")
        self._to_save = tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Declares outputs that have no derivative (indices, masks)."""
        self._constants = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (the default) or None for an output that nothing depends on."""
        self._materialize_grads = value


class Application(Operation):
    """The node of one application of a user's Function."""

    # Its gradient is a _Several, which fits as it is.
    shape = None  # type: ignore[assignment]
    dtype = None  # type: ignore[assignment]

    def __init__(self, function: type[Function], context: Context) -> None:
        self.function = function
        self.context = context
        self.outputs: list[tuple[tuple[int, ...], np.dtype[Any]] | None] = []
        self.sources: list[int | None] = []

    def name(self) -> str:
        return f"{self.function.__name__}Backward"

    def enter_graph(self, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Record this application: save what the context holds, and give each output its node."""
        context = self.context
        constants = {id(tensor) for tensor in context._constants}
        inputs = {id(arg) for arg in args} - constants
        # An argument that forward returns as it is comes out as a new tensor: it has two places in the graph.
        outputs = tuple(_alias(o) if id(o) in inputs and isinstance(o, Variable) else o for o in outputs)
        # A saved tensor's source: the inputs are counted first, then the outputs; as `Operation` counts them.
        places = {id(value): k for k, value in reversed(list(enumerate((*args, *outputs))))}
        self.sources = [places.get(id(tensor)) for tensor in context._to_save]
        self.saved = save(context._to_save)
        context._to_save, context._node = (), weakref.ref(self)
        self.serial = next_serial()
        self.outputs = [(o.array.shape, o.array.dtype) if isinstance(o, Variable) else None for o in outputs]
        for index, output in enumerate(outputs):
            layout = self.outputs[index]
            if id(output) not in constants and layout is not None and layout[1].kind == "f":
                output.grad_fn, output._requires_grad = Output(self, index), True
        for watcher in watchers:
            watcher.recorded(self, args, outputs)
        return outputs

    def load(self) -> list[Any]:
        # The user's rule loads by itself, if it wants to.
        return []

    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved, each in its place in the graph."""
        return tuple(self._restored(k, array) for k, array in zip(self.sources, super().load(), strict=True))

    def _restored(self, source: int | None, array: Any) -> Any:
        if array is None:
            return None
        edge: Edge = None
        if source is not None:
            of_output = source - len(self.edges)
            edge = Output(self, of_output) if of_output >= 0 else self.edges[source]
        if isinstance(edge, Variable):
            return edge
        tensor = wrap(array)
        if edge is not None:
            tensor.grad_fn, tensor._requires_grad = edge, True
        return tensor

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        """The user's rule, with tensors in and out."""
        grads = [self._grad_of_output(grad, index) for index in range(len(self.outputs))]
        result = self.function.backward(self.context, *grads)
        results = result if isinstance(result, tuple) else (result,)
        count = len(self.edges)
        if len(results) < count or any(extra is not None for extra in results[count:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients "
                f"(expected {count}, got {len(results)})"
            )
        return [self._checked(g, index) for index, g in enumerate(results[:count])]

    def _grad_of_output(self, grad: _Several, index: int) -> Any:
        part = grad.parts.get(index)
        if part is not None:
            return part if isinstance(part, Variable) else wrap(part)
        output = self.outputs[index]
        return wrap(np.zeros(*output)) if output is not None and self.context._materialize_grads else None

    def _checked(self, grad: Any, index: int) -> Gradient:
        if grad is not None and not isinstance(grad, Variable):
            raise RuntimeError(
                f"function {self.name()} returned {type(grad).__name__} as gradient {index}; expected a Tensor or None"
            )
        return grad if grad is None or recording.on else grad.array


class Output(Operation):
    """One output of a user's Function: it sends its gradient on under its number."""

    def __init__(self, application: Application, index: int) -> None:
        self.edges = (application,)
        self.saved = []
        self.index = index
        self.serial = next_serial()
        self.shape, self.dtype = application.outputs[index]  # type: ignore[misc]  # it is a tensor's

    def name(self) -> str:
        application = self.edges[0]
        assert isinstance(application, Application)
        return application.name()

    def load(self) -> list[Any]:
        return []

    def backward(self, grad: Gradient, saved: list[Any]) -> list[Gradient]:
        return [_Several({self.index: grad})]


def _alias(tensor: Variable) -> Any:
    alias = wrap(tensor.array)
    share_memory(tensor, alias)
    return alias


class _Several:
    """The gradients of several outputs by number; they add like one gradient."""

    shape = None
    dtype = None

    def __init__(self, parts: dict[int, Gradient]) -> None:
        self.parts = parts

    def __add__(self, other: _Several) -> _Several:
        parts = dict(self.parts)
        for index, grad in other.parts.items():
            parts[index] = parts[index] + grad if index in parts else grad
        return _Several(parts)
