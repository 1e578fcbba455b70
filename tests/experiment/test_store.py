"""The store: what is in it stays, and files of others are left alone."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tinyact.experiment.configuration import Configuration
from tinyact.experiment.store import Result, Store, StoreError, rows


def result(seed: int = 0, **more: object) -> Result:
    values = {
        "configuration": Configuration("relu", seed), "status": "finished", "diverged_at": None, "accuracy": 0.1 + 0.2,
        "train_accuracy": 0.5, "history": {"loss": [1.0, math.nan], "test_loss": [math.inf]}, "epochs": [0],
        "layers": {"1": {"mean": [0.25]}}, "seconds": 1.5, "versions": {"tinyact": "1"}, "machine": "m", "time": "t",
    }  # fmt: skip
    return Result(**{**values, **more})  # type: ignore[arg-type]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    Store(path).add(result())
    store = Store(path)
    (back,) = store.results()
    assert back.accuracy == 0.1 + 0.2
    assert back.configuration == Configuration("relu", 0)
    assert math.isnan(back.history["loss"][1])
    assert back.history["test_loss"] == [math.inf]
    assert repr(back) == repr(result())
    assert store.missing([Configuration("relu", 0), Configuration("relu", 1)]) == [Configuration("relu", 1)]
    assert store.results([Configuration("relu", 1)]) == []


def test_the_same_configuration_is_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite")
    store.add(result())
    store.add(result(accuracy=0.75))
    assert [r.accuracy for r in store.results()] == [0.75]


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="was not written by tinyact; it is left as it is"):
        Store(path)
    assert path.read_bytes() == before
    text = tmp_path / "a.txt"
    text.write_text("not a database, but a letter of some length" * 10)
    with pytest.raises(StoreError, match=r"can't be used as a store of results: file is not a database"):
        Store(text)
    assert text.read_text().startswith("not a database")


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    Store(path).add(result())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer tinyact \(form 99, this one knows 1\)"):
        Store(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be used as a store"):
        Store(tmp_path / "nowhere" / "a.sqlite")


FULL = """
import resource, sys
from pathlib import Path
from tests.experiment.test_store import result
from tinyact.experiment.store import Store, StoreError
store = Store(Path(sys.argv[1]))
store.add(result(0))
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))  # the disk is full from here on
try:
    for seed in range(1, 1000):
        store.add(result(seed))
except StoreError as error:
    print(len(store.results()) == seed, "all that was there before is there still" in str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource.setrlimit")
def test_a_full_disk_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
    assert len(Store(path).results()) > 1


def test_a_file_that_can_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "a.sqlite")
    store.add(result())
    store.check_room(0)
    before = store.path.read_bytes()
    reading = f"{store.path.as_uri()}?mode=ro"
    monkeypatch.setattr(Store, "_open", lambda self: closing(sqlite3.connect(reading, uri=True)))
    with pytest.raises(StoreError, match="can't be written: attempt to write a readonly database"):
        store.check_room(0)
    assert len(Store(store.path).results()) == 1
    assert store.path.read_bytes() == before


def test_rows_are_flat() -> None:
    (row,) = rows([result()])
    assert row["activation"] == "relu"
    assert row["hidden"] == "16"
    assert not any(isinstance(value, (dict, list, tuple)) for value in row.values())
