"""Derivatives checked against differences: ``gradcheck``, and ``gradgradcheck`` for second ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinyact.autograd.api import grad
from tinyact.autograd.operation import Variable, wrap

if TYPE_CHECKING:
    from tinyact.tensor import Tensor


class GradcheckError(RuntimeError):
    """A derivative that doesn't agree with the differences."""


def gradcheck(
    func: Callable[..., Tensor | Sequence[Tensor]],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
) -> bool:
    """Compares the derivatives of a function with (f(x + ε) − f(x − ε)) / 2ε, for each element of each input.

    Args:
        func: takes the inputs and returns a tensor or several.
        inputs: what it is called with; those checked are the float64 tensors that require gradients.
        eps: ε above.
        atol, rtol: allowed is |analytical − numerical| ≤ atol + rtol · |numerical|.
        raise_exception: whether to raise instead of returning False.
        nondet_tol: how far two sweeps through the same graph may differ.
        check_undefined_grad: accepted for PyTorch's signature; None as a gradient is always passed over here.
        check_grad_dtypes: whether each gradient must have its input's dtype (the engine sees to it).

    Returns:
        True, if all agree.

    Raises:
        GradcheckError: if some don't, naming input, output and both matrices.
        ValueError: if no input requires gradients.

    Example:
        >>> import tinyact
        >>> x = tinyact.rand(3, dtype=tinyact.float64, requires_grad=True)
        >>> tinyact.autograd.gradcheck(tinyact.tanh, (x,))
        True
    """
    args = _as_tuple(inputs)
    checked = _learning(args)
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    try:
        for i in checked:
            if args[i].array.dtype != np.float64:
                raise GradcheckError(
                    f"input {i} has dtype {args[i].dtype}; differences of step {eps} need float64 (use .double())"
                )
        check = _Check(func, args, checked, eps, atol, rtol, nondet_tol)
        for o, output in enumerate(check.outputs(args)):
            check.output(o, output)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Tensor | Sequence[Tensor]],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
) -> bool:
    """`gradcheck` of the backward pass: compares second derivatives with differences of first ones.

    Checked are the derivatives of ∂(Σ outputs · grad_outputs)/∂input, with respect to the inputs and to grad_outputs.

    Args:
        func: takes the inputs and returns a tensor or several.
        inputs: what it is called with; those checked are the float64 tensors that require gradients.
        grad_outputs: what arrives at the outputs, one tensor for each that requires gradients; numbers between −1 and 1
            if left out.
        eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes: as for `gradcheck`.

    Returns:
        True, if all agree.

    Raises:
        GradcheckError, ValueError: as for `gradcheck`.

    Example:
        >>> import tinyact
        >>> x = tinyact.rand(3, dtype=tinyact.float64, requires_grad=True)
        >>> tinyact.autograd.gradgradcheck(tinyact.tanh, (x,))
        True
    """
    args = _as_tuple(inputs)
    checked = _learning(args)
    if grad_outputs is None:
        # The same every time, and not from the library's own stream, which a check must not move.
        draw = np.random.default_rng(0).uniform
        shapes = [output.array.shape for output in _as_tuple(func(*args)) if output.requires_grad]
        grad_outputs = [wrap(np.asarray(draw(-1, 1, shape))).requires_grad_() for shape in shapes]

    def backward(*values: Any) -> tuple[Tensor, ...]:
        roots = [output for output in _as_tuple(func(*values[: len(args)])) if output.requires_grad]
        targets = [values[i] for i in checked]
        grads = grad(roots, targets, values[len(args) :], create_graph=True, allow_unused=True)
        return tuple(g for g in grads if g is not None)

    # The last two settings of `gradcheck` are without effect.
    return gradcheck(
        backward, (*args, *_as_tuple(grad_outputs)), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )  # fmt: skip


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _learning(args: tuple[Any, ...]) -> list[int]:
    return [i for i, x in enumerate(args) if isinstance(x, Variable) and x.requires_grad]


class _Check(NamedTuple):
    """A function, its inputs, the places of those to be checked, and what is allowed; see `gradcheck`."""

    func: Callable[..., Any]
    inputs: tuple[Any, ...]
    checked: list[int]
    eps: float
    atol: float
    rtol: float
    nondet_tol: float

    def outputs(self, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
        return _as_tuple(self.func(*inputs))

    def output(self, o: int, output: Tensor) -> None:
        """Raise GradcheckError if a derivative of this output is wrong."""
        if not output.requires_grad:
            if any(np.any(np.abs(self.numerical(i, o)) > self.atol) for i in self.checked):
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero: output {o} requires no gradient, but "
                    "changes with the inputs"
                )
            return
        for i, a, b in zip(self.checked, self.analytical(output), self.analytical(output), strict=True):
            if not np.allclose(a, b, rtol=0, atol=self.nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    f"gives different values, for output {o} with respect to input {i}"
                )
            numerical = self.numerical(i, o)
            # NaN agrees with nothing, as in PyTorch.
            if a.size and not np.allclose(a, numerical, rtol=self.rtol, atol=self.atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {i},\nnumerical:{wrap(numerical)!r}\n"
                    f"analytical:{wrap(a)!r}\n"
                )

    def analytical(self, output: Tensor) -> list[np.ndarray[Any, Any]]:
        """∂output/∂input by the engine, one row per element of the input, one column per element of the output."""
        inputs = [self.inputs[i] for i in self.checked]
        jacobians = [np.zeros((x.numel(), output.numel())) for x in inputs]
        for column, one in enumerate(np.eye(output.numel(), dtype=output.array.dtype)):
            first = wrap(one.reshape(output.array.shape))
            grads = grad(output, inputs, first, retain_graph=True, allow_unused=True)
            for jacobian, g in zip(jacobians, grads, strict=True):
                if g is not None:
                    jacobian[:, column] = g.array.reshape(-1)
        return jacobians

    def numerical(self, i: int, o: int) -> np.ndarray[Any, Any]:
        """The same for one input and output, by central differences."""
        x, rows = self.inputs[i], []
        for place in np.ndindex(x.array.shape):
            values = []
            for step in (self.eps, -self.eps):
                moved = wrap(x.array.copy()).requires_grad_()
                moved.array[place] += step
                values.append(self.outputs((*self.inputs[:i], moved, *self.inputs[i + 1 :]))[o].array.reshape(-1))
            with np.errstate(all="ignore"):
                rows.append((values[0] - values[1]) / (2 * self.eps))
        return np.array(rows).reshape(x.numel(), -1) if rows else np.zeros((0, 0))
