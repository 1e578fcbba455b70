"""The same program with an optimizer of tinyact and with PyTorch's, and all that can be seen of both compared."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import tinyact

NAMES = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam")
RATES = st.sampled_from([0.0, 0.001, 0.1, 1.0])
SHARES = st.sampled_from([0.0, 0.1, 0.9])
BETAS = st.sampled_from([(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)])
SETTINGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "SGD": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "momentum": SHARES, "dampening": SHARES, "weight_decay": SHARES, "maximize": st.booleans(),
        },
    ),
    "Adam": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "betas": BETAS,
            "eps": RATES, "weight_decay": SHARES, "amsgrad": st.booleans(),
            "maximize": st.booleans(), "decoupled_weight_decay": st.booleans(),
        },
    ),
    "AdamW": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "betas": BETAS, "eps": RATES, "weight_decay": SHARES, "amsgrad": st.booleans(),
            "maximize": st.booleans(),
        },
    ),
    "RMSprop": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "alpha": SHARES, "eps": RATES, "weight_decay": SHARES, "momentum": SHARES,
            "centered": st.booleans(), "maximize": st.booleans(),
        },
    ),
    "Adagrad": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "lr_decay": SHARES, "weight_decay": SHARES, "initial_accumulator_value": SHARES, "eps": RATES,
            "maximize": st.booleans(),
        },
    ),
    "NAdam": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "betas": BETAS, "eps": RATES, "weight_decay": SHARES, "momentum_decay": SHARES,
            "maximize": st.booleans(), "decoupled_weight_decay": st.booleans(),
        },
    ),
    "RAdam": st.fixed_dictionaries(
        {},
        optional={
            "lr": RATES, "betas": BETAS, "eps": RATES, "weight_decay": SHARES, "maximize": st.booleans(),
            "decoupled_weight_decay": st.booleans(),
        },
    ),
}  # fmt: skip
# Each optimizer with all the state it can have, and as it is used most.
REMEMBERING = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("NAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1}),
]
KINDS = [("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "weight_decay": 0.1}), *REMEMBERING]

Program = Callable[[Any], Any]


def same(program: Program, float32: bool = False) -> None:
    """Assert that ``program(tinyact)`` and ``program(torch)`` return the same, or both raise, the same type of error.

    Args:
        program: what to run with both.
        float32: whether some of float64's numbers come from float32's, and are no more exact than those.
    """
    ours, theirs = outcome(program, tinyact), outcome(program, torch)
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        assert isinstance(ours, type(theirs)), f"tinyact: {ours!r}, PyTorch: {theirs!r}"
    else:
        assert_same(ours, theirs, float32)


def outcome(program: Program, m: Any) -> Any:
    """What the program returns, or the error that it raises."""
    with np.errstate(all="raise", under="ignore"):  # no warning may leave a step
        try:
            return program(m)
        except (RuntimeError, ValueError, TypeError, KeyError, AssertionError) as error:
            return error


def assert_same(ours: Any, theirs: Any, float32: bool = False) -> None:
    """Equal values; of tensors and arrays shape and dtype too, of an optimizer all that its user can see."""
    if isinstance(theirs, torch.optim.Optimizer):
        assert repr(ours) == repr(theirs)
        for seen in (
            lambda o: o.defaults,
            lambda o: o.param_groups,
            lambda o: [*o.state.values()],
            lambda o: o.state_dict(),
        ):
            assert_same(seen(ours), seen(theirs), float32)
    elif isinstance(theirs, torch.Tensor):
        close(ours, theirs, float32)
    elif isinstance(theirs, Mapping):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key], float32)
    elif isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, float32)
    else:
        assert type(ours) is type(theirs)
        assert ours == theirs


def close(ours: Any, theirs: Any, float32: bool = False) -> None:
    """Tensors of one shape and dtype, equal but for rounding."""
    assert ours.requires_grad == theirs.requires_grad
    a, b = (t.detach().numpy() for t in (ours, theirs))
    rtol, atol = (1e-5, 1e-6) if float32 or a.dtype == np.float32 else (1e-12, 1e-14)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, strict=True)


def leaves(m: Any, *shapes: tuple[int, ...], dtype: str = "float64", seed: int = 0) -> list[Any]:
    """Parameters with random numbers, the same for both."""
    rng = np.random.default_rng(seed)
    return [m.from_numpy(np.array(rng.normal(size=shape), dtype)).requires_grad_() for shape in shapes]


def set_gradients(m: Any, parameters: list[Any], seed: int = 0) -> None:
    """Gives every parameter a random gradient, the same for both."""
    rng = np.random.default_rng(seed)
    for p in parameters:
        array = p.detach().numpy()
        p.grad = m.from_numpy(np.array(rng.normal(size=array.shape), array.dtype))


def take_steps(m: Any, optimizer: Any, parameters: list[Any], *seeds: int) -> None:
    """One step with random gradients per seed."""
    for seed in seeds:
        set_gradients(m, parameters, seed)
        optimizer.step()


def to_torch(value: Any) -> Any:
    """A state dict of tinyact's with PyTorch's tensors."""
    return _with_tensors(value, lambda tensor: torch.from_numpy(np.array(tensor.detach().numpy())))


def to_tinyact(value: Any) -> Any:
    """A state dict of PyTorch's with tinyact's tensors."""
    return _with_tensors(value, lambda tensor: tinyact.from_numpy(np.array(tensor.detach().numpy())))


def to_numpy(value: Any) -> Any:
    """A state dict with arrays."""
    return _with_tensors(value, lambda tensor: np.array(tensor.detach().numpy()))


def _with_tensors(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _with_tensors(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_tensors(part, change) for part in value]
    return change(value) if isinstance(value, (tinyact.Tensor, torch.Tensor)) else value


@contextlib.contextmanager
def duplicates_allowed() -> Any:
    """Without the warning that a parameter is in a group twice."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "optimizer contains a parameter group with duplicate parameters")
        yield
