"""Parameter."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tests.nn.twins import errors


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_repr(shape: tuple[int, ...], requires_grad: bool) -> None:
    ours, theirs = (m.nn.Parameter(m.ones(shape), requires_grad) for m in (tinyact, torch))
    assert repr(ours) == repr(theirs)


def test_without_data_is_empty() -> None:
    assert repr(tinyact.nn.Parameter()) == repr(torch.nn.Parameter())


def test_is_a_leaf_even_of_a_result() -> None:
    source = tinyact.ones(2, requires_grad=True)
    parameter = tinyact.nn.Parameter(source * 2)
    assert parameter.is_leaf
    assert parameter.requires_grad


@pytest.mark.parametrize("module", [tinyact, torch])
def test_shares_memory_and_its_counter_of_changes(module: Any) -> None:
    data = module.ones(2)
    parameter = module.nn.Parameter(data)
    loss = (parameter * parameter).sum()
    data.add_(1)
    assert parameter.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_operations_return_plain_tensors() -> None:
    parameter = tinyact.nn.Parameter(tinyact.ones(2))
    for result in (parameter * 2, parameter.detach(), parameter.data, parameter.clone(), -parameter):
        assert type(result) is tinyact.Tensor


@pytest.mark.parametrize("again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_copies_stay_parameters(again: Any, requires_grad: bool) -> None:
    parameter = tinyact.nn.Parameter(tinyact.tensor([1.0, 2.0]), requires_grad)
    result = again(parameter)
    assert type(result) is tinyact.nn.Parameter
    assert result.requires_grad is requires_grad
    assert result.tolist() == [1, 2]
    assert not np.shares_memory(result.array, parameter.array)


def test_refuses_integers() -> None:
    errors(lambda m: m.nn.Parameter(m.tensor([1])))
    assert tinyact.nn.Parameter(tinyact.tensor([1]), requires_grad=False).tolist() == [1]


def test_refuses_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match="must be Tensor, not list"):
        tinyact.nn.Parameter([1.0])  # type: ignore[arg-type]
