"""Adam."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import tinyact
from tests.against_torch import same_error
from tests.optim.twins import assert_same, leaves, same, take_steps, to_tinyact


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("tensor", [False, True])
def test_decoupled_weight_decay(weight_decay: float, tensor: bool, amsgrad: bool, dtype: str) -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, (3,), (2, 3), (), dtype=dtype)
        lr = m.tensor(0.1) if tensor else 0.1
        optimizer = m.optim.Adam(
            parameters, lr=lr, weight_decay=weight_decay, amsgrad=amsgrad, decoupled_weight_decay=True
        )
        take_steps(m, optimizer, parameters, 1, 2, 3)
        return parameters, optimizer

    same(program)


def test_a_state_of_adamw_goes_on() -> None:
    theirs, ours = leaves(torch, (3,)), leaves(tinyact, (3,))
    left, right = torch.optim.AdamW(theirs, lr=0.1), tinyact.optim.Adam(ours)
    right.load_state_dict(to_tinyact(left.state_dict()))
    take_steps(torch, left, theirs, 1, 2)
    take_steps(tinyact, right, ours, 1, 2)
    assert_same([ours, right.state_dict()], [theirs, left.state_dict()])


def test_step_is_one_tensor_of_float32_per_parameter() -> None:
    def program(m: Any) -> Any:
        a, b = leaves(m, (2,), (2,))
        optimizer = m.optim.Adam([a, b])
        take_steps(m, optimizer, [a, b], 1, 2)
        optimizer.state[a]["step"].zero_()
        return optimizer.state[a]["step"], optimizer.state[b]["step"]

    same(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.optim.Adam([m.ones(1)], betas=(1.0, 0.9)),
        lambda m: m.optim.Adam([m.ones(1)], betas=(0.9, -0.1)),
        lambda m: m.optim.Adam([m.ones(1)], betas=(0, 0.9)),
        lambda m: m.optim.Adam([m.ones(1)], eps=-1),
        lambda m: m.optim.Adam([m.ones(1)], lr=float("nan")),
        lambda m: m.optim.Adam([m.ones(1)], lr=m.tensor(0.1), foreach=True),
    ],
)
def test_settings_out_of_range(program: Any) -> None:
    same_error(program)


def test_betas_become_a_tuple() -> None:
    def program(m: Any) -> Any:
        return m.optim.Adam([m.ones(1)], betas=[0.5, 0.75])

    same(program)
