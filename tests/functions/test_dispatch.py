"""NumPy's own functions of tensors: what they compute of arrays they compute of tensors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import overrides

import tinyact
from tests.against_torch import check_derivatives
from tinyact.functions.dispatch import FUNCTIONS, UFUNCS

RNG = np.random.default_rng(0)
X, V, K = RNG.uniform(0.5, 2, (3, 3)), RNG.uniform(0.5, 2, 3), np.array([0, 2, 1])
# Arguments among which nearly every function finds some that suit it.
ARGUMENTS: list[tuple[Any, ...]] = [
    (X,), (V,), (K,), (X > 1,), (X, X), (V, V), (X, V), (X, K), (X, 0), (X, 1, 0), (X, 0, 1), (X, 1, 1), (X, (1, 0)),
    (X, 3), (V, 3), (K, 3), (X, 2.0), (X, "f4"), (X, (9,)), (X, (2, 3, 3)), (X, [K]), (X, K[None], 0), (X, K, 0),
    (X, K, X), (X, V, V), (V, V, V), (V, V, V, 1), (X, 0, (1,)), ([X, X],), ([V, V],), ((X, V),), ((X, V), None),
    (X > 1, X, X), (X > 1, 0.0, X), (V, X, V), ([X > 1], [X]), ([X > 1, X < 1], [X, X]), ("ij,jk", X, X),
    ((3, 3), (K, K)), (X, X > 1, X), (X, X > 1, 1.0), (X, None, ()), (X, ()), (X, -1),
]  # fmt: skip
# They dispatch on ``like`` alone, read or write files, or promise no numbers.
OTHERS = {
    "frombuffer", "empty", "empty_like", "fromfile", "fromstring", "loadtxt", "genfromtxt", "fromiter", "save", "savez",
    "savez_compressed", "savetxt",
}  # fmt: skip
FUNCTIONS_OF_NUMPY = sorted(
    (f for f in overrides.get_overridable_numpy_array_functions() if f.__name__ not in OTHERS),
    key=lambda f: (f.__module__, f.__name__),
)


def tensors(value: Any, requires_grad: bool) -> Any:
    """The arguments with tensors for arrays."""
    if isinstance(value, np.ndarray):
        return tinyact.tensor(value, requires_grad=requires_grad and value.dtype.kind == "f")
    if isinstance(value, (list, tuple)):
        return type(value)(tensors(part, requires_grad) for part in value)
    return value


def flat(value: Any) -> Iterator[Any]:
    """All arrays in a result, tensors as arrays."""
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from flat(part)
    else:
        yield np.asarray(value.detach() if isinstance(value, tinyact.Tensor) else value)


def check_same(function: Any, arguments: Any) -> bool:
    """Whether NumPy takes these arrays; if so, assert that it takes them as tensors, or refuses to lose gradients."""
    try:
        expected = function(*(a.copy() if isinstance(a, np.ndarray) else a for a in arguments))
    except Exception:  # these arguments aren't meant for it
        return False
    for requires_grad in (False, True):
        try:
            result = function(*tensors(arguments, requires_grad))
        except RuntimeError as error:
            if requires_grad and "requires grad" in str(error):
                continue
            raise
        for a, b in zip(flat(result), flat(expected), strict=True):
            assert a.shape == b.shape
            if a.dtype.kind in "biuf":
                np.testing.assert_allclose(a, b, rtol=1e-6)
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", FUNCTIONS_OF_NUMPY, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_functions_that_dispatch(function: Any) -> None:
    suited = [check_same(function, arguments) for arguments in ARGUMENTS]
    assert any(suited) or function not in FUNCTIONS


def test_most_functions_find_arguments() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        without = [f for f in FUNCTIONS_OF_NUMPY if not any(check_same(f, arguments) for arguments in ARGUMENTS)]
    assert len(without) < len(FUNCTIONS_OF_NUMPY) / 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ufunc", sorted(overrides.get_overridable_numpy_ufuncs(), key=lambda f: f.__name__))
def test_ufuncs(ufunc: Any) -> None:
    values = [X, V, K, X > 1, 2.0, [0.5, 1.0, 2.0]]
    suited = [
        check_same(ufunc, arguments)
        for arguments in product(values, repeat=ufunc.nin)
        if any(isinstance(a, np.ndarray) for a in arguments)
        # Where PyTorch has another rule than NumPy: of integers 1/x, and products and powers of mixed dtypes.
        and (all(np.asarray(a).dtype.kind == "f" for a in arguments) or ufunc not in UFUNCS)
    ]
    assert any(suited) or ufunc not in UFUNCS


A, B = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 2))
STACK = RNG.normal(size=(2, 3, 4))
RECORDED: list[Any] = [
    lambda x: np.concatenate((x, A), axis=0), lambda x: np.concatenate([A, x], -1), lambda x: np.stack((x, A), axis=1),
    lambda x: np.concatenate((x, A), axis=None), lambda x: np.clip(x, a_min=-0.5, a_max=0.5),
    lambda x: np.clip(x, None, 0.5), lambda x: np.clip(x, -0.5, None), lambda x: np.clip(x, min=0.1),
    lambda x: np.clip(x, a_min=[-0.5, 0.0, 0.1], a_max=2.0), lambda x: np.sum(x, axis=()),
    lambda x: np.sum(x, axis=(0, 1), keepdims=True), lambda x: np.sum(x, 0, np.float64), lambda x: np.sum(x, axis=-1),
    lambda x: np.where(A > 0, x, 0.0), lambda x: np.where([1, 0, 2], A, x), lambda x: np.transpose(x),
    lambda x: np.transpose(x, (1, 0)), lambda x: np.mean(x), lambda x: np.mean(x, axis=1, keepdims=True),
    lambda x: np.mean(x, ()), lambda x: np.max(x), lambda x: np.max(x, axis=0), lambda x: np.max(x, (0, 1)),
    lambda x: np.max(x, keepdims=True), lambda x: np.amin(x, axis=1, keepdims=True), lambda x: np.min(x, (1,)),
    lambda x: np.prod(x), lambda x: np.prod(x, axis=(0, 1)), lambda x: np.prod(x, 1, keepdims=True),
    lambda x: np.var(x), lambda x: np.var(x, axis=0, ddof=1), lambda x: np.var(x, (0, 1), correction=1, keepdims=True),
    lambda x: np.std(x), lambda x: np.std(x, axis=1), lambda x: np.dot(x, B), lambda x: np.dot(B, x),
    lambda x: np.dot(x, B[:, 0]), lambda x: np.dot(x, 3.0), lambda x: np.dot(x, STACK),
    lambda x: np.dot(STACK.mT, B @ x),
    lambda x: np.reshape(x, (3, 2)), lambda x: np.reshape(x, -1), lambda x: np.ravel(x), lambda x: np.squeeze(x[:1]),
    lambda x: np.squeeze(x[:1], axis=0), lambda x: np.expand_dims(x, 1), lambda x: np.expand_dims(x, (0, -1)),
    lambda x: np.swapaxes(x, 0, -1), lambda x: np.moveaxis(x, 0, 1), lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
    lambda x: np.broadcast_to(x, (2, 2, 3)), lambda x: np.astype(x, np.float64), lambda x: np.add(x, [1.0, 2.0, 3.0]),
]  # fmt: skip


@pytest.mark.parametrize("program", RECORDED)
def test_functions_with_a_derivative(program: Any) -> None:
    x = np.array([[0.3, -0.7, 1.1], [-1.3, 0.9, -0.2]])
    result = program(tinyact.tensor(x, requires_grad=True))
    assert result.requires_grad
    np.testing.assert_allclose(result.detach().numpy(), program(x), rtol=1e-12)
    check_derivatives(program, x)


def test_other_arguments_see_arrays() -> None:
    x, out = tinyact.tensor(X), np.empty(3)
    assert np.sum(x, 0, out=out) is out
    np.testing.assert_array_equal(out, X.sum(0))
    np.testing.assert_array_equal(np.max(x, initial=9.0), 9.0)
    np.testing.assert_array_equal(np.ravel(x, "F"), X.ravel("F"))
    np.testing.assert_array_equal(np.mean(tinyact.tensor(K)), 1.0)
    with pytest.raises(RuntimeError, match="requires grad"):
        np.max(x.requires_grad_(), initial=9.0)


def test_errors_are_numpys() -> None:
    x = tinyact.ones(2, 3)
    for wrong in (lambda t: np.squeeze(t, 0), lambda t: np.reshape(t, (4, 2)), lambda t: np.moveaxis(t, 0, 5)):
        with pytest.raises(ValueError, match=r"."):
            wrong(x)


def test_looks_need_no_numbers() -> None:
    x = tinyact.ones(2, 3, requires_grad=True)
    assert (np.shape(x), np.ndim(x), np.size(x), np.result_type(x)) == ((2, 3), 2, 6, np.float32)
    assert np.zeros_like(x).tolist() == [[0.0] * 3] * 2
