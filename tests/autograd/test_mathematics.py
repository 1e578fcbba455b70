"""Formulas and derivatives from docstrings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tinyact
from tinyact.autograd.mathematics import mathematics
from tinyact.autograd.operation import Operation

# Bases without a formula of their own.
ABSTRACT = {"Elementwise", "Activation", "Loss", "Reduction", "Extreme", "Indexed"}


def operations(base: type[Operation] = Operation) -> Iterator[type[Operation]]:
    for cls in base.__subclasses__():
        yield cls
        yield from operations(cls)


OWN = [cls for cls in operations() if cls.__module__.startswith("tinyact.functions") and cls.__name__ not in ABSTRACT]


@pytest.mark.parametrize("operation", OWN, ids=lambda cls: cls.__name__)
def test_every_operation_says_formula_and_derivative(operation: type[Operation]) -> None:
    own = mathematics(object.__new__(operation))
    assert own.formula
    assert "∂" not in own.formula
    assert own.derivatives
    assert all(own.derivatives)


def test_the_derivative_for_an_input() -> None:
    x, w = tinyact.ones(1, 2, requires_grad=True), tinyact.ones(1, 2, requires_grad=True)
    linear = tinyact.nn.functional.linear(x, w).grad_fn
    assert linear is not None
    own = mathematics(linear)
    assert own.formula == "y = x·Wᵀ + b"
    assert own.derivative("x") == "∂L/∂x = g·W"
    assert own.derivative("weight") == "∂L/∂W = Σ gᵀ·x over the batch"
    assert own.derivative("bias") == "∂L/∂b = Σ g over the batch"


def test_an_activations_derivative() -> None:
    y = tinyact.ones(1, requires_grad=True).tanh()
    assert y.grad_fn is not None
    assert mathematics(y.grad_fn).derivatives == ("∂/∂x = 1 − tanh(x)²",)


def test_what_only_turns_an_operation_round_has_its_derivatives() -> None:
    y = 5 - tinyact.ones(1, requires_grad=True)
    assert y.grad_fn is not None
    assert type(y.grad_fn).__name__ in ("Rsub", "Sub")
    assert mathematics(y.grad_fn) == ("a − b", ("∂/∂a = 1", "∂/∂b = −1"))


def test_operations_without_docstring_say_nothing() -> None:
    class Bare(Operation):
        def forward(self, x: object) -> object:
            return x

    assert mathematics(Bare()) == ("", ())


def test_a_users_function_says_its_first_line() -> None:
    class Cube(tinyact.autograd.Function):
        """x³

        More about it.
        """

        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            return x**3

    y = Cube.apply(tinyact.ones(1, requires_grad=True))
    application = y.grad_fn.edges[0]
    assert mathematics(application).formula == "x³"
