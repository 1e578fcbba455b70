"""``python -m tinyact.experiment study``: a grid of networks, many seeds, on all cores, never twice.

Every run is identified by its configuration and kept in a file as soon as it has ended, so that the same command again
trains only what is missing, whatever stopped it. Runs are independent: results are the same, bit for bit, with any
number of workers, here or on a cluster.

On other machines Dask or Ray run them (see docs/study.md). What a lost worker was doing is done again by another one.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import math
import os
import platform
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from tinyact.experiment.arguments import (
    DONE,
    FAILED,
    INTERRUPTED,
    Parser,
    failure,
    installed,
    integers,
    option_type,
    reason,
    require_ending,
)
from tinyact.experiment.configuration import Configuration, Grid, as_list, read_toml
from tinyact.experiment.data import DATASETS, Split, load
from tinyact.experiment.recorder import Recorder
from tinyact.experiment.statistics import adjusted, bootstrap, describe, paired, seeds_needed
from tinyact.experiment.store import DIVERGED, FINISHED, Result, Store, StoreError, rows
from tinyact.experiment.training import NONE, Diverged, Run, build, train

# Layers are recorded in every n-th epoch.
EVERY = 10
BACKENDS = {"loky": None, "dask": "distributed", "ray": "ray"}
_splits: dict[str, Split] = {}


def run(configuration: Configuration) -> Result:
    """One training, from the configuration alone: the same numbers wherever it runs.

    A loss that becomes NaN or infinite is a result, not an error: ``status`` and ``diverged_at`` say so.
    """
    c, start = configuration, time.perf_counter()
    if c.data not in _splits:
        _splits[c.data] = load(c.data, tinyact)
    data = _splits[c.data]
    outcome, status, diverged_at = Run(c.activation, c.seed), FINISHED, None
    with one_thread():
        tinyact.manual_seed(c.seed)
        network = build(tinyact, c.activation, c.hidden, c.dropout, data.train_x.shape[1], data.classes)
        recorder = Recorder(network, EVERY)
        try:
            train(tinyact, network, data, outcome, c.epochs, c.lr, True, lambda _: recorder.end_epoch(), c.batch)
        except Diverged as error:
            status, diverged_at = DIVERGED, error.epoch
    return Result(
        c, status, diverged_at, outcome.accuracy, outcome.train_accuracy,
        {"loss": outcome.losses, "test_loss": outcome.test_losses}, recorder.epochs, recorder.layers,
        max(0.0, time.perf_counter() - start), _versions(), platform.node() or platform.machine(),
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )  # fmt: skip


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread, BLAS's too: with several, sums are in another order and other numbers."""
    from threadpoolctl import threadpool_limits

    before = tinyact.get_num_threads()
    tinyact.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        tinyact.set_num_threads(before)


class VersionError(Exception):
    """Workers of other versions."""


def _versions() -> dict[str, str]:
    return {"tinyact": tinyact.__version__, "numpy": np.__version__, "python": platform.python_version()}


def run_all(
    configurations: Sequence[Configuration], store: Store, jobs: int = -1, backend: str = "loky", scheduler: str = ""
) -> Iterator[Result]:
    """Trains what the store doesn't have yet, and yields each result when it is safely in the store.

    Args:
        configurations: what is wanted.
        store: where results go.
        jobs: how many workers; -1 for one per core, or for all that a cluster has.
        backend: one of ``BACKENDS``: ``"loky"`` for processes on this machine, ``"dask"`` or ``"ray"`` for a cluster.
        scheduler: the cluster's address.

    Raises:
        StoreError: if a result can't be kept; those before it are.
    """
    missing = store.missing(configurations)
    if backend == "loky":
        cores = os.cpu_count() or 1
        jobs = max(1, min(cores if jobs == -1 else jobs, cores, len(missing)))  # each takes memory, and a core
    is_alone = backend == "loky" and jobs == 1
    for result in map(run, missing) if is_alone else _in_parallel(missing, jobs, backend, scheduler):
        store.add(result)
        yield result


def _in_parallel(missing: list[Configuration], jobs: int, backend: str, scheduler: str) -> Iterator[Result]:
    from joblib import Parallel, delayed, parallel_config

    own = {"initializer": _follow, "initargs": (os.getpid(),)} if backend == "loky" else {}
    with warnings.catch_warnings(), _cluster(backend, scheduler), parallel_config(backend, n_jobs=jobs, **own):
        # Said when a result can't be kept and the rest is called off: the error says it better.
        warnings.filterwarnings("ignore", r"\d+ tasks which were still being processed")
        # Ray's pool returns lists alone: what has ended is kept after each of these.
        size = len(missing) if backend != "ray" else 64
        for start in range(0, len(missing), max(1, size)):
            part = missing[start : start + size]
            how = "list" if backend == "ray" else "generator_unordered"
            yield from Parallel(return_as=how)(delayed(_task)(c.key(), _versions()) for c in part)


def _task(key: str, versions: dict[str, str]) -> Result:
    """A run elsewhere, which has to be the same library.

    Raises:
        VersionError: if it is another one, that might give other numbers.
    """
    if _versions() != versions:
        raise VersionError(
            f"a worker on {platform.node()} has {_versions()}, and not {versions}: install the same there"
        )
    return run(Configuration.from_key(key))


def _follow(parent: int) -> None:
    """For a worker: ends it soon after the process that started it, however that ended."""
    # A terminal sends Ctrl-C to the workers too, which would each print where they were; the parent stops them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(FAILED)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _cluster(backend: str, scheduler: str) -> Iterator[None]:
    """Connected with the cluster, if the backend is one.

    Raises:
        ConnectionError: if there is none at this address.
    """
    if backend == "dask":
        from distributed import Client

        try:
            client = Client(scheduler, timeout=10)
        except (OSError, ValueError) as error:
            raise ConnectionError(f"no Dask scheduler answers at {scheduler}: {error}") from error
        with client:
            yield
        return
    if backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(address=scheduler or None, ignore_reinit_error=True)
        register_ray()
    yield


# --- the command ---------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line ``study``.

    Returns:
        0 when every run has its result; 1 if results can't be kept, or workers are lost or can't be reached; 130 after
        Ctrl-C; wrong options exit with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    grid = _grid(parser, options)
    path = options.store or options.out / "results.sqlite"
    configurations = list(grid.configurations())

    def work() -> None:
        store = open_store(path, configurations)
        for folder in {options.out, *(file.parent for file in options.export)}:
            folder.mkdir(parents=True, exist_ok=True)
        _train(configurations, store, options)
        results = store.results(configurations)
        for file in options.export:
            export(results, file)
        if not options.quiet:
            print(summary(results, grid.activation[0] if NONE not in grid.activation else NONE))

    return exit_code(work, path, configurations)


def open_store(path: Path, configurations: Sequence[Configuration]) -> Store:
    """The store, in which there is room for what is missing.

    Raises:
        OSError, StoreError: if it can't be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    store = Store(path)
    missing = store.missing(configurations)
    if missing:
        # Two losses an epoch, and what is recorded in some epochs of each layer, as text.
        store.check_room(sum(2000 + c.epochs * (40 + 12 * (len(c.hidden) + 1)) for c in missing))
    return store


def exit_code(work: Callable[[], None], path: Path, configurations: Sequence[Configuration]) -> int:
    """Does it. Whatever ends it early is said in a line, with how to go on; what the store has is safe in all cases."""
    try:
        work()
    except BrokenPipeError:
        raise
    except (StoreError, VersionError, OSError) as error:
        return failure(f"error: {reason(error)}")
    except BrokenProcessPool:
        return failure(f"error: a worker was killed, perhaps for want of memory; {_status(path, configurations)}")
    except KeyboardInterrupt:
        return failure(f"\nstopped: {_status(path, configurations)}", INTERRUPTED)
    return DONE


def _status(path: Path, configurations: Sequence[Configuration]) -> str:
    done = len(configurations) - len(Store(path).missing(configurations))
    return f"{done} of {len(configurations)} runs are in {path}; the same command goes on with the rest"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m tinyact.experiment study",
        description="Train every combination of activations, data, widths, learning rates and dropout from many seeds, "
        "and compare them, paired by seed. What is in the store already is not trained again.",
        epilog="Exit codes: 0 all runs have results, 1 they can't be kept or workers are lost, 2 wrong options, 130 "
        "stopped by Ctrl-C. How to use a cluster stands in docs/study.md.",
    )
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help="TOML file of the grid: activation to batch; options go before it")
    add("--activation", nargs="+", metavar="NAME", help="default: none relu; 'all' for every one there is")
    add("--seeds", type=int, metavar="N", help="how many initial weights (default: 20)")
    add("--seed", type=int, metavar="S", help="the first of them (default: 0)")
    add("--data", nargs="+", metavar="NAME", help=f"default: notebook; known: {', '.join(DATASETS)}")
    widths = option_type(integers, "widths such as 16 or 32,32")
    add("--hidden", nargs="+", type=widths, metavar="W,W,…", help="hidden layers (default: 16)")
    add("--lr", nargs="+", type=float, metavar="RATE", help="Adam's learning rates (default: 0.001)")
    add("--dropout", nargs="+", type=float, metavar="P", help="shares dropped (default: 0)")
    add("--epochs", nargs="+", type=int, metavar="N", help="(default: 100)")
    add("--batch", nargs="+", type=int, metavar="N", help="samples per step (default: all)")
    add("--out", type=Path, default=Path("study"), metavar="DIR", help="output folder (default: study)")
    add("--store", type=Path, metavar="FILE", help="results (default: results.sqlite in the output folder)")
    add("--export", nargs="+", type=Path, default=[], metavar="FILE", help="one row per run, .csv or .parquet")
    add("--jobs", type=int, default=-1, metavar="N", help="workers (default: one per core)")
    add("--backend", choices=BACKENDS, default="loky", help="where workers run (default: this machine)")
    add("--scheduler", default="", metavar="URL", help="the cluster's address, for dask and ray")
    add("--quiet", action="store_true", help="print errors alone")
    add("--verbose", action="store_true", help="print a line for each run")
    return parser


def _grid(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Grid:
    """The grid that options and file describe; whatever is impossible about them is said before anything runs."""
    try:
        values = read_toml(options.config) if options.config else {}
        for field in fields(Grid):
            value = getattr(options, field.name)
            if value is not None:
                values[field.name] = as_list(field.name, value)
        grid = Grid(**values)
    except (ValueError, TypeError, OSError) as error:
        parser.error(reason(error))
    if options.jobs == 0 or options.jobs < -1:
        parser.error(f"--jobs takes -1 or a number of at least 1, got {options.jobs}")
    if options.scheduler and options.backend == "loky":
        parser.error("--scheduler goes with --backend dask or --backend ray")
    if options.backend == "dask" and not options.scheduler:
        parser.error("--backend dask needs --scheduler tcp://HOST:PORT")
    _check_installed(parser, options)
    return grid


def _check_installed(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    module = BACKENDS[options.backend]
    if module and not installed(module):
        parser.error(f"--backend {options.backend} needs {module}: pip install 'tinyact[{options.backend}]'")
    for file in options.export:
        require_ending(parser, "--export", file, ("csv", "parquet"))
        if file.suffix.lower() == ".parquet" and not installed("pyarrow"):
            parser.error(f"--export {file} needs pyarrow: pip install 'tinyact[study]'")
        if file.is_dir():
            parser.error(f"--export {file} is a folder")


def _train(configurations: list[Configuration], store: Store, options: argparse.Namespace) -> None:
    """All that is missing, with a bar on a terminal."""
    missing = len(store.missing(configurations))
    done = len(configurations) - missing
    if not options.quiet:
        print(f"{len(configurations)} runs, {done} of them in {store.path} already")
    with progress(missing, options.quiet or options.verbose) as advance:
        for result in run_all(configurations, store, options.jobs, options.backend, options.scheduler):
            advance()
            if options.verbose:
                c = result.configuration
                outcome = f"{result.accuracy:.4f}" if result.status == FINISHED else f"diverged at {result.diverged_at}"
                print(f"{c.words()}, {c.activation}, seed {c.seed}: {outcome}  ({result.seconds:.1f} s)")


@contextlib.contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar with the time left, on a terminal, if rich is installed."""
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
    except ImportError:
        quiet = True
    if quiet or not sys.stderr.isatty() or not total:
        yield lambda: None
        return
    from rich.console import Console

    columns = ("training", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


# --- what came out -------------------------------------------------------------------------------------------------


def by_setting(results: Sequence[Result]) -> dict[Configuration, dict[str, list[Result]]]:
    """Results of what is comparable: by setting, then by activation, in the order of seeds."""
    settings: dict[Configuration, dict[str, list[Result]]] = {}
    for result in sorted(results, key=lambda r: r.configuration.seed):
        groups = settings.setdefault(result.configuration.setting(), {})
        groups.setdefault(result.configuration.activation, []).append(result)
    return settings


def pairs(
    results: Sequence[Result], baseline: Sequence[Result], what: Callable[[Result], float] = lambda r: r.accuracy
) -> tuple[list[float], list[float]]:
    """A number of both, in pairs of the same seed; seeds at which either diverged are left out."""
    groups = (results, baseline)
    ours, theirs = ({r.configuration.seed: what(r) for r in group if r.status == FINISHED} for group in groups)
    seeds = sorted(ours.keys() & theirs.keys())
    return [ours[s] for s in seeds], [theirs[s] for s in seeds]


def compared(groups: dict[str, list[Result]], baseline: str) -> list[dict[str, Any]]:
    """One row per activation: its accuracy, and the difference to the baseline, seed by seed.

    Seeds at which either diverged are left out of the difference; p is corrected for the number of activations.
    """
    table = []
    for activation, results in groups.items():
        accuracies = [r.accuracy for r in results if r.status == FINISHED]
        row: dict[str, Any] = {"activation": activation, "runs": len(results)}
        row["diverged"] = len(results) - len(accuracies)
        row["accuracy"] = bootstrap(accuracies) if accuracies else None
        ours, theirs = pairs(results, groups.get(baseline, []))
        if activation != baseline and ours:
            row["difference"] = paired(ours, theirs)
            deviation = describe(np.subtract(ours, theirs).tolist()).deviation
            row["seeds"] = seeds_needed(row["difference"].mean, deviation)
        table.append(row)
    differing = [row for row in table if "difference" in row]
    for row, p in zip(differing, adjusted([row["difference"].p for row in differing]), strict=True):
        row["p"] = p
    return sorted(table, key=lambda row: -(row["accuracy"].mean if row["accuracy"] else -math.inf))


def summary(results: Sequence[Result], baseline: str = NONE) -> str:
    """The tables, one per setting: test accuracy with 95 % intervals, and differences to the baseline."""
    parts = []
    for setting, groups in sorted(by_setting(results).items(), key=lambda item: item[0].key()):
        head = (f"\n{setting.words()}", f"{'':>14}  {'test accuracy':<25}  difference to {baseline}")
        parts += [*head, *map(_line, compared(groups, baseline))]
    notes = "\n95 % bootstrap intervals; p from Wilcoxon's paired test, corrected for the number of activations;"
    return "\n".join([*parts, f"{notes} n is how many seeds such a difference needs to be seen with 80 % power."])


def _line(row: dict[str, Any]) -> str:
    accuracy, difference = row["accuracy"], row.get("difference")
    text = f"{row['activation']:>14}  "
    text += f"{accuracy.mean:.4f} [{accuracy.low:.4f}, {accuracy.high:.4f}]  " if accuracy else f"{'–':<25}  "
    if difference is not None:
        text += f"{difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]  p {row['p']:.2g}  "
        text += f"d {difference.effect:+.2f}  n {row['seeds']:.0f}"
    return text + (f"  ({row['diverged']} of {row['runs']} diverged)" if row["diverged"] else "")


def export(results: Sequence[Result], file: Path) -> None:
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
