"""Results in an SQLite file: a run that has ended is there, whatever happens to the program afterwards."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from tinyact.experiment.configuration import Configuration
from tinyact.experiment.training import DIVERGED, FINISHED, Run

# "tact": whose file it is; the version is that of the table.
APPLICATION, VERSION = 0x74616374, 1


class StoreError(Exception):
    """A file that isn't a store, or that can't be written."""


class Store:
    """The runs in a file, which is made when it isn't there.

    Raises:
        StoreError: if the file belongs to another program or was written by a newer version (it is left untouched), or
            can't be opened.

    Example:
        >>> import tempfile
        >>> store = Store(Path(tempfile.mkdtemp(), "results.sqlite"))
        >>> [missing.activation for missing in store.missing([Configuration("relu")])]
        ['relu']
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open(reading=path.exists()) as connection:
            if not self._is_complete(connection):
                self._create(connection)

    @contextmanager
    def _open(self, reading: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection whose errors are the store's."""
        try:
            with closing(self._connect(reading)) as connection:
                connection.text_factory = lambda text: text.decode("utf-8", "replace")
                yield connection
        except (sqlite3.Error, OverflowError) as error:
            raise StoreError(f"{self.path} can't be used as a store of results: {error}") from error

    def _connect(self, reading: bool) -> sqlite3.Connection:
        path = self.path.absolute()  # no name of which means anything but a file to SQLite
        connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            connection.execute("PRAGMA user_version")
        except sqlite3.Error as error:
            # Even to read, SQLite makes a file next to this one. Where there is no room for it, and no log of a writer,
            # this file is all there is.
            connection.close()
            if not (reading and isinstance(error, sqlite3.OperationalError)) or Path(f"{path}-wal").exists():
                raise
            connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True, isolation_level=None)
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        """Everything in one transaction; of several processes that come to it at once one makes the file."""
        connection.execute("BEGIN IMMEDIATE")
        if not self._is_complete(connection):
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("CREATE TABLE runs (configuration TEXT PRIMARY KEY, result TEXT NOT NULL)")
        connection.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # others may read while one writes, where the file system can do it
            connection.execute("PRAGMA journal_mode = WAL")

    def _is_complete(self, connection: sqlite3.Connection) -> bool:
        """Whether the table is there; a file whose making was cut off may still be made.

        Raises:
            StoreError: if it is another program's, or a newer version's.
        """
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        if not application and not version and not names:
            return False
        if application != APPLICATION:
            raise StoreError(f"{self.path} was not written by tinyact; it is left as it is. Choose another --store")
        if version > VERSION:
            raise StoreError(
                f"{self.path} was written by a newer tinyact (form {version}, this one knows {VERSION}); it is left as "
                "it is. Update tinyact or choose another --store"
            )
        return "runs" in names

    def add(self, result: Run) -> None:
        """Keep a result, in one transaction; one of the same configuration is replaced.

        Raises:
            StoreError: if it can't be written; all that was there before is there still.
        """
        content = asdict(result)
        del content["configuration"], content["predictions"]
        text = json.dumps(replaced(content, _as_json), separators=(",", ":"))
        try:
            with self._open() as connection:
                connection.execute("REPLACE INTO runs VALUES (?, ?)", (result.configuration.key(), text))
        except StoreError as error:
            raise StoreError(
                f"{self.path} can't be written: {error.__cause__}; all that was there before is there still"
            ) from error

    def check_room(self, size: int) -> None:
        """That results can't be kept is better known before hours of training than after.

        Raises:
            StoreError: if the file can't be written, or fewer bytes than these are free.
        """
        try:
            with self._open() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(f"PRAGMA user_version = {VERSION}")  # as it is; only now SQLite wants to write
                connection.execute("ROLLBACK")
        except StoreError as error:
            raise StoreError(f"{self.path} can't be written: {error.__cause__}") from error
        free = shutil.disk_usage(self.path.absolute().parent).free
        if free < size:
            raise StoreError(
                f"the disk of {self.path} is too full: the results take about {size / 1e6:.1f} MB, {free / 1e6:.1f} MB "
                "are free"
            )

    def results(self, of: Iterable[Configuration] | None = None) -> list[Run]:
        """All results, or those of these configurations, in a fixed order; what can't be read is left out, and said."""
        keys = None if of is None else {configuration.key() for configuration in of}
        results, damaged = [], 0
        with self._open(reading=True) as connection:
            for key, text in connection.execute("SELECT configuration, result FROM runs ORDER BY configuration"):
                if keys is None or key in keys:
                    try:
                        results.append(_read(key, text))
                    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                        damaged += 1
        if damaged:
            warnings.warn(f"{self.path}: {damaged} of its results can't be read and are left out", stacklevel=2)
        return results

    def missing(self, configurations: Iterable[Configuration]) -> list[Configuration]:
        """Those of the configurations that have no result yet, or one that can't be read, in their order."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            configurations = list(configurations)
            there = {result.configuration for result in self.results(configurations)}
        return [configuration for configuration in configurations if configuration not in there]


def _read(key: str, text: str) -> Run:
    """What a row holds.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, RecursionError: if that is no result.
    """
    content = json.loads(text, object_hook=_from_json)
    if "history" in content:  # as it was when every run had the same split
        history = content.pop("history")
        content.update(losses=history["loss"], held_out_losses=history["test_loss"])
    run = Run(Configuration.from_key(key), **content)
    histories = [run.losses, run.held_out_losses]
    records = [numbers for measures in run.layers.values() for numbers in measures.values()]
    numbers = [run.accuracy, run.validation_accuracy, run.train_accuracy, run.seconds, *chain(*histories, *records)]
    is_whole = (
        run.status in (FINISHED, DIVERGED)
        and all(isinstance(number, (int, float)) for number in numbers)
        and all(isinstance(text, str) for text in (run.machine, run.versions["tinyact"]))
        and all(map(str.isdigit, run.layers))
        and (run.status == DIVERGED or {len(part) for part in histories} == {run.configuration.epochs})
        and {len(part) for part in records} <= {len(run.epochs)}
    )
    if not is_whole:
        raise ValueError("this is no result of a run")
    return run


def replaced(value: Any, change: Callable[[float], Any]) -> Any:
    """Nested dictionaries and lists, with every floating number in them changed."""
    if isinstance(value, dict):
        return {key: replaced(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, change) for part in value]
    return change(value) if isinstance(value, float) else value


def _as_json(value: float) -> Any:
    """NaN and infinities as text, which JSON doesn't know as numbers."""
    return value if math.isfinite(value) else {"float": str(value)}


def _from_json(value: dict[str, Any]) -> Any:
    return float(value["float"]) if value.keys() == {"float"} else value


def rows(runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """A flat dictionary for each run, as a table wants it."""
    names = ("status", "diverged_at", "accuracy", "validation_accuracy", "train_accuracy")
    for run in runs:
        yield {
            **asdict(run.configuration),
            "hidden": ",".join(map(str, run.configuration.hidden)),
            **{name: getattr(run, name) for name in names},
            "loss": run.losses[-1] if run.losses else math.nan,
            "seconds": run.seconds,
            "time": run.time,
        }
