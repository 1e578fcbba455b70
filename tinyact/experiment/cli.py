"""The commands: ``tinyact``, or ``python -m tinyact.experiment``."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from tinyact.experiment import claims, comparison, curves
from tinyact.experiment.arguments import (
    DONE,
    INTERRUPTED,
    Parser,
    activation_name,
    at_least,
    failure,
    guarded,
    installed,
    integers,
    learning_rate,
    make_folder,
    option_type,
    reason,
    require,
    require_ending,
    share,
    widths,
)
from tinyact.experiment.configuration import (
    CHOICES,
    LONGEST,
    MOST_RUNS,
    NONE,
    Configuration,
    Grid,
    as_list,
    read_toml,
    unknown,
)
from tinyact.experiment.data import DATASETS, LARGEST_SEED, SPLIT, VARY, WEIGHTS
from tinyact.experiment.findings import MARGIN, TUNABLE, Groups, by_setting
from tinyact.experiment.pipeline import BACKENDS, VersionError, open_store, progress, run, run_all
from tinyact.experiment.plot import picture_endings, plot_losses
from tinyact.experiment.report import write_report
from tinyact.experiment.store import Store, StoreError, rows
from tinyact.experiment.training import DIVERGED, FINISHED, Run
from tinyact.experiment.verdicts import count, read
from tinyact.experiment.words import label, summary
from tinyact.nn import activations

VARY_HELP = (
    "what a seed changes: 'weights' the initial ones alone, on the notebook's fixed split; 'split' the split into "
    "training and test samples too; 'data' the data set too"
)
EXIT_CODES = (
    "Exit codes: 0 done, 1 results or output can't be written or workers are lost, 2 wrong options, 130 stopped by "
    "Ctrl-C. More in docs/study.md."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: the command line; by default the process's own. Without a command's name it is that of ``compare``.

    Returns:
        The exit code: 0, or 1 if a training of the comparison diverged or something could not be written, 130 after
        Ctrl-C, 141 if nobody reads the output. Wrong options exit with 2.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = _parsers()
    first = arguments[0] if arguments else ""
    if not first or (first.startswith("-") and first not in ("-h", "--help")):
        arguments.insert(0, "compare")
    elif not first.startswith("-") and first not in commands:
        parser.error(unknown("command", first, commands))
    options = parser.parse_args(arguments)
    return guarded(partial(options.command, commands[arguments[0]], options))


def _parsers() -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(
        prog="tinyact",
        description="What activation functions change, measured. Without a command's name it is 'compare'; each has "
        "--help.",
        epilog=EXIT_CODES,
    )
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    made = {}
    for name, make, command, description in (
        ("compare", _compare_options, _compare, "Train the notebook's network (100 inputs, a hidden layer of 16, one "
         "output) without and with an activation function, from many initial weights, and compare test accuracies."),
        ("study", _study_options, _study, "Train every combination of activations, data, widths, learning rates and "
         "dropout from many seeds, and compare the activations, paired by seed. What is in the store already is not "
         "trained again."),
        ("claims", _claims_options, _claims, "Measure what the notebook says about activation functions: claim, "
         "measurement with 95 % interval, verdict. Writes claims.md, and report.html with the pictures that decide "
         "them. Takes some minutes; what is trained is kept and not trained again."),
        ("report", _report_options, _report, "Write report.html, one page that needs no network, and its pictures, "
         "from a study's results."),
        ("curves", _curves_options, _curves, "Draw every activation with its derivatives, and write what is known of "
         "them as a table."),
    ):  # fmt: skip
        own = commands.add_parser(
            name, help=description.partition(":")[0].partition(". ")[0].rstrip("."), description=description,
            epilog=EXIT_CODES,
        )  # fmt: skip
        make(own.add_argument)
        own.set_defaults(command=command)
        made[name] = own
    return parser, made


# --- compare -------------------------------------------------------------------------------------------------------


def _compare_options(add: Any) -> None:
    add(
        "--activation", nargs="+", default=["relu"], metavar="NAME",
        type=lambda text: text if text == "all" else activation_name(text),
        help=f"compare these with none (default: relu), or 'all': {', '.join(CHOICES)}",
    )  # fmt: skip
    add("--seed", type=at_least(0), default=0, metavar="S", help="the first seed (default: 0)")
    add("--seeds", type=at_least(1, MOST_RUNS), default=20, metavar="N", help="how many: S, S + 1, … (default: 20)")
    add("--vary", choices=VARY, default=WEIGHTS, help=f"{VARY_HELP} (default: weights)")
    add("--epochs", type=at_least(1, LONGEST), default=100, metavar="N", help="steps of full-batch training (100)")
    add("--lr", type=learning_rate, default=0.001, metavar="RATE", help="Adam's learning rate (default: 0.001)")
    add("--hidden", type=widths, default=[16], metavar="W,W,…", help="widths of the hidden layers (default: 16)")
    add("--dropout", type=share, default=0.0, metavar="P", help="share of hidden outputs dropped (default: 0)")
    add("--json", type=Path, metavar="FILE", help="write settings, every run and the summary here")
    add("--plot", type=Path, metavar="FILE", help="draw the loss curves here (needs matplotlib)")
    add("--check-torch", action="store_true", help="train in PyTorch too, from the same weights, and print both")


def _compare(parser: Parser, options: argparse.Namespace) -> int:
    if "all" in options.activation:
        options.activation = CHOICES
    _check_comparison(parser, options)
    grid = Grid(
        (NONE, *options.activation), options.seeds, options.seed, vary=options.vary,
        **{name: (getattr(options, name),) for name in ("hidden", "lr", "dropout", "epochs")},
    )  # fmt: skip
    wanted = list(grid.configurations())
    runs = []
    for result in progress((run(c, every=0, held_out=bool(options.plot)) for c in wanted), len(wanted)):
        if result.status == DIVERGED:
            c = result.configuration
            return failure(
                f"error: training with {label(c.activation)}, seed {c.seed}, diverged at epoch {result.diverged_at} "
                "(a smaller --lr may help): the loss became NaN or infinite"
            )
        runs.append(result)
    (groups,) = by_setting(runs).values()
    # Before anything is told: what is told may be lost with a terminal.
    code, written = _write_comparison(groups, options)
    lines = comparison.first_runs(groups) + comparison.many_runs(groups)
    lines += comparison.agreement(groups) if options.check_torch else []
    print("\n".join([*lines, *(f"\nwritten: {path}" for path in written)]))
    return code


def _check_comparison(parser: Parser, options: argparse.Namespace) -> None:
    """Refuse before any training what could only fail after it."""
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


def _write_comparison(groups: Groups, options: argparse.Namespace) -> tuple[int, list[Path]]:
    """What ``--json`` and ``--plot`` ask for: the exit code, and what was written."""
    code, written = DONE, []
    write_json = partial(comparison.write_json, groups, options.activation)
    for path, write in ((options.json, write_json), (options.plot, partial(plot_losses, groups))):
        if path is None:
            continue
        try:
            write(path)
            written.append(path)
        except OSError as error:
            code = failure(f"error: {path} could not be written: {error.strerror}")
    return code, written


# --- study ---------------------------------------------------------------------------------------------------------


def _study_options(add: Any) -> None:
    add("--config", type=Path, metavar="FILE", help="TOML file of the grid: activation to vary; options go before it")
    add("--activation", nargs="+", metavar="NAME", help="default: none relu; 'all' for every one there is")
    add("--seeds", type=int, metavar="N", help="how many (default: 20)")
    add("--seed", type=int, metavar="S", help="the first of them (default: 0)")
    add("--vary", help=f"{VARY_HELP} (default: {SPLIT})")
    add("--data", nargs="+", metavar="NAME", help=f"default: notebook; known: {', '.join(DATASETS)}")
    widths = option_type(integers, "widths such as 16 or 32,32")
    add("--hidden", nargs="+", type=widths, metavar="W,W,…", help="hidden layers (default: 16)")
    add("--lr", nargs="+", type=float, metavar="RATE", help="Adam's learning rates (default: 0.001)")
    add("--dropout", nargs="+", type=float, metavar="P", help="shares dropped (default: 0)")
    add("--epochs", nargs="+", type=int, metavar="N", help="(default: 100)")
    add("--batch", nargs="+", type=int, metavar="N", help="samples per step (default: all)")
    _finding_options(add)
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="output folder (default: study)")
    add("--store", type=Path, metavar="FILE", help="results (default: results.sqlite in the output folder)")
    add("--export", nargs="+", type=Path, default=[], metavar="FILE", help="one row per run, .csv or .parquet")
    add("--jobs", type=int, default=-1, metavar="N", help="workers (default: one per core)")
    add("--backend", choices=BACKENDS, default="loky", help="where workers run (default: this machine)")
    add("--scheduler", default="", metavar="URL", help="the cluster's address, for dask and ray")
    add("--quiet", action="store_true", help="print errors alone")
    add("--verbose", action="store_true", help="print a line for each run")


def _finding_options(add: Any) -> None:
    """What results are asked, not how they are made."""
    grids = "; ".join(f"{name} {' '.join(map(str, values))}" for name, values in TUNABLE.items())
    add(
        "--tune", nargs="+", choices=TUNABLE, default=[],
        help="compare each activation at its own best value of these, chosen on samples that don't judge; from the "
        f"values that are asked for, or from {grids}",
    )  # fmt: skip
    margin = option_type(float, "a share from 0 to 1", lambda value: 0 <= value <= 1)
    add("--margin", type=margin, default=MARGIN, metavar="SHARE",
        help=f"accuracies that surely differ by less are equal (default: {MARGIN})")  # fmt: skip


def _study(parser: Parser, options: argparse.Namespace) -> int:
    grid = _grid(parser, options)
    wanted = list(grid.configurations())
    path = options.store or options.out / "results.sqlite"

    def work() -> None:
        store = open_store(path, wanted)
        for folder in {options.out, *(file.parent for file in options.export)}:
            folder.mkdir(parents=True, exist_ok=True)
        _train(wanted, store, options)
        results = store.results(wanted)
        for file in options.export:
            export(results, file)
        if not options.quiet:
            baseline = NONE if NONE in grid.activation else grid.activation[0]
            print(summary(by_setting(results, options.tune), baseline, options.margin))

    return _exit_code(work, path, wanted)


def _grid(parser: Parser, options: argparse.Namespace) -> Grid:
    """The grid that options and file describe; whatever is impossible about them is said before anything runs."""
    try:
        values = read_toml(options.config) if options.config else {}
        for field in fields(Grid):
            value = getattr(options, field.name)
            if value is not None:
                values[field.name] = as_list(field.name, value)
        for name in options.tune:
            values.setdefault(name, list(TUNABLE[name]))
        grid = Grid(**values)
    except (ValueError, TypeError, OSError) as error:
        parser.error(reason(error))
    if options.tune and grid.vary == WEIGHTS:
        parser.error("--tune needs samples to choose with, which the notebook's split hasn't: --vary split or data")
    if options.jobs == 0 or options.jobs < -1:
        parser.error(f"--jobs takes -1 or a number of at least 1, got {options.jobs}")
    if options.scheduler and options.backend == "loky":
        parser.error("--scheduler goes with --backend dask or --backend ray")
    if options.backend == "dask" and not options.scheduler:
        parser.error("--backend dask needs --scheduler tcp://HOST:PORT")
    module = BACKENDS[options.backend]
    if module and not installed(module):
        parser.error(f"--backend {options.backend} needs {module}: pip install 'tinyact[{options.backend}]'")
    for file in options.export:
        require_ending(parser, "--export", file, ("csv", "parquet"))
        if file.suffix.lower() == ".parquet":
            require(parser, f"--export {file}", "pyarrow", "study")
        if file.is_dir():
            parser.error(f"--export {file} is a folder")
    return grid


def _train(wanted: list[Configuration], store: Store, options: argparse.Namespace) -> None:
    """All that is missing, counted on a terminal."""
    missing = len(store.missing(wanted))
    if not options.quiet:
        print(f"{len(wanted)} runs, {len(wanted) - missing} of them in {store.path} already")
    runs = run_all(wanted, store, options.jobs, options.backend, options.scheduler)
    for result in progress(runs, missing, options.quiet or options.verbose):
        if options.verbose:
            c = result.configuration
            outcome = f"{result.accuracy:.4f}" if result.status == FINISHED else f"diverged at {result.diverged_at}"
            print(f"{c.words()}, {c.activation}, seed {c.seed}: {outcome}  ({result.seconds:.1f} s)")


def _exit_code(work: Callable[[], None], path: Path, wanted: Sequence[Configuration]) -> int:
    """Does it. Whatever ends it early is said with how to go on; what the store has is safe in all cases."""
    try:
        work()
    except BrokenPipeError:
        raise
    except (StoreError, VersionError, OSError) as error:
        return failure(f"error: {reason(error)}")
    except BrokenProcessPool:
        return failure(f"error: a worker was killed, perhaps for want of memory; {_status(path, wanted)}")
    except KeyboardInterrupt:
        return failure(f"\nstopped: {_status(path, wanted)}", INTERRUPTED)
    return DONE


def _status(path: Path, wanted: Sequence[Configuration]) -> str:
    done = len(wanted) - len(Store(path).missing(wanted))
    return f"{done} of {len(wanted)} runs are in {path}; the same command goes on with the rest"


def export(results: Sequence[Run], file: Path) -> None:
    """One row per run, as CSV or Parquet."""
    table = list(rows(results))
    if file.suffix.lower() == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), file)
        return
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


# --- claims, report, curves ----------------------------------------------------------------------------------------


def _claims_options(add: Any) -> None:
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="output folder (default: study)")
    add("--seeds", type=at_least(2, 10_000), default=20, metavar="N", help="per comparison (default: 20)")
    add("--vary", choices=(WEIGHTS, SPLIT), default=SPLIT, help=f"{VARY_HELP} (default: {SPLIT})")
    add("--quiet", action="store_true", help="print errors alone")


def _claims(parser: Parser, options: argparse.Namespace) -> int:
    require(parser, "claims", "matplotlib", "study")
    path = options.out / "results.sqlite"
    wanted = claims.trainings(options.seeds, options.vary)

    def work() -> None:
        lab = claims.Lab(open_store(path, wanted), options.seeds, options.vary)
        lab.train(options.quiet)
        for measured in claims.measured(lab, options.out):
            if not options.quiet:
                print(measured, end="\n\n", flush=True)
        page = write_report(lab.store.results(), options.out, *read(options.out))
        if not options.quiet:
            print(f"{count(read(options.out)[0])}\nwritten: {options.out / 'claims.md'}, {page}")

    return _exit_code(work, path, wanted)


def _report_options(add: Any) -> None:
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="the study's folder (default: study)")
    add("--store", type=Path, metavar="FILE", help="results (default: results.sqlite in that folder)")
    _finding_options(add)


def _report(parser: Parser, options: argparse.Namespace) -> int:
    require(parser, "report", "matplotlib", "plot")
    path = options.store or options.out / "results.sqlite"
    if not path.exists():
        parser.error(f"{path} does not exist; 'study' or 'claims' make it")
    try:
        results = Store(path).results()
        page = write_report(results, options.out, *read(options.out), options.tune, options.margin)
    except (StoreError, ValueError) as error:
        return failure(f"error: {reason(error)}")
    print(f"written: {page} and {options.out / 'figures'}")
    return DONE


def _curves_options(add: Any) -> None:
    add("--out", type=Path, required=True, metavar="DIR", help="folder for curves.png and activations.md")


def _curves(parser: Parser, options: argparse.Namespace) -> int:
    require(parser, "curves", "matplotlib", "plot")
    options.out.mkdir(parents=True, exist_ok=True)
    curves.draw(options.out / "curves.png")
    (options.out / "activations.md").write_text(curves.table() + "\n", encoding="utf-8")
    print(f"written: {options.out / 'curves.png'}, {options.out / 'activations.md'}")
    return DONE
