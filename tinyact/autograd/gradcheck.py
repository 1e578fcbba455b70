"""Derivatives checked against differences: ``gradcheck``, and ``gradgradcheck`` for second ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

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
    check_batched_grad: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Compares the derivatives of a function with (f(x + ε) − f(x − ε)) / 2ε, for each element of each input.

    Args:
        func: takes the inputs, or uses them where it has them from, and returns a tensor or several.
        inputs: what it is called with; those checked are the tensors that require gradients. Their numbers change in
            the meantime.
        eps: ε above; it is made for float64, and others are warned of.
        atol, rtol: allowed is |analytical − numerical| ≤ atol + rtol · |numerical|.
        raise_exception: whether to raise instead of returning False.
        nondet_tol: how far two sweeps through the same graph may differ.
        check_undefined_grad: accepted for PyTorch's signature; None as a gradient is always passed over here.
        check_grad_dtypes: whether each gradient must have its input's dtype (the engine sees to it).
        check_batched_grad, fast_mode: accepted for PyTorch's signature, and without effect.

    Returns:
        True, if all agree.

    Raises:
        GradcheckError: if some don't, naming input, output and both matrices.
        ValueError: if no input requires gradients.
        RuntimeError: if elements of one share memory.

    Example:
        >>> import tinyact
        >>> x = tinyact.rand(3, dtype=tinyact.float64, requires_grad=True)
        >>> tinyact.autograd.gradcheck(tinyact.tanh, (x,))
        True
    """
    args = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    checked = [i for i, x in enumerate(args) if isinstance(x, Variable) and x.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for i in checked:
        _check_input(i, args[i].array)
    try:
        for o, output in enumerate(_outputs(func, args)):
            if output.requires_grad:
                _check_output(func, args, checked, o, output, eps, atol, rtol, nondet_tol)
            elif any(np.any(np.abs(_numerical(func, args, i, o, eps)) > atol) for i in checked):
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero: output {o} requires no gradient, but "
                    "changes with the inputs"
                )
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
    check_batched_grad: bool = False,
    fast_mode: bool = False,
) -> bool:
    """`gradcheck` of the backward pass: compares second derivatives with differences of first ones.

    Checked are the derivatives of ∂(Σ outputs · grad_outputs)/∂input, with respect to the inputs and to grad_outputs.

    Args:
        func, inputs: as for `gradcheck`.
        grad_outputs: what arrives at the outputs, one tensor for each that requires gradients; numbers between −1 and 1
            if left out.
        eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
            fast_mode: as for `gradcheck`.

    Returns:
        True, if all agree.

    Raises:
        GradcheckError, ValueError, RuntimeError: as for `gradcheck`.

    Example:
        >>> import tinyact
        >>> x = tinyact.rand(3, dtype=tinyact.float64, requires_grad=True)
        >>> tinyact.autograd.gradgradcheck(tinyact.tanh, (x,))
        True
    """
    args = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    checked = [i for i, x in enumerate(args) if isinstance(x, Variable) and x.requires_grad]
    if grad_outputs is None:
        # The same every time, and not from the library's own stream, which a check must not move.
        draw = np.random.default_rng(0).uniform
        arrays = [output.array for output in _outputs(func, args) if output.requires_grad]
        grad_outputs = [wrap(np.asarray(draw(-1, 1, a.shape), a.dtype)).requires_grad_() for a in arrays]
    first = tuple(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)

    def backward(*values: Any) -> tuple[Tensor, ...]:
        roots = [output for output in _outputs(func, values[: len(args)]) if output.requires_grad]
        targets = [values[i] for i in checked]
        grads = grad(roots, targets, values[len(args) :], create_graph=True, allow_unused=True)
        return tuple(g for g in grads if g is not None)

    return gradcheck(
        backward,
        (*args, *first),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
    )


def _check_input(i: int, array: np.ndarray[Any, Any]) -> None:
    """Warn of, or refuse, an input that differences are not good for."""
    if array.dtype != np.float64:
        warnings.warn(
            f"Input #{i} requires gradient and is not a double precision floating point. This check will likely fail "
            "if all the inputs are not of double precision floating point.",
            stacklevel=3,
        )
    if array.size and any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)):
        raise RuntimeError(
            f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping "
            "to be able to compute the numerical gradients correctly. You should call .contiguous on the input before "
            "passing it to gradcheck."
        )


def _outputs(func: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    result = func(*inputs)
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def _check_output(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    checked: list[int],
    o: int,
    output: Tensor,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
) -> None:
    analytical = _analytical(output, [inputs[i] for i in checked])
    again = _analytical(output, [inputs[i] for i in checked])
    for i, a, b in zip(checked, analytical, again, strict=True):
        if not np.allclose(a, b, rtol=0, atol=nondet_tol, equal_nan=True):
            raise GradcheckError(
                f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                f"gives different values, for output {o} with respect to input {i}"
            )
        numerical = _numerical(func, inputs, i, o, eps)
        # NaN agrees with nothing, as in PyTorch.
        if a.size and not np.allclose(a, numerical, rtol=rtol, atol=atol):
            raise GradcheckError(
                f"Jacobian mismatch for output {o} with respect to input {i},\nnumerical:{wrap(numerical)!r}\n"
                f"analytical:{wrap(a)!r}\n"
            )


def _analytical(output: Tensor, inputs: list[Tensor]) -> list[np.ndarray[Any, Any]]:
    """∂output/∂input by the engine, one row per element of the input, one column per element of the output."""
    jacobians = [np.zeros((x.numel(), output.numel())) for x in inputs]
    for column in range(output.numel()):
        pick = np.zeros(output.numel(), output.array.dtype)
        pick[column] = 1
        first = wrap(pick.reshape(output.array.shape))
        grads = grad(output, inputs, first, retain_graph=True, allow_unused=True)
        for jacobian, g in zip(jacobians, grads, strict=True):
            if g is not None:
                jacobian[:, column] = g.array.reshape(-1)
    return jacobians


def _numerical(func: Callable[..., Any], inputs: tuple[Any, ...], i: int, o: int, eps: float) -> np.ndarray[Any, Any]:
    """The same by central differences."""
    rows, array = [], inputs[i].array
    for place in np.ndindex(array.shape):
        values, before = [], array[place]
        try:
            for step in (eps, -eps):
                # In its own memory, since the function may have the tensor from elsewhere than its arguments.
                array[place] = before + step
                values.append(_outputs(func, inputs)[o].array.flatten())
        finally:
            array[place] = before
        with np.errstate(all="ignore"):
            rows.append((values[0] - values[1]) / (2 * eps))
    return np.array(rows).reshape(inputs[i].numel(), -1) if rows else np.zeros((0, 0))
