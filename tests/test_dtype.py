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
from tinyact.dtype import as_dtype, holding_both

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
    expected = repr(torch.promote_types(getattr(torch, a), getattr(torch, b)))
    assert repr(as_dtype(holding_both(np.dtype(a), np.dtype(b)))) == expected
    assert repr(tinyact.promote_types(getattr(tinyact, a), getattr(tinyact, b))) == expected


@pytest.mark.parametrize("given", [tinyact.float64, np.float64, "float64", float, np.dtype("float64")])
def test_what_a_dtype_can_be_given_as(given: Any) -> None:
    assert as_dtype(given) is tinyact.float64


@pytest.mark.parametrize("given", ["complex64", np.float16, "nothing", object(), 3])
def test_other_types_are_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="tensors hold float32"):
        as_dtype(given)


@pytest.fixture
def double() -> Any:
    for m in (tinyact, torch):
        m.set_default_dtype(m.float64)
    yield
    for m in (tinyact, torch):
        m.set_default_dtype(m.float32)


DEFAULTS: dict[str, Any] = {
    "numbers": lambda m: m.tensor([1, 2.5]),
    "integers": lambda m: m.tensor([1, 2]),
    "no numbers": lambda m: m.tensor([]),
    "an array": lambda m: m.tensor(np.ones(2, np.float32)),
    "as_tensor": lambda m: m.as_tensor([1.0]),
    "Tensor": lambda m: m.Tensor([1, 2]),
    "FloatTensor": lambda m: m.FloatTensor([1, 2]),
    "zeros": lambda m: m.zeros(2),
    "full": lambda m: m.full((2,), 1.0),
    "eye": lambda m: m.eye(2),
    "arange": lambda m: m.arange(0, 1, 0.25),
    "counted": lambda m: m.arange(3),
    "linspace": lambda m: m.linspace(0, 1, 3),
    "rand": lambda m: m.rand(3),
    "randn": lambda m: m.randn(3),
    "randint": lambda m: m.randint(0, 9, (3,)),
    "like": lambda m: m.ones_like(m.ones(2, dtype=m.float32)),
    "exp of integers": lambda m: m.exp(m.tensor([1, 2])),
    "sigmoid of booleans": lambda m: m.sigmoid(m.tensor([True])),
    "integers and a number": lambda m: m.tensor([1, 2]) * 2.5,
    "a quotient of integers": lambda m: m.tensor([1, 2]) / 3,
    "float32 and a number": lambda m: m.ones(2, dtype=m.float32) * 2.5,
    "float()": lambda m: m.tensor([1.0]).float(),
    "where": lambda m: m.where(m.tensor([True, False]), 1.0, 2.0),
    "a layer": lambda m: m.nn.Linear(2, 2).weight,
    "a loss": lambda m: m.nn.functional.mse_loss(m.rand(3), m.rand(3)),
    "in a list": lambda m: m.tensor([m.tensor(1.5), 2]),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_dtype(name: str, double: None) -> None:
    results = []
    for m in (tinyact, torch):
        m.manual_seed(0)
        assert m.get_default_dtype() is m.float64
        results.append(repr(DEFAULTS[name](m)))
    assert results[0] == results[1]


def test_only_floating_dtypes_are_the_default() -> None:
    for m in (tinyact, torch):
        for wrong in (m.int64, "float64", None):
            with pytest.raises(TypeError):
                m.set_default_dtype(wrong)
        assert m.get_default_dtype() is m.float32


def test_a_compiled_function_notices_another_default(double: None) -> None:
    function = tinyact.compile(lambda x: x * tinyact.ones(2) + x.long() / 2)
    for kind in (tinyact.float64, tinyact.float32) * 3:
        tinyact.set_default_dtype(kind)
        assert function(tinyact.ones(2, dtype=tinyact.float32)).dtype is kind


@pytest.mark.parametrize("name", NAMES)
def test_limits(name: str) -> None:
    for kind in ("finfo", "iinfo"):
        limits = []
        for m in (tinyact, torch):
            try:
                limits.append(getattr(m, kind)(getattr(m, name)))
            except TypeError:
                limits.append(None)
        ours, theirs = limits
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert repr(ours) == repr(theirs)
            fields = (
                "min",
                "max",
                "bits",
                "dtype",
                *("eps", "tiny", "smallest_normal", "resolution") * (kind == "finfo"),
            )
            assert [getattr(ours, field) for field in fields] == [getattr(theirs, field) for field in fields]
    assert tinyact.finfo().dtype == "float32"


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", [*NAMES, 1, 2.5, True])
@pytest.mark.parametrize("dims", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_the_type_of_a_result(a: str, b: Any, dims: Any) -> None:
    types = []
    for m in (tinyact, torch):
        left = m.ones((2,) * dims[0]).to(getattr(m, a))
        right = m.ones((2,) * dims[1]).to(getattr(m, b)) if isinstance(b, str) else b
        types.append(repr(m.result_type(left, right)))
    assert types[0] == types[1]


def test_asking_about_tensors() -> None:
    for m in (tinyact, torch):
        assert [m.is_tensor(x) for x in (m.ones(2), np.ones(2), 1.0)] == [True, False, False]
        assert [m.is_floating_point(x) for x in (m.ones(2), m.ones(2).long())] == [True, False]
        assert m.numel(m.ones(2, 3)) == 6
