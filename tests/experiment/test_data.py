"""The data sets: split, scaled, and the same in both frameworks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tinyact
from tinyact.experiment.data import DATASETS, load


@pytest.mark.parametrize("name", DATASETS)
def test_both_frameworks_get_the_same(name: str) -> None:
    ours, theirs = load(name, tinyact), load(name, torch)
    for a, b in zip(ours[:4], theirs[:4], strict=True):
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert ours.classes == theirs.classes == (10 if name == "digits" else 2)
    if ours.classes == 2:
        assert ours.train_y.shape == (len(ours.train_x), 1)
    assert len(ours.train_x) == pytest.approx(4 * len(ours.test_x), abs=4)


def test_splits_are_the_seeds() -> None:
    first, again, other = (load("blobs", tinyact, "split", seed) for seed in (3, 3, 4))
    assert [len(part) for part in first] == [800, 800, 100, 100, 100, 100]
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert (a.numpy() != c.numpy()).any()
    fixed = load("blobs", tinyact)
    assert fixed.validation_x is None
    assert len(fixed.test_x) == 200


def test_no_sample_is_in_two_parts() -> None:
    split = load("moons", tinyact, "split", 1)
    parts = [set(map(tuple, x.numpy().tolist())) for x in (split.train_x, split.test_x, split.validation_x)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 2000


def test_data_are_the_seeds() -> None:
    splits, data = (
        [load("moons", tinyact, vary, seed).train_x.numpy() for seed in (1, 2)] for vary in ("split", "data")
    )
    samples = [{tuple(row) for row in x.tolist()} for x in (*splits, *data)]
    assert len(samples[0] & samples[1]) > 1000
    assert not samples[2] & samples[3]


def test_what_is_measured_in_units_of_its_own_is_standardized() -> None:
    x = load("breast_cancer", tinyact).train_x.numpy()
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(0), 1, atol=1e-4)
