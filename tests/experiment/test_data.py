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
    for a, b in zip(ours, theirs, strict=True):
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert ours.classes == theirs.classes == (10 if name == "digits" else 2)
    if ours.classes == 2:
        assert ours.train_y.shape == (len(ours.train_x), 1)
    assert len(ours.train_x) == pytest.approx(4 * len(ours.test_x), abs=4)


def test_what_is_measured_in_units_of_its_own_is_standardized() -> None:
    x = load("breast_cancer", tinyact).train_x.numpy()
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(0), 1, atol=1e-4)
