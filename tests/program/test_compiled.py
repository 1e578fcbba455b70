"""Compiled functions beside eager ones: every bit, over many steps, with things changed between the calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tinyact
from tests.program.twins import same
from tinyact import nn
from tinyact.nn import functional as F

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda parameters: tinyact.optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: tinyact.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda parameters: tinyact.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda parameters: tinyact.optim.Adam(parameters, lr=0.05),
    "AMSGrad": lambda parameters: tinyact.optim.Adam(parameters, lr=0.05, amsgrad=True, weight_decay=0.1),
    "AdamW": lambda parameters: tinyact.optim.Adam(
        parameters, lr=0.05, weight_decay=0.1, decoupled_weight_decay=True, maximize=True
    ),
    "RMSprop": lambda parameters: tinyact.optim.RMSprop(parameters, lr=0.01, momentum=0.9, centered=True),
    "Adagrad": lambda parameters: tinyact.optim.Adagrad(parameters, lr=0.1, lr_decay=0.1),
    "NAdam": lambda parameters: tinyact.optim.NAdam(parameters, lr=0.05),
    # Its sixth step goes another way than its first ones.
    "RAdam": lambda parameters: tinyact.optim.RAdam(parameters, lr=0.05),
}
LOSSES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "BCELoss": (nn.BCELoss, lambda y: tinyact.sigmoid(y)),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, lambda y: y),
    "MSELoss": (nn.MSELoss, lambda y: y),
    "L1Loss": (nn.L1Loss, lambda y: y),
    "HuberLoss": (nn.HuberLoss, lambda y: y),
    "SmoothL1Loss": (nn.SmoothL1Loss, lambda y: y),
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Threshold": {"threshold": 0.1, "value": -0.5},
    "Softmax": {"dim": 1},
    "LogSoftmax": {"dim": 1},
    "Softmin": {"dim": 1},
}
# All but those that change the width.
ACTIVATIONS = sorted(name for name in nn.activation.__all__ if name[0].isupper() and name not in ("Maxout", "GLU"))


def training(
    activation: str = "ReLU",
    optimizer: str = "Adam",
    loss: str = "MSELoss",
    batch: int = 8,
    dropout: float = 0.0,
    dtype: Any = None,
) -> Callable[[], tuple[Callable[[], Any], list[Any]]]:
    def make() -> tuple[Callable[[], Any], list[Any]]:
        middle = getattr(nn, activation)(**ARGUMENTS.get(activation, {}))
        layers = [nn.Linear(5, 6), middle, nn.Linear(6, 3)]
        network = nn.Sequential(*layers, nn.Dropout(dropout)) if dropout else nn.Sequential(*layers)
        x, y = tinyact.randn(batch, 5), tinyact.rand(batch, 3)
        if dtype is not None:
            network, x, y = network.to(dtype), x.to(dtype), y.to(dtype)
        criterion, last = LOSSES[loss][0](), LOSSES[loss][1]
        steps = OPTIMIZERS[optimizer](network.parameters())

        def step() -> Any:
            steps.zero_grad()
            result = criterion(last(network(x)), y)
            result.backward()
            steps.step()
            return result

        return step, [network, steps, x, y]

    return make


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_training(optimizer: str, loss: str) -> None:
    same(training(optimizer=optimizer, loss=loss))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [None, tinyact.float64])
def test_every_activation(activation: str, dtype: Any) -> None:
    same(training(activation, dtype=dtype))


@given(
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from(sorted(LOSSES)),
    st.sampled_from([1, 7, 3000]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([None, tinyact.float64]),
    st.dictionaries(
        st.integers(1, 9), st.sampled_from(["lr", "eval", "train", "weight", "data", "seed", "state", "x"])
    ),
)
@settings(max_examples=40)
def test_with_things_changed_between_calls(
    activation: str, optimizer: str, loss: str, batch: int, dropout: float, dtype: Any, changes: dict[int, str]
) -> None:
    def change(kind: str) -> Callable[[list[Any]], None]:
        def apply(things: list[Any]) -> None:
            network, steps, x, _y = things
            with tinyact.no_grad():
                if kind == "lr":
                    steps.param_groups[0]["lr"] *= 0.5
                elif kind in ("eval", "train"):
                    network.train(kind == "train")
                elif kind == "weight":
                    network[0].weight.mul_(0.5)
                elif kind == "data":
                    network[2].bias.data = tinyact.ones_like(network[2].bias)
                elif kind == "seed":
                    tinyact.manual_seed(5)
                elif kind == "state":
                    steps.load_state_dict(steps.state_dict())
                else:
                    x.add_(0.25)

        return apply

    make = training(activation, optimizer, loss, batch, dropout, dtype)
    same(make, 10, changes={call: change(kind) for call, kind in changes.items()}, compiles=None)


def test_mini_batches_are_rebound() -> None:
    def make() -> tuple[Any, list[Any]]:
        network = nn.Linear(3, 2)
        optimizer = tinyact.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = F.mse_loss(network(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step, [network, optimizer]

    def batch(call: int) -> Any:
        rng = np.random.default_rng(call)
        return tuple(tinyact.tensor(rng.normal(size=(4, k)), dtype=tinyact.float32) for k in (3, 2))

    same(make, 8, batch)


def test_another_batch_size_has_its_own_program() -> None:
    compiled = same(
        lambda: (lambda x: (x * 2).sum(), []), 12, lambda call: (tinyact.ones(3 + call % 2, requires_grad=False),)
    )
    assert len(compiled._programs) == 2


def _changed(view: Callable[[Any], Any], *shape: int) -> Callable[[], tuple[Callable[[], Any], list[Any]]]:
    """A step that changes a view of a tensor in place."""

    def make() -> tuple[Callable[[], Any], list[Any]]:
        t = tinyact.ones(shape)
        return lambda: view(t).mul_(3), [t]

    return make


def _of(function: Callable[..., Any], *arguments: Any) -> Callable[[], tuple[Callable[[], Any], list[Any]]]:
    """A step of tensors that need gradients."""

    def make() -> tuple[Callable[[], Any], list[Any]]:
        tensors = [tinyact.tensor(a, requires_grad=isinstance(a, float) or isinstance(a[0], float)) for a in arguments]
        return lambda: function(*tensors), tensors

    return make


def _past_a_mask(a: Any, b: Any) -> Any:
    t = a * 1
    t[tinyact.tensor(True)] = 2.0
    y = tinyact.add(b, t)
    y.backward(tinyact.ones(2), create_graph=True)
    return y.detach()


def _saved_and_changed(a: Any, b: Any) -> Any:
    m = tinyact.minimum(a, b)
    result = m / b
    m.detach().add_(1)
    return result


ELEMENTS: dict[str, Callable[[], tuple[Callable[[], Any], list[Any]]]] = {
    "one of one": _changed(lambda t: t[-1], 1),
    "the only one": _changed(lambda t: t[()]),
    "one of several": _changed(lambda t: t[1, 0], 2, 2),
    "one of a row": _changed(lambda t: list(t)[1], 2),
    "a sum": _of(lambda t: t.detach().sum().add_(1), [1.0, 2.0]),
    "a bound": _of(lambda t: tinyact.clamp(t, t, t).add_(1), [3]),
    "whether all are": _of(lambda t: (t > 0).all().copy_((t < 0).any()), [1.0]),
    "a product with the hessian": _of(
        lambda t: tinyact.autograd.functional.vhp(lambda v: (v * v).sum(), t, t)[1].zero_(), 1.5
    ),
    "smoothed": _of(lambda t: F.cross_entropy(t, tinyact.tensor(1), label_smoothing=0.25).detach(), [1.0, 2.0]),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_single_elements(name: str) -> None:
    """NumPy gives numbers of its own for them, which can't be changed in place."""
    same(ELEMENTS[name])


@pytest.mark.parametrize("function", [_past_a_mask, _saved_and_changed])
@pytest.mark.filterwarnings("ignore:.*is not compiled")
def test_what_a_sweep_says_later(function: Any) -> None:
    results = []
    for each in (function, tinyact.compile(function)):
        a = tinyact.tensor(1.0 if function is _past_a_mask else [1.0, 2.0], requires_grad=True)
        b = tinyact.tensor([1.0, 2.0], requires_grad=True)
        results.append([repr(each(a, b)) for _ in range(4)])
    assert results[0] == results[1]


@pytest.mark.filterwarnings("ignore:.*is not compiled")
def test_no_watched_thing_is_left_behind() -> None:
    module = nn.Linear(2, 2)
    optimizer = tinyact.optim.Adam(module.parameters())
    tinyact.compile(lambda: optimizer.load_state_dict(optimizer.state_dict()))()
    assert [type(beta) for beta in optimizer.param_groups[0]["betas"]] == [float, float]
    assert type(tinyact.compile(lambda: module.state_dict())()["weight"].array) is np.ndarray
