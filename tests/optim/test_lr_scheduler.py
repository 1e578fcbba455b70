"""Every scheduler beside PyTorch's: the same learning rates to the last bit, the same states, the same errors."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinyact
from tests.optim.twins import leaves, take_steps

FACTORS = st.sampled_from([0.1, 1 / 3, 0.5, 0.9, 1.0])
COUNTS = st.integers(1, 9)
SETTINGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "StepLR": st.fixed_dictionaries({"step_size": COUNTS}, optional={"gamma": FACTORS}),
    "MultiStepLR": st.fixed_dictionaries(
        {"milestones": st.lists(st.integers(0, 12), max_size=4)}, optional={"gamma": FACTORS}
    ),
    "ConstantLR": st.fixed_dictionaries({}, optional={"factor": FACTORS, "total_iters": COUNTS}),
    "LinearLR": st.fixed_dictionaries(
        {}, optional={"start_factor": FACTORS, "end_factor": FACTORS, "total_iters": COUNTS}
    ),
    "ExponentialLR": st.fixed_dictionaries({"gamma": FACTORS}),
    "PolynomialLR": st.fixed_dictionaries(
        {}, optional={"total_iters": COUNTS, "power": st.sampled_from([0.5, 1, 2.0])}
    ),
    "CosineAnnealingLR": st.fixed_dictionaries({"T_max": COUNTS}, optional={"eta_min": st.sampled_from([0.0, 0.01])}),
    "LambdaLR": st.just({"lr_lambda": lambda epoch: 0.9**epoch}),
    "MultiplicativeLR": st.just({"lr_lambda": [lambda epoch: 0.9, lambda epoch: 1 / (epoch + 1)]}),
    "OneCycleLR": st.fixed_dictionaries(
        {"max_lr": st.sampled_from([0.1, [0.1, 0.2]]), "total_steps": st.integers(21, 30)},
        optional={
            "pct_start": st.sampled_from([0.1, 0.3, 0.5]), "anneal_strategy": st.sampled_from(["cos", "linear"]),
            "cycle_momentum": st.booleans(), "div_factor": st.sampled_from([2.0, 25.0]),
            "final_div_factor": st.sampled_from([2.0, 1e4]), "three_phase": st.booleans(),
        },
    ),
}  # fmt: skip
OPTIMIZERS: dict[str, dict[str, Any]] = {"SGD": {"lr": 0.3, "momentum": 0.9}, "Adam": {"lr": 0.001}}


def optimizer_of(m: Any, name: str = "SGD", tensor: bool = False, groups: int = 2) -> tuple[Any, list[Any]]:
    parameters = leaves(m, *[(2,)] * groups)
    settings = [{"params": [p]} for p in parameters]
    settings[-1]["lr"] = 0.7
    optimizer = getattr(m.optim, name)(settings, **OPTIMIZERS[name])
    if tensor:
        for group in optimizer.param_groups:
            group["lr"] = m.tensor(group["lr"], dtype=m.float64)
    return optimizer, parameters


def seen(optimizer: Any, scheduler: Any) -> Any:
    """The settings and the state, with tensors as numbers."""
    groups = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    state = {key: value for key, value in scheduler.state_dict().items() if key not in ("anneal_func", "_anneal_func")}
    return plain(
        [groups, state, scheduler.get_last_lr(), scheduler.last_epoch if hasattr(scheduler, "last_epoch") else 0]
    )


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value.item() if isinstance(value, (tinyact.Tensor, torch.Tensor)) else value


@pytest.mark.parametrize("name", SETTINGS)
@given(st.data(), st.sampled_from(sorted(OPTIMIZERS)), st.booleans(), st.dictionaries(st.integers(1, 15), st.just(0.5)))
def test_every_epoch(name: str, data: Any, kind: str, tensor: bool, changes: dict[int, float]) -> None:
    settings = data.draw(SETTINGS[name])
    steps: list[Any] = []
    for m in (tinyact, torch):
        optimizer, parameters = optimizer_of(m, kind, tensor and name != "OneCycleLR")
        scheduler = getattr(m.optim.lr_scheduler, name)(optimizer, **copy.copy(settings))
        records = [seen(optimizer, scheduler)]
        for epoch in range(20):
            take_steps(m, optimizer, parameters, epoch)
            if epoch in changes and not tensor:  # the user's own
                optimizer.param_groups[0]["lr"] *= changes[epoch]
            scheduler.step()
            records.append(seen(optimizer, scheduler))
        steps.append(records)
    assert steps[0] == steps[1]


@given(
    st.lists(st.sampled_from([1.0, 0.9, 0.89995, 0.5, 1.5, float("nan")]), max_size=25),
    st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(["min", "max"]), "factor": st.sampled_from([0.1, 0.5]),
            "patience": st.integers(0, 3), "threshold": st.sampled_from([0.0, 1e-4, 0.2]),
            "threshold_mode": st.sampled_from(["rel", "abs"]), "cooldown": st.integers(0, 2),
            "min_lr": st.sampled_from([0, 0.1, [0.2, 0.01]]), "eps": st.sampled_from([1e-8, 0.1]),
        },
    ),
)  # fmt: skip
def test_plateaus(metrics: list[float], settings: dict[str, Any]) -> None:
    records: list[Any] = []
    for m in (tinyact, torch):
        optimizer, _ = optimizer_of(m)
        scheduler = m.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        steps = [seen(optimizer, scheduler)]
        for number, metric in enumerate(metrics):
            scheduler.step(m.tensor(metric) if number % 2 else metric)
            steps.append(seen(optimizer, scheduler))
        records.append(repr(steps))
    assert records[0] == records[1]


PARTS = st.sampled_from([name for name in SETTINGS if name not in ("OneCycleLR", "MultiplicativeLR", "MultiStepLR")])


@given(st.data(), st.lists(PARTS, min_size=1, max_size=3), st.booleans())
def test_one_after_the_other_and_all_at_once(data: Any, names: list[str], sequential: bool) -> None:
    settings = [data.draw(SETTINGS[name]) for name in names]
    milestones = sorted(data.draw(st.sets(st.integers(1, 12), min_size=len(names) - 1, max_size=len(names) - 1)))
    records: list[Any] = []
    for m in (tinyact, torch):
        optimizer, parameters = optimizer_of(m)
        parts = [
            getattr(m.optim.lr_scheduler, name)(optimizer, **setting)
            for name, setting in zip(names, settings, strict=True)
        ]
        if sequential:
            scheduler = m.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones)
        else:
            scheduler = m.optim.lr_scheduler.ChainedScheduler(parts)
        steps = [seen(optimizer, scheduler)]
        for epoch in range(15):
            take_steps(m, optimizer, parameters, epoch)
            scheduler.step()
            steps.append(seen(optimizer, scheduler))
        records.append(steps)
    assert records[0] == records[1]


@pytest.mark.parametrize("name", SETTINGS)
@given(st.data(), st.integers(0, 6))
def test_a_state_of_pytorchs_continues_here_and_the_other_way_round(name: str, data: Any, epochs: int) -> None:
    settings = data.draw(SETTINGS[name])

    def trained(m: Any, count: int) -> tuple[Any, Any, list[Any]]:
        optimizer, parameters = optimizer_of(m)
        scheduler = getattr(m.optim.lr_scheduler, name)(optimizer, **settings)
        for epoch in range(count):
            take_steps(m, optimizer, parameters, epoch)
            scheduler.step()
        return optimizer, scheduler, parameters

    for one, other in ((tinyact, torch), (torch, tinyact)):
        left, scheduler, parameters = trained(one, epochs)
        right, resumed, others = trained(other, 0)
        groups = copy.deepcopy([{key: value for key, value in g.items() if key != "params"} for g in left.param_groups])
        for group, saved in zip(right.param_groups, groups, strict=True):
            group.update(saved)
        resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
        for epoch in range(3):
            take_steps(one, left, parameters, epoch)
            take_steps(other, right, others, epoch)
            scheduler.step()
            resumed.step()
            assert seen(left, scheduler) == seen(right, resumed)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "OneCycleLR"])
@given(st.data(), st.lists(st.integers(0, 15), max_size=4))
def test_an_epoch_as_older_programs_name_it(name: str, data: Any, epochs: list[int]) -> None:
    settings = data.draw(SETTINGS[name])
    records = []
    for m in (tinyact, torch):
        optimizer, parameters = optimizer_of(m)
        scheduler = getattr(m.optim.lr_scheduler, name)(optimizer, **settings)
        take_steps(m, optimizer, parameters, 0)
        for epoch in epochs:
            with pytest.warns(UserWarning, match="epoch parameter"):
                scheduler.step(epoch)
        records.append(seen(optimizer, scheduler))
    assert records[0] == records[1]


def test_going_on_from_an_epoch() -> None:
    records = []
    for m in (tinyact, torch):
        optimizer, parameters = optimizer_of(m)
        for group in optimizer.param_groups:
            group["initial_lr"] = 1.0
        scheduler = m.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, last_epoch=4)
        take_steps(m, optimizer, parameters, 0)
        scheduler.step()
        records.append(seen(optimizer, scheduler))
    assert records[0] == records[1]


class Shift:
    """A function with a state."""

    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, epoch: int) -> float:
        return 1 / (epoch + self.by)


def test_functions_with_a_state_are_saved_as_what_they_hold() -> None:
    for m in (tinyact, torch):
        saved = m.optim.lr_scheduler.LambdaLR(optimizer_of(m)[0], [Shift(3), lambda epoch: 1.0]).state_dict()
        assert saved["lr_lambdas"] == [{"by": 3}, None]
        scheduler = m.optim.lr_scheduler.LambdaLR(optimizer_of(m)[0], [Shift(1), lambda epoch: 1.0])
        scheduler.load_state_dict(saved)
        assert scheduler.lr_lambdas[0].by == 3
        assert saved["lr_lambdas"] == [{"by": 3}, None]


def make(name: str, *args: Any, **options: Any) -> Any:
    return lambda m, o: getattr(m.optim.lr_scheduler, name)(o, *args, **options)


ERRORS: dict[str, Any] = {
    "no optimizer": lambda m, o: m.optim.lr_scheduler.StepLR(3, 1),
    "no optimizer for a plateau": lambda m, o: m.optim.lr_scheduler.ReduceLROnPlateau(3),
    "no optimizer for a cycle": lambda m, o: m.optim.lr_scheduler.OneCycleLR(3, 0.1, 10),
    "resumed without a start": make("StepLR", 2, last_epoch=3),
    "too few functions": make("LambdaLR", [lambda epoch: 1.0]),
    "factor": make("ConstantLR", 1.5),
    "start factor": make("LinearLR", 0.0),
    "end factor": make("LinearLR", end_factor=-0.1),
    "a plateau's factor": make("ReduceLROnPlateau", factor=1.0),
    "a plateau's mode": make("ReduceLROnPlateau", mode="least"),
    "a plateau's threshold mode": make("ReduceLROnPlateau", threshold_mode="square"),
    "a plateau's lowest rates": make("ReduceLROnPlateau", min_lr=[0.1]),
    "a cycle without length": make("OneCycleLR", 0.1),
    "a cycle's length": make("OneCycleLR", 0.1, 0),
    "a cycle's epochs": make("OneCycleLR", 0.1, epochs=-1, steps_per_epoch=3),
    "a cycle's steps": make("OneCycleLR", 0.1, epochs=1, steps_per_epoch=3.0),
    "a cycle's share": make("OneCycleLR", 0.1, 10, pct_start=1.5),
    "a cycle's way": make("OneCycleLR", 0.1, 10, anneal_strategy="square"),
    "a cycle's rates": make("OneCycleLR", [0.1], 10),
    "no schedulers": lambda m, o: m.optim.lr_scheduler.SequentialLR(o, [], []),
    "no schedulers at once": lambda m, o: m.optim.lr_scheduler.ChainedScheduler([], o),
    "no milestones": lambda m, o: m.optim.lr_scheduler.SequentialLR(o, [m.optim.lr_scheduler.StepLR(o, 1)] * 2, []),
    "other things in a row": lambda m, o: m.optim.lr_scheduler.SequentialLR(o, [3], []),
    "a plateau in a row": lambda m, o: m.optim.lr_scheduler.SequentialLR(
        o, [m.optim.lr_scheduler.ReduceLROnPlateau(o)], []
    ),
    "another's scheduler": lambda m, o: m.optim.lr_scheduler.SequentialLR(
        o, [m.optim.lr_scheduler.StepLR(optimizer_of(m)[0], 1)], []
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    kinds = []
    for m in (tinyact, torch):
        optimizer, _ = optimizer_of(m)
        with pytest.raises((TypeError, ValueError, KeyError)) as error:
            ERRORS[name](m, optimizer)
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


def test_a_cycle_without_momentum_is_refused_where_there_is_none_and_when_it_is_over() -> None:
    for m in (tinyact, torch):
        optimizer = m.optim.Adagrad(leaves(m, (2,)))
        with pytest.raises(ValueError, match="momentum or beta1"):
            m.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 2)
        scheduler = m.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 2, cycle_momentum=False)
        optimizer.step()
        scheduler.step()
        scheduler.step()
        with pytest.raises(ValueError, match="Tried to step 3 times"):
            scheduler.step()


def test_the_wrong_order_is_warned_of_and_only_that() -> None:
    for m in (tinyact, torch):
        optimizer, parameters = optimizer_of(m)
        scheduler = m.optim.lr_scheduler.StepLR(optimizer, 2)
        (parameters[0] ** 2).sum().backward()
        with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
            scheduler.step()
        optimizer, parameters = optimizer_of(m)
        scheduler = m.optim.lr_scheduler.StepLR(optimizer, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            optimizer.step()  # without gradients nothing changes
            scheduler.step()
        with pytest.warns(UserWarning, match="get_last_lr"):
            scheduler.get_lr()


def test_a_schedule_costs_a_compiled_step_no_recording() -> None:
    (w,) = leaves(tinyact, (3,))
    optimizer = tinyact.optim.Adam([w], lr=0.1)
    scheduler = tinyact.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 30)

    @tinyact.compile(fullgraph=True)
    def step() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(20):
        step()
        scheduler.step()
    assert step._recordings == 2  # type: ignore[attr-defined]
