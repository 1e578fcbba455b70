"""What is concluded from runs, and in which words: no more than was measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinyact.experiment.configuration import Configuration
from tinyact.experiment.findings import (
    BETTER,
    EQUAL,
    UNKNOWN,
    UNSEEN,
    WORSE,
    Groups,
    Setting,
    best_by_data,
    best_of,
    by_setting,
    compared,
    relation,
    still_falls,
)
from tinyact.experiment.statistics import Paired
from tinyact.experiment.training import Run
from tinyact.experiment.words import conclusion, head, line, summary

SPLIT = {"vary": "split"}


def made_up(activation: str, seed: int, accuracy: float, chosen_by: float = math.nan, **more: Any) -> Run:
    c = Configuration(activation, seed, **more)
    return Run(c, "finished", None, accuracy, chosen_by, accuracy, [1.0] * c.epochs, [1.0] * c.epochs)


def group(of: dict[str, Callable[[int], float]], seeds: int = 10, **more: Any) -> Groups:
    """Runs whose accuracies, on both kinds of samples, are these functions of the seed."""
    return {n: [made_up(n, s, accuracy(s), accuracy(s), **more) for s in range(seeds)] for n, accuracy in of.items()}


def said(groups: Groups, **more: Any) -> str:
    first = next(iter(groups.values()))[0].configuration
    return " ".join(conclusion(best_of(Setting(first.setting()), groups, **more)))


def test_which_to_take_and_how_sure_that_is() -> None:
    groups = group({
        "none": lambda s: 0.80 + 0.001 * s,
        "relu": lambda s: 0.90 + 0.001 * s,
        "elu": lambda s: 0.8999 + 0.001 * s + (-1) ** s * 0.02,
    }, **SPLIT)  # fmt: skip
    text = said(groups)
    assert text.startswith(
        "On the notebook's data, take relu, or elu: no difference was seen. It classifies 90.5 % (95 %"
    )
    assert "of the test samples correctly, over 10 splits and initial weights (1 hidden layer of 16 units, lr" in text
    assert "It is better than no activation, by 10.0 percentage points (95 % interval 10.0 to 10.0; p = 0.004" in text
    assert "corrected for 2 comparisons" in text
    assert "No difference was seen from elu; that doesn't make them equal." in text


def test_equal_is_said_only_of_what_surely_differs_by_little() -> None:
    groups = group({"relu": lambda s: 0.9 + 0.001 * s, "elu": lambda s: 0.9 + 0.001 * s + (-1) ** s * 0.001}, **SPLIT)
    assert "It is equal, within 0.5 percentage points, to" in said(groups)
    assert "No difference was seen from" in said(groups, margin=0.0001)
    assert relation(Paired(0.0, -0.004, 0.004, 0.9, 0.0, 9), 0.9, 0.005) == EQUAL
    assert relation(Paired(0.0, -0.004, 0.006, 0.9, 0.0, 9), 0.9, 0.005) == UNSEEN
    assert relation(Paired(0.01, 0.001, 0.02, 0.01, 1.0, 9), 0.01, 0.005) == BETTER
    assert relation(Paired(-0.01, -0.02, -0.001, 0.01, 1.0, 9), 0.01, 0.005) == WORSE
    assert relation(Paired(0.01, math.nan, math.nan, math.nan, math.nan, 1), math.nan, 0.005) == UNKNOWN
    assert relation(None, math.nan, 0.005) == UNKNOWN


def test_one_seed_is_sure_of_nothing() -> None:
    groups = {"none": [made_up("none", 0, 0.8)], "relu": [made_up("relu", 0, 0.9)], "elu": [made_up("elu", 1, 0.7)]}
    text = said(groups)
    assert "How sure that is can't be said beside" in text
    assert "it takes at least two seeds that both finished" in text
    assert "95 %" not in text
    for finding in compared(groups):
        assert "nan" not in line(finding)
        assert "inf" not in line(finding)


def test_few_seeds_cant_show_a_difference() -> None:
    groups = group({"none": lambda s: 0.5 + 0.01 * s, "relu": lambda s: 0.9 + 0.001 * s}, seeds=5, **SPLIT)
    text = said(groups)
    assert "take relu, or no activation: no difference was seen" in text
    assert "5 seeds are few: p can't fall below 0.062 before it is corrected for 1 comparison. From 6 seeds on" in text
    assert "are few" not in said(group({"none": lambda s: 0.5 + 0.01 * s, "relu": lambda s: 0.9}, seeds=6, **SPLIT))


def test_the_best_of_many_is_not_sure_to_be_the_best() -> None:
    rng = np.random.default_rng(0)
    names = ["none", "sigmoid", "tanh", "relu", "elu", "selu", "silu", "gelu", "mish", "softplus"]
    groups = {n: [made_up(n, s, float(rng.normal(0.9, 0.01)), float(rng.normal(0.9, 0.01)), **SPLIT) for s in range(10)]
              for n in names}  # fmt: skip
    assert "any of 9 others: no difference was seen" in said(groups)


def test_choosing_and_judging_are_apart() -> None:
    groups = {
        "tanh": [made_up("tanh", s, 0.9, 0.90 + 0.001 * s, **SPLIT) for s in range(10)],
        "relu": [made_up("relu", s, 0.8 + 0.0001 * s, 0.95, **SPLIT) for s in range(10)],
    }
    text = said(groups)
    assert text.startswith("On the notebook's data, take relu")
    assert "It classifies 80.0 %" in text  # as the samples that judge say
    assert "On the test samples tanh did better: it was chosen by others." in text
    fixed = {name: [made_up(name, r.configuration.seed, r.accuracy) for r in runs] for name, runs in groups.items()}
    assert said(fixed).startswith("On the notebook's data, take tanh")
    assert "the test samples that judge also chose the best" in said(fixed)


def test_tuned_each_has_its_own_best_rate_by_the_samples_that_choose() -> None:
    runs = [
        made_up(name, seed, judged, chosen + 0.001 * seed, lr=lr, **SPLIT)
        for seed in range(4)
        for name, lr, judged, chosen in (
            ("relu", 0.001, 0.99, 0.5), ("relu", 0.01, 0.6, 0.8), ("relu", 0.1, 0.7, 0.7),
            ("tanh", 0.001, 0.1, 0.9), ("tanh", 0.01, 0.95, 0.8), ("tanh", 0.1, 0.95, 0.8),
        )
    ]  # fmt: skip
    ((setting, groups),) = by_setting(runs, ["lr"]).items()
    findings = {finding.activation: finding for finding in compared(groups, "relu", setting=setting)}
    assert findings["relu"].tuned == (("lr", 0.01),)
    assert findings["tanh"].tuned == (("lr", 0.001),)
    assert (findings["relu"].at_the_edge, findings["tanh"].at_the_edge) == (False, True)
    assert findings["relu"].accuracy is not None
    assert findings["relu"].accuracy.mean == pytest.approx(0.6)
    assert setting.words() == "notebook, hidden 16, 100 epochs, lr tuned over 0.001, 0.01, 0.1, splits varied"
    assert len(by_setting(runs)) == 3
    assert len(by_setting([made_up("relu", 0, 0.5, lr=lr) for lr in (0.1, 0.2)], ["lr"])) == 2  # nothing to choose with


def test_each_data_set_has_its_own_best_and_none_is_no_advice() -> None:
    runs: list[Run] = []
    for data, best in (("blobs", "none"), ("moons", "tanh"), ("digits", "relu")):
        for lr in (0.1, 0.01):
            for name in ("none", "relu", "tanh"):
                runs += [
                    made_up(name, s, 0.5 + lr + 0.2 * (name == best) + 0.001 * s, 0.5 + lr + 0.2 * (name == best),
                            data=data, lr=lr, **SPLIT)
                    for s in range(8)
                ]  # fmt: skip
    settings = by_setting(runs)
    bests = best_by_data(settings)
    assert {best.setting.base.data: best.finding.activation for best in bests} == {
        "blobs": "none", "moons": "tanh", "digits": "relu",
    }  # fmt: skip
    assert {best.setting.base.lr for best in bests} == {0.1}
    text = summary(settings)
    assert "On the blobs data no activation function was seen to do better than none." in text
    assert "On the moons data, take tanh: it is better than all others." in text
    assert not any("take no activation" in head(best).lower() for best in bests)


def test_unfinished_is_what_still_falls() -> None:
    assert still_falls([1.0, *np.linspace(1, 0.1, 99)]) == pytest.approx(0.1, abs=0.01)
    assert still_falls([1.0, 0.5, *[0.1] * 98]) == 0
    assert still_falls([0.5] * 10) == still_falls([1.0]) == still_falls([0.1, 0.2]) == 0
    groups = group({"relu": lambda s: 0.9, "tanh": lambda s: 0.8}, **SPLIT)
    for run in groups["relu"]:
        run.losses = np.linspace(1, 0, 100).tolist()
    text = said(groups)
    assert "Unfinished: the training loss of relu still falls. More than 1 % of its fall came in the last tenth" in text
    assert [f.unfinished for f in compared(groups)] == [True, False]


def test_seeds_at_which_either_diverged_are_left_out() -> None:
    groups = group({"none": lambda s: 0.5, "relu": lambda s: 0.6 + 0.001 * s}, **SPLIT)
    groups["relu"][0].status, groups["relu"][0].accuracy = "diverged", math.nan
    relu, _ = compared(groups)
    assert (relu.runs, relu.diverged) == (10, 1)
    assert relu.difference is not None
    assert relu.difference.pairs == 9
    assert "1 of 10 diverged" in line(relu)
