"""An operation: how it is recorded, and what is refused when its class is made."""

from __future__ import annotations

from typing import Any

import pytest

import tinyact
from tinyact.autograd.operation import Operation


class Double(Operation):
    """2a      ∂/∂a = 2"""

    def forward(self, a: Any) -> Any:
        return 2 * a

    def grad_a(self, grad: Any) -> Any:
        return 2 * grad


def test_an_object_is_one_application() -> None:
    a, b = (tinyact.ones(2, requires_grad=True) for _ in range(2))
    double = Double()
    y = double.apply(a)
    with pytest.raises(RuntimeError, match="this Double is a node already: make one for each application"):
        double.apply(b)
    y.sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [2.0, 2.0]
    # What isn't recorded is no node.
    free = Double()
    with tinyact.no_grad():
        assert free.apply(a).tolist() == free.apply(b).tolist() == [2.0, 2.0]


def test_a_rule_is_for_an_input() -> None:
    with pytest.raises(TypeError, match=r"Product.grad_B is for no input of forward: there is \('a', 'b'\)"):

        class Product(Operation):
            def forward(self, a: Any, b: Any) -> Any:
                return a * b

            def grad_B(self, grad: Any, a: Any) -> Any:
                return grad * a


def test_a_rule_takes_what_there_is() -> None:
    with pytest.raises(TypeError, match=r"Product.grad_a takes c; there is \('a', 'b', 'y'\)"):

        class Product(Operation):
            def forward(self, a: Any, b: Any) -> Any:
                return a * b

            def grad_a(self, grad: Any, c: Any) -> Any:
                return grad * c


def test_names() -> None:
    y = Double().apply(tinyact.ones(1, requires_grad=True))
    assert y.grad_fn.name() == "DoubleBackward0"
    assert repr(y.grad_fn).startswith("<DoubleBackward0 object at 0x")


def test_only_what_a_rule_takes_is_saved_and_only_where_it_is_needed() -> None:
    class Product(Operation):
        def forward(self, a: Any, b: Any) -> Any:
            return a * b

        def grad_a(self, grad: Any, b: Any) -> Any:
            return grad * b

        def grad_b(self, grad: Any, a: Any, y: Any) -> Any:
            return grad * a

    a, b = tinyact.full((2,), 3.0, requires_grad=True), tinyact.full((2,), 5.0)
    node = Product().apply(a, b).grad_fn
    assert [saved.tolist() for saved in node.load()] == [[5.0, 5.0]]
    node = Product().apply(a, b.requires_grad_()).grad_fn
    assert [saved.tolist() for saved in node.load()] == [[3.0, 3.0], [5.0, 5.0], [15.0, 15.0]]
