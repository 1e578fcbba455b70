"""What the notebook says about activation functions, measured: ``tinyact claims``.

Each claim is a function that measures it and returns the measurement and a verdict: it holds, it fails, or what it
depends on. Trainings are runs of the study, shared by the claims and kept in its store; differences are paired by seed.
Intervals are 95 % intervals of the mean over seeds, for times over repetitions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache, cached_property, wraps
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinyact
from tinyact.experiment.configuration import NONE, Configuration, Grid
from tinyact.experiment.data import SPLIT, notebook_data
from tinyact.experiment.findings import BETTER, EQUAL, MARGIN, UNSEEN, WORSE, accuracy, difference, mean, relation
from tinyact.experiment.pictures import Chart
from tinyact.experiment.pipeline import one_thread, progress, run_all
from tinyact.experiment.statistics import Comparison, adjusted, interval
from tinyact.experiment.store import Store
from tinyact.experiment.training import Run, build, train
from tinyact.experiment.verdicts import Claim, write
from tinyact.experiment.words import FAILS, HOLDS, NOT_SEEN, ci, label, verdict

EIGHT = ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "silu", "softmax")
RATES = (0.001, 0.01, 0.1, 1.0)
DEPTHS = (1, 2, 4, 8)
LEAKY = ("leaky_relu", "prelu")
FOUR, WIDE = (16, 16, 16, 16), (64, 64)
OTHERS = ("moons", "circles", "blobs", "breast_cancer", "digits")
F: Any = tinyact.nn.functional

Measure = Callable[..., tuple[str, str]]
CLAIMS: list[tuple[str, str, Measure]] = []


def claim(about: str, text: str, **of: Any) -> Callable[[Measure], Measure]:
    """Puts a measurement on the list; one that serves several claims is told by keywords which it is to measure."""

    def register(measure: Measure) -> Measure:
        CLAIMS.append((about, text, wraps(measure)(lambda lab: measure(lab, **of))))
        return measure

    return register


Setting = dict[str, Any]
Number = Callable[[Run], float]
Lines = dict[str, dict[Any, Comparison]]
NOTHING = Comparison(math.nan, math.nan, math.nan)


class Differences(NamedTuple):
    """Mean differences with intervals, and what each comes to."""

    means: dict[Any, Comparison]
    words: dict[Any, str]

    def which(self, word: str) -> list[Any]:
        """Those that come to this."""
        return [key for key, own in self.words.items() if own == word]


class Lab:
    """Where claims get their trainings from: those of the store, and what is missing there.

    Args:
        store: results that are there already, and new ones.
        seeds: how many each comparison gets.
        vary: what they change.
    """

    def __init__(self, store: Store, seeds: int = 20, vary: str = SPLIT) -> None:
        self.store = store
        self.seeds = seeds
        self.vary = vary
        self.charts: list[Chart] = []

    def chart(self, name: str, title: str, caption: str, value: str, lines: Lines, **more: Any) -> None:
        """Keep a `Chart` of what was measured."""
        points = {key: [(place, *value) for place, value in line.items()] for key, line in lines.items()}
        self.charts.append(Chart(name, title, caption, value, points, **more))

    def train(self, quiet: bool = True) -> None:
        """What is missing of them, counted on a terminal."""
        wanted = trainings(self.seeds, self.vary)
        for _ in progress(run_all(wanted, self.store), len(self.store.missing(wanted)), quiet):
            pass

    def runs(self, **values: Any) -> list[Run]:
        """The results of these settings, in the order of seeds."""
        setting = {**asdict(Configuration(vary=self.vary)), **values}
        del setting["seed"]
        results = [r for r in self._results if setting.items() <= vars(r.configuration).items()]
        return sorted(results, key=lambda r: r.configuration.seed)

    @cached_property
    def _results(self) -> list[Run]:
        return self.store.results()

    def difference(self, what: Number, values: Setting, base: Setting) -> Comparison:
        """The mean paired difference of a number between two settings, over the seeds that both finished."""
        value = difference(self.runs(**values), self.runs(**base), what)
        return value.interval() if value else NOTHING

    def differences(self, what: Number, contrasts: dict[Any, tuple[Setting, Setting]]) -> Differences:
        """Several differences at once: p-values are corrected for their number."""
        all_of = {key: difference(self.runs(**a), self.runs(**b), what) for key, (a, b) in contrasts.items()}
        there = {key: value for key, value in all_of.items() if value}
        p = dict(zip(there, adjusted([value.p for value in there.values()]), strict=True))
        return Differences(
            {key: value.interval() for key, value in there.items()},
            {key: relation(value, p[key], MARGIN) for key, value in there.items()},
        )

    def mean(self, what: Number, **values: Any) -> Comparison:
        """The mean of a number over seeds."""
        return mean(self.runs(**values), what)


def grids(seeds: int, vary: str) -> list[Grid]:
    """All trainings that any claim asks for, so that they can be done at once on all cores."""
    few = max(2, seeds // 2)
    deep = tuple((16,) * depth for depth in DEPTHS)
    return [
        Grid(activation=(NONE, *EIGHT), seeds=seeds, vary=vary),
        Grid(activation=("relu", *LEAKY), seeds=few, lr=RATES, hidden=(deep[0], FOUR), vary=vary),
        Grid(activation=("sigmoid", "tanh", "relu", "silu"), seeds=seeds, hidden=deep, vary=vary),
        Grid(activation=(NONE, "relu"), seeds=seeds, data=OTHERS, hidden=((16,), WIDE), lr=(0.01,), vary=vary),
        Grid(activation=("relu",), seeds=seeds, dropout=(0.5,), vary=vary),
        Grid(activation=("relu",), seeds=seeds, data=("blobs",), lr=(0.01,), dropout=(0.5,), vary=vary),
    ]


def trainings(seeds: int, vary: str = SPLIT) -> list[Configuration]:
    """Every run of these grids, once."""
    return list(dict.fromkeys(c for grid in grids(seeds, vary) for c in grid.configurations()))


def between(activation: str, base: str, **setting: Any) -> tuple[Setting, Setting]:
    """Two settings to be compared, alike but for the activation."""
    return {"activation": activation, **setting}, {"activation": base, **setting}


def networks(activation: str, hidden: tuple[int, ...], seeds: int) -> Iterator[Any]:
    """One for each seed, before training."""
    for seed in range(seeds):
        tinyact.manual_seed(seed)
        yield build(tinyact, activation, hidden)


# --- numbers of a run ----------------------------------------------------------------------------------------------


def chosen_by(run: Run) -> float:
    """The accuracy by which one may choose, where there are samples for it, without that the others hear of it."""
    return run.accuracy if math.isnan(run.validation_accuracy) else run.validation_accuracy


def gap(result: Run) -> float:
    """How much better the network is on what it was trained with."""
    return result.train_accuracy - result.accuracy


def dead(result: Run) -> float:
    """The share of hidden units that were 0 for all training samples, when last recorded."""
    layers = [layer["dead"][-1] for layer in result.layers.values() if "dead" in layer]
    return float(np.mean(layers[:-1]))  # the last is the output's sigmoid


def halfway(result: Run) -> float:
    """The training loss after half of the epochs."""
    return result.losses[len(result.losses) // 2]


def mean_output(result: Run) -> float:
    """The mean output of the hidden layer, over the training."""
    return float(np.mean(result.layers["1"]["mean"]))


# --- ranges --------------------------------------------------------------------------------------------------------


def extremes(name: str) -> tuple[float, float, float]:
    """The least and greatest value over a fine grid and far out, and where the least is."""
    x = np.concatenate([np.linspace(-50, 50, 1_000_001), [-1e300, 1e300]])
    y = getattr(F, name)(tinyact.from_numpy(x)).numpy()
    return float(y.min()), float(y.max()), float(x[y.argmin()])


def is_range(lab: Lab, name: str, interval: str, low: float, high: float) -> tuple[str, str]:
    least, greatest, at = extremes(name)
    where = f" at x = {at:.4f}" if least < 0 and abs(at) < 40 else ""
    text = f"least {least:.4g}{where}, greatest {greatest:.4g}, over x from −10³⁰⁰ to 10³⁰⁰"
    text += " (an open end is reached by rounding alone)" if interval[0] == "(" and low > -math.inf else ""
    unbounded = {-math.inf: least < -1e200, math.inf: greatest > 1e200}
    fits = [unbounded.get(bound, abs(bound - extreme) < 1e-6) for bound, extreme in ((low, least), (high, greatest))]
    return text, HOLDS if all(fits) else f"{FAILS}: it is [{least:.4f}, ∞)"


for _name, _words, _interval, _low, _high in (
    ("sigmoid", "Sigmoid", "(0, 1)", 0, 1),
    ("tanh", "Tanh", "(−1, 1)", -1, 1),
    ("relu", "ReLU", "[0, ∞)", 0, math.inf),
    ("leaky_relu", "Leaky ReLU", "(−∞, ∞)", -math.inf, math.inf),
    ("elu", "ELU", "(−α, ∞), with α = 1", -1, math.inf),
    ("silu", "Swish", "(−∞, ∞)", -math.inf, math.inf),
):
    claim(_words, f"Its range is {_interval}.", name=_name, interval=_interval, low=_low, high=_high)(is_range)


# --- gradients -----------------------------------------------------------------------------------------------------


@cache
def first_gradients(activation: str, depth: int, seeds: int) -> list[float]:
    """The norm of the first layer's weight gradient in fresh networks of so many hidden layers."""
    data, norms = notebook_data(tinyact), []
    for network in networks(activation, (16,) * depth, seeds):
        tinyact.nn.BCELoss()(network(data.train_x), data.train_y).backward()
        norms.append(float(np.linalg.norm(network[0].weight.grad.numpy())))
    return norms


def _shrinking(lab: Lab, activation: str) -> Comparison:
    """By how many powers of ten the first layer's gradient is smaller with eight hidden layers than with one."""
    one, eight = (np.log10(first_gradients(activation, depth, lab.seeds)) for depth in (1, 8))
    return interval((one - eight).tolist())


@claim("Sigmoid", "Its gradients vanish.")
def sigmoid_vanishes(lab: Lab) -> tuple[str, str]:
    names = ("sigmoid", "tanh", "relu")
    lab.chart(
        "vanishing", "Gradient at the first layer", "Before training. The steeper a line falls, the more of it is lost "
        "on the way back through the layers.", "‖∂L/∂W‖ of the first layer",
        {name: {depth: interval(first_gradients(name, depth, lab.seeds)) for depth in DEPTHS} for name in names},
        place="hidden layers", log="xy",
    )  # fmt: skip
    powers = {name: _shrinking(lab, name) for name in names}
    text = ", ".join(f"{name} {ci(value, 1)}" for name, value in powers.items())
    text = f"powers of ten that the first layer's gradient loses from 1 to 8 hidden layers: {text}"
    return text, HOLDS if powers["sigmoid"].low > max(powers["tanh"].high, powers["relu"].high) else FAILS


@claim("Sigmoid", "Vanishing gradients slow its learning down, or stop it.")
def sigmoid_stops(lab: Lab) -> tuple[str, str]:
    names = ("sigmoid", "tanh", "relu", "silu")
    accuracies = {n: {d: lab.mean(accuracy, activation=n, hidden=(16,) * d) for d in DEPTHS} for n in names}
    lab.chart(
        "depth", "Test accuracy by depth", "After 100 epochs at learning rate 0.001. At 0.5 nothing was learned.",
        "test accuracy", {label(name): line for name, line in accuracies.items()}, place="hidden layers", log="x",
    )  # fmt: skip
    text = "; ".join(f"{ci(value)} with {depth}" for depth, value in accuracies["sigmoid"].items())
    value = lab.difference(accuracy, *between("relu", "sigmoid", hidden=(16,) * 8))
    text = f"sigmoid's test accuracy after 100 epochs, by hidden layers: {text}; with 8 ReLU's is {ci(value, sign='+')}"
    return f"{text} higher", verdict(value)


@claim("Tanh", "Its gradients vanish too, but less.")
def tanh_vanishes_less(lab: Lab) -> tuple[str, str]:
    tanh, sigmoid = _shrinking(lab, "tanh"), _shrinking(lab, "sigmoid")
    text = f"powers of ten lost from 1 to 8 hidden layers: tanh {ci(tanh, 1)}, sigmoid {ci(sigmoid, 1)}"
    return text, HOLDS if tanh.low > 0 and tanh.high < sigmoid.low else FAILS


def same_signs(activation: str, seeds: int) -> list[float]:
    """Per seed, of the pairs of a sample and a neuron behind the hidden layer, how often all weight gradients agree."""
    data, shares = notebook_data(tinyact), []
    for network in networks(activation, (16, 16), seeds):
        with tinyact.no_grad():
            h = network[:2](data.train_x[:500]).numpy()
        # A neuron's gradient for one sample is g·h with one g: its signs are those of h.
        shares.append(float(((h > 0).all(1) | (h < 0).all(1)).mean()))
    return shares


@claim("Sigmoid", "Its outputs are not zero-centred, which makes signs of gradients inconsistent.")
def sigmoid_signs(lab: Lab) -> tuple[str, str]:
    mean = lab.mean(mean_output, activation="sigmoid")
    sigmoid, tanh = (interval(same_signs(name, lab.seeds)) for name in ("sigmoid", "tanh"))
    text = (
        f"mean output {ci(mean)}; share of neurons and samples for which all weight gradients of the neuron have the "
        f"same sign: {ci(sigmoid)}, with tanh {ci(tanh)}"
    )
    return text, "holds that it is not centred; the signs are not inconsistent but all the same"


@claim("Tanh", "Its outputs are zero-centred.")
def tanh_centred(lab: Lab) -> tuple[str, str]:
    means = {name: lab.mean(mean_output, activation=name) for name in EIGHT}
    lab.chart(
        "means", "Mean output of the hidden layer", "Over the training; centred on zero is on the line.", "mean output",
        {"": {label(name): value for name, value in means.items()}}, zero=True,
    )  # fmt: skip
    tanh, sigmoid = means["tanh"], means["sigmoid"]
    text = f"mean output {ci(tanh, sign='+')}, sigmoid {ci(sigmoid, sign='+')}"
    return text, HOLDS if abs(tanh.mean) < 0.1 < sigmoid.low else FAILS


@claim("Tanh", "Being centred, it learns faster than sigmoid.")
def tanh_learns_faster(lab: Lab) -> tuple[str, str]:
    lab.chart(
        "halfway", "Training loss after half of the epochs", "The lower, the faster it learns.", "training loss",
        {"": {label(name): lab.mean(halfway, activation=name) for name in (NONE, *EIGHT)}},
    )  # fmt: skip
    value = lab.difference(halfway, *between("sigmoid", "tanh"))
    return f"sigmoid's training loss after half of the epochs minus tanh's: {ci(value, sign='+')}", verdict(value)


# --- time ----------------------------------------------------------------------------------------------------------


def times(name: str, shape: tuple[int, int] = (4000, 16), repeats: int = 40) -> list[float]:
    """Microseconds of forward and backward through the engine, many times."""
    x = tinyact.randn(*shape, requires_grad=True)
    more = (1,) if name == "softmax" else ()
    g, durations = tinyact.ones(*shape), []
    for _ in range(repeats + 5):
        x.grad, start = None, time.perf_counter()
        getattr(F, name)(x, *more).backward(g)
        durations.append((time.perf_counter() - start) * 1e6)
    return durations[5:]


@cache
def cost(name: str, base: str = "relu") -> Comparison:
    """How many times as long as another it takes, in turn, on the notebook's hidden layer."""
    # Medians of several: a busy machine interrupts single ones.
    with one_thread():
        medians = [(np.median(times(name, repeats=15)), np.median(times(base, repeats=15))) for _ in range(12)]
    return interval([float(a / b) for a, b in medians])


@cache
def step_cost(name: str) -> Comparison:
    """How many times as long as with ReLU a whole training step of the notebook's network takes, in turn."""
    data = notebook_data(tinyact)

    def step(activation: str) -> float:
        stamps: list[float] = []
        network = build(tinyact, activation)
        train(tinyact, network, data, Run(Configuration(epochs=30)), lambda _: stamps.append(time.perf_counter()))
        return float(np.median(np.diff(stamps)))

    with one_thread():
        return interval([step(name) / step("relu") for _ in range(12)])


@claim("ReLU", "It is cheap to compute.")
def relu_is_cheap(lab: Lab) -> tuple[str, str]:
    names = ("sigmoid", "tanh", "elu", "silu", "softmax")
    costs = {name: cost(name) for name in names}
    lab.chart(
        "cost", "Time in units of ReLU's", "Forward and backward of 4000×16 numbers by the activation alone, and a "
        "whole training step of the notebook's network.", "times as long as with ReLU",
        {"alone": {label(n): costs[n] for n in names}, "training step": {label(n): step_cost(n) for n in names}},
    )  # fmt: skip
    text = ", ".join(f"{name} {ci(value, 1)}" for name, value in costs.items())
    return f"time of others in units of ReLU's: {text}", HOLDS if min(v.low for v in costs.values()) > 1 else FAILS


@claim("ReLU", "It lets the network learn complex patterns.")
def relu_is_not_linear(lab: Lab) -> tuple[str, str]:
    setting = {"data": "circles", "hidden": WIDE, "lr": 0.01}
    own, none = (lab.mean(accuracy, activation=name, **setting) for name in ("relu", NONE))
    value = lab.difference(accuracy, *between("relu", NONE, **setting))
    return f"test accuracy on one circle inside another: {ci(own)}, without {ci(none)}", verdict(value)


# --- dying units ---------------------------------------------------------------------------------------------------


@claim("ReLU", "Units die: they are 0 for all inputs, and learn no more.")
def relu_dies(lab: Lab) -> tuple[str, str]:
    shares = {
        words: {f"{lr:g}": lab.mean(dead, activation="relu", lr=lr, hidden=hidden) for lr in RATES}
        for words, hidden in (("one layer", (16,)), ("four", FOUR))
    }
    lab.chart(
        "dying", "Dead units",
        "Share of dead units in four hidden layers, after 100 epochs: 0 for every training sample.",
        "share of dead units",
        {n: {lr: lab.mean(dead, activation=n, lr=lr, hidden=FOUR) for lr in RATES} for n in ("relu", *LEAKY)},
        place="learning rate", log="x",
    )  # fmt: skip
    text = f"dead hidden units after 100 epochs in % at learning rates {', '.join(shares['four'])}: " + "; ".join(
        f"{words} " + ", ".join(f"{100 * v.mean:.1f} [{100 * v.low:.1f}, {100 * v.high:.1f}]" for v in line.values())
        for words, line in shares.items()
    )
    fatal = {words: ", ".join(lr for lr, v in line.items() if v.low > 0) for words, line in shares.items()}
    where = "; ".join(f"with {words} at {rates or 'none of these rates'}" for words, rates in fatal.items())
    return text, f"depends on depth and learning rate: seen {where}" if any(fatal.values()) else FAILS


@claim("ReLU", "More die if the learning rate is too high.")
def high_rates_kill(lab: Lab) -> tuple[str, str]:
    high, low = ({"activation": "relu", "lr": lr, "hidden": FOUR} for lr in (1.0, 0.001))
    value = lab.difference(dead, high, low)
    text = f"share of dead units in four hidden layers at learning rate 1 minus that at 0.001: {ci(value, sign='+')}"
    return text, verdict(value)


@claim("PReLU", "It keeps units active where ReLU's die.", name="prelu")
@claim("Leaky ReLU", "It keeps units active where ReLU's die.", name="leaky_relu")
def keeps_units_alive(lab: Lab, name: str) -> tuple[str, str]:
    value = lab.difference(dead, *between("relu", name, lr=1.0, hidden=FOUR))
    own = lab.mean(dead, activation=name, lr=1.0, hidden=FOUR)
    text = f"share of dead units in four hidden layers at learning rate 1: {ci(own)}; ReLU's is"
    return f"{text} {ci(value, sign='+')} larger", verdict(value)


@claim("PReLU", "Its slope is learned.")
def prelu_learns(lab: Lab) -> tuple[str, str]:
    data, slopes = notebook_data(tinyact), []
    for seed, network in enumerate(networks("prelu", (16,), lab.seeds)):
        train(tinyact, network, data, Run(Configuration("prelu", seed)))
        slopes.append(float(network[1].weight.detach().numpy()[0]))
    shift = interval([abs(slope - 0.25) for slope in slopes])
    text = f"0.25 at the start, after 100 epochs {min(slopes):.3f} to {max(slopes):.3f}, {ci(shift)} away from 0.25"
    return text, HOLDS if shift.low > 0.005 else NOT_SEEN


# --- ELU, Swish, softmax -------------------------------------------------------------------------------------------


@claim("ELU", "Its mean activation is nearer zero than ReLU's.")
def elu_is_centred(lab: Lab) -> tuple[str, str]:
    value = lab.difference(lambda result: abs(mean_output(result)), *between("relu", "elu"))
    elu, relu = (lab.mean(mean_output, activation=name) for name in ("elu", "relu"))
    return f"mean output: ELU {ci(elu)}, ReLU {ci(relu)}", verdict(value)


@claim("ELU", "It learns faster than ReLU.")
def elu_learns_faster(lab: Lab) -> tuple[str, str]:
    value = lab.difference(halfway, *between("relu", "elu"))
    return f"ReLU's training loss after half of the epochs minus ELU's: {ci(value, 4, '+')}", verdict(value)


@claim("Swish", "It takes slightly more time than ReLU.", name="silu", slightly=True)
@claim("ELU", "It takes more time than ReLU.", name="elu")
def costs_more(lab: Lab, name: str, slightly: bool = False) -> tuple[str, str]:
    alone, step = cost(name), step_cost(name)
    text = f"in units of ReLU's time: {ci(alone, 1)} alone, {ci(step, 2)} in a whole training step"
    more = f"a step takes {100 * (step.mean - 1):.0f} % longer"
    if step.low <= 1:
        return text, f"{FAILS}: no difference was seen"
    return text, f"more than slightly: {more}" if slightly and step.low > 1.1 else f"{HOLDS}: {more}"


@claim("Swish", "It often outperforms ReLU in deep networks.")
def swish_beats_relu(lab: Lab) -> tuple[str, str]:
    contrasts = {depth: between("silu", "relu", hidden=(16,) * depth) for depth in DEPTHS}
    effects = lab.differences(accuracy, contrasts)
    lab.chart(
        "swish", "Swish's accuracy minus ReLU's", "Pairs of the same seed. Above the line Swish is better.",
        "difference of test accuracies", {"": effects.means}, place="hidden layers", log="x", zero=True,
    )  # fmt: skip
    text = "; ".join(f"{ci(value, 3, '+')} with {depth}" for depth, value in effects.means.items())
    better, worse = (max(effects.which(word), default=0) >= 4 for word in (BETTER, WORSE))
    kind = FAILS if worse else HOLDS if better else NOT_SEEN
    text = f"Swish's accuracy minus ReLU's, by the number of hidden layers: {text}"
    return text, f"{kind} in deep networks: {_which(effects, 'with ')}"


def _which(effects: Differences, word: str, above: str = "better", below: str = "worse") -> str:
    """Better with this, worse with that."""
    parts = ((above, BETTER), (below, WORSE), (f"equal within {100 * MARGIN:g} points", EQUAL), (UNSEEN, UNSEEN))
    return "; ".join(
        f"{how} {word}{', '.join(map(str, effects.which(kind)))}" for how, kind in parts if effects.which(kind)
    )


@claim("Softmax", "Its outputs sum to one.")
def softmax_sums(lab: Lab) -> tuple[str, str]:
    sums = F.softmax(tinyact.randn(10_000, 100) * 10, 1).double().sum(1).numpy()
    return f"furthest from 1 in 10,000 rows of 100 float32 numbers: {abs(sums - 1).max():.1e}", HOLDS


@claim("Softmax", "It is costly for many classes.")
def softmax_cost(lab: Lab) -> tuple[str, str]:
    samples, costs = 64, {}
    for classes in (10, 100, 1000, 10_000):
        with one_thread():
            medians = [np.median(times("softmax", (samples, classes), 10)) / samples for _ in range(8)]
        costs[classes] = interval(list(map(float, medians)))
    lab.chart(
        "softmax", "Time of softmax", "Forward and backward of 64 samples.", "µs per sample", {"": costs},
        place="classes", log="xy",
    )  # fmt: skip
    text = ", ".join(f"{ci(value, 2)} for {n:,}" for n, value in costs.items())
    each = costs[10_000].mean / costs[1000].mean
    kind = HOLDS if costs[10_000].low > costs[1000].high else FAILS
    return f"µs per sample by classes: {text}", f"{kind}: from 1,000 to 10,000 classes {each:.0f} times as long"


# --- which to take -------------------------------------------------------------------------------------------------


@claim("Choice", "ReLU and its variants are the better default for hidden layers than sigmoid and tanh.")
def relus_are_better(lab: Lab) -> tuple[str, str]:
    family = ("relu", "leaky_relu", "prelu", "elu")
    means = {name: lab.mean(accuracy, activation=name) for name in (*family, "sigmoid", "tanh")}
    worst = min(family, key=lambda name: lab.mean(chosen_by, activation=name).mean)
    best = max(("sigmoid", "tanh"), key=lambda name: lab.mean(chosen_by, activation=name).mean)
    value = lab.difference(accuracy, *between(worst, best))
    text = ", ".join(f"{name} {ci(v)}" for name, v in means.items())
    text = f"test accuracy: {text}; the worst of the four minus the better of the two: {ci(value, sign='+')}"
    return text, verdict(value)


@claim("Choice", "The choice has a large effect on the result.")
def choice_matters(lab: Lab) -> tuple[str, str]:
    means = {name: lab.mean(accuracy, activation=name) for name in (NONE, *EIGHT)}
    order = sorted(means, key=lambda name: -lab.mean(chosen_by, activation=name).mean)
    lab.chart(
        "choice", "Test accuracy by activation", "The notebook's data and network.", "test accuracy",
        {"": {label(name): means[name] for name in order}},
    )  # fmt: skip
    best, *_, worst = (name for name in order if name != NONE)
    value = lab.difference(accuracy, *between(best, worst))
    return f"best ({best}) minus worst ({worst}) test accuracy: {ci(value, sign='+')}", verdict(value)


@claim("Here", "The network does better with activation functions than without.")
def activation_helps(lab: Lab) -> tuple[str, str]:
    value = lab.difference(accuracy, *between("relu", NONE))
    return f"accuracy with ReLU minus without: {ci(value, sign='+')}", verdict(value)


@claim("Elsewhere", "There are cases where activation functions make it worse.")
def activation_hurts(lab: Lab) -> tuple[str, str]:
    contrasts = {}
    for data in OTHERS:
        for hidden in ((16,), WIDE):
            words = f"{data.replace('_', ' ')} {'×'.join(map(str, hidden))}"
            contrasts[words] = between("relu", NONE, data=data, hidden=hidden, lr=0.01)
    effects = lab.differences(accuracy, contrasts)
    lab.chart(
        "elsewhere", "ReLU's accuracy minus that without", "Other data, hidden layers of 16 and 64×64. Left of the "
        "line the network does better without.", "difference of test accuracies", {"": effects.means}, zero=True,
    )  # fmt: skip
    text = "; ".join(f"{words} {ci(value, 3, '+')}" for words, value in effects.means.items())
    kind = HOLDS if effects.which(WORSE) else NOT_SEEN
    return f"accuracy with ReLU minus without: {text}", f"{kind}: {_which(effects, 'on ')}"


DROPOUT = {"activation": "relu", "dropout": 0.5}
# Where overfitting is measured, and with which settings.
PLACES: dict[str, Setting] = {"notebook's data": {}, "blobs": {"data": "blobs", "lr": 0.01}}


@claim("Here", "Activation functions make the network overfit more.")
def overfits(lab: Lab) -> tuple[str, str]:
    settings: Setting = {"without": {"activation": NONE}, "ReLU": {"activation": "relu"}, "ReLU, dropout ½": DROPOUT}
    lab.chart(
        "gap", "Training minus test accuracy", "The wider this gap, the more of what was learned holds for the "
        "training samples alone.", "gap between training and test accuracy",
        {
            words: {place: lab.mean(gap, **setting, **more) for place, more in PLACES.items()}
            for words, setting in settings.items()
        },
    )  # fmt: skip
    effects = lab.differences(gap, {place: between("relu", NONE, **more) for place, more in PLACES.items()})
    text = "; ".join(f"{place} {ci(value, sign='+')}" for place, value in effects.means.items())
    more = effects.which(BETTER)
    kind = HOLDS if len(more) == len(PLACES) else "depends on the data" if more else NOT_SEEN
    text = f"gap between training and test accuracy with ReLU minus without: {text}"
    return text, f"{kind}: {_which(effects, 'on ', 'more', 'less')}"


@claim("Here", "Dropout helps against it.")
def dropout_helps(lab: Lab) -> tuple[str, str]:
    text, helped, harmed = "half of the hidden outputs dropped", [], []
    for place, more in PLACES.items():
        with_, without = {**DROPOUT, **more}, {"activation": "relu", **more}
        smaller, better = lab.difference(gap, without, with_), lab.difference(accuracy, with_, without)
        text += f"; {place}: gap smaller by {ci(smaller, sign='+')}, test accuracy changes by {ci(better, sign='+')}"
        if smaller.low > 0 and better.low > 0:
            helped.append(place)
        if smaller.high < 0 or better.high < 0:
            harmed.append(place)
    none = FAILS if len(harmed) == len(PLACES) else NOT_SEEN
    kind = f"depends on the data: helps on {', '.join(helped)}" if helped else none
    return text, HOLDS if len(helped) == len(PLACES) else kind


def measured(lab: Lab, folder: Path) -> Iterator[Claim]:
    """Every claim, each with those before it in its files before it is told."""
    claims = []
    for about, text, measure in CLAIMS:
        claims.append(Claim(about, text, *measure(lab)))
        write(claims, lab.charts, folder)
        yield claims[-1]
