"""Element types and their promotion."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tinyact.dtype import as_dtype, promote_types

NAMES = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("name", NAMES)
def test_pytorchs_names(name: str) -> None:
    ours, theirs = getattr(tinyact, name), getattr(torch, name)
    assert repr(ours) == repr(theirs)
    assert ours.is_floating_point == theirs.is_floating_point
    assert ours.numpy == np.dtype(name)
    assert pickle.loads(pickle.dumps(ours)) is ours
    assert copy.deepcopy(ours) is ours


@pytest.mark.parametrize("name", ["float", "double", "short", "int", "long"])
def test_other_names(name: str) -> None:
    assert repr(getattr(tinyact, name)) == repr(getattr(torch, name))


@pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, NAMES)))
def test_promotion_is_pytorchs(a: str, b: str) -> None:
    ours = promote_types(np.dtype(a), np.dtype(b))
    assert repr(as_dtype(ours)) == repr(torch.promote_types(getattr(torch, a), getattr(torch, b)))


@pytest.mark.parametrize("given", [tinyact.float64, np.float64, "float64", float, np.dtype("float64")])
def test_what_a_dtype_can_be_given_as(given: Any) -> None:
    assert as_dtype(given) is tinyact.float64


@pytest.mark.parametrize("given", ["complex64", np.float16, "nothing", object(), 3])
def test_other_types_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="tensors hold float32"):
        as_dtype(given)
