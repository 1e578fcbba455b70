"""The largest element of every window, and the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import check_derivatives, orders, same, same_error


@st.composite
def pools(draw: Any, dims: int, dilated: bool) -> tuple[Any, dict[str, Any]]:
    """An input with equal elements among it, and settings under which a window fits."""
    kernel, stride = ([draw(st.integers(1, 3)) for _ in range(dims)] for _ in range(2))
    dilation = [draw(st.integers(1, 2)) if dilated else 1 for _ in range(dims)]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    # Where a window has nothing of x in it, PyTorch writes anywhere.
    sizes = [span + draw(st.integers(0, 4)) for span in spans]
    batch = draw(st.sampled_from([(2,), (1, 3), (2, 1), (0, 2)]))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(st.sampled_from(["float32", "float64"]))
    x = np.asarray(rng.integers(-4, 5, (*batch, *sizes)) / 4, dtype)
    options = {"stride": draw(st.sampled_from([None, stride])), "padding": padding, "ceil_mode": draw(st.booleans())}
    return x, {"kernel_size": kernel, **options} | ({"dilation": dilation} if dilated else {})


@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data(), infinite=st.booleans())
@settings(max_examples=150)
def test_max_pool(dims: int, data: st.DataObject, infinite: bool) -> None:
    x, options = data.draw(pools(dims, dilated=True))
    if infinite:
        x[x < 0.5] = -np.inf

    def pool(m: Any, x: Any) -> Any:
        return getattr(m.nn.functional, f"max_pool{dims}d")(x, **options)

    def with_places(m: Any, x: Any) -> Any:
        return getattr(m.nn.functional, f"max_pool{dims}d")(x, **options, return_indices=True)

    same(pool, x)
    same(with_places, x)


@pytest.mark.parametrize("dims", [1, 2])
@given(data=st.data(), include=st.booleans(), divisor=st.sampled_from([None, 3, -2]))
@settings(max_examples=150)
def test_avg_pool(dims: int, data: st.DataObject, include: bool, divisor: int | None) -> None:
    x, options = data.draw(pools(dims, dilated=False))
    options |= {"count_include_pad": include} | ({"divisor_override": divisor} if dims == 2 else {})
    same(lambda m, x: getattr(m.nn.functional, f"avg_pool{dims}d")(x, **options), x)


@pytest.mark.parametrize("name", ["max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d"])
@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_higher_derivatives(name: str, data: st.DataObject, seed: int) -> None:
    x, options = data.draw(pools(int(name[-2]), dilated=name.startswith("max")))
    if not x.size:
        return

    def program(m: Any, x: Any) -> Any:
        return orders(m, lambda t: getattr(m.nn.functional, name)(t, **options) ** 3, [x], seed, 3)

    same(program, x.astype("float64"), upstream=None, tolerance=10)


def test_derivatives() -> None:
    x = np.random.default_rng(0).permutation(24).reshape(1, 2, 3, 4) / 4.0
    check_derivatives(lambda t: tinyact.nn.functional.max_pool2d(t, 2, 1), x)
    check_derivatives(lambda t: tinyact.nn.functional.avg_pool2d(t, 2, 1, padding=1, count_include_pad=False), x)


@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (1, 4, 4)])
def test_names(shape: Any) -> None:
    x = np.ones(shape)
    same(lambda m, x: m.nn.functional.max_pool2d(x, 2), x, names=True)
    same(lambda m, x: m.nn.functional.avg_pool2d(x, 2), x, names=True)
    same(lambda m, x: m.nn.functional.max_pool1d(x, 2), x[..., 0], names=True)
    same(lambda m, x: m.nn.functional.avg_pool1d(x, 2), x[..., 0], names=True)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_what_is_no_number(special: float) -> None:
    x = np.arange(12.0).reshape(1, 3, 4)
    x[0, 1, 2] = special
    same(lambda m, x: m.nn.functional.max_pool2d(x, 2, 1, 1), x)


def test_integers() -> None:
    same(lambda m, x: m.nn.functional.max_pool2d(x, 3, 2, 1), -np.arange(36).reshape(1, 6, 6))


@pytest.mark.parametrize(
    "program",
    [
        lambda F, o: F.max_pool2d(o(1, 2, 5, 5), 2, padding=2),
        lambda F, o: F.max_pool2d(o(5, 5), 2),
        lambda F, o: F.max_pool2d(o(1, 1, 1, 5, 5), 2),
        lambda F, o: F.max_pool2d(o(1, 1, 1, 1), 2),
        lambda F, o: F.max_pool2d(o(1, 0, 4, 4), 2),
        lambda F, o: F.max_pool2d(o(1, 1, 0, 4), 2),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), 0),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), 2, 0),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), 2, -1),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), 2, padding=-1),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), 2, dilation=0),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), (2, 2, 2)),
        lambda F, o: F.max_pool2d(o(1, 1, 4, 4), ()),
        lambda F, o: F.max_pool1d(o(4), 2),
        lambda F, o: F.avg_pool2d(o(1, 2, 5, 5), 2, padding=2),
        lambda F, o: F.avg_pool2d(o(1, 1, 4, 4), 2, divisor_override=0),
        lambda F, o: F.avg_pool2d(o(1, 1, 1, 1), 2),
    ],
)
def test_refused(program: Any) -> None:
    same_error(lambda m: program(m.nn.functional, m.ones))


def test_an_empty_stride_is_the_kernel() -> None:
    same(lambda m, x: m.nn.functional.max_pool2d(x, 2, []), np.ones((1, 4, 4)))
