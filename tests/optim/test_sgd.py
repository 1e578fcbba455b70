"""SGD."""

from __future__ import annotations

from typing import Any

import pytest

from tests.against_torch import same_error
from tests.optim.twins import leaves, same, take_steps


@pytest.mark.parametrize("momentum", [0.5, 0.9])
@pytest.mark.parametrize("maximize", [False, True])
def test_nesterov(momentum: float, maximize: bool) -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, (3,), (2, 3), ())
        optimizer = m.optim.SGD(
            parameters, lr=0.1, momentum=momentum, nesterov=True, weight_decay=0.1, maximize=maximize
        )
        take_steps(m, optimizer, parameters, 1, 2, 3)
        return parameters, optimizer

    same(program)


def test_momentum_from_now_on() -> None:
    def program(m: Any) -> Any:
        parameters = leaves(m, (3,), (2, 3))
        optimizer = m.optim.SGD(parameters, lr=0.1)
        take_steps(m, optimizer, parameters, 1)
        optimizer.param_groups[0]["momentum"] = 0.9
        take_steps(m, optimizer, parameters, 2, 3)
        optimizer.param_groups[0]["momentum"] = 0
        take_steps(m, optimizer, parameters, 4)
        return parameters, optimizer

    same(program)


def test_integers_move_by_integers() -> None:
    def program(m: Any) -> Any:
        w = m.tensor([3, 5])
        w.grad = m.tensor([1, -1])
        m.optim.SGD([w], lr=2).step()
        return w

    same(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.optim.SGD([m.ones(1)], momentum=-1),
        lambda m: m.optim.SGD([m.ones(1)], nesterov=True),
        lambda m: m.optim.SGD([m.ones(1)], momentum=0.9, dampening=0.1, nesterov=True),
    ],
)
def test_settings_out_of_range(program: Any) -> None:
    same_error(program)
