"""``python -m tinyact.experiment claims``: what the notebook says about activation functions, measured.

Each claim is a function that measures it and returns what was found and a verdict: it holds, it fails, or what it
depends on. Trainings are runs of the study, shared by the claims and kept in its store; differences are paired by seed.
Intervals are 95 % bootstrap intervals of the mean over seeds, for times over repetitions.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from tinyact.experiment.configuration import Configuration, Grid
from tinyact.experiment.data import notebook_data
from tinyact.experiment.statistics import Comparison, bootstrap
from tinyact.experiment.store import FINISHED, Result, Store, StoreError
from tinyact.experiment.study import run_all
from tinyact.experiment.training import NONE, Run, build, train

EIGHT = ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "silu", "softmax")
RATES = (0.001, 0.01, 0.1, 1.0)
DEPTHS = (1, 2, 4, 8)
FOUR, WIDE = (16, 16, 16, 16), (64, 64)
OTHERS = ("moons", "circles", "breast_cancer", "digits")
HOLDS, FAILS = "holds", "fails"
F: Any = tinyact.nn.functional


@dataclass
class Claim:
    """A claim, what was measured, and whether it holds."""

    about: str
    text: str
    measurement: str
    verdict: str


Measure = Callable[["Lab"], tuple[str, str]]
CLAIMS: list[tuple[str, str, Measure]] = []


def claim(about: str, text: str) -> Callable[[Measure], Measure]:
    """Puts a measurement on the list."""

    def listed(measure: Measure) -> Measure:
        CLAIMS.append((about, text, measure))
        return measure

    return listed


class Lab:
    """Where claims get their trainings from: those of the store, and what is missing there.

    Args:
        store: results that are there already, and new ones.
        seeds: how many each comparison gets.
    """

    def __init__(self, store: Store, seeds: int = 20) -> None:
        self.store = store
        self.seeds = seeds

    def grids(self) -> list[Grid]:
        """All trainings that any claim asks for, so that they can be done at once on all cores."""
        few = max(2, self.seeds // 2)
        deep = tuple((16,) * depth for depth in DEPTHS)
        return [
            Grid(activation=(NONE, *EIGHT), seeds=self.seeds),
            Grid(activation=("relu", "leaky_relu", "prelu"), seeds=few, lr=RATES, hidden=(deep[0], FOUR)),
            Grid(activation=("relu", "silu"), seeds=few, hidden=deep),
            Grid(activation=(NONE, "relu"), seeds=self.seeds, data=OTHERS, hidden=((16,), WIDE), lr=(0.01,)),
            Grid(activation=("relu",), seeds=self.seeds, dropout=(0.5,)),
        ]

    def train(self, progress: Callable[[], None] = lambda: None) -> None:
        """All of them."""
        wanted = dict.fromkeys(c for grid in self.grids() for c in grid.configurations())
        for _ in run_all(list(wanted), self.store):
            progress()

    def runs(self, **values: Any) -> list[Result]:
        """The results of these settings, in the order of seeds."""
        wanted = {**asdict(Configuration()), **values}
        del wanted["seed"]
        found = [
            r for r in self._all() if all(getattr(r.configuration, name) == value for name, value in wanted.items())
        ]
        return sorted(found, key=lambda r: r.configuration.seed)

    def _all(self) -> list[Result]:
        if not hasattr(self, "_known"):
            self._known = self.store.results()
        return self._known

    def difference(self, what: Callable[[Result], float], values: dict[str, Any], base: dict[str, Any]) -> Comparison:
        """The mean paired difference of a number between two settings, over the seeds that both finished."""
        a, b = ({r.configuration.seed: what(r) for r in self.runs(**v) if r.status == FINISHED} for v in (values, base))
        return bootstrap([a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())])

    def mean(self, what: Callable[[Result], float], **values: Any) -> Comparison:
        """The mean of a number over seeds."""
        return bootstrap([what(r) for r in self.runs(**values) if r.status == FINISHED])


# --- numbers of a run ----------------------------------------------------------------------------------------------


def accuracy(result: Result) -> float:
    return result.accuracy


def gap(result: Result) -> float:
    """How much better the network is on what it was trained with."""
    return result.train_accuracy - result.accuracy


def dead(result: Result) -> float:
    """The share of hidden units that were 0 for all training samples, when last recorded."""
    layers = [layer["dead"][-1] for layer in result.layers.values() if "dead" in layer]
    return float(np.mean(layers[:-1]))  # the last is the output's sigmoid


def mean_output(result: Result) -> float:
    """The mean output of the hidden layer, over the training."""
    return float(np.mean(result.layers["1"]["mean"]))


def said(value: Comparison, digits: int = 3, sign: str = "") -> str:
    """A mean with its interval."""
    mean, low, high = (f"{number:{sign}.{digits}f}" for number in value)
    return f"{mean} [{low}, {high}]"


def verdict(difference: Comparison) -> str:
    """Whether a difference that is claimed to be above 0 is."""
    if difference.low > 0:
        return HOLDS
    return FAILS if difference.high < 0 else "not seen: the interval holds 0"


# --- ranges --------------------------------------------------------------------------------------------------------


def extremes(name: str) -> tuple[float, float, float]:
    """The least and greatest value over a fine grid and far out, and where the least is."""
    x = np.concatenate([np.linspace(-50, 50, 1_000_001), [-1e300, 1e300]])
    y = getattr(F, name)(tinyact.from_numpy(x)).numpy()
    return float(y.min()), float(y.max()), float(x[y.argmin()])


def _range(name: str, claimed: str, low: float, high: float) -> Measure:
    def measure(lab: Lab) -> tuple[str, str]:
        least, greatest, at = extremes(name)
        where = f" at x = {at:.4f}" if least < 0 and abs(at) < 40 else ""
        text = f"least {least:.4g}{where}, greatest {greatest:.4g}, over x from −10³⁰⁰ to 10³⁰⁰"
        text += " (an open end is reached by rounding alone)" if "(" in claimed[:1] and low > -math.inf else ""
        unbounded = {-math.inf: least < -1e200, math.inf: greatest > 1e200}
        fits = all(unbounded.get(bound, abs(bound - found) < 1e-6) for bound, found in ((low, least), (high, greatest)))
        return text, HOLDS if fits else f"{FAILS}: it is [{least:.4f}, ∞)"

    return measure


for _name, _words, _claimed, _low, _high in (
    ("sigmoid", "Sigmoid", "(0, 1)", 0, 1),
    ("tanh", "Tanh", "(−1, 1)", -1, 1),
    ("relu", "ReLU", "[0, ∞)", 0, math.inf),
    ("leaky_relu", "Leaky ReLU", "(−∞, ∞)", -math.inf, math.inf),
    ("elu", "ELU", "(−α, ∞), with α = 1", -1, math.inf),
    ("silu", "Swish", "(−∞, ∞)", -math.inf, math.inf),
):
    claim(_words, f"Its range is {_claimed}.")(_range(_name, _claimed, _low, _high))


# --- gradients -----------------------------------------------------------------------------------------------------


def first_gradients(activation: str, depth: int, seeds: int) -> list[float]:
    """The norm of the first layer's weight gradient in fresh networks of so many hidden layers."""
    data, norms = notebook_data(tinyact), []
    for seed in range(seeds):
        tinyact.manual_seed(seed)
        network = build(tinyact, activation, (16,) * depth)
        tinyact.nn.BCELoss()(network(data.train_x), data.train_y).backward()
        norms.append(float(np.linalg.norm(network[0].weight.grad.numpy())))
    return norms


def _shrinking(lab: Lab, activation: str) -> Comparison:
    """By how many powers of ten the first layer's gradient is smaller with eight hidden layers than with one."""
    one, eight = (np.log10(first_gradients(activation, depth, lab.seeds)) for depth in (1, 8))
    return bootstrap((one - eight).tolist())


@claim("Sigmoid", "Its gradients vanish.")
def sigmoid_vanishes(lab: Lab) -> tuple[str, str]:
    found = {name: _shrinking(lab, name) for name in ("sigmoid", "tanh", "relu")}
    text = ", ".join(f"{name} {said(value, 1)}" for name, value in found.items())
    ok = found["sigmoid"].low > max(found["tanh"].high, found["relu"].high)
    return (
        f"powers of ten that the first layer's gradient loses from 1 to 8 hidden layers: {text}",
        HOLDS if ok else FAILS,
    )


@claim("Tanh", "Its gradients vanish too, but less.")
def tanh_vanishes_less(lab: Lab) -> tuple[str, str]:
    tanh, sigmoid = _shrinking(lab, "tanh"), _shrinking(lab, "sigmoid")
    text = f"powers of ten lost from 1 to 8 hidden layers: tanh {said(tanh, 1)}, sigmoid {said(sigmoid, 1)}"
    return text, HOLDS if tanh.low > 0 and tanh.high < sigmoid.low else FAILS


def same_signs(activation: str, seeds: int) -> list[float]:
    """Per seed, of the pairs of a sample and a neuron behind the hidden layer, how often all weight gradients agree."""
    data, shares = notebook_data(tinyact), []
    for seed in range(seeds):
        tinyact.manual_seed(seed)
        network = build(tinyact, activation, (16, 16))
        with tinyact.no_grad():
            h = network[:2](data.train_x[:500]).numpy()
        # A neuron's gradient for one sample is g·h with one g: its signs are those of h.
        shares.append(float(((h > 0).all(1) | (h < 0).all(1)).mean()))
    return shares


@claim("Sigmoid", "Its outputs are not zero-centred, which makes signs of gradients inconsistent.")
def sigmoid_signs(lab: Lab) -> tuple[str, str]:
    mean = lab.mean(mean_output, activation="sigmoid")
    sigmoid, tanh = (bootstrap(same_signs(name, lab.seeds)) for name in ("sigmoid", "tanh"))
    text = (
        f"mean output {said(mean)}; for one sample all weight gradients of a neuron have the same sign in "
        f"{100 * sigmoid.mean:.0f} % of cases, with tanh in {100 * tanh.mean:.1f} %"
    )
    return text, "holds that it is not centred; the signs are not inconsistent but all the same"


@claim("Tanh", "Its outputs are zero-centred.")
def tanh_centred(lab: Lab) -> tuple[str, str]:
    tanh, sigmoid = (lab.mean(mean_output, activation=name) for name in ("tanh", "sigmoid"))
    text = f"mean output {said(tanh, sign='+')}, sigmoid {said(sigmoid, sign='+')}"
    return text, HOLDS if abs(tanh.mean) < 0.1 < sigmoid.low else FAILS


# --- time ----------------------------------------------------------------------------------------------------------


def times(name: str, shape: tuple[int, int] = (4000, 16), repeats: int = 40) -> list[float]:
    """Microseconds of forward and backward through the engine, many times."""
    x = tinyact.randn(*shape, requires_grad=True)
    more = (1,) if name == "softmax" else ()
    g, found = tinyact.ones(*shape), []
    for _ in range(repeats + 5):
        x.grad, start = None, time.perf_counter()
        getattr(F, name)(x, *more).backward(g)
        found.append((time.perf_counter() - start) * 1e6)
    return found[5:]


def cost(name: str, base: str = "relu") -> Comparison:
    """How many times as long as another it takes, in turn, on the notebook's hidden layer."""
    # Medians of several: a busy machine interrupts single ones.
    pairs = [(np.median(times(name, repeats=15)), np.median(times(base, repeats=15))) for _ in range(12)]
    return bootstrap([float(a / b) for a, b in pairs])


@claim("ReLU", "It is cheap to compute.")
def relu_is_cheap(lab: Lab) -> tuple[str, str]:
    found = {name: cost(name) for name in ("sigmoid", "tanh", "elu", "silu", "softmax")}
    text = ", ".join(f"{name} {said(value, 1)}" for name, value in found.items())
    return f"time of others in units of ReLU's: {text}", HOLDS if min(v.low for v in found.values()) > 1 else FAILS


def step_cost(name: str) -> Comparison:
    """How many times as long as with ReLU a whole training step of the notebook's network takes, in turn."""
    data = notebook_data(tinyact)

    def seconds(activation: str) -> float:
        network, start = build(tinyact, activation), time.perf_counter()
        train(tinyact, network, data, Run(activation, 0), 20)
        return time.perf_counter() - start

    return bootstrap([seconds(name) / seconds("relu") for _ in range(12)])


def _costs_more(name: str) -> Measure:
    def measure(lab: Lab) -> tuple[str, str]:
        alone, step = cost(name), step_cost(name)
        text = f"in units of ReLU's time: {said(alone, 1)} alone, {said(step, 2)} in a whole training step"
        return text, f"{HOLDS}: a step takes {100 * (step.mean - 1):.0f} % longer" if step.low > 1 else FAILS

    return measure


# --- dying units ---------------------------------------------------------------------------------------------------


def _dead(lab: Lab, activation: str, hidden: tuple[int, ...]) -> str:
    """By learning rate."""
    found = (lab.mean(dead, activation=activation, lr=lr, hidden=hidden) for lr in RATES)
    return ", ".join(f"{100 * v.mean:.1f} [{100 * v.low:.1f}, {100 * v.high:.1f}]" for v in found)


@claim("ReLU", "Units die: they are 0 for all inputs, and learn no more.")
def relu_dies(lab: Lab) -> tuple[str, str]:
    one, four = (_dead(lab, "relu", hidden) for hidden in ((16,), FOUR))
    rates = ", ".join(f"{lr:g}" for lr in RATES)
    seen = {
        words: [f"{lr:g}" for lr in RATES if lab.mean(dead, activation="relu", lr=lr, hidden=hidden).low > 0.005]
        for words, hidden in (("one layer", (16,)), ("four", FOUR))
    }
    where = "; ".join(f"with {words} at {', '.join(at) or 'none of these rates'}" for words, at in seen.items())
    kind = f"depends on depth and learning rate: seen {where}" if any(seen.values()) else FAILS
    return f"dead hidden units after 100 epochs in % at learning rates {rates}: one layer {one}; four {four}", kind


@claim("ReLU", "More die if the learning rate is too high.")
def high_rates_kill(lab: Lab) -> tuple[str, str]:
    high, low = ({"activation": "relu", "lr": lr, "hidden": FOUR} for lr in (1.0, 0.001))
    value = lab.difference(dead, high, low)
    text = f"share of dead units in four hidden layers at learning rate 1 minus that at 0.001: {said(value, sign='+')}"
    return text, verdict(value)


def _alive(name: str) -> Measure:
    def measure(lab: Lab) -> tuple[str, str]:
        setting = {"lr": 1.0, "hidden": FOUR}
        value = lab.difference(dead, {"activation": "relu", **setting}, {"activation": name, **setting})
        own = lab.mean(dead, activation=name, **setting)
        text = f"share of dead units in four hidden layers at learning rate 1: {said(own)}; ReLU's is"
        return f"{text} {said(value, sign='+')} larger", verdict(value)

    return measure


claim("Leaky ReLU", "It keeps units active where ReLU's die.")(_alive("leaky_relu"))
claim("PReLU", "It keeps units active where ReLU's die.")(_alive("prelu"))


@claim("PReLU", "Its slope is learned.")
def prelu_learns(lab: Lab) -> tuple[str, str]:
    data, slopes = notebook_data(tinyact), []
    for seed in range(max(2, lab.seeds // 2)):
        tinyact.manual_seed(seed)
        network = build(tinyact, "prelu")
        train(tinyact, network, data, Run("prelu", seed))
        slopes.append(float(network[1].weight.detach().numpy()[0]))
    moved = bootstrap([abs(slope - 0.25) for slope in slopes])
    text = f"0.25 at the start, after 100 epochs {min(slopes):.3f} to {max(slopes):.3f}, {said(moved)} away from 0.25"
    return text, HOLDS if moved.low > 0.005 else FAILS


# --- ELU, Swish, softmax -------------------------------------------------------------------------------------------


@claim("ELU", "Its mean activation is nearer zero than ReLU's.")
def elu_is_centred(lab: Lab) -> tuple[str, str]:
    def size(result: Result) -> float:
        return abs(mean_output(result))

    value = lab.difference(size, {"activation": "relu"}, {"activation": "elu"})
    elu, relu = (lab.mean(mean_output, activation=name) for name in ("elu", "relu"))
    return f"mean output: ELU {said(elu)}, ReLU {said(relu)}", verdict(value)


@claim("ELU", "It learns faster than ReLU.")
def elu_learns_faster(lab: Lab) -> tuple[str, str]:
    def halfway(result: Result) -> float:
        return result.history["loss"][len(result.history["loss"]) // 2]

    value = lab.difference(halfway, {"activation": "relu"}, {"activation": "elu"})
    return f"ReLU's training loss after half of the epochs minus ELU's: {said(value, 4, '+')}", verdict(value)


claim("ELU", "It takes more time than ReLU.")(_costs_more("elu"))
claim("Swish", "It takes slightly more time than ReLU.")(_costs_more("silu"))


@claim("Swish", "It often outperforms ReLU in deep networks.")
def swish_beats_relu(lab: Lab) -> tuple[str, str]:
    found = {}
    for depth in DEPTHS:
        hidden = (16,) * depth
        found[depth] = lab.difference(
            accuracy, {"activation": "silu", "hidden": hidden}, {"activation": "relu", "hidden": hidden}
        )
    text = "; ".join(f"{said(value, 3, '+')} with {depth}" for depth, value in found.items())
    better = [f"{depth}" for depth, value in found.items() if value.low > 0]
    worse = [f"{depth}" for depth, value in found.items() if value.high < 0]
    kind = "depends on the depth: " if better and worse else ""
    kind += f"better with {', '.join(better)}" if better else ""
    kind += (", " if better and worse else "") + (f"worse with {', '.join(worse)}" if worse else "")
    return f"Swish's accuracy minus ReLU's, by the number of hidden layers: {text}", kind or "not seen at any depth"


@claim("Softmax", "Its outputs sum to one.")
def softmax_sums(lab: Lab) -> tuple[str, str]:
    sums = F.softmax(tinyact.randn(10_000, 100) * 10, 1).double().sum(1).numpy()
    return f"furthest from 1 in 10,000 rows of 100 float32 numbers: {abs(sums - 1).max():.1e}", HOLDS


@claim("Softmax", "It is costly for many classes.")
def softmax_cost(lab: Lab) -> tuple[str, str]:
    samples = 64
    found = {n: float(np.median(times("softmax", (samples, n)))) / samples for n in (10, 100, 1000, 10_000)}
    text = ", ".join(f"{value:.2f} for {n:,}" for n, value in found.items())
    each = found[10_000] / found[1000]
    return f"µs per sample by classes: {text}", f"holds: ten times as many classes take {each:.0f} times as long"


# --- which to take -------------------------------------------------------------------------------------------------


@claim("Choice", "ReLU and its variants are the better default for hidden layers than sigmoid and tanh.")
def relus_are_better(lab: Lab) -> tuple[str, str]:
    family = ("relu", "leaky_relu", "prelu", "elu")
    means = {name: lab.mean(accuracy, activation=name) for name in (*family, "sigmoid", "tanh")}
    worst = min(family, key=lambda name: means[name].mean)
    best = max(("sigmoid", "tanh"), key=lambda name: means[name].mean)
    value = lab.difference(accuracy, {"activation": worst}, {"activation": best})
    text = ", ".join(f"{name} {said(v)}" for name, v in means.items())
    return (
        f"test accuracy: {text}; the worst of the four minus the better of the two: {said(value, sign='+')}",
        verdict(value),
    )


@claim("Choice", "The choice has a large effect on the result.")
def choice_matters(lab: Lab) -> tuple[str, str]:
    means = {name: lab.mean(accuracy, activation=name) for name in EIGHT}
    best, worst = (pick(means, key=lambda name: means[name].mean) for pick in (max, min))
    value = lab.difference(accuracy, {"activation": best}, {"activation": worst})
    return f"best ({best}) minus worst ({worst}) test accuracy: {said(value, sign='+')}", verdict(value)


@claim("Here", "The network does better with activation functions than without.")
def activation_helps(lab: Lab) -> tuple[str, str]:
    value = lab.difference(accuracy, {"activation": "relu"}, {"activation": NONE})
    return f"accuracy with ReLU minus without: {said(value, sign='+')}", verdict(value)


@claim("Elsewhere", "There are cases where activation functions make it worse.")
def activation_hurts(lab: Lab) -> tuple[str, str]:
    found = {}
    for data in OTHERS:
        for hidden in ((16,), WIDE):
            setting = {"data": data, "hidden": hidden, "lr": 0.01}
            words = f"{data} {'×'.join(map(str, hidden))}"
            found[words] = lab.difference(accuracy, {"activation": "relu", **setting}, {"activation": NONE, **setting})
    text = "; ".join(f"{words} {said(value, 3, '+')}" for words, value in found.items())
    worse = ", ".join(words for words, value in found.items() if value.high < 0)
    same = ", ".join(words for words, value in found.items() if value.low <= 0 <= value.high)
    kind = f"depends on the data: worse with {worse}" if worse else "not seen on these data"
    return f"accuracy with ReLU minus without: {text}", kind + (f"; no difference with {same}" if same else "")


@claim("Here", "Activation functions make the network overfit more.")
def overfits(lab: Lab) -> tuple[str, str]:
    value = lab.difference(gap, {"activation": "relu"}, {"activation": NONE})
    return f"gap between training and test accuracy with ReLU minus without: {said(value, sign='+')}", verdict(value)


@claim("Here", "Dropout helps against it.")
def dropout_helps(lab: Lab) -> tuple[str, str]:
    with_, without = {"activation": "relu", "dropout": 0.5}, {"activation": "relu"}
    smaller, better = lab.difference(gap, without, with_), lab.difference(accuracy, with_, without)
    text = f"with half of the hidden outputs dropped the gap is {said(smaller, sign='+')} smaller"
    kind = "the gap shrinks" if smaller.low > 0 else "the gap does not shrink"
    kind += ", the accuracy rises" if better.low > 0 else ", the accuracy falls" if better.high < 0 else ""
    ok = HOLDS if smaller.low > 0 and better.high >= 0 else "depends on what is wanted" if smaller.low > 0 else FAILS
    return f"{text}, the test accuracy changes by {said(better, sign='+')}", f"{ok}: {kind}"


# --- the command ---------------------------------------------------------------------------------------------------


def measured(lab: Lab) -> list[Claim]:
    """Every claim, measured; the trainings must be there."""
    return [Claim(about, text, *measure(lab)) for about, text, measure in CLAIMS]


def table(claims: Sequence[Claim]) -> str:
    """As Markdown."""
    lines = ["| about | the notebook says | measured | verdict |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {c.about} | {c.text} | {c.measurement} | **{c.verdict}** |" for c in claims)])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line ``claims``; returns 0, or 1 if results can't be written."""
    parser = argparse.ArgumentParser(
        prog="python -m tinyact.experiment claims",
        description="Measure what the notebook says about activation functions: claim, measurement with 95 % interval, "
        "verdict. Writes claims.json and claims.md; 'report' shows them too.",
    )
    parser.add_argument("--out", type=Path, default=Path("study"), metavar="DIR", help="output folder (default: study)")
    parser.add_argument(
        "--seeds", type=int, default=20, metavar="N", help="initial weights per comparison (default: 20)"
    )
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error(f"--seeds has to be at least 2, for an interval, got {options.seeds}")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        lab = Lab(Store(options.out / "results.sqlite"), options.seeds)
        lab.train()
        found = measured(lab)
        for c in found:
            print(f"{c.about}: {c.text}\n    {c.measurement}\n    → {c.verdict}\n")
        (options.out / "claims.json").write_text(json.dumps([asdict(c) for c in found], indent=1, ensure_ascii=False))
        (options.out / "claims.md").write_text(table(found) + "\n", encoding="utf-8")
    except (OSError, StoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
