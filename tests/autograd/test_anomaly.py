"""A planted NaN is found where it was planted."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import tinyact
from tests.inspect.test_every_operation import OPERATIONS
from tinyact.autograd.anomaly import _lines
from tinyact.autograd.operation import Operation
from tinyact.autograd.sweep import order
from tinyact.autograd.watch import watchers

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled:UserWarning")


def line_of(function: Any, code: str) -> int:
    """The number of the line of this file in which a function has this code."""
    lines, first = inspect.getsourcelines(function)
    (place,) = [k for k, line in enumerate(lines) if code in line]
    return first + place


def caught(program: Any) -> str:
    with pytest.raises(RuntimeError) as info, tinyact.autograd.detect_anomaly():
        program()
    return str(info.value)


class Planted(tinyact.nn.Module):
    """A network whose second layer takes the logarithm of something negative."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = tinyact.nn.Sequential(tinyact.nn.Linear(3, 4), tinyact.nn.ReLU())

    def forward(self, x: Any) -> Any:
        h = self.layers(x)
        h = (h - 5).log()
        return h.tanh().sum()


def test_a_planted_nan_is_found_at_its_line() -> None:
    tinyact.manual_seed(0)
    network, x = Planted(), tinyact.rand(5, 3)
    said = caught(lambda: network(x).backward())
    assert said.startswith("the forward of 'LogBackward0' returned nan values.\n  ln x, ")
    assert "d/dx ln x = 1 / x" in said
    h = network.layers(x) - 5
    assert f"x: 5 × 4 numbers from {h.min().item():.4g} to {h.max().item():.4g}\n" in said
    assert f'{__file__}", line {line_of(Planted.forward, "log()")}, in forward\n    h = (h - 5).log()' in said
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_gradient_that_is_infinite_is_found_at_the_line_of_its_forward() -> None:
    x = tinyact.tensor([4.0, 0.0, 1.0], requires_grad=True)

    def loss() -> Any:
        root = (x * 2).sqrt()
        return (root * 3).sum()

    said = caught(lambda: loss().backward())
    assert said.startswith(
        "Function 'SqrtBackward0' returned infinite values in its 0th output, the gradient of x, first at [1].\n"
    )
    assert "gradient that arrived: 3 numbers from 3 to 3\n  x: 3 numbers from 0 to 8\n" in said
    assert f"line {line_of(loss, 'sqrt')}, in loss\n    root = (x * 2).sqrt()" in said
    assert x.grad is None


@pytest.mark.parametrize("m", [tinyact, torch])
def test_as_in_pytorch(m: Any) -> None:
    """What PyTorch finds is found; the words begin in the same way."""
    zero = m.zeros(1, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"Function '.*Backward0' returned") as info, m.autograd.detect_anomaly():
        # ∞ · 0 in the backward of the root.
        (zero.sqrt() * 0).sum().backward()
    assert m is tinyact or "returned nan values in its 0th output." in str(info.value)

    class Broken(m.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * float("nan")

    returned = pytest.raises(RuntimeError, match="BrokenBackward' returned nan values in its 0th output")
    with returned, m.autograd.detect_anomaly():
        Broken.apply(m.ones(2, requires_grad=True)).sum().backward()
    with m.autograd.detect_anomaly(check_nan=False):
        Broken.apply(m.ones(2, requires_grad=True)).sum().backward()
    Broken.apply(m.ones(2, requires_grad=True)).sum().backward()


@pytest.mark.parametrize("m", [tinyact, torch])
def test_other_errors_come_with_the_line_of_the_forward(m: Any) -> None:
    def program() -> None:
        y = m.ones(2, requires_grad=True).exp()
        y.add_(1)
        y.sum().backward()

    warned = pytest.warns(UserWarning, match=r"Error detected in ExpBackward0(.|\n)*y = m.ones")
    with warned, pytest.raises(RuntimeError, match="inplace"), m.autograd.detect_anomaly():
        program()


@pytest.mark.parametrize("m", [tinyact, torch])
def test_switches(m: Any) -> None:
    assert (m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()) == (False, True)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        on = m.autograd.detect_anomaly()
    assert not m.is_anomaly_enabled()
    with on:
        assert m.is_anomaly_enabled()
        with m.autograd.set_detect_anomaly(False):
            assert not m.is_anomaly_enabled()
        with m.autograd.set_detect_anomaly(True, check_nan=False):
            assert not m.is_anomaly_check_nan_enabled()
        assert (m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()) == (True, True)
    assert not m.is_anomaly_enabled()
    m.autograd.set_detect_anomaly(True)
    assert m.is_anomaly_enabled()
    m.autograd.set_detect_anomaly(False)
    with pytest.raises(KeyError), m.autograd.set_detect_anomaly(True):
        raise KeyError
    assert not m.is_anomaly_enabled()


def test_off_nobody_watches() -> None:
    assert watchers == []
    with tinyact.autograd.detect_anomaly():
        assert len(watchers) == 1
        with tinyact.autograd.set_detect_anomaly(False):
            assert watchers == []
        with tinyact.autograd.detect_anomaly(check_nan=False):
            assert len(watchers) == 1
        assert len(watchers) == 1
    assert watchers == []


def test_what_an_operation_was_given_is_not_its_doing() -> None:
    x = tinyact.ones(3, requires_grad=True)
    mask = tinyact.tensor([0.0, -np.inf, 0.0])
    with tinyact.autograd.detect_anomaly():
        (tinyact.softmax(x + mask, 0) ** 2).sum().backward()
    assert x.grad is not None
    assert np.isfinite(x.grad.numpy()).all()


def test_nan_among_the_data() -> None:
    w = tinyact.ones(3, requires_grad=True)
    said = caught(lambda: w * tinyact.tensor([1.0, np.nan, 2.0]))
    assert said.startswith("the forward of 'MulBackward0' was given nan values.")
    assert "b: 3 numbers from 1 to 2, 1 NaN or infinite" in said


def test_infinities_between_operations() -> None:
    x = tinyact.tensor(1.0, requires_grad=True)
    assert "was given infinite values: by the caller" in caught(lambda: (x * 2).backward(tinyact.tensor(np.inf)))
    big = tinyact.tensor(2e38)
    # Each path's gradient is a number still; their sum is too large for float32.
    assert "is too large" in caught(lambda: _twice(x * 1).backward(big))


def _twice(y: Any) -> Any:
    return y.reshape(()) + y.view(())


def test_with_create_graph_the_rule_is_named() -> None:
    x = tinyact.tensor([0.0], requires_grad=True)
    said = caught(lambda: tinyact.autograd.grad(x.sqrt().sum(), x, create_graph=True))
    assert said.startswith("Function 'SqrtBackward0' returned infinite values")


def test_a_forward_that_was_not_watched() -> None:
    x = tinyact.zeros(1, requires_grad=True)
    y = x.sqrt()
    assert "an operation outside of detect_anomaly(): enable it for the forward too" in caught(lambda: y.backward())


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_watched(name: str) -> None:
    """One that entered the graph in another way would not be."""
    tinyact.manual_seed(1)
    x = tinyact.randn(3, 4, requires_grad=True)
    with tinyact.autograd.detect_anomaly(check_nan=False):
        loss = OPERATIONS[name](x).sum()
    recorded = [node for node in order([loss.grad_fn])[0] if isinstance(node, Operation)]
    assert all("loss = OPERATIONS" in _lines(node) for node in recorded)


def test_most_programs_never_load_it() -> None:
    code = "import sys, tinyact; print('tinyact.inspect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
