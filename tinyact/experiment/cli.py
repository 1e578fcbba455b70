"""The command line: ``python -m tinyact.experiment``."""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import tinyact
from tinyact.experiment import claims, curves, report, study
from tinyact.experiment.arguments import (
    DONE,
    Parser,
    activation_name,
    at_least,
    failure,
    guarded,
    learning_rate,
    make_folder,
    require,
    require_ending,
    share,
    widths,
)
from tinyact.experiment.check_torch import check
from tinyact.experiment.configuration import LARGEST_SEED, LONGEST, MOST_RUNS, unknown
from tinyact.experiment.data import Split, notebook_data
from tinyact.experiment.plot import label, picture_endings, plot_losses
from tinyact.experiment.statistics import Comparison, compare, describe, percentile_of
from tinyact.experiment.store import replaced
from tinyact.experiment.training import CHOICES, NONE, Diverged, Run, build, train
from tinyact.nn import activations

# What the notebook printed for its two networks, each trained once.
NOTEBOOK = {NONE: 0.864, "relu": 0.897}
COMMANDS = {"study": study.main, "claims": claims.main, "report": report.main, "curves": curves.main}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison.

    Args:
        arguments: the command line; by default the process's own.

    Returns:
        The exit code: 0, or 1 if a training diverged or a file could not be written. Wrong options exit with 2.
    """
    return guarded(partial(_main, sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:])
    parser = _parser()
    if arguments and not arguments[0].startswith("-"):
        parser.error(unknown("command", arguments[0], COMMANDS))
    options = parser.parse_args(arguments)
    _check(options)
    data = notebook_data(tinyact)
    networks = [NONE, *dict.fromkeys(options.activation)]
    try:
        groups = _train_all(networks, options, data)
    except FloatingPointError as error:
        return failure(f"error: {error}")
    code, written = _write_files(groups, options)
    _print_first_runs(groups)
    _print_summary(groups, options)
    if options.check_torch:
        _print_agreement(groups, options, data)
    for path in written:
        print(f"\nwritten: {path}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m tinyact.experiment",
        description="Train the notebook's network (100 inputs, a hidden layer of 16, one output) without and with an "
        "activation function, from many initial weights, and compare the test accuracies.",
        epilog="Other commands, each with --help: 'study' trains grids of networks, 'claims' measures what is said of "
        "activation functions, 'report' shows results as a page, 'curves' draws every activation.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--activation", nargs="+", default=["relu"], metavar="NAME",
        type=lambda text: text if text == "all" else activation_name(text),
        help=f"activation functions to compare with none, or 'all': {', '.join(CHOICES)}",
    )  # fmt: skip
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="S", help="seed of the first initial weights")
    parser.add_argument("--seeds", type=at_least(1, MOST_RUNS), default=20, metavar="N", help="how many: S, S + 1, …")
    parser.add_argument(
        "--epochs", type=at_least(1, LONGEST), default=100, metavar="N", help="steps of full-batch training"
    )
    parser.add_argument("--lr", type=learning_rate, default=0.001, metavar="RATE", help="Adam's learning rate")
    parser.add_argument("--hidden", type=widths, default="16", metavar="W,W,…", help="widths of the hidden layers")
    parser.add_argument("--dropout", type=share, default=0.0, metavar="P", help="share of hidden outputs dropped")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write settings, every run and the summary here")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the loss curves here (needs matplotlib)")
    parser.add_argument(
        "--check-torch", action="store_true", help="train in PyTorch too, from the same weights, and print both"
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse before any training what could only fail after it."""
    parser = _parser()
    if "all" in options.activation:
        options.activation = CHOICES
    if options.seed + options.seeds > LARGEST_SEED + 1:
        parser.error(f"--seed: the last seed has to be at most {LARGEST_SEED}")
    if options.check_torch:
        if options.dropout:
            parser.error("--check-torch can't go with --dropout: PyTorch draws its masks with a vendor library")
        require(parser, "--check-torch", "torch", "test")
        import torch

        for name in options.activation:
            if name not in (NONE, "swish") and not hasattr(torch.nn, activations()[name].__name__):
                parser.error(f"--check-torch can't go with --activation {name}: PyTorch doesn't have it")
    if options.plot is not None:
        require(parser, "--plot", "matplotlib", "plot")
        require_ending(parser, "--plot", options.plot, picture_endings())
    for option, path in (("--json", options.json), ("--plot", options.plot)):
        if path is not None:
            make_folder(parser, option, path)


def _train_all(networks: list[str], options: argparse.Namespace, data: Split) -> dict[str, list[Run]]:
    """Every network from every seed; the same seed means the same initial weights for all."""
    groups: dict[str, list[Run]] = {activation: [] for activation in networks}
    total = options.seeds * len(networks)
    for seed in range(options.seed, options.seed + options.seeds):
        for activation, runs in groups.items():
            _progress(f"training {sum(map(len, groups.values())) + 1} of {total}")
            tinyact.manual_seed(seed)
            network = build(tinyact, activation, options.hidden, options.dropout)
            run = Run(activation, seed)
            try:
                train(tinyact, network, data, run, options.epochs, options.lr, test_every_epoch=bool(options.plot))
            except Diverged as error:
                raise FloatingPointError(
                    f"training with {label(activation)}, seed {seed}, diverged at epoch {error.epoch} "
                    f"(a smaller --lr may help): {error}"
                ) from error
            runs.append(run)
    _progress("")
    return groups


def _progress(text: str) -> None:
    """A line on a terminal that the next one replaces; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _print_first_runs(groups: dict[str, list[Run]]) -> None:
    first = {activation: runs[0] for activation, runs in groups.items()}
    print(f"Training loss, initial weights from seed {first[NONE].seed}\n")
    width = max(14, *(len(label(activation)) + 2 for activation in first))
    print("epoch" + "".join(f"{label(activation):>{width}}" for activation in first))
    for epoch in range(0, len(first[NONE].losses), 5):
        print(f"{epoch:5}" + "".join(f"{run.losses[epoch]:{width}.4f}" for run in first.values()))
    print()
    print(f"Accuracy without Activation Functions: {first[NONE].accuracy:.3f}")
    for activation, run in first.items():
        if activation != NONE:
            which = "" if len(first) == 2 else f" ({activation})"
            print(f"Accuracy with Activation Functions{which}: {run.accuracy:.3f}")


def _accuracies(groups: dict[str, list[Run]]) -> dict[str, list[float]]:
    return {activation: [run.accuracy for run in runs] for activation, runs in groups.items()}


def _differences(accuracies: dict[str, list[float]]) -> dict[str, Comparison]:
    """To no activation, pair by pair."""
    return {name: compare(values, accuracies[NONE]) for name, values in accuracies.items() if name != NONE}


def _print_summary(groups: dict[str, list[Run]], options: argparse.Namespace) -> None:
    accuracies = _accuracies(groups)
    count = len(accuracies[NONE])
    print(f"\nTest accuracy from {count} initial weights (mean ± standard deviation)\n")
    for activation, values in accuracies.items():
        mean, deviation, _ = describe(values)
        plus_minus = f" ± {deviation:.4f}" if count > 1 else ""
        print(f"{label(activation):>15}  {mean:.4f}{plus_minus}   from {min(values):.3f} to {max(values):.3f}")
    print()
    for activation, (mean, low, high) in _differences(accuracies).items():
        interval = f", 95 % interval {low:+.4f} to {high:+.4f}" if count > 1 else " (one pair: no interval)"
        print(f"{label(activation)} − no activation, pair by pair: {mean:+.4f}{interval}")
    # Its figures can be compared with those of its own networks alone.
    if (options.epochs, options.lr, options.hidden, options.dropout) != (100, 0.001, [16], 0.0):
        return
    print()
    for activation, figure in NOTEBOOK.items():
        if activation in accuracies:
            print(f"The notebook's {figure} ({label(activation)}) {_place(figure, accuracies[activation])}")


def _place(figure: float, values: list[float]) -> str:
    """Where a single figure falls among many."""
    mean, deviation, count = describe(values)
    if count == 1:
        return f"is {figure - mean:+.3f} away from this one run"
    distance = f"; {(figure - mean) / deviation:+.1f} standard deviations from the mean" if deviation else ""
    return f"has {percentile_of(figure, values):.0f} % of these {count} runs below it{distance}"


def _print_agreement(groups: dict[str, list[Run]], options: argparse.Namespace, data: Split) -> None:
    import torch

    torch_data = notebook_data(torch)
    print(f"\nThe same trainings in PyTorch {torch.__version__}, from the same weights (seed {options.seed})")
    for activation, runs in groups.items():
        ours = runs[0]
        result = check(activation, ours.seed, data, torch_data, options.hidden, options.epochs, options.lr)
        print(f"\n{label(activation)}\nepoch     tinyact     PyTorch  difference")
        for epoch in range(0, options.epochs, 5):
            a, b = ours.losses[epoch], result.run.losses[epoch]
            print(f"{epoch:5}{a:12.6f}{b:12.6f}{a - b:12.1e}")
        print(f"accuracy {ours.accuracy:8.3f}{result.run.accuracy:12.3f}")
        print(
            f"largest difference over all {options.epochs} epochs: loss {result.loss:.1e}, gradient "
            f"{result.gradient:.1e}, prediction {result.prediction:.1e}; test samples classified differently: "
            f"{result.other_classes}"
        )


def _write_files(groups: dict[str, list[Run]], options: argparse.Namespace) -> tuple[int, list[Path]]:
    """What ``--json`` and ``--plot`` ask for, before anything is told: what is told may be lost with a terminal."""
    code, written = DONE, []
    for path, write in ((options.json, partial(_write_json, options)), (options.plot, plot_losses)):
        if path is None:
            continue
        try:
            write(groups, path)
            written.append(path)
        except OSError as error:
            code = failure(f"error: {path} could not be written: {error.strerror}")
    return code, written


def _write_json(options: argparse.Namespace, groups: dict[str, list[Run]], path: Path) -> None:
    accuracies = _accuracies(groups)
    settings = ("activation", "seed", "seeds", "epochs", "lr", "hidden", "dropout")
    content = {
        "settings": {name: getattr(options, name) for name in settings},
        "versions": {"tinyact": tinyact.__version__, "python": platform.python_version()},
        "runs": [
            {name: getattr(run, name) for name in ("activation", "seed", "accuracy", "losses")}
            for run in chain(*groups.values())
        ],
        "accuracy": {activation: describe(values)._asdict() for activation, values in accuracies.items()},
        "difference": {activation: value._asdict() for activation, value in _differences(accuracies).items()},
    }
    # NaN, the deviation of a single run, is no JSON.
    finite = replaced(content, lambda value: None if math.isnan(value) else value)
    path.write_text(json.dumps(finite, indent=1) + "\n", encoding="utf-8")
