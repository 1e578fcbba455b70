"""Batch, layer and root-mean-square normalization."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays, check_derivatives, orders, same, same_error

EPS = st.sampled_from([1e-5, 1e-3, 0.5])
SHAPES = st.sampled_from([(2, 3), (4, 1), (3, 4, 2), (2, 2, 5), (2, 3, 2, 2), (0, 3), (2, 1, 2)])


def spread(draw: Any, shape: Any, dtype: str, around: float = 0.0) -> Any:
    """Numbers that differ, so that no division by a tiny spread magnifies PyTorch's rounding."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return np.asarray(rng.permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) // 2 + around, dtype)


@st.composite
def samples(draw: Any) -> tuple[Any, ...]:
    """An input, the sizes over which it is normalized, and what it is scaled and shifted by."""
    sizes = draw(hnp.array_shapes(max_dims=2, max_side=4))
    batch = draw(st.sampled_from([(), (1,), (5,), (2, 3), (0,)]))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    x = spread(draw, (*batch, *sizes), dtype)
    return sizes, x, draw(arrays(sizes, dtype)), draw(arrays(sizes, dtype)), draw(EPS)


@given(sample=samples())
def test_layer_norm(sample: Any) -> None:
    sizes, x, w, b, eps = sample

    def program(m: Any, x: Any, *parameters: Any) -> Any:
        return m.nn.functional.layer_norm(x, sizes, *parameters, eps=eps)

    for parameters in ((), (w,), (w, b), (None, b)):
        same(program, x, *parameters, names=True, tolerance=4)


@given(sample=samples(), default=st.booleans())
def test_rms_norm(sample: Any, default: bool) -> None:
    sizes, x, w, _, eps = sample

    def program(m: Any, x: Any, *weight: Any) -> Any:
        return m.nn.functional.rms_norm(x, list(sizes), *weight, eps=None if default else eps)

    for weight in ((), (w,)):
        same(program, x, *weight, names=True, tolerance=4)


@given(data=st.data(), shape=SHAPES, dtype=st.sampled_from(["float32", "float64"]), eps=EPS)
def test_batch_norm(data: st.DataObject, shape: Any, dtype: str, eps: float) -> None:
    x = spread(data.draw, shape, dtype)
    w, b, mean = (data.draw(arrays((shape[1],), dtype)) for _ in range(3))
    var = data.draw(arrays((shape[1],), dtype, low=0.125))
    momentum = data.draw(st.sampled_from([0.1, 0.0, 1.0, 0.37]))

    def program(m: Any, training: bool, measured: bool, x: Any, *parameters: Any) -> Any:
        running = [m.from_numpy(v.copy()) if measured else None for v in (mean, var)]
        y = m.nn.functional.batch_norm(x, *running, *parameters, training=training, momentum=momentum, eps=eps)
        return (y, *running) if measured else y

    for training, measured in ((True, True), (True, False), (False, True)):
        for parameters in ((), (w, b), (w,), (None, b)):
            same(lambda m, *t: program(m, training, measured, *t), x, *parameters, names=x.size > 0, tolerance=4)  # noqa: B023


@given(seed=st.integers(0, 99), shape=st.sampled_from([(4, 3), (3, 2, 2)]), training=st.booleans())
def test_higher_derivatives_of_batch_norm(seed: int, shape: Any, training: bool) -> None:
    rng = np.random.default_rng(seed)
    x, w, b = rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])
    mean, var = rng.normal(size=shape[1]), rng.uniform(0.5, 2, shape[1])

    def program(m: Any, *inputs: Any) -> Any:
        running = [m.from_numpy(v) for v in (mean, var)]

        def normalized(x: Any, w: Any, b: Any) -> Any:
            return m.nn.functional.batch_norm(x, *running, w, b, training=training, momentum=0.0)

        return orders(m, normalized, list(inputs), seed, 2)

    same(program, x, w, b, upstream=None, tolerance=10)


@given(seed=st.integers(0, 99), sizes=st.sampled_from([(3,), (2, 3)]))
def test_higher_derivatives_along_the_last_dimensions(seed: int, sizes: Any) -> None:
    rng = np.random.default_rng(seed)
    x, w, b = rng.normal(size=(4, 2, 3)), rng.normal(size=sizes), rng.normal(size=sizes)

    def layer(m: Any, *inputs: Any) -> Any:
        return orders(m, lambda x, *p: m.nn.functional.layer_norm(x, sizes, *p), list(inputs), seed, 2)

    def rms(m: Any, *inputs: Any) -> Any:
        return orders(m, lambda x, w: m.nn.functional.rms_norm(x, sizes, w), list(inputs), seed, 3)

    same(layer, x, w, b, upstream=None, tolerance=10)
    same(rms, x, w, upstream=None, tolerance=10)


def test_derivatives() -> None:
    F, draw = tinyact.nn.functional, np.random.default_rng(0).normal
    x, w, b = draw(size=(4, 3)), draw(size=3), draw(size=3)
    check_derivatives(lambda *t: F.layer_norm(t[0], (3,), *t[1:]), x, w, b)
    check_derivatives(lambda *t: F.rms_norm(t[0], (3,), t[1]), x, w)
    check_derivatives(lambda *t: F.batch_norm(t[0], None, None, *t[1:], training=True), x, w, b)
    running = tinyact.tensor(draw(size=3)), tinyact.tensor(draw(size=3) ** 2)
    check_derivatives(lambda *t: F.batch_norm(t[0], *running, *t[1:]), x, w, b)


def test_no_mean_is_so_large_that_float32_loses_the_spread() -> None:
    x = np.array([[1e6, 1e6 + 1, 1e6 + 2]], np.float32)
    expected = [-np.sqrt(1.5), 0, np.sqrt(1.5)]
    for program in (
        lambda t: tinyact.nn.functional.layer_norm(t, (3,), eps=0.0),
        lambda t: tinyact.nn.functional.batch_norm(t.t(), None, None, training=True, eps=1e-12),
    ):
        np.testing.assert_allclose(program(tinyact.tensor(x)).numpy().reshape(-1), expected, rtol=1e-7)


def test_of_dtypes_that_differ_rms_norm_takes_the_wider() -> None:
    for dtypes in (("float32", "float64"), ("float64", "float32")):
        x, w = (np.arange(1, 4, dtype=dtype) for dtype in dtypes)
        ours = tinyact.nn.functional.rms_norm(tinyact.from_numpy(x), (3,), tinyact.from_numpy(w))
        assert ours.dtype is tinyact.float64


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3), (3,), m.ones(3).double()),
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3).double(), (3,), m.ones(3)),
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3), 3),
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3).long(), (3,)),
        lambda m: m.nn.functional.rms_norm(m.ones(2, 3), (2,)),
        lambda m: m.nn.functional.rms_norm(m.ones(2, 3).long(), (3,)),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3).double(), m.ones(3).double(), training=True),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3).double(), m.ones(3), m.ones(3), m.ones(3)),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3).requires_grad_(), m.ones(3)),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3).long(), m.ones(3), m.ones(3)),
        lambda m: m.nn.functional.batch_norm(m.ones(2), None, None, training=True),
    ],
)
def test_refused(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3), (2,)),
        lambda m: m.nn.functional.layer_norm(m.ones(3), (2, 3)),
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3), ()),
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3), (3,), m.ones(2)),
        lambda m: m.nn.functional.layer_norm(m.ones(2, 3), (3,), m.ones(3), m.ones(2)),
        lambda m: m.nn.functional.rms_norm(m.ones(2, 3), (3,), m.ones(2)),
        lambda m: m.nn.functional.batch_norm(m.ones(1, 3), None, None, training=True),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), None, None),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3), None),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(2), m.ones(3)),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3), None, training=True),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3), m.ones(3), m.ones(2)),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3), m.ones(3), m.ones(3), m.ones(2)),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3), m.ones(3), training=True, eps=0),
        lambda m: m.nn.functional.batch_norm(m.ones(2, 3), m.ones(3), m.ones(3), eps=-1.0),
    ],
)
def test_refused_in_the_same_words(program: Any) -> None:
    same_error(program, words=True)
