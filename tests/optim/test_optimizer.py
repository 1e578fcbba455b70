"""Optimizers take PyTorch's steps."""

from __future__ import annotations

import copy
import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.against_torch import same_error
from tests.optim.twins import NAMES, SETTINGS, duplicates_allowed, leaves, same, set_gradients, take_steps

SHAPES = [(3,), (2, 3), (), (0,)]


def same_steps(name: str, settings: Any, dtype: str, steps: int = 6, seed: int = 0, parts: Any = None) -> None:
    """Both optimize parameters with the same random gradients; all must agree at every step."""

    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES, dtype=dtype, seed=seed)
        optimizer = getattr(m.optim, name)(parameters if parts is None else parts(parameters), **settings)
        path = []
        for step in range(steps):
            set_gradients(m, parameters, seed + step)
            if step % 3 == 1:
                parameters[1].grad = None
            optimizer.step()
            path.append(copy.deepcopy(parameters))
        return path, optimizer

    same(program)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 1000))
def test_steps(name: str, data: st.DataObject, dtype: str, seed: int) -> None:
    settings = data.draw(SETTINGS[name])
    if settings.get("eps") == 0.0 and (settings.get("weight_decay") or settings.get("betas") == (0.5, 0.0)):
        settings.pop("eps")  # a gradient near 0 divided by nearly nothing shows every rounding
    same_steps(name, settings, dtype, seed=seed)


@pytest.mark.parametrize("name", NAMES)
def test_groups_have_settings_of_their_own(name: str) -> None:
    def parts(parameters: Any) -> Any:
        return [
            {"params": parameters[:2]},
            {"params": parameters[2], "lr": 0.5},
            {"params": parameters[3:], "maximize": True},
        ]

    same_steps(name, {"lr": 0.01}, "float64", parts=parts)


@pytest.mark.parametrize("name", NAMES)
def test_settings_can_be_changed_between_steps(name: str) -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        optimizer = getattr(m.optim, name)([w], lr=0.1)
        for lr in (0.1, 0.01, 0.0):
            optimizer.param_groups[0]["lr"] = lr
            optimizer.zero_grad()
            (w**2).sum().backward()
            optimizer.step()
        return w, optimizer

    same(program)


@pytest.mark.parametrize("name", NAMES)
def test_any_may_have_a_gradient(name: str) -> None:
    def program(m: Any) -> Any:
        parameters = [m.tensor(float(i), requires_grad=True) for i in range(3)]
        optimizer = getattr(m.optim, name)(parameters, lr=0.1)
        for present in ((0, 1, 2), (0, 2), (0, 1, 2), (1,), (0, 1, 2)):
            for i, p in enumerate(parameters):
                p.grad = m.tensor(i + 1.0) if i in present else None
            optimizer.step()
        return parameters, optimizer

    same(program)


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


def test_an_optimizer_of_ones_own_may_remember_in_its_group() -> None:
    class Counting(tinyact.optim.Optimizer):
        def _update(self, p: Any, grad: Any, state: Any, group: Any) -> None:
            group["steps"] = group.get("steps", 0) + 1

    (w,) = leaves(tinyact, (2,))
    optimizer = Counting([w], {})
    take_steps(tinyact, optimizer, [w], 1, 2)
    assert optimizer.param_groups[0]["steps"] == 2


def test_without_a_rule_there_is_no_step() -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,))
        take_steps(m, m.optim.Optimizer([w], {}), [w], 1)

    same(program)


@pytest.mark.parametrize("size", [3, 1 << 15])
def test_a_step_between_forward_and_backward_is_noticed(size: int) -> None:
    w = tinyact.ones(size, requires_grad=True)
    loss = (w * w).sum()
    w.grad = tinyact.ones(size)
    tinyact.optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "program",
    [
        lambda m, o: o([]),
        lambda m, o: o(m.ones(1, requires_grad=True)),
        lambda m, o: o([1.0]),
        lambda m, o: o([m.ones(1, requires_grad=True) * 2]),
        lambda m, o: o([m.ones(1)], lr=-1),
        lambda m, o: o([m.ones(1)], weight_decay=-0.1),
        lambda m, o: o([m.ones(1)], lr=m.tensor(-0.1)),
        lambda m, o: o([m.ones(1)], lr=m.tensor([0.1, 0.1])),
        lambda m, o: o([m.ones(1)], lr=None),
        lambda m, o: o([m.ones(1)], lr="0.1"),
        lambda m, o: o([m.ones(1)], fused=True, foreach=True),
        lambda m, o: o([m.ones(1)], fused=True, differentiable=True),
        lambda m, o: o([{"params": {m.ones(1)}}]),
        lambda m, o: o([m.ones(1)]).add_param_group([m.ones(1)]),
        lambda m, o: o([{"params": [m.ones(1)]}, {"lr": 0.1}]),
        lambda m, o: o([m.ones(1)]).load_state_dict({"state": {}, "param_groups": []}),
        lambda m, o: o([m.ones(1)]).load_state_dict(o([m.ones(1), m.ones(2)]).state_dict()),
    ],
)
def test_refused(name: str, program: Any) -> None:
    same_error(lambda m: program(m, getattr(m.optim, name)))


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


def test_a_group_that_is_out_of_range_is_refused_when_it_is_added() -> None:
    optimizer = tinyact.optim.SGD([tinyact.ones(1)])
    with pytest.raises(ValueError, match="learning rate: -1"):
        optimizer.add_param_group({"params": [tinyact.ones(1)], "lr": -1})
    assert len(optimizer.param_groups) == 1


def test_a_group_that_is_refused_stays_as_it_is() -> None:
    optimizer = tinyact.optim.SGD([tinyact.ones(1)])
    group = {"params": (tinyact.ones(1),), "lr": -1}
    before = dict(group)
    with pytest.raises(ValueError, match="learning rate: -1"):
        optimizer.add_param_group(group)
    assert group == before


# --- groups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_the_callers_dictionary_is_the_group(name: str, added: bool, several: bool) -> None:
    def program(m: Any) -> Any:
        first, *others = leaves(m, *SHAPES)
        group = {"params": iter(others) if several else others[0], "lr": 0.5, "name": "mine"}
        if added:
            optimizer = getattr(m.optim, name)([first])
            optimizer.add_param_group(group)
        else:
            optimizer = getattr(m.optim, name)([{"params": [first]}, group])
        assert optimizer.param_groups[1] is group
        take_steps(m, optimizer, [first, *others], 1)
        group["lr"] = 0.25
        take_steps(m, optimizer, [first, *others], 2)
        group["params"].remove(others[0])
        take_steps(m, optimizer, [first, *others], 3)
        return first, others, list(group), group

    same(program)


def test_the_list_that_was_passed_is_copied() -> None:
    def program(m: Any) -> Any:
        a, b = leaves(m, (2,), (2,))
        parameters = [a]
        optimizer = m.optim.SGD(parameters, lr=0.1)
        parameters.append(b)
        take_steps(m, optimizer, [a, b], 1)
        return a, b, optimizer

    same(program)


@pytest.mark.parametrize("name", NAMES)
def test_groups_with_other_parameters_are_numbered_alike(name: str) -> None:
    def program(m: Any) -> Any:
        a, b, c, d = leaves(m, *SHAPES)
        with duplicates_allowed():
            optimizer = getattr(m.optim, name)([{"params": [a, b, a]}, {"params": []}, {"params": [c, d]}])
        take_steps(m, optimizer, [a, b, c, d], 1)
        other = getattr(m.optim, name)([{"params": [a]}])
        other.add_param_group({"params": [b, c], "lr": 0.5})
        return optimizer, other

    same(program)


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("recorded", [True, False])
def test_zero_grad(set_to_none: bool, recorded: bool) -> None:
    def program(m: Any) -> Any:
        a, b = leaves(m, (2,), (3,))
        (a**3).sum().backward(create_graph=recorded)
        grad = a.grad
        m.optim.SGD([a, b]).zero_grad(set_to_none=set_to_none)
        return a.grad is grad, a.grad, b.grad, grad.is_leaf, grad.requires_grad

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using backward.. with create_graph=True")
        same(program)


# --- settings -------------------------------------------------------------------------------------------------------


NUMBERS: dict[str, Any] = {
    "int": lambda m, value: int(value > 0.5),
    "bool": lambda m, value: value > 0.5,
    "float64": lambda m, value: np.float64(value),
    "float32": lambda m, value: np.float32(value),
    "tensor": lambda m, value: m.tensor(value),
    "tensor of float64": lambda m, value: m.tensor(value, dtype=m.float64),
}
# PyTorch takes these as a learning rate, but not as every other setting.
RATES_ALONE: dict[str, Any] = {
    "array": lambda m, value: np.array(value),
    "tensor of one element": lambda m, value: m.tensor([value]),
    "tensor that requires gradients": lambda m, value: m.tensor(value, requires_grad=True),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "key", "value", "kind"), [
    (name, key, value, kind)
    for name, values in {
        "SGD": {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1},
        "Adam": {"lr": 0.1, "eps": 1e-3, "weight_decay": 0.1},
    }.items()
    for key, value in values.items()
    for kind in (*NUMBERS, *(RATES_ALONE if key == "lr" else ()))
])  # fmt: skip
def test_a_number_of_any_kind(name: str, key: str, value: float, kind: str, dtype: str) -> None:
    """A NumPy scalar or a tensor as a setting leaves everything in the parameters' dtype."""

    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES, dtype=dtype)
        setting = {**NUMBERS, **RATES_ALONE}[kind](m, value)
        more = {"momentum": 0.9} if name == "SGD" else {"amsgrad": True}
        optimizer = getattr(m.optim, name)(parameters, **{**more, key: setting})
        take_steps(m, optimizer, parameters, 1, 2)
        assert optimizer.param_groups[0][key] is setting
        return parameters, list(optimizer.state.values())

    same(program)


@pytest.mark.parametrize("name", NAMES)
def test_a_learning_rate_that_is_a_tensor_may_change(name: str) -> None:
    def program(m: Any) -> Any:
        (w,) = leaves(m, (2,), dtype="float32")
        lr = m.tensor(0.1)
        optimizer = getattr(m.optim, name)([w], lr=lr)
        take_steps(m, optimizer, [w], 1)
        lr.fill_(0.5)
        take_steps(m, optimizer, [w], 2)
        return w, optimizer, repr(optimizer)

    same(program)


FLAGS = [
    {}, {"foreach": True}, {"foreach": False}, {"fused": True}, {"fused": False}, {"maximize": True},
    {"differentiable": True},
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flags", [*FLAGS, {"capturable": True}, {"capturable": True, "fused": True}])
@pytest.mark.parametrize("of_a_group", [False, True])
def test_what_concerns_devices_and_compilers(name: str, flags: Any, of_a_group: bool) -> None:
    """Accepted, shown and without effect, or refused where PyTorch refuses it on the CPU."""

    def program(m: Any) -> Any:
        parameters = leaves(m, *SHAPES, dtype="float32")
        if of_a_group:
            optimizer = getattr(m.optim, name)([{"params": parameters, **flags}])
        else:
            optimizer = getattr(m.optim, name)(parameters, **flags)
        take_steps(m, optimizer, parameters, 1, 2)
        return parameters, optimizer, repr(optimizer)

    if of_a_group and "differentiable" in flags:  # PyTorch asks the defaults alone, and doesn't record
        with pytest.raises(NotImplementedError):
            program(tinyact)
    else:
        same(program)


@pytest.mark.parametrize("name", NAMES)
def test_the_signature_is_pytorchs(name: str) -> None:
    ours, theirs = (inspect.signature(getattr(m.optim, name)) for m in (tinyact, torch))
    kinds = [[(p.name, p.kind, p.default) for p in s.parameters.values()] for s in (ours, theirs)]
    assert kinds[0] == kinds[1]
