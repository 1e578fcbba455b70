"""Arrays as the page shows them."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinyact.inspect.picture import CELLS, FULL, picture


def cells(heat: dict) -> np.ndarray:  # type: ignore[type-arg]
    levels = np.frombuffer(base64.b64decode(heat["bytes"]), np.int8)
    return levels.reshape(heat["rows"], heat["columns"])


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)))
def test_small_arrays_are_shown_in_full_and_exactly(array: np.ndarray) -> None:  # type: ignore[type-arg]
    rows = picture(array)["rows"]
    assert np.array_equal(np.array(rows, np.float32).reshape(array.shape), array, equal_nan=True)


@pytest.mark.parametrize("shape", [(4000, 100), (4000, 16), (16, 100), (65,), (4000, 1), (1, 30000), (3, 7, 11)])
def test_large_arrays(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    shown = picture(array)
    corner = array.reshape(-1, shape[-1])[:5, :4]
    assert np.array_equal(np.array(shown["corner"], np.float32), corner)
    assert max(cells(shown["heat"]).shape) <= CELLS
    assert sum(shown["histogram"]["counts"]) == array.size
    assert float(shown["norm"]) == pytest.approx(np.linalg.norm(array))


def test_blocks_are_means() -> None:
    array = np.arange(300 * 2, dtype=np.float64).reshape(300, 2) - 300
    heat = picture(array)["heat"]
    assert heat["upright"]
    assert heat["block"] == [3, 1]
    means = array.reshape(100, 3, 2).mean(1).T
    assert np.array_equal(cells(heat), np.round(means / np.abs(means).max() * 126))


def test_the_last_block_may_be_smaller() -> None:
    array = np.ones((101, 101))
    array[-1] = -1
    heat = picture(array)["heat"]
    assert heat["block"] == [2, 2]
    assert cells(heat)[-1].tolist() == [-126] * 51
    assert cells(heat)[0].tolist() == [126] * 51


def test_one_long_row_is_broken_into_lines() -> None:
    heat = picture(np.arange(1.0, 131.0))["heat"]
    assert (heat["rows"], heat["columns"], heat["single"]) == (2, 100, True)
    assert cells(heat)[1, 29] == 126
    assert (cells(heat)[1, 30:] == -128).all()


def test_not_finite() -> None:
    array = np.zeros(FULL + 1)
    array[:2] = np.nan, np.inf
    shown = picture(array)
    assert shown["notFinite"] == 2
    assert cells(shown["heat"])[0, :3].tolist() == [-127, -127, 0]
    assert sum(shown["histogram"]["counts"]) == FULL - 1


def test_nothing_finite_and_nothing_at_all() -> None:
    assert picture(np.full(100, np.nan))["histogram"]["counts"] == []
    assert picture(np.zeros((0, 3)))["rows"] == []
    assert picture(np.float32(2))["rows"] == [["2.0"]]


def test_masks_and_integers() -> None:
    assert picture(np.array([True, False]))["rows"] == [["True", "False"]]
    assert picture(np.array([3, -4]))["rows"] == [["3", "-4"]]
