"""From configurations to runs, and to a table: never trained twice, on all cores or a cluster, the same bit for bit.

Every run is identified by its configuration and kept in a store as soon as it has ended, so that whatever stopped a
study, the same call trains only what is missing. On other machines Dask or Ray run them (see docs/study.md); what a
lost worker was doing is done again by another one.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from tinyact.experiment.arguments import FAILED, installed
from tinyact.experiment.configuration import Configuration, Grid, as_list
from tinyact.experiment.data import WEIGHTS, Split, load
from tinyact.experiment.findings import MARGIN, by_setting, compared, row
from tinyact.experiment.recorder import Recorder
from tinyact.experiment.store import Store
from tinyact.experiment.training import DIVERGED, Diverged, Run, build, train

# Layers are recorded in every n-th epoch.
EVERY = 10
BACKENDS = {"loky": None, "dask": "distributed", "ray": "ray"}


class VersionError(Exception):
    """Workers of other versions."""


def run(configuration: Configuration, every: int = EVERY, held_out: bool = True) -> Run:
    """One training, from the configuration alone: the same numbers wherever it runs.

    A loss that becomes NaN or infinite is a result, not an error: ``status`` and ``diverged_at`` say so.

    Args:
        configuration: what to train.
        every: record layers every n-th epoch; 0 for never.
        held_out: whether to compute the loss of samples that aren't trained with before each epoch.
    """
    c, start = configuration, time.perf_counter()
    data = _split(c.data, c.vary, 0 if c.vary == WEIGHTS else c.seed)
    result = Run(c, versions=_versions(), machine=platform.node() or platform.machine())
    with one_thread():
        tinyact.manual_seed(c.seed)
        network = build(tinyact, c.activation, c.hidden, c.dropout, data.train_x.shape[1], data.classes)
        recorder = Recorder(network, every) if every else None
        try:
            train(tinyact, network, data, result, (lambda _: recorder.end_epoch()) if recorder else None, held_out)
        except Diverged as error:
            result.status, result.diverged_at = DIVERGED, error.epoch
    if recorder:
        result.epochs, result.layers = recorder.epochs, recorder.layers
    result.predictions = None  # which nobody asks for later
    result.seconds = max(0.0, time.perf_counter() - start)
    result.time = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return result


@lru_cache(maxsize=4)
def _split(name: str, vary: str, seed: int) -> Split:
    return load(name, tinyact, vary, seed)


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


def _versions() -> dict[str, str]:
    return {"tinyact": tinyact.__version__, "numpy": np.__version__, "python": platform.python_version()}


def run_all(
    configurations: Sequence[Configuration], store: Store, jobs: int = -1, backend: str = "loky", scheduler: str = ""
) -> Iterator[Run]:
    """Trains what the store doesn't have yet, and yields each result when it is safely in the store.

    Args:
        configurations: what is wanted.
        store: where results go.
        jobs: how many workers; -1 for one per core, or for all that a cluster has.
        backend: one of ``BACKENDS``: ``"loky"`` for processes on this machine, ``"dask"`` or ``"ray"`` for a cluster.
        scheduler: the cluster's address.

    Raises:
        StoreError: if a result can't be kept; those before it are.
        VersionError: if workers have another version of the library.
    """
    missing = store.missing(configurations)
    if backend == "loky":
        cores = os.cpu_count() or 1
        jobs = max(1, min(cores if jobs == -1 else jobs, cores, len(missing)))  # each takes memory, and a core
    is_alone = backend == "loky" and jobs == 1
    for result in map(run, missing) if is_alone else _in_parallel(missing, jobs, backend, scheduler):
        store.add(result)
        yield result


def _in_parallel(missing: list[Configuration], jobs: int, backend: str, scheduler: str) -> Iterator[Run]:
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


def _task(key: str, versions: dict[str, str]) -> Run:
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


def progress(runs: Iterable[Run], total: int, quiet: bool = False) -> Iterator[Run]:
    """The same runs, counted in a line on a terminal, with the time left; nothing is shown elsewhere."""
    start, is_shown = time.monotonic(), bool(total) and not quiet and sys.stderr.isatty()

    def show(text: str) -> None:
        if is_shown:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    try:
        show(f"training 1 of {total}")
        for count, result in enumerate(runs, 1):
            yield result
            left = (time.monotonic() - start) / count * (total - count)
            show(f"training {min(count + 1, total)} of {total}, {left:.0f} s left")
    finally:
        show("")


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


def study(
    store: str | Path = "study/results.sqlite",
    jobs: int = -1,
    tune: Sequence[str] = (),
    margin: float = MARGIN,
    on_run: Callable[[Run], None] = lambda run: None,
    **grid: Any,
) -> Any:
    """Trains every combination of activations, data, widths, … from many seeds, and compares the activations.

    Args:
        store: the file of results; what is in it already isn't trained again.
        jobs: how many workers; -1 for one per core.
        tune: any of ``"lr"`` and ``"epochs"``: each activation is compared at its own best of these values.
        margin: differences below this are of no importance.
        on_run: called with each new result.
        **grid: as for `Grid`; a single value stands for a list of one.

    Returns:
        A row for each setting and activation, the best first: a pandas DataFrame if pandas is installed, else a list of
        dictionaries.

    Raises:
        ValueError, TypeError: if a value is impossible.
        StoreError, OSError: if results can't be kept.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> table = study(f"{folder}/a.sqlite", jobs=1, data="moons", hidden=[8], epochs=5, seeds=2)
        >>> list(table["activation"])
        ['relu', 'none']
    """
    wanted = list(Grid(**{name: as_list(name, value) for name, value in grid.items()}).configurations())
    kept = open_store(Path(store), wanted)
    for result in run_all(wanted, kept, jobs):
        on_run(result)
    settings = by_setting(kept.results(wanted), tune)
    table = [row(s, f) for s, groups in settings.items() for f in compared(groups, margin=margin, setting=s)]
    if not installed("pandas"):
        return table
    from pandas import DataFrame

    return DataFrame(table)
