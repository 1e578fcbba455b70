"""The command line: ``python -m tinyact.inspect``."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase

import tinyact
from tinyact.experiment.arguments import activation_name, at_least, require, require_file, widths
from tinyact.experiment.configuration import NONE
from tinyact.experiment.data import notebook_data
from tinyact.experiment.training import build
from tinyact.inspect.trace import Trace, trace
from tinyact.nn import BCELoss, Linear, Module, Sequential
from tinyact.optim import Adam, Optimizer
from tinyact.program import Compiled
from tinyact.program.listing import Listing
from tinyact.tensor import Tensor

SAMPLES = 4000


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page on which to step through one pass of the notebook's network, and opens it.

    With ``--program`` it prints one step of training, with Adam, as the NumPy program that it is.

    Args:
        arguments: the command line; by default the process's own.

    Returns:
        The exit code: 0, or 1 if the file could not be written. Wrong options exit with 2.
    """
    options = _parser().parse_args(arguments)
    _check(options)
    if options.program:
        print(network_program(options.activation, options.hidden, options.samples, options.seed))
        return 0
    step = network_trace(options.activation, options.hidden, options.samples, options.seed)
    bend = "without activation" if options.activation == NONE else f"with {options.activation}"
    layers = " → ".join(map(str, [100, *options.hidden, 1]))
    try:
        step.to_html(options.out, f"One step of {layers} {bend}, {options.samples:,} samples")
    except OSError as error:
        print(f"error: {options.out} could not be written: {error.strerror}", file=sys.stderr)
        return 1
    print(step)
    print(f"\nwritten: {options.out}")
    if options.open:
        webbrowser.open(options.out.absolute().as_uri())
    return 0


def network_trace(
    activation: str = "relu", hidden: Sequence[int] = (16,), samples: int = SAMPLES, seed: int = 0
) -> Trace:
    """One forward and backward pass of the notebook's network on its first training samples, watched.

    Args:
        activation: between the layers; ``"none"`` for none.
        hidden: the widths of the hidden layers.
        samples: how many of the 4000 training samples.
        seed: of the initial weights.

    Returns:
        The trace, in which layers are called fc1, fc2, … and their results z1, h1, z2, …, p.
    """
    data = notebook_data(tinyact)
    tinyact.manual_seed(seed)
    network = _named(build(tinyact, activation, hidden))
    # Copies, so that the tape keeps these rows and not all of them.
    x, target = data.train_x[:samples].clone(), data.train_y[:samples].clone()
    named, value = {"x": x, "target": target}, x
    *layers, last = network.named_children()
    for name, layer in layers:
        # As in textbooks: fc1 makes z1, the activation behind it h1.
        letter = "z" if isinstance(layer, Linear) else "h"
        value = named[letter + name.lstrip(ascii_lowercase)] = layer(value)
    value = named["p"] = last[1](value)
    return trace(BCELoss()(value, target), network, named)


def network_program(
    activation: str = "relu", hidden: Sequence[int] = (16,), samples: int = SAMPLES, seed: int = 0
) -> Listing:
    """One step of training of the notebook's network, with Adam, as the NumPy program that it is.

    Args:
        activation, hidden, samples, seed: as for `network_trace`.
    """
    data = notebook_data(tinyact)
    tinyact.manual_seed(seed)
    network = _named(build(tinyact, activation, hidden))
    x, y = data.train_x[:samples], data.train_y[:samples]
    compiled = Compiled(_step, fullgraph=True)
    parts = network, BCELoss(), Adam(network.parameters())
    for _ in range(2):  # the first one makes the gradients and Adam's state
        compiled(*parts, x, y)
    return compiled.program()


def _step(network: Module, criterion: Module, optimizer: Optimizer, x: Tensor, y: Tensor) -> Tensor:
    optimizer.zero_grad()
    loss: Tensor = criterion(network(x), y)
    loss.backward()
    optimizer.step()
    return loss


def _named(layers: Module) -> Sequential:
    """The same layers, called fc1, relu1, fc2, …"""
    named: OrderedDict[str, Module] = OrderedDict()
    count = 0
    for layer in layers.children():
        count += isinstance(layer, Linear)
        kind = "fc" if isinstance(layer, Linear) else type(layer).__name__.lower()
        named[f"{kind}{count}"] = layer
    return Sequential(named)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tinyact.inspect",
        description="Run one forward and one backward pass of the notebook's network and write a page on which to step "
        "through both, with every number; or print them, and Adam's step, as a program.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--activation", default="relu", metavar="NAME", help="between the layers, or none",
        type=lambda name: name if name == NONE else activation_name(name),
    )  # fmt: skip
    parser.add_argument("--hidden", type=widths, default="16", metavar="W,W,…", help="widths of the hidden layers")
    parser.add_argument(
        "--samples", type=at_least(1), default=SAMPLES, metavar="N",
        help="so many of the training samples: with a few, every sum can be added up by hand",
    )  # fmt: skip
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="S", help="seed of the initial weights")
    parser.add_argument(
        "--program", action="store_true", help="print one step of training as the NumPy program that it is, and no page"
    )
    parser.add_argument("--out", type=Path, default=Path("backward.html"), metavar="FILE", help="write the page here")
    parser.add_argument("--no-open", dest="open", action="store_false", help="don't open the page in a browser")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse before any computing what could only fail after it."""
    parser = _parser()
    if options.samples > SAMPLES:
        parser.error(f"--samples {options.samples}: there are {SAMPLES} training samples")
    if not options.program:
        require_file(parser, "--out", options.out)
        require(parser, "the page", "igraph", "inspect")
