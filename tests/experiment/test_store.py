"""The store: what is in it stays, and files of others are left alone."""

from __future__ import annotations

import json
import math
import random
import sqlite3
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

import pytest

from tinyact.experiment.configuration import Configuration
from tinyact.experiment.store import APPLICATION, Store, StoreError, replaced, rows
from tinyact.experiment.training import Run


def result(seed: int = 0, **more: object) -> Run:
    values = {
        "configuration": Configuration("relu", seed, epochs=2),
        "status": "finished", "diverged_at": None, "accuracy": 0.1 + 0.2,
        "train_accuracy": 0.5, "losses": [1.0, math.nan], "held_out_losses": [math.inf, 1.0], "epochs": [0],
        "layers": {"1": {"mean": [0.25]}}, "seconds": 1.5, "versions": {"tinyact": "1"}, "machine": "m", "time": "t",
    }  # fmt: skip
    return Run(**{**values, **more})  # type: ignore[arg-type]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    Store(path).add(result())
    store = Store(path)
    (back,) = store.results()
    assert back.accuracy == 0.1 + 0.2
    assert back.configuration == Configuration("relu", 0, epochs=2)
    assert math.isnan(back.losses[1])
    assert back.held_out_losses == [math.inf, 1.0]
    assert repr(back) == repr(result())
    there, other = result().configuration, result(1).configuration
    assert store.missing([there, other]) == [other]
    assert store.results([other]) == []


def test_results_of_before_are_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite")
    content = {name: value for name, value in asdict(result()).items() if name not in ("configuration", "predictions")}
    del content["validation_accuracy"]
    content["history"] = {"loss": content.pop("losses"), "test_loss": content.pop("held_out_losses")}
    content = replaced(content, lambda number: number if math.isfinite(number) else {"float": str(number)})
    with sqlite3.connect(store.path) as connection:
        connection.execute("INSERT INTO runs VALUES (?, ?)", (result().configuration.key(), json.dumps(content)))
    connection.close()
    assert repr(store.results()) == repr([result()])


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
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))  # the disk is full from here on
try:
    for seed in range(1, 2000):
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
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(f"{path.as_uri()}?mode=ro", uri=True, **how))
    with pytest.raises(StoreError, match="can't be written: attempt to write a readonly database"):
        store.check_room(0)
    assert len(Store(store.path).results()) == 1
    assert store.path.read_bytes() == before


def test_what_cant_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite")
    good, damaged = result(0), result(1)
    store.add(good)
    store.add(damaged)
    key, text = damaged.configuration.key(), '{"status": "finished"}'
    rows = [(key, text), (key.replace("relu", "rolu"), text), ("{", text), ("[]", "[]"), (key, "\x00"), (None, "")]
    whole = json.dumps({**asdict(good), "configuration": None, "layers": {"<b>": {}}})
    rows += [(good.configuration.key().replace("relu", "tanh"), whole), (b"\xff\xfe", b"\xff")]
    with sqlite3.connect(store.path) as connection:
        connection.executemany("REPLACE INTO runs VALUES (?, ?)", rows)
    connection.close()
    with pytest.warns(UserWarning, match=r"a.sqlite: 7 of its results can't be read and are left out"):
        assert store.results() == store.results([good.configuration]) or len(store.results()) == 1
    assert store.missing([good.configuration, damaged.configuration]) == [damaged.configuration]
    store.add(damaged)
    assert store.missing([damaged.configuration]) == []


@pytest.mark.parametrize("statements", [[], [f"PRAGMA application_id = {APPLICATION}"]])
def test_a_file_whose_making_was_cut_off_is_made(statements: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.touch()
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    Store(path).add(result())
    assert len(Store(path).results()) == 1


def test_a_name_that_sqlite_has_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store(Path(":memory:")).add(result())
    assert len(Store(Path(":memory:")).results()) == 1


def test_bytes_that_were_overwritten_are_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    store = Store(path)
    for seed in range(40):
        store.add(result(seed))
    content = path.read_bytes()
    rng = random.Random(0)
    outcomes = []
    for _ in range(40):
        damaged = bytearray(content)
        start = rng.randrange(len(damaged))
        damaged[start : start + 200] = rng.randbytes(len(damaged[start : start + 200]))
        path.write_bytes(damaged[: rng.choice([len(damaged), len(damaged) // 2])])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outcomes.append(len(Store(path).results()))
            except StoreError as error:
                outcomes.append(str(error).count("\n") - 1)
    assert len(outcomes) == 40
    assert min(outcomes) == -1  # some can't be opened any more
    assert max(outcomes) > 30  # of others most is there still


def test_rows_are_flat() -> None:
    (row,) = rows([result()])
    assert row["activation"] == "relu"
    assert row["hidden"] == "16"
    assert not any(isinstance(value, (dict, list, tuple)) for value in row.values())
