"""Functions of single elements."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.against_torch import arrays, check_derivatives, same, same_error
from tinyact.functions import elementwise
from tinyact.functions.elementwise import Clone, Elementwise

# Where each function is defined and smooth.
DOMAINS = {
    "neg": (-10, 10), "abs": (0.5, 10), "exp": (-10, 10), "log": (0.5, 10), "log1p": (-0.5, 10), "expm1": (-10, 10),
    "sqrt": (0.5, 10), "square": (-10, 10), "reciprocal": (0.5, 10), "sin": (-10, 10), "cos": (-10, 10),
    "clone": (-10, 10),
}  # fmt: skip
INTEGERS = hnp.arrays(st.sampled_from(["int64", "int32", "uint8", "bool"]), st.sampled_from([(), (3,), (0, 2)]))


def test_none_is_forgotten() -> None:
    operations = {
        name
        for name, kind in vars(elementwise).items()
        if isinstance(kind, type) and issubclass(kind, elementwise.Operation)
    } - {"Operation", "Elementwise"}
    assert {name.lower() for name in operations} == set(DOMAINS)


@pytest.mark.parametrize("name", DOMAINS)
@given(x=arrays(special=True))
def test_values_and_gradients(name: str, x: Any) -> None:
    same(lambda m, t: getattr(m, name)(t), x, names=True)
    same(lambda m, t: getattr(t, name)(), x)


@pytest.mark.parametrize("name", DOMAINS)
@given(x=INTEGERS)
def test_integers(name: str, x: Any) -> None:
    if name in ("neg", "abs") and x.dtype == np.bool_:
        same_error(lambda m, t: getattr(m, name)(t), x)
    else:
        same(lambda m, t: getattr(m, name)(t), x)


@pytest.mark.parametrize("name", DOMAINS)
@given(data=st.data())
def test_derivatives(name: str, data: st.DataObject) -> None:
    x = data.draw(arrays((3,), "float64", *DOMAINS[name]))
    check_derivatives(lambda t: getattr(t, name)(), x)


@pytest.mark.parametrize("name", DOMAINS)
def test_only_tensors(name: str) -> None:
    same_error(lambda m: getattr(m, name)(1.0))


def test_the_chain_rule_takes_what_the_derivative_names() -> None:
    class Cube(Elementwise):
        def value(self, x: Any) -> Any:
            return x**3

        def derivative(self, x: Any, y: Any) -> Any:
            return 3 * y / x

    check_derivatives(lambda t: Cube().apply(t), np.array([1.0, 2.0]))


@pytest.mark.parametrize("derivative", [lambda self, y, x: y / x, lambda self, z: z])
def test_a_derivative_takes_x_y_or_both_in_this_order(derivative: Any) -> None:
    with pytest.raises(TypeError, match=r"^Odd\.derivative takes x, y or both in this order, not (y, x|z)$"):
        type("Odd", (Elementwise,), {"derivative": derivative})


def test_a_copy_has_its_own_memory() -> None:
    x = np.arange(3.0)
    assert not np.shares_memory(Clone()(x), x)
