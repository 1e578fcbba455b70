"""Optimizers take PyTorch's steps."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error

RATES = st.sampled_from([0.0, 0.001, 0.1, 1.0])
SHARES = st.sampled_from([0.0, 0.1, 0.9])
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
            "lr": RATES, "betas": st.sampled_from([(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)]), "eps": RATES,
            "weight_decay": SHARES, "amsgrad": st.booleans(), "maximize": st.booleans(),
        },
    ),
}  # fmt: skip
SHAPES = [(3,), (2, 3), (), (0,)]


def close(ours: Any, theirs: Any) -> None:
    a, b = (t.detach().numpy() for t in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=1e-5 if a.dtype == np.float32 else 1e-12, atol=1e-6, strict=True)


def same_steps(name: str, settings: Any, dtype: str, steps: int = 6, seed: int = 0, parts: Any = None) -> Any:
    """Both optimize parameters with the same random gradients; all parameters and states must agree at every step."""
    rng = np.random.default_rng(seed)
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    sides = []
    for m in (tinyact, torch):
        parameters = [m.from_numpy(np.array(a)).requires_grad_() for a in start]
        groups = parameters if parts is None else parts(parameters)
        sides.append((parameters, getattr(m.optim, name)(groups, **settings)))
    for step in range(steps):
        for i, shape in enumerate(SHAPES):
            # The second parameter sometimes has no gradient.
            grad = None if i == 1 and step % 3 == 1 else np.asarray(rng.normal(size=shape), dtype)
            for m, (parameters, _) in zip((tinyact, torch), sides, strict=True):
                parameters[i].grad = None if grad is None else m.from_numpy(grad.copy())
        for _, optimizer in sides:
            optimizer.step()
        for ours, theirs in zip(sides[0][0], sides[1][0], strict=True):
            close(ours, theirs)
    same_states(sides[0][1], sides[1][1])
    return sides


def same_states(ours: Any, theirs: Any) -> None:
    a, b = ours.state_dict(), theirs.state_dict()
    assert list(a["state"]) == list(b["state"])
    for number, state in a["state"].items():
        assert set(state) == {key for key, value in b["state"][number].items() if value is not None}
        for key, value in state.items():
            close(value, b["state"][number][key])
    for group, other in zip(a["param_groups"], b["param_groups"], strict=True):
        assert group == {key: other[key] for key in group}
        # What PyTorch has beyond it concerns devices and compilers.
        assert set(other) - set(group) <= {
            "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"
        }  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 1000))
def test_steps(name: str, data: st.DataObject, dtype: str, seed: int) -> None:
    settings = data.draw(SETTINGS[name])
    if settings.get("eps") == 0.0 and (settings.get("weight_decay") or settings.get("betas") == (0.5, 0.0)):
        settings.pop("eps")  # a gradient near 0 divided by nearly nothing shows every rounding
    same_steps(name, settings, dtype, seed=seed)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_nesterov(momentum: float) -> None:
    same_steps("SGD", {"lr": 0.1, "momentum": momentum, "nesterov": True, "weight_decay": 0.1}, "float64")


@pytest.mark.parametrize("name", SETTINGS)
def test_groups_have_settings_of_their_own(name: str) -> None:
    def parts(parameters: Any) -> Any:
        return [
            {"params": parameters[:2]},
            {"params": parameters[2], "lr": 0.5},
            {"params": parameters[3:], "maximize": True},
        ]

    sides = same_steps(name, {"lr": 0.01}, "float64", parts=parts)
    assert [group["lr"] for group in sides[0][1].param_groups] == [0.01, 0.5, 0.01]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_can_be_changed_between_steps(name: str) -> None:
    results = []
    for m in (tinyact, torch):
        w = m.ones(2, dtype=m.float64, requires_grad=True)
        optimizer = getattr(m.optim, name)([w], lr=0.1)
        for lr in (0.1, 0.01, 0.0):
            optimizer.param_groups[0]["lr"] = lr
            optimizer.zero_grad()
            (w**2).sum().backward()
            optimizer.step()
        results.append(w)
    close(*results)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_saved_state_continues(name: str) -> None:
    settings = {"lr": 0.1, "amsgrad": True} if name == "Adam" else {"lr": 0.1, "momentum": 0.9}

    def step(w: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        (w**2).sum().backward()
        optimizer.step()

    w = tinyact.ones(2, requires_grad=True)
    optimizer = getattr(tinyact.optim, name)([w], **settings)
    step(w, optimizer)
    saved, weights = copy.deepcopy(optimizer.state_dict()), w.detach().clone()
    step(w, optimizer)

    again = weights.requires_grad_()
    other = getattr(tinyact.optim, name)([again], lr=5.0)
    other.load_state_dict(saved)
    step(again, other)
    assert again.tolist() == w.tolist()
    # What was loaded is a copy.
    assert saved["param_groups"][0]["params"] == [0]
    assert saved["state"][0].keys() == optimizer.state_dict()["state"][0].keys()


def test_pytorchs_own_state_can_be_loaded() -> None:
    ours, theirs = (m.ones(2, requires_grad=True) for m in (tinyact, torch))
    left, right = tinyact.optim.Adam([ours], lr=0.5), torch.optim.Adam([theirs], lr=0.1)
    for value in (theirs, ours):
        value.grad = (torch if value is theirs else tinyact).tensor([1.0, -2.0])
    right.step()
    state = right.state_dict()
    state["state"][0] = {key: tinyact.from_numpy(value.numpy().copy()) for key, value in state["state"][0].items()}
    left.load_state_dict(state)
    with tinyact.no_grad():
        ours.copy_(tinyact.from_numpy(theirs.detach().numpy().copy()))
    left.step()
    right.step()
    close(ours, theirs)


def test_a_closure_is_called_with_recording_on() -> None:
    w = tinyact.ones(1, requires_grad=True)
    optimizer = tinyact.optim.SGD([w], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    assert loss.item() == 1.0
    assert w.item() == 0.5


def test_zero_grad() -> None:
    w = tinyact.ones(1, requires_grad=True)
    optimizer = tinyact.optim.SGD([w])
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is None
    w.grad = tinyact.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_parameters_change_in_their_own_memory() -> None:
    w = tinyact.ones(2, requires_grad=True)
    array = w.detach().numpy()
    w.grad = tinyact.ones(2)
    tinyact.optim.Adam([w], lr=0.5).step()
    assert array[0] == pytest.approx(0.5)


def test_an_optimizer_of_ones_own() -> None:
    class Sign(tinyact.optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        def _update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
            p -= group["lr"] * np.sign(grad)

    w = tinyact.tensor([1.0, -1.0], requires_grad=True)
    optimizer = Sign([w], lr=0.5)
    (w * 3).sum().backward()
    optimizer.step()
    assert w.tolist() == [0.5, -1.5]
    assert repr(optimizer) == "Sign (\nParameter Group 0\n    lr: 0.5\n)"


def test_an_optimizer_that_looks_at_whole_parameters() -> None:
    class Normed(tinyact.optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {})

        def _update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
            p -= grad / np.sqrt((grad * grad).sum())

    a, b = tinyact.tensor([0.0], requires_grad=True), tinyact.tensor([0.0, 0.0], requires_grad=True)
    a.grad, b.grad = tinyact.tensor([2.0]), tinyact.tensor([3.0, 4.0])
    Normed([a, b]).step()
    assert a.tolist() == [-1.0]
    np.testing.assert_allclose(b.tolist(), [-0.6, -0.8], rtol=1e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_who_steps_together_may_change(name: str) -> None:
    results = []
    for m in (tinyact, torch):
        parameters = [m.tensor(float(i), requires_grad=True) for i in range(3)]
        optimizer = getattr(m.optim, name)(parameters, lr=0.1)
        for present in ((0, 1, 2), (0, 2), (0, 1, 2), (1,), (0, 1, 2)):
            for i, p in enumerate(parameters):
                p.grad = m.tensor(i + 1.0) if i in present else None
            optimizer.step()
        results.append(parameters)
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs)


@pytest.mark.parametrize("size", [3, 1 << 15])
def test_a_step_between_forward_and_backward_is_noticed(size: int) -> None:
    w = tinyact.ones(size, requires_grad=True)
    loss = (w * w).sum()
    w.grad = tinyact.ones(size)
    tinyact.optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    "program",
    [
        lambda m, o: o([]),
        lambda m, o: o(m.ones(1, requires_grad=True)),
        lambda m, o: o([1.0]),
        lambda m, o: o([m.ones(1, requires_grad=True) * 2]),
        lambda m, o: o([m.ones(1)], lr=-1),
        lambda m, o: o([m.ones(1)], weight_decay=-0.1),
        lambda m, o: o([{"params": {m.ones(1)}}]),
        lambda m, o: o([m.ones(1)]).add_param_group([m.ones(1)]),
        lambda m, o: o([{"params": [m.ones(1)]}, {"lr": 0.1}]),
        lambda m, o: o([m.ones(1)]).load_state_dict({"state": {}, "param_groups": []}),
        lambda m, o: o([m.ones(1)]).load_state_dict(o([m.ones(1), m.ones(2)]).state_dict()),
    ],
)
def test_refused(name: str, program: Any) -> None:
    same_error(lambda m: program(m, getattr(m.optim, name)))


@pytest.mark.parametrize(
    "program",
    [
        lambda m: m.optim.SGD([m.ones(1)], momentum=-1),
        lambda m: m.optim.SGD([m.ones(1)], nesterov=True),
        lambda m: m.optim.SGD([m.ones(1)], momentum=0.9, dampening=0.1, nesterov=True),
        lambda m: m.optim.Adam([m.ones(1)], betas=(1.0, 0.9)),
        lambda m: m.optim.Adam([m.ones(1)], betas=(0.9, -0.1)),
        lambda m: m.optim.Adam([m.ones(1)], eps=-1),
        lambda m: m.optim.Adam([m.ones(1)], lr=float("nan")),
    ],
)
def test_settings_out_of_range(program: Any) -> None:
    same_error(program)


@pytest.mark.parametrize("size", [(1 << 14) - 1, 1 << 14, (1 << 14) + 1])
def test_every_parameter_steps_once_however_large(size: int) -> None:
    w = tinyact.zeros(size, requires_grad=True)
    w.grad = tinyact.ones(size)
    tinyact.optim.SGD([w], lr=0.5).step()
    assert np.array_equal(w.detach().numpy(), np.full(size, -0.5))


def test_tensors_and_groups_are_not_mixed() -> None:
    for m in (tinyact, torch):
        w, group = m.ones(1, requires_grad=True), {"params": [m.ones(1, requires_grad=True)]}
        with pytest.raises(TypeError, match="can only optimize Tensors"):
            m.optim.SGD([w, group])
        with pytest.raises(TypeError, match="param_group must be a dict"):
            m.optim.SGD([group, w])


def test_one_parameter_in_two_groups() -> None:
    def program(m: Any) -> None:
        w = m.ones(1)
        m.optim.SGD([{"params": [w]}, {"params": [w]}])

    same_error(program)


def test_one_parameter_twice_is_warned_of() -> None:
    for m in (tinyact, torch):
        w = m.ones(1)
        with pytest.warns(UserWarning, match="duplicate") as warned:
            m.optim.SGD([w, w])
        assert m is torch or warned[0].filename == __file__


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    w = tinyact.ones(2, requires_grad=True)
    w.grad = tinyact.ones(2)
    optimizer = tinyact.optim.SGD([w], lr=0.1, momentum=0.9)
    optimizer.step()
    other = tinyact.optim.SGD([tinyact.ones(3)], lr=0.7)
    with pytest.raises(ValueError, match=r"momentum_buffer of shape \[2\] for parameter 0, whose shape is \[3\]"):
        other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.7
    assert not other.state


def test_a_group_that_is_out_of_range_is_refused_when_it_is_added() -> None:
    optimizer = tinyact.optim.SGD([tinyact.ones(1)])
    with pytest.raises(ValueError, match="learning rate: -1"):
        optimizer.add_param_group({"params": [tinyact.ones(1)], "lr": -1})
    assert len(optimizer.param_groups) == 1
