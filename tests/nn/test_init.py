"""Initial values: PyTorch's bits from PyTorch's seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.nn.twins import errors, same_error, seeded

SHAPES = st.lists(st.integers(1, 7), min_size=2, max_size=4).map(tuple)
GAINS = st.floats(0.1, 3)
UNIFORM: dict[str, Any] = {
    "uniform_": st.fixed_dictionaries({}, optional={"a": st.floats(-3, 0), "b": st.floats(1, 3)}),
    "xavier_uniform_": st.fixed_dictionaries({}, optional={"gain": GAINS}),
    "kaiming_uniform_": st.fixed_dictionaries(
        {},
        optional={
            "a": st.floats(0, 3),
            "mode": st.sampled_from(["fan_in", "fan_out", "FAN_OUT"]),
            "nonlinearity": st.sampled_from(["relu", "leaky_relu", "tanh", "linear"]),
        },
    ),
}
NORMAL: dict[str, Any] = {
    "normal_": st.fixed_dictionaries({}, optional={"mean": st.floats(-3, 3), "std": st.floats(0, 3)}),
    "xavier_normal_": UNIFORM["xavier_uniform_"],
    "kaiming_normal_": UNIFORM["kaiming_uniform_"],
}


def filled(name: str, shape: tuple[int, ...], dtype: str, given: dict[str, Any], seed: int) -> tuple[Any, Any]:
    """A parameter of both, filled by this function of both from the same seed."""

    def make(m: Any) -> Any:
        tensor = m.nn.Parameter(m.zeros(shape, dtype=getattr(m, dtype)))
        assert getattr(m.nn.init, name)(tensor, **given) is tensor
        assert tensor.is_leaf
        assert tensor.requires_grad
        return tensor.detach().numpy()

    return seeded(make, seed)


@pytest.mark.parametrize("name", UNIFORM)
@given(data=st.data(), shape=SHAPES, dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_uniform_bit_for_bit(name: str, data: st.DataObject, shape: tuple[int, ...], dtype: str, seed: int) -> None:
    ours, theirs = filled(name, shape, dtype, data.draw(UNIFORM[name]), seed)
    np.testing.assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("name", NORMAL)
@given(data=st.data(), shape=SHAPES, dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_normal(name: str, data: st.DataObject, shape: tuple[int, ...], dtype: str, seed: int) -> None:
    ours, theirs = filled(name, shape, dtype, data.draw(NORMAL[name]), seed)
    tolerance = {"float32": 3e-6, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max(), strict=True)


@pytest.mark.parametrize("name", ["ones_", "zeros_", "eye_"])
@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (5, 2), (1, 0)])
def test_constants(name: str, shape: tuple[int, int]) -> None:
    np.testing.assert_array_equal(*filled(name, shape, "float64", {}, 0), strict=True)


@pytest.mark.parametrize("val", [0, 2.5, -1, float("nan")])
def test_constant_(val: float) -> None:
    np.testing.assert_array_equal(*filled("constant_", (2, 3), "float32", {"val": val}, 0), strict=True)


def test_a_generator_of_ones_own() -> None:
    results = []
    for m in (tinyact, torch):
        m.manual_seed(1)
        generator = m.Generator()
        generator.manual_seed(7)
        own = m.nn.init.kaiming_uniform_(m.zeros(3, 4), generator=generator)
        results.append([own.tolist(), m.nn.init.uniform_(m.zeros(4)).tolist()])
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "given",
    [
        *((name,) for name in ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d")),
        *((name,) for name in ("conv_transpose3d", "sigmoid", "tanh", "relu", "selu", "leaky_relu")),
        ("leaky_relu", 0.3),
        ("leaky_relu", 1),
        ("relu", 0.3),
    ],
)
def test_calculate_gain(given: tuple[Any, ...]) -> None:
    assert tinyact.nn.init.calculate_gain(*given) == torch.nn.init.calculate_gain(*given)


def test_nothing_to_fill_warns() -> None:
    for m in (tinyact, torch):
        for name in ("kaiming_uniform_", "kaiming_normal_"):
            tensor = m.zeros(0, 2)
            with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
                assert getattr(m.nn.init, name)(tensor) is tensor


ERRORS = {
    "no such nonlinearity": lambda m: m.nn.init.calculate_gain("swish"),
    "slope no number": lambda m: m.nn.init.calculate_gain("leaky_relu", "a"),
    "slope a boolean": lambda m: m.nn.init.calculate_gain("leaky_relu", True),
    "xavier_uniform_ of a vector": lambda m: m.nn.init.xavier_uniform_(m.ones(3)),
    "xavier_normal_ of a vector": lambda m: m.nn.init.xavier_normal_(m.ones(3)),
    "kaiming_uniform_ of a vector": lambda m: m.nn.init.kaiming_uniform_(m.ones(3)),
    "kaiming_normal_ of a number": lambda m: m.nn.init.kaiming_normal_(m.tensor(3.0)),
    "no such mode": lambda m: m.nn.init.kaiming_uniform_(m.ones(3, 2), mode="fan"),
    "kaiming for no such nonlinearity": lambda m: m.nn.init.kaiming_normal_(m.ones(3, 2), nonlinearity="swish"),
    "eye_ of a vector": lambda m: m.nn.init.eye_(m.ones(3)),
}


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_same_error(program: Any) -> None:
    same_error(program)


def test_refused() -> None:
    errors(lambda m: m.nn.init.uniform_(m.ones(2), 1, 0))
    errors(lambda m: m.nn.init.normal_(m.ones(2), 0, -1))
    for m in (tinyact, torch):  # PyTorch's NotImplementedError is a RuntimeError
        with pytest.raises(RuntimeError):
            m.nn.init.uniform_(m.ones(2, dtype=m.int64))
