"""The activation modules."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyact
from tests.against_torch import arrays
from tests.nn.twins import errors, same_error, same_module
from tinyact.nn import activations

SETTINGS = st.floats(-2, 2, width=32)
WIDTHS = st.sampled_from([0.0, 0.5, 1.0])
DIMS = st.fixed_dictionaries({"dim": st.sampled_from([0, -1])})
NONE: st.SearchStrategy[dict[str, Any]] = st.just({})


def some(**settings: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these settings."""
    return st.fixed_dictionaries({}, optional=settings)


MODULES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "Sigmoid": NONE, "Tanh": NONE, "ReLU": NONE, "LeakyReLU": some(negative_slope=SETTINGS),
    "PReLU": some(init=SETTINGS),
    "RReLU": some(lower=st.just(0.1), upper=st.just(0.5)), "ELU": some(alpha=SETTINGS), "SELU": NONE,
    "CELU": some(alpha=st.just(2.0)), "SiLU": NONE, "Mish": NONE,
    "GELU": some(approximate=st.sampled_from(["none", "tanh"])), "Softplus": some(beta=st.just(2.0), threshold=WIDTHS),
    "Softsign": NONE, "LogSigmoid": NONE, "Hardtanh": some(min_val=st.just(-2.0), max_val=WIDTHS), "ReLU6": NONE,
    "Hardsigmoid": NONE, "Hardswish": NONE, "Hardshrink": some(lambd=WIDTHS), "Softshrink": some(lambd=WIDTHS),
    "Tanhshrink": NONE, "Threshold": st.fixed_dictionaries({"threshold": SETTINGS, "value": SETTINGS}),
    "Softmax": DIMS, "Softmin": DIMS, "LogSoftmax": DIMS, "GLU": some(dim=st.sampled_from([0, -1])),
}  # fmt: skip
# Those that PyTorch lacks.
OWN = {kind.__name__ for kind in activations().values() if not hasattr(torch.nn, kind.__name__)}
INPLACE = [
    "ReLU",
    "LeakyReLU",
    "RReLU",
    "ELU",
    "SELU",
    "CELU",
    "SiLU",
    "Mish",
    "Hardtanh",
    "ReLU6",
    "Hardsigmoid",
    "Hardswish",
]


def test_none_is_forgotten() -> None:
    assert set(MODULES) | OWN == {kind.__name__ for kind in activations().values()}
    assert set(MODULES) == {name for name in MODULES if hasattr(torch.nn, name)}


@pytest.mark.parametrize("name", MODULES)
@given(data=st.data())
@settings(max_examples=60)
def test_outputs_and_gradients(name: str, data: st.DataObject) -> None:
    given = data.draw(MODULES[name])
    x = data.draw(arrays(dtype="float32" if name in ("PReLU", "Hardsigmoid") else None))
    if name == "GLU":
        x = np.concatenate([np.atleast_1d(x)] * 2, given.get("dim", -1))
    for m in (tinyact, torch):
        m.manual_seed(0)  # for the one that draws numbers
    same_module(lambda m: getattr(m.nn, name)(**given), x)


@given(x=arrays((3, 4, 2), "float64"), a=SETTINGS)
@settings(max_examples=30)
def test_prelu_per_channel(x: Any, a: float) -> None:
    same_module(lambda m: m.nn.PReLU(4, init=a, dtype=m.float64), x)


@pytest.mark.parametrize("name", INPLACE)
@given(x=arrays())
@settings(max_examples=20)
def test_in_place(name: str, x: Any) -> None:
    results = []
    for m in (tinyact, torch):
        m.manual_seed(0)
        leaf = m.from_numpy(x.copy(order="K"))
        leaf.requires_grad_()
        inner = leaf * 1
        module = getattr(m.nn, name)(inplace=True)
        output = module(inner)
        assert output is inner
        output.sum().backward()
        results.append((repr(module), output.detach().numpy(), leaf.grad.numpy()))
    assert results[0][0] == results[1][0]
    for a, b in zip(results[0][1:], results[1][1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("name", INPLACE)
def test_a_leaf_is_not_changed_in_place(name: str) -> None:
    same_error(lambda m: getattr(m.nn, name)(inplace=True)(m.ones(1, requires_grad=True)))


@pytest.mark.parametrize("name", MODULES)
def test_same_signature(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(m.nn, name)).parameters.values() for m in (tinyact, torch))
    # PyTorch's Sigmoid and Tanh take anything and ignore it; the names that Hardtanh once had are not here.
    expected = [(p.name, p.default) for p in theirs if p.name not in ("args", "kwargs", "min_value", "max_value")]
    assert [(p.name, p.default) for p in ours] == expected


MADE = {
    "Sigmoid": lambda nn: nn.Sigmoid(),
    "Tanh": lambda nn: nn.Tanh(),
    "ReLU": lambda nn: nn.ReLU(),
    "ReLU in place": lambda nn: nn.ReLU(True),
    "LeakyReLU": lambda nn: nn.LeakyReLU(),
    "LeakyReLU with all": lambda nn: nn.LeakyReLU(0.2, True),
    "LeakyReLU with a numpy number": lambda nn: nn.LeakyReLU(np.float64(0.2)),
    "ELU": lambda nn: nn.ELU(),
    "ELU in place": lambda nn: nn.ELU(alpha=2, inplace=True),
    "SiLU": lambda nn: nn.SiLU(inplace=True),
    "PReLU": lambda nn: nn.PReLU(),
    "PReLU of several": lambda nn: nn.PReLU(3, 0.1),
    "Softmax": lambda nn: nn.Softmax(),
    "Softmax with dim": lambda nn: nn.Softmax(1),
    "LogSoftmax": lambda nn: nn.LogSoftmax(dim=-1),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_same_repr(make: Any) -> None:
    ours, theirs = make(tinyact.nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_prelu_starts_alike() -> None:
    ours, theirs = (m.nn.PReLU(2, init=0.1, dtype=m.float64) for m in (tinyact, torch))
    assert repr(ours.weight) == repr(theirs.weight)


@pytest.mark.parametrize("ndim", range(5))
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_softmax_chooses_a_dim_and_warns(name: str, ndim: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 3)[:ndim])
    results = []
    for m in (tinyact, torch):
        with pytest.warns(UserWarning, match="Implicit dimension choice"):
            results.append(getattr(m.nn, name)()(m.from_numpy(np.asarray(x))).numpy())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-13)


def test_refused() -> None:
    errors(lambda m: m.nn.ReLU(True, False))
    errors(lambda m: m.nn.LeakyReLU(slope=1))
    errors(lambda m: m.nn.LeakyReLU("a")(m.ones(1)))
    errors(lambda m: m.nn.PReLU(-1))
    errors(lambda m: m.nn.PReLU(2)(m.ones(3, 3)))
    errors(lambda m: m.nn.Softmax(5)(m.ones(3, 3)))
    errors(lambda m: m.nn.ReLU()(3))
    with pytest.raises(TypeError, match=r"LeakyReLU.__init__\(\) got an unexpected keyword argument 'slope'"):
        tinyact.nn.LeakyReLU(slope=1)


def test_a_subclass_has_its_own_constructor() -> None:
    class Steep(tinyact.nn.LeakyReLU):
        def __init__(self, by: float) -> None:
            super().__init__(negative_slope=by / 10)

    assert repr(Steep(by=5)) == "Steep(negative_slope=0.5)"
    assert list(inspect.signature(Steep).parameters) == ["by"]
    assert Steep(5)(tinyact.tensor([-2.0])).tolist() == [-1.0]


def test_documentation_comes_from_the_function() -> None:
    for kind in activations().values():
        mathematics = (kind.function.__doc__ or "").partition("    Args:")[0]
        assert mathematics.strip()
        assert (kind.__doc__ or "").startswith(mathematics.rstrip())


def test_names() -> None:
    for name, kind in activations().items():
        assert getattr(tinyact.nn.functional, name) is kind.function
        assert getattr(tinyact.nn, kind.__name__) is kind


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"unknown activation 'swoosh'; known are sigmoid, tanh, relu, .*, maxout"):
        activations()["swoosh"]
    assert activations().get("swoosh") is None


def test_slopes_that_do_not_fit_are_named() -> None:
    with pytest.raises(RuntimeError, match="parameter numbers = 3 and channel size = 4"):
        tinyact.nn.PReLU(3)(tinyact.ones(2, 4))
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        tinyact.nn.PReLU(-1)


def test_a_learned_swish() -> None:
    module = tinyact.nn.Swish(2.0, learned=True)
    assert [name for name, _ in module.named_parameters()] == ["beta"]
    assert repr(module) == "Swish(beta=2.0, learned=True)"
    x = tinyact.tensor([-1.0, 3.0])
    y = module(x)
    assert y.tolist() == tinyact.nn.functional.swish(x, 2.0).tolist()
    y.sum().backward()
    assert module.beta.grad is not None
    assert repr(tinyact.nn.Swish()) == "Swish(beta=1.0)"
    assert not list(tinyact.nn.Swish().parameters())


def test_maxout_makes_layers_narrower() -> None:
    assert tinyact.nn.Maxout(4)(tinyact.ones(3, 8)).shape == (3, 2)
    assert repr(tinyact.nn.Maxout(4)) == "Maxout(pieces=4, dim=-1)"


def test_snake_and_relu_squared() -> None:
    assert repr(tinyact.nn.Snake(2.0)) == "Snake(alpha=2.0)"
    assert tinyact.nn.ReLUSquared()(tinyact.tensor([-2.0, 3.0])).tolist() == [0.0, 9.0]


@pytest.mark.parametrize("kind", activations().values())
def test_settings_have_the_functions_defaults(kind: Any) -> None:
    arguments = inspect.signature(kind.function).parameters
    for name, setting in inspect.signature(kind).parameters.items():
        if name in arguments and name != "dtype":
            assert (name, setting.default) == (name, arguments[name].default)


def test_subclasses_of_the_users_own() -> None:
    class Layered(tinyact.nn.Softplus):
        def __init__(self) -> None:
            super().__init__()
            self.beta = tinyact.nn.Linear(1, 1)  # type: ignore[assignment]

    class Learned(tinyact.nn.ELU):
        def __init__(self) -> None:
            super().__init__()
            self.alpha = tinyact.nn.Parameter(tinyact.tensor(0.5))  # type: ignore[assignment]

    class Scaled(tinyact.nn.ReLU):
        scale: float = 2.0
        layers: list[Any] = []  # noqa: RUF012
        count: int

        def forward(self, input: tinyact.Tensor) -> tinyact.Tensor:
            return self.scale * super().forward(input)

    assert isinstance(Layered().beta, tinyact.nn.Linear)
    assert dict(Learned().named_parameters()).keys() == {"alpha"}
    assert Scaled()(tinyact.tensor([-1.0, 2.0])).tolist() == [0.0, 4.0]
    assert repr(Scaled(inplace=True)) == "Scaled(inplace=True)"
    elu = tinyact.nn.ELU()
    del elu.alpha
    with pytest.raises(AttributeError):
        elu.alpha  # noqa: B018
    assert pickle.loads(pickle.dumps(tinyact.nn.ELU(0.5))).alpha == copy.deepcopy(tinyact.nn.ELU(0.5)).alpha == 0.5
