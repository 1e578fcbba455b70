"""What a run is: its configuration, and grids of them, from options or from a TOML file."""

from __future__ import annotations

import difflib
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tinyact.experiment.data import DATASETS, LARGEST_SEED, SPLIT, VARY, WEIGHTS, check_varied
from tinyact.nn import activations

NONE = "none"
# Activations that can stand between any two layers: the others change the width, or have settings without defaults.
CHOICES = [name for name in activations() if name not in ("glu", "maxout", "threshold")]
ACTIVATIONS = [NONE, *CHOICES]
WIDEST, LONGEST = 10_000, 1_000_000
MOST_RUNS = 1_000_000
# What some call by another name; scikit-learn's small digits stand in for MNIST.
ALIASES = {"mnist": "digits", "linear": NONE, "identity": NONE, "logistic": "sigmoid"}


@dataclass(frozen=True)
class Configuration:
    """All that decides how a run ends: the same configuration gives the same numbers, to the last bit.

    Args:
        activation: one of ``ACTIVATIONS``.
        seed: of the initial weights, the dropout and the order of the batches; the same for every activation.
        data: one of ``DATASETS``.
        hidden: the widths of the hidden layers.
        lr: Adam's learning rate.
        dropout: the share of each hidden layer's outputs that is dropped in training.
        epochs: how often the training data are gone through.
        batch: samples per step; None takes all at once.
        vary: what the seed changes besides: one of ``VARY`` (see `data.load`).

    Raises:
        ValueError: if a name is unknown (the message has the nearest known one) or a value impossible.
        TypeError: if a value has the wrong type.

    Example:
        >>> Configuration("relu", seed=0).key()
        '{"activation":"relu","batch":null,"data":"notebook","dropout":0.0,"epochs":100,"hidden":[16],"lr":0.001,"seed":0}'
    """

    activation: str = NONE
    seed: int = 0
    data: str = "notebook"
    hidden: tuple[int, ...] = (16,)
    lr: float = 0.001
    dropout: float = 0.0
    epochs: int = 100
    batch: int | None = None
    vary: str = WEIGHTS

    def __post_init__(self) -> None:
        check_name("activation", self.activation, ACTIVATIONS)
        check_name("data", self.data, DATASETS)
        check_name("vary", self.vary, VARY)
        check_varied(self.data, self.vary)
        if not isinstance(self.hidden, (list, tuple)):
            raise TypeError(f"hidden has to be a list of widths, got {self.hidden!r}")
        object.__setattr__(self, "hidden", tuple(self.hidden))
        _check_whole("seed", self.seed, 0, LARGEST_SEED)
        _check_whole("epochs", self.epochs, 1, LONGEST)
        for width in self.hidden:
            _check_whole("hidden: a width", width, 1, WIDEST)
        if self.batch is not None:
            _check_whole("batch", self.batch, 1)
        for name, (words, is_inside) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} has to be a number, got {value!r}")
            if not is_inside(value):
                raise ValueError(f"{name} has to be {words}, got {value}")
            object.__setattr__(self, name, float(value))

    def key(self) -> str:
        """A text that identifies the run; what varies is left out where it is what always varied."""
        values = asdict(self)
        if self.vary == WEIGHTS:
            del values["vary"]
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_key(cls, key: str) -> Configuration:
        """The configuration that a key came from."""
        return cls(**json.loads(key))

    def setting(self) -> Configuration:
        """The configuration without activation and seed: what is compared is compared within one setting."""
        return replace(self, activation=NONE, seed=0)

    def words(self) -> str:
        """The setting, as one would say it."""
        hidden = f"hidden {'×'.join(map(str, self.hidden))}" if self.hidden else "no hidden layer"
        parts = [self.data, hidden, f"lr {self.lr:g}"]
        parts += [f"dropout {self.dropout:g}"] if self.dropout else []
        parts += [f"batches of {self.batch}"] if self.batch else []
        return ", ".join([*parts, f"{self.epochs} epochs", VARY[self.vary].words])


# Where numbers have to lie, in words and as a check.
RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "lr": ("above 0", lambda rate: 0 < rate < math.inf),
    "dropout": ("from 0 up to, but not including, 1", lambda share: 0 <= share < 1),
}


def check_name(what: str, name: Any, choices: Collection[str]) -> None:
    """Raise ValueError, with the nearest of the choices, if the name is none of them."""
    if not isinstance(name, str):
        raise TypeError(f"{what} has to be a name, got {name!r}")
    if name not in choices:
        raise ValueError(unknown(what, name, choices))


def unknown(what: str, name: str, choices: Collection[str]) -> str:
    """That a name is unknown, and which one may have been meant."""
    plain = re.sub(r"\W+", "_", name.strip().lower())
    near = [ALIASES.get(plain, ""), *difflib.get_close_matches(plain, choices, 1, 0.65)]
    hint = next((f"; did you mean {choice!r}?" for choice in near if choice in choices), "")
    return f"unknown {what} {name!r}{hint} (known: {', '.join(choices)})"


def _check_whole(what: str, value: Any, least: int, most: int = MOST_RUNS) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} has to be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{what} has to be at least {least}, got {value}")
    if value > most:
        raise ValueError(f"{what} has to be at most {most}, got {value}")


@dataclass(frozen=True)
class Grid:
    """Lists of values; the study is every combination of them.

    Args:
        activation, data, hidden, lr, dropout, epochs, batch: lists of what `Configuration` takes; ``"all"`` stands for
            every activation.
        seeds: how many seeds, from ``seed`` on.
        vary: what they change.

    Raises:
        ValueError, TypeError: as for `Configuration`, for any of the combinations, or if a list is empty.

    Example:
        >>> grid = Grid(activation=["relu", "tanh"], seeds=3)
        >>> len(list(grid.configurations()))
        6
    """

    activation: tuple[str, ...] = (NONE, "relu")
    seeds: int = 20
    seed: int = 0
    data: tuple[str, ...] = ("notebook",)
    hidden: tuple[tuple[int, ...], ...] = ((16,),)
    lr: tuple[float, ...] = (0.001,)
    dropout: tuple[float, ...] = (0.0,)
    epochs: tuple[int, ...] = (100,)
    batch: tuple[int | None, ...] = (None,)
    vary: str = SPLIT

    def __post_init__(self) -> None:
        _check_whole("seeds", self.seeds, 1)
        _check_whole("seed", self.seed, 0, LARGEST_SEED - self.seeds + 1)
        for name in _LISTS:
            values = getattr(self, name)
            if not isinstance(values, (list, tuple)) or not values:
                raise ValueError(f"{name} has to be a list of at least one value, got {values!r}")
            values = ACTIVATIONS if name == "activation" and "all" in values else values
            object.__setattr__(self, name, tuple(tuple(v) if isinstance(v, list) else v for v in values))
            for value in getattr(self, name):
                Configuration(**{"vary": self.vary, name: value})  # which checks it
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))
        count = self.seeds * math.prod(len(getattr(self, name)) for name in _LISTS)
        if count > MOST_RUNS:
            raise ValueError(f"these are {count:,} runs, and a study has at most {MOST_RUNS:,}")

    def configurations(self) -> Iterator[Configuration]:
        """Every run, all activations of a seed one after the other."""
        *names, _ = _LISTS  # the last is the activation
        for values in itertools.product(*(getattr(self, name) for name in names)):
            setting = dict(zip(names, values, strict=True))
            for seed in range(self.seed, self.seed + self.seeds):
                for activation in self.activation:
                    yield Configuration(activation=activation, seed=seed, vary=self.vary, **setting)


_LISTS = ("data", "hidden", "lr", "dropout", "epochs", "batch", "activation")


def read_toml(path: Path) -> dict[str, Any]:
    """The keys of a TOML file, to be given to `Grid`; a single value stands for a list of one.

    Raises:
        ValueError: if it is no TOML, or a key is unknown (the message has the nearest known one).
        OSError: if it can't be read.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from error
    names = [field.name for field in fields(Grid)]
    for key in content:
        check_name(f"key in {path}:", key, names)
    return {key: as_list(key, value) for key, value in content.items()}


def as_list(key: str, value: Any) -> Any:
    """A single value as a list of one, where a list is wanted."""
    if key not in _LISTS:
        return value
    values = value if isinstance(value, list) else [value]
    if key == "hidden" and not any(isinstance(part, (list, tuple)) for part in values):
        return [values]  # the widths of one network
    return values
