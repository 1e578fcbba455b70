"""Convolution in one and two dimensions, and the windows that it and pooling are made of."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import check_derivatives, orders, same, same_error
from tinyact.functions.windows import Fold, Frame, Windows


@st.composite
def convolutions(draw: Any, dims: int) -> tuple[Any, ...]:
    """Input, weight, bias, and settings under which the kernel fits."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, out = (groups * draw(st.integers(1, 2)) for _ in range(2))
    kernel, dilation = ([draw(st.integers(1, 3)) for _ in range(dims)] for _ in range(2))
    padding: Any = draw(st.sampled_from(["same", "valid", None]))
    stride = [1] * dims if padding == "same" else [draw(st.integers(1, 3)) for _ in range(dims)]
    if padding is None:
        padding = [draw(st.integers(0, 3)) for _ in range(dims)]
    around = [0] * dims if isinstance(padding, str) else padding
    spans = [1 if padding == "same" else d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [max(span - 2 * p, 1) + draw(st.integers(0, 3)) for span, p in zip(spans, around, strict=True)]
    batch = draw(st.sampled_from([(), (1,), (3,), (0,)]))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(st.sampled_from(["float32", "float64"]))
    shapes = ((*batch, channels, *sizes), (out, channels // groups, *kernel), (out,))
    x, w, b = (np.asarray(rng.normal(size=shape), dtype) for shape in shapes)
    return x, w, b, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


# PyTorch says of even kernels that they cost a copy.
quietly = pytest.mark.filterwarnings("ignore:Using padding='same'")


@quietly
@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data())
@settings(max_examples=100)
def test_outputs_and_gradients(dims: int, data: st.DataObject) -> None:
    x, w, b, options = data.draw(convolutions(dims))

    def program(m: Any, *t: Any) -> Any:
        return getattr(m.nn.functional, f"conv{dims}d")(*t, **options)

    same(program, x, w, b, names=x.size > 0, tolerance=4)
    same(program, x, w, tolerance=4)


@quietly
@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_higher_derivatives(dims: int, data: st.DataObject, seed: int) -> None:
    x, w, b, options = data.draw(convolutions(dims))
    if not x.size:
        return

    def program(m: Any, *t: Any) -> Any:
        return orders(m, lambda *t: getattr(m.nn.functional, f"conv{dims}d")(*t, **options), list(t), seed, 3)

    same(program, x.astype("float64"), w.astype("float64"), b.astype("float64"), upstream=None, tolerance=10)


def test_derivatives() -> None:
    draw = np.random.default_rng(0).normal
    F = tinyact.nn.functional
    check_derivatives(lambda *t: F.conv1d(*t, stride=2, padding=1), draw(size=(2, 2, 4)), draw(size=(2, 2, 3)))
    check_derivatives(
        lambda *t: F.conv2d(*t, dilation=2, groups=2), draw(size=(1, 2, 3, 4)), draw(size=(2, 1, 2, 2)), draw(size=2)
    )


FRAMES = [
    Frame((2,), (1,), (1,), (0,), (0,)),
    Frame((3,), (2,), (2,), (1,), (3,)),
    Frame((2, 3), (2, 1), (1, 2), (1, 0), (0, 2)),
]


@pytest.mark.parametrize("frame", FRAMES)
def test_windows_and_their_way_back(frame: Frame) -> None:
    """Element for element as their docstrings have it; and each is the other's derivative."""
    rng = np.random.default_rng(0)
    sizes = (6, 7)[: len(frame.kernel)]
    x = rng.normal(size=(2, *sizes))
    w = Windows(frame).forward(x)
    counts = frame.counts(sizes)
    assert w.shape == (2, *frame.kernel, *counts)
    back = np.zeros_like(x)
    for u, i in itertools.product(np.ndindex(*frame.kernel), np.ndindex(*counts)):
        at = [c * s + k * d - p for c, s, k, d, p in zip(i, frame.stride, u, frame.dilation, frame.before, strict=True)]
        inside = all(0 <= a < n for a, n in zip(at, sizes, strict=True))
        np.testing.assert_array_equal(w[(slice(None), *u, *i)], x[(slice(None), *at)] if inside else 0)
        if inside:
            back[(slice(None), *at)] += w[(slice(None), *u, *i)]
    np.testing.assert_allclose(Fold(frame, sizes).forward(w), back, rtol=1e-12)
    check_derivatives(lambda t: Windows(frame).apply(t), x)
    check_derivatives(lambda t: Fold(frame, sizes).apply(t), w)


def test_a_photograph_in_float32() -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=size).astype(np.float32) for size in ((4, 8, 32, 32), (16, 8, 3, 3)))
    same(lambda m, *t: m.nn.functional.conv2d(*t, padding=1), x, w, tolerance=4)


def test_the_output_lies_in_order_in_memory() -> None:
    assert tinyact.nn.functional.conv2d(tinyact.ones(2, 3, 5, 5), tinyact.ones(4, 3, 2, 2)).is_contiguous()


@pytest.mark.parametrize(
    "program",
    [
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 1, 3, 3)),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 6, 6)),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), dilation=3),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), o(2)),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3)),
        lambda F, o: F.conv2d(o(5, 5), o(3, 2, 3, 3)),
        lambda F, o: F.conv2d(o(1, 1, 2, 5, 5), o(3, 2, 3, 3)),
        lambda F, o: F.conv2d(o(1, 2, 5, 5).double(), o(3, 2, 3, 3)),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), o(3).double()),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), stride=0),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), padding=-1),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), dilation=0),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), groups=0),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 1, 3, 3), groups=2),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(0, 2, 3, 3)),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), padding="same", stride=2),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), padding="around"),
        lambda F, o: F.conv2d(o(1, 2, 5, 5), o(3, 2, 3, 3), stride=(1, 2, 3)),
        lambda F, o: F.conv1d(o(5), o(3, 2, 2)),
        lambda F, o: F.conv1d([1.0], o(3, 2, 2)),
    ],
)
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m.nn.functional, m.ones))
