"""Configurations and grids: what is impossible is refused before anything runs, and the nearest name is offered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tinyact.experiment
from tinyact.experiment.configuration import ACTIVATIONS, Configuration, Grid, read_toml

EXAMPLE = Path(tinyact.experiment.__file__).with_name("study.toml")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"activation": "rellu"}, "unknown activation 'rellu'; did you mean 'relu'?"),
        ({"data": "moon"}, "unknown data 'moon'; did you mean 'moons'?"),
        ({"data": "xyz"}, r"unknown data 'xyz' \(known: notebook, moons"),
        ({"hidden": (16, -1)}, "hidden: a width has to be at least 1, got -1"),
        ({"dropout": 1.5}, "dropout has to be from 0 up to, but not including, 1, got 1.5"),
        ({"dropout": -0.1}, "dropout has to be from 0"),
        ({"lr": 0}, "lr has to be above 0, got 0"),
        ({"lr": float("nan")}, "lr has to be above 0, got nan"),
        ({"lr": float("inf")}, "lr has to be above 0, got inf"),
        ({"epochs": 0}, "epochs has to be at least 1"),
        ({"batch": 0}, "batch has to be at least 1"),
        ({"seed": -1}, "seed has to be at least 0"),
        ({"vary": "splits"}, "unknown vary 'splits'; did you mean 'split'?"),
        ({"vary": "data", "data": "digits"}, "there is only one data set 'digits'; its splits can be varied"),
    ],
)
def test_impossible_values(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Configuration(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"lr": "0.1"},
        {"hidden": 16},
        {"hidden": ([8],)},
        {"epochs": 1.5},
        {"activation": 3},
        {"seed": True},
        {"dropout": True},
    ],
)
def test_wrong_types(values: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(values))}.* has to be a"):
        Configuration(**values)


def test_a_key_is_the_configuration() -> None:
    c = Configuration("elu", 3, "digits", (8, 4), 0.01, 0.5, 7, 32, "split")
    assert Configuration.from_key(c.key()) == c
    assert "vary" not in Configuration().key()  # runs of before keep their names
    assert Configuration(lr=1).key() == Configuration(lr=1.0).key()
    assert c.setting() == Configuration("none", 0, "digits", (8, 4), 0.01, 0.5, 7, 32, "split")
    assert c.words() == "digits, hidden 8×4, lr 0.01, dropout 0.5, batches of 32, 7 epochs, splits varied"


def test_a_grid_is_every_combination_once() -> None:
    grid = Grid(activation=("relu", "tanh", "relu"), seeds=2, seed=5, lr=(0.1, 0.01), hidden=([4], [4, 4]))  # type: ignore[arg-type]
    runs = list(grid.configurations())
    assert len(runs) == len(set(runs)) == 16
    assert {c.seed for c in runs} == {5, 6}
    assert {c.hidden for c in runs} == {(4,), (4, 4)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seeds": 0}, "seeds has to be at least 1, got 0"),
        ({"lr": ()}, "lr has to be a list of at least one value"),
        ({"hidden": ((16,), (0,))}, "a width has to be at least 1"),
        ({"activation": ("relu", "tahn")}, "did you mean 'tanh'"),
    ],
)
def test_impossible_grids(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Grid(**values)


def test_the_example_is_a_grid() -> None:
    grid = Grid(**read_toml(EXAMPLE))
    assert set(grid.activation) <= set(ACTIVATIONS)
    assert grid.hidden == ((16,), (32, 32))
    assert grid.dropout == (0.0,)


@pytest.mark.parametrize(
    ("text", "message"),
    [("activaton = 'relu'", "did you mean 'activation'"), ("seeds = ", "is no TOML"), ("lr = 'x'", None)],
)
def test_wrong_files(text: str, message: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    if message is None:
        with pytest.raises(TypeError, match="lr has to be a number"):
            Grid(**read_toml(path))
        return
    with pytest.raises(ValueError, match=message):
        read_toml(path)


def test_single_values_stand_for_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("activation = 'relu'\nhidden = [8, 8]\nbatch = 32\nseeds = 2\n")
    grid = Grid(**read_toml(path))
    assert (grid.activation, grid.hidden, grid.batch, grid.seeds) == (("relu",), ((8, 8),), (32,), 2)
