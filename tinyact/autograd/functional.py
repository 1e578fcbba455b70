"""Derivatives of functions rather than of results: ``jacobian``, ``hessian`` and their products with vectors.

All are put together from `grad`, reverse mode, and so know every operation's derivative already. A product with the
Hessian is the gradient of a gradient. A product J·u, for which one would want forward mode, is a gradient of a gradient
too: Jᵀ·g is linear in g, and its own derivative with respect to g is J.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tinyact.autograd import api
from tinyact.autograd.modes import enable_grad
from tinyact.autograd.operation import Variable, wrap

if TYPE_CHECKING:
    from tinyact.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors: TypeAlias = "tuple[Tensor, ...]"
OneOrMany: TypeAlias = "Tensor | Tensors"
Gradients: TypeAlias = "Sequence[Tensor | None]"
_STRICT = "This is not allowed in strict mode."
_OF = "of the user-provided function is independent of"


@enable_grad()
def vjp(
    func: Callable[..., OneOrMany],
    inputs: OneOrMany,
    v: OneOrMany | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[OneOrMany, OneOrMany]:
    """vᵀ·J: what one backward pass computes, J being the Jacobian of a function.

    Args:
        func: takes the inputs and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: of the outputs' shapes; may be left out for one output of one element (1).
        create_graph: whether the results can be differentiated again, with respect to inputs that require gradients.
        strict: whether an output that doesn't depend on an input is an error; else its derivative is zeros.

    Returns:
        The function's outputs, and vᵀ·J, of the inputs' shapes.

    Raises:
        TypeError: if inputs, outputs or v are something else than tensors.
        RuntimeError: if v doesn't fit, and as ``strict`` says.

    Example:
        >>> import tinyact
        >>> x, v = tinyact.tensor([1.0, 2.0]), tinyact.tensor([1.0, 10.0])
        >>> vjp(lambda x: x**2, x, v)
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    call = _Call.of("vjp", func, inputs, create_graph, strict)
    vector = call.vector_like_outputs(v)
    gradients = _grad(call.outputs, call.inputs, vector, create_graph)
    return call.of_inputs(gradients, f"The output {_OF} input", "jacobian")


@enable_grad()
def jvp(
    func: Callable[..., OneOrMany],
    inputs: OneOrMany,
    v: OneOrMany | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[OneOrMany, OneOrMany]:
    """J·v: how the outputs change when the inputs move along v, J being the Jacobian of a function.

    Args:
        v: of the inputs' shapes; may be left out for one input of one element (1).
        func, inputs, create_graph, strict: as for `vjp`.

    Returns:
        The function's outputs, and J·v, of the outputs' shapes.

    Raises:
        TypeError, RuntimeError: as for `vjp`.

    Example:
        >>> import tinyact
        >>> x, v = tinyact.tensor([1.0, 2.0]), tinyact.tensor([1.0, 10.0])
        >>> jvp(lambda x: x.sum() * x, x, v)
        (tensor([3., 6.]), tensor([14., 52.]))
    """
    call = _Call.of("jvp", func, inputs, create_graph, strict)
    vector = call.vector_like_inputs(v)
    # At which g is of no matter: Jᵀ·g is linear in it.
    g = _learning_zeros(call.outputs)
    backward = _grad(call.outputs, call.inputs, g, True)
    if strict:
        for i, gradient in enumerate(backward):
            if gradient is None:
                raise RuntimeError(f"The output {_OF} input {i}. {_STRICT}")
    gradients = _grad(backward, g, vector, create_graph)
    products = call.filled(
        gradients, call.outputs, "The gradient with respect to the input is independent of entry", "jacobian"
    )
    return call.like_outputs(call.outputs), call.like_outputs(products)


@enable_grad()
def vhp(
    func: Callable[..., Tensor],
    inputs: OneOrMany,
    v: OneOrMany | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[OneOrMany, OneOrMany]:
    """vᵀ·H, H being the Hessian of a function with one number as result: the gradient of (∂f/∂x)·v.

    H itself, n × n, is never there: the product costs a few passes, however large n is.

    Args:
        func: takes the inputs and returns a tensor of one element.
        v: of the inputs' shapes; may be left out for one input of one element (1).
        inputs, create_graph, strict: as for `vjp`.

    Returns:
        The function's output, and vᵀ·H, of the inputs' shapes.

    Raises:
        TypeError, RuntimeError: as for `vjp`; RuntimeError also if the function returns several numbers.

    Example:
        >>> import tinyact
        >>> x, v = tinyact.tensor([1.0, 2.0]), tinyact.tensor([1.0, 10.0])
        >>> vhp(lambda x: (x**3).sum(), x, v)
        (tensor(9.), tensor([  6., 120.]))
    """
    call = _Call.of("vhp", func, inputs, create_graph, strict)
    vector, gradient = call.vector_like_inputs(v), call.gradient()
    gradients = _grad(gradient, call.inputs, vector, create_graph)
    return call.of_inputs(gradients, f"The jacobian {_OF} input", "hessian")


@enable_grad()
def hvp(
    func: Callable[..., Tensor],
    inputs: OneOrMany,
    v: OneOrMany | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[OneOrMany, OneOrMany]:
    """H·v, H being the Hessian of a function with one number as result.

    Where the function has continuous second derivatives, H is symmetric and this is `vhp`, which is faster.

    Args:
        func: takes the inputs and returns a tensor of one element.
        v: of the inputs' shapes; may be left out for one input of one element (1).
        inputs, create_graph, strict: as for `vjp`.

    Returns:
        The function's output, and H·v, of the inputs' shapes.

    Raises:
        TypeError, RuntimeError: as for `vhp`.

    Example:
        >>> import tinyact
        >>> x, v = tinyact.tensor([1.0, 2.0]), tinyact.tensor([1.0, 10.0])
        >>> hvp(lambda x: (x**3).sum(), x, v)
        (tensor(9.), tensor([  6., 120.]))
    """
    call = _Call.of("hvp", func, inputs, create_graph, strict)
    vector, gradient = call.vector_like_inputs(v), call.gradient()
    # As in jvp, of the gradient: Hᵀ·g is linear in g, and its derivative is H.
    g = _learning_zeros(call.inputs)
    gradients = _grad(_grad(gradient, call.inputs, g, True), g, vector, create_graph)
    return call.of_inputs(gradients, f"The hessian {_OF} entry", "hessian")


@enable_grad()
def jacobian(
    func: Callable[..., OneOrMany],
    inputs: OneOrMany,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """∂output/∂input for every element of both: one backward pass per element of the outputs.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        vectorize, strategy: accepted as PyTorch's, whose restrictions hold; the numbers are the same, by reverse mode.

    Returns:
        A tensor with the output's dimensions first, then the input's; for a tuple of inputs a tuple of them, for a
        tuple of outputs a tuple of these.

    Raises:
        NotImplementedError: for ``strategy="forward-mode"`` without ``vectorize``, or with ``create_graph``.
        TypeError, RuntimeError: as for `vjp`.

    Example:
        >>> import tinyact
        >>> jacobian(lambda x: x.sum() * x, tinyact.tensor([1.0, 2.0]))
        tensor([[4., 1.],
                [2., 5.]])
    """
    _check_strategy(strategy, vectorize, create_graph, strict)
    call = _Call.of("jacobian", func, inputs, create_graph, strict)
    per_output = tuple(call.like_inputs(call.rows(i)) for i in range(len(call.outputs)))
    return per_output if call.several_outputs else per_output[0]


def hessian(
    func: Callable[..., Tensor],
    inputs: OneOrMany,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """∂²f/∂x∂x′ of a function with one number as result: the Jacobian of its gradient.

    Args:
        func: takes the inputs and returns a tensor of one element.
        inputs, create_graph, strict: as for `vjp`.
        vectorize, outer_jacobian_strategy: as for `jacobian`.

    Returns:
        A tensor with the input's dimensions twice; for a tuple of inputs a tuple of tuples of tensors.

    Raises:
        NotImplementedError: for ``strategy="forward-mode"`` without ``vectorize``, or with ``create_graph``.
        TypeError, RuntimeError: as for `vhp`.

    Example:
        >>> import tinyact
        >>> hessian(lambda x: x[0] ** 2 * x[1], tinyact.tensor([1.0, 2.0]))
        tensor([[4., 2.],
                [2., 0.]])
    """
    _check_strategy(outer_jacobian_strategy, vectorize, create_graph, strict)
    several, tensors = _as_tuple("inputs", "hessian", inputs)

    def gradient(*inputs: Tensor) -> Tensors:
        call = _Call.of("hessian", func, inputs, True, strict)
        call.check_single_number()
        rows = call._replace(outputs=(call.outputs[0].squeeze(),), strict=False).rows(0)
        call.check_depends(rows)
        return rows

    rows = jacobian(gradient, tensors, create_graph, strict)
    # Of a tuple of inputs; its gradient is a tuple too, squeezed below where a single one was given.
    return rows if several else rows[0][0]


# --- one call of the function --------------------------------------------------------------------------------------


class _Call(NamedTuple):
    """A function's inputs and outputs, whether each were tuples, and what is wanted of the derivatives.

    The inputs are new tensors, so that what the function was given is told apart from the same tensors where it
    happens to know them from elsewhere.
    """

    name: str
    inputs: Tensors
    outputs: Tensors
    several_inputs: bool
    several_outputs: bool
    create_graph: bool
    strict: bool

    @classmethod
    def of(cls, name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool) -> _Call:
        several_inputs, tensors = _as_tuple("inputs", name, inputs)
        fresh = _fresh(tensors, create_graph, True)
        several_outputs, outputs = _as_tuple("outputs of the user-provided function", name, func(*fresh))
        for i, output in enumerate(outputs):
            if strict and not output.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    "computed in a differentiable manner from the input when running in strict mode."
                )
        return cls(name, fresh, outputs, several_inputs, several_outputs, create_graph, strict)

    def check_single_number(self) -> None:
        """Raise RuntimeError unless there is one output of one element."""
        if self.several_outputs:
            raise RuntimeError(f"The function given to {self.name} should return a single Tensor")
        if self.outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {self.name} should contain a single element, got "
                f"{self.outputs[0].numel()}"
            )

    def like_inputs(self, tensors: Tensors) -> OneOrMany:
        return self._finished(tensors, self.several_inputs)

    def like_outputs(self, tensors: Tensors) -> OneOrMany:
        return self._finished(tensors, self.several_outputs)

    def _finished(self, tensors: Tensors, several: bool) -> OneOrMany:
        """A tuple or its only element; with a graph only where one was asked for."""
        done = tensors if self.create_graph else tuple(tensor.detach() for tensor in tensors)
        return done if several else done[0]

    def vector_like_outputs(self, v: Any) -> Tensors | tuple[None]:
        none_for = "the user-provided function returns a single Tensor with a single element."
        return self._vector(v, self.outputs, self.several_outputs, none_for)

    def vector_like_inputs(self, v: Any) -> Tensors | tuple[None]:
        none_for = "the input to the user-provided function is a single Tensor with a single element."
        return self._vector(v, self.inputs, self.several_inputs, none_for)

    def _vector(self, v: Any, like: Tensors, several: bool, none_for: str) -> Tensors | tuple[None]:
        """The vector that a product is taken with, checked; None stands for 1."""
        if v is None:
            if len(like) != 1 or like[0].numel() != 1:
                raise RuntimeError(f"The vector v can only be None if {none_for}")
            return (None,)
        _, vectors = _as_tuple("v", self.name, v)
        if len(vectors) != len(like):
            if several:
                raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}.")
            raise RuntimeError("The given v should contain a single Tensor.")
        for i, (own, other) in enumerate(zip(vectors, like, strict=True)):
            if own.shape != other.shape:
                entry = f"Entry {i} in v" if several else "v"
                raise RuntimeError(f"{entry} has invalid size: should be {other.shape} but got {own.shape}.")
        return _fresh(vectors, self.create_graph, False)

    def gradient(self) -> Gradients:
        """∂f/∂input of a function with one number as result, recorded."""
        self.check_single_number()
        gradient = _grad(self.outputs, self.inputs, (None,), True)
        self.check_depends(gradient)
        return gradient

    def check_depends(self, gradient: Gradients) -> None:
        """Raise RuntimeError in strict mode, if a gradient doesn't depend on the inputs."""
        for i, g in enumerate(gradient) if self.strict else ():
            if g is None or not g.requires_grad:
                missing = "output" if g is None else "jacobian"
                raise RuntimeError(f"The {missing} {_OF} input {i}. {_STRICT}")

    def of_inputs(self, gradients: Gradients, what: str, derivative: str) -> tuple[OneOrMany, OneOrMany]:
        """The outputs, and a product that has the inputs' shapes."""
        products = self.filled(gradients, self.inputs, what, derivative)
        return self.like_outputs(self.outputs), self.like_inputs(products)

    def filled(self, gradients: Gradients, like: Tensors, what: str, derivative: str) -> Tensors:
        """Zeros for what is None, or in strict mode an error."""
        filled = []
        for i, (g, x) in enumerate(zip(gradients, like, strict=True)):
            if g is None and self.strict:
                raise RuntimeError(f"{what} {i}. {_STRICT}")
            if g is not None and self.strict and self.create_graph and not g.requires_grad:
                raise RuntimeError(
                    f"The {derivative} of the user-provided function is independent of input {i}. This is not allowed "
                    "in strict mode when create_graph=True."
                )
            filled.append(wrap(np.zeros_like(x.array)) if g is None else g)
        return tuple(filled)

    def rows(self, i: int) -> Tensors:
        """The Jacobian of one output for each input: a backward pass for each of its elements."""
        output = self.outputs[i]
        rows: list[Tensors] = []
        for one in np.eye(output.numel(), dtype=output.array.dtype):
            gradients = _grad([output], self.inputs, [wrap(one.reshape(output.array.shape))], self.create_graph)
            rows.append(self.filled(gradients, self.inputs, f"Output {i} {_OF} input", "jacobian"))
        shapes = [output.array.shape + x.array.shape for x in self.inputs]
        return tuple(
            np.stack([row[k] for row in rows]).reshape(shape) if rows else wrap(np.zeros(shape, x.array.dtype))  # type: ignore[misc]  # of Tensors
            for k, (shape, x) in enumerate(zip(shapes, self.inputs, strict=True))
        )


def _as_tuple(what: str, name: str, value: Any) -> tuple[bool, Tensors]:
    several = isinstance(value, tuple)
    tensors = value if several else (value,)
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Variable):
            which = f"the value at index {i} has" if several else f"the given {what} has"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but {which} type "
                f"{type(tensor)}."
            )
    return several, tensors


def _learning_zeros(like: Tensors) -> Tensors:
    return tuple(wrap(np.zeros_like(tensor.array)).requires_grad_() for tensor in like)


def _fresh(tensors: Tensors, create_graph: bool, requires_grad: bool) -> Tensors:
    """Other tensors with the same numbers; part of the same graph, if their gradients are to get there."""
    return tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_(requires_grad) for t in tensors
    )


# --- gradients -----------------------------------------------------------------------------------------------------


def _grad(outputs: Sequence[Any], inputs: Tensors, v: Sequence[Any], create_graph: bool) -> tuple[Tensor | None, ...]:
    """`grad` where some outputs, or all, may be None or not depend on anything: None is their gradient."""
    pairs = [(output, g) for output, g in zip(outputs, v, strict=True) if output is not None and output.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    roots, first = zip(*pairs, strict=True)
    return api.grad(roots, inputs, first, retain_graph=True, create_graph=create_graph, allow_unused=True)


def _check_strategy(strategy: str, vectorize: bool, create_graph: bool, strict: bool) -> None:
    """Raise PyTorch's errors for what it can't combine; the numbers are the same in every way."""
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}')
    if strategy == "forward-mode" and create_graph:
        raise NotImplementedError('`create_graph=True` and strategy "forward-mode" are not supported together')
    if strict and (vectorize or strategy == "forward-mode"):
        raise RuntimeError('`strict=True` is not supported together with `vectorize=True` or strategy "forward-mode"')
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError('strategy "forward-mode" is only supported with `vectorize=True`')
