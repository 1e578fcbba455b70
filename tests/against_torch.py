"""The comparison that most tests consist of: the same program run with tinyact and with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import torch
from hypothesis import strategies as st

import tinyact

# Rounding differs by a few units in the last place where exp, log and sums are computed by other algorithms.
TOLERANCE = {"float32": 3e-6, "float64": 1e-13}

Program = Callable[..., Any]


def run(module: Any, program: Program, arrays: Sequence[Any], upstream: int | None) -> tuple[list[Any], list[Any]]:
    """Outputs and gradients of ``program(module, *tensors)``; floating inputs require gradients.

    The gradient that arrives at the outputs is made of small numbers that depend on ``upstream`` alone; None skips
    the backward pass.
    """
    tensors = []
    for array in arrays:
        # The same memory layout on both sides; a copy, so that no side sees the other's changes.
        tensor = module.from_numpy(array.copy(order="K")) if isinstance(array, np.ndarray) else array
        if isinstance(array, np.ndarray) and array.dtype.kind == "f" and upstream is not None:
            tensor.requires_grad_()
        tensors.append(tensor)
    result = program(module, *tensors)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    if upstream is None:
        return outputs, []
    rng = np.random.default_rng(upstream)
    roots = [output for output in outputs if getattr(output, "requires_grad", False)]
    grads = []
    for root in roots:
        grad = rng.integers(-8, 9, tuple(root.shape)) / 4
        grads.append(module.from_numpy(np.asarray(grad, root.detach().numpy().dtype)))
    if roots:
        module.autograd.backward(roots, grads)
    return outputs, [t.grad if hasattr(t, "grad") else None for t in tensors]


def same(program: Program, *arrays: Any, upstream: int | None = 0, tolerance: float = 1.0, names: bool = False) -> None:
    """Assert that tinyact and PyTorch give the same outputs and gradients: shapes, dtypes, values, NaN and ∞.

    Args:
        program: called as ``program(module, *tensors)`` with ``tinyact`` and with ``torch``.
        arrays: NumPy arrays become tensors; anything else is passed on.
        upstream: seed of the gradient that arrives at the outputs; None to compare outputs only.
        tolerance: a factor for the allowed rounding.
        names: whether ``grad_fn``'s names must be equal too.
    """
    with np.errstate(all="raise", under="ignore"):  # no warning may leave an operation; of underflow NumPy never warns
        ours, our_grads = run(tinyact, program, arrays, upstream)
    theirs, their_grads = run(torch, program, arrays, upstream)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert_equal(a, b, tolerance)
        if names:
            assert (a.grad_fn and a.grad_fn.name()) == (b.grad_fn and b.grad_fn.name())
    for i, (a, b) in enumerate(zip(our_grads, their_grads, strict=True)):
        if a is None and b is None:
            continue
        # PyTorch leaves an input without gradient where tinyact has zeros, or the other way round: not the same.
        assert a is not None, f"gradient of input {i}: {a} and {b}"
        assert b is not None, f"gradient of input {i}: {a} and {b}"
        assert_equal(a, b, tolerance)


def same_outcome(program: Callable[[Any], Any]) -> None:
    """Assert that tinyact raises the same type of exception as PyTorch, or else gives the same outputs."""
    try:
        program(torch)
    except Exception:
        same_error(program)
    else:
        same(program, upstream=None)


def assert_equal(ours: Any, theirs: Any, tolerance: float = 1.0) -> None:
    """The same shape, dtype and values."""
    if not isinstance(theirs, torch.Tensor):
        assert ours == theirs
        return
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(ours.dtype) == str(theirs.dtype)
    assert ours.requires_grad == theirs.requires_grad
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    if a.dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
        return
    rtol = TOLERANCE[a.dtype.name] * tolerance
    # Near zero what counts is the size of the terms that cancelled: of the result's other elements, and of the
    # gradient that arrives, at most 2 (1 − y² …).
    finite = np.abs(b[np.isfinite(b)])
    atol = rtol * max(2.0, float(finite.max(initial=0.0)))
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def same_error(program: Program, *arrays: Any, words: bool = False) -> None:
    """Assert that both refuse, with the same type of exception, and where asked for in the same words."""
    errors: list[Any] = []
    messages: list[str] = []
    for module in (tinyact, torch):
        try:
            run(module, program, arrays, 0)
        except Exception as error:  # the type is what is compared
            errors.append(type(error))
            messages.append(str(error))
        else:
            errors.append(None)
    assert errors[1] is not None, "PyTorch does not refuse"
    # A program that catches PyTorch's exception must catch tinyact's.
    assert issubclass(errors[0] or object, errors[1]), f"tinyact: {errors[0]}, PyTorch: {errors[1]}"
    assert messages[0] == messages[1] or not words


FLOATS = ("float32", "float64")
NOT_FINITE = (0.0, -0.0, np.inf, -np.inf, np.nan)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 88.0, -88.0, -104.0, 1e30, -1e30)


def numbers(low: float = -10.0, high: float = 10.0, special: Any = False) -> st.SearchStrategy[float]:
    """Floats that float32 holds exactly; with special values too: True for all of `SPECIAL`, or a list of them."""
    plain = st.floats(low, high, width=32, allow_subnormal=False)
    values = SPECIAL if special is True else special
    return st.one_of(plain, st.sampled_from(values)) if values else plain


def arrays(
    shape: Any = None,
    dtype: Any = None,
    low: float = -10.0,
    high: float = 10.0,
    special: Any = False,
) -> st.SearchStrategy[Any]:
    """Floating arrays of 0 to 3 dimensions, empty ones too, some of them not contiguous."""
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4) if shape is None else shape
    dtypes = st.sampled_from(FLOATS) if dtype is None else dtype
    contiguous = hnp.arrays(dtypes, shapes, elements=numbers(low, high, special))
    return st.tuples(contiguous, st.booleans()).map(lambda pair: np.array(pair[0], order="F" if pair[1] else "C"))


def check_derivatives(program: Callable[..., Any], *arrays: Any) -> None:
    """Assert that first and second derivatives agree with numerical ones.

    Args:
        program: called with tensors.
        arrays: float64 arrays.
    """
    tensors = [tinyact.tensor(array, requires_grad=True) for array in arrays]
    assert tinyact.autograd.gradcheck(program, tensors)
    assert tinyact.autograd.gradgradcheck(program, tensors)


def orders(m: Any, function: Any, inputs: list[Any], seed: int, count: int) -> list[Any]:
    """A function's derivatives of the first orders with respect to all inputs, each from gradients drawn at random."""
    rng = np.random.default_rng(seed)
    for tensor in inputs:
        tensor.requires_grad_()
    roots, derivatives = [function(*inputs)], []
    for _ in range(count):
        # Drawn for all of them, so that both libraries have the same, whichever they think constant.
        upstream = [m.from_numpy(np.asarray(rng.integers(-8, 9, tuple(root.shape)) / 4)) for root in roots]
        pairs = [(root, g) for root, g in zip(roots, upstream, strict=True) if root.requires_grad]
        grads = [None for _ in inputs]
        if pairs:
            roots, upstream = (list(side) for side in zip(*pairs, strict=True))
            grads = m.autograd.grad(roots, inputs, upstream, create_graph=True, allow_unused=True)
        roots = [m.zeros_like(x) if g is None else g for x, g in zip(inputs, grads, strict=True)]
        derivatives += [root.detach() + 0 for root in roots]  # + 0, because PyTorch has zeros that are no numbers yet
    return derivatives
