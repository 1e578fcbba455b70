"""The study: the same numbers with any number of workers, nothing lost when it is stopped, nothing trained twice."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tinyact
from tinyact.experiment import cli, pipeline
from tinyact.experiment.configuration import Configuration, Grid
from tinyact.experiment.findings import by_setting
from tinyact.experiment.pipeline import open_store, run, run_all, study
from tinyact.experiment.store import Store, rows
from tinyact.experiment.training import Run
from tinyact.experiment.words import summary

ROOT = Path(__file__).parents[2]
SMALL = ["--data", "moons", "--hidden", "4", "--epochs", "5"]


def main(arguments: list[str]) -> int:
    return cli.main(["study", *arguments])


def configurations(**values: Any) -> list[Configuration]:
    return list(Grid(data=("moons",), hidden=((4,),), epochs=(5,), **values).configurations())


@pytest.mark.parametrize(
    "configuration",
    [
        Configuration("relu", 1, epochs=3),
        Configuration("prelu", 2, "digits", (8, 8), 0.01, 0.2, 4, 100),
        Configuration("none", 0, "circles", (), 0.01, 0.0, 3, 64),
        Configuration("softmax", 0, "breast_cancer", epochs=3),
    ],
)
def test_a_run_is_decided_by_its_configuration(configuration: Configuration) -> None:
    a, b = run(configuration), run(configuration)
    assert a.numbers() == b.numbers()
    assert a.status == "finished"
    assert len(a.losses) == len(a.held_out_losses) == configuration.epochs
    assert a.epochs == [0]
    assert 0 < a.accuracy <= 1
    assert all(len(numbers) == 1 for layer in a.layers.values() for numbers in layer.values())


def test_the_same_seed_is_the_same_start_and_the_same_batches() -> None:
    a, b = (run(Configuration(name, 3, "moons", (8,), epochs=1, batch=100)) for name in ("none", "prelu"))
    assert a.layers["0"]["gradient_norm"] != b.layers["1"]
    again = run(Configuration("none", 3, "moons", (8,), epochs=1, batch=100))
    assert again.numbers() == a.numbers()


def test_learning_to_tell_ten_digits_apart() -> None:
    result = run(Configuration("relu", 0, "digits", (32,), 0.01, epochs=60))
    assert result.accuracy > 0.9
    assert result.train_accuracy > 0.95
    assert result.losses[-1] < 0.2 < result.losses[0]


def test_a_loss_that_diverges_is_a_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        [*SMALL, "--activation", "none", "relu", "--lr", "1e38", "--seeds", "2", "--out", str(tmp_path), "--verbose"]
    )
    assert code == 0
    results = Store(tmp_path / "results.sqlite").results()
    assert {r.status for r in results} == {"diverged"}
    assert all(r.diverged_at is not None and r.diverged_at < 5 for r in results)
    printed = capsys.readouterr().out
    assert "(2 of 2 diverged)" in printed
    assert "diverged at" in printed


def test_workers_change_no_bit_and_nothing_is_trained_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = configurations(activation=("relu", "tanh"), seeds=3)
    one, two = Store(tmp_path / "one.sqlite"), Store(tmp_path / "two.sqlite")
    assert len(list(run_all(wanted, one, jobs=1))) == 6
    assert len(list(run_all(wanted, two, jobs=2))) == 6
    assert [r.numbers() for r in one.results()] == [r.numbers() for r in two.results()]
    monkeypatch.setattr(pipeline, "run", None)
    assert list(run_all(wanted, one, jobs=1)) == []


def test_a_run_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info

    threads = []
    monkeypatch.setattr(pipeline, "train", lambda *a: threads.append((threadpool_info(), tinyact.get_num_threads())))
    run(Configuration("relu", 0, "moons"))
    ((pools, own),) = threads
    assert own == 1
    assert pools
    assert {pool["num_threads"] for pool in pools} == {1}


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals (pty)")
@pytest.mark.parametrize(("options", "shown"), [([], True), (["--quiet"], False), (["--verbose"], False)])
def test_a_bar_on_a_terminal_alone(options: list[str], shown: bool, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "tinyact.experiment", "study", *SMALL, "--seeds", "2", "--jobs", "1", *options]
    printed = tmp_path / "printed"
    with printed.open("w") as stdout:
        program = subprocess.Popen([*command, "--out", str(tmp_path)], cwd=ROOT, stdout=stdout, stderr=theirs)
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # at its end
        while part := os.read(ours, 10_000):
            text += part
    os.close(ours)
    assert program.wait(60) == 0
    assert (b"training 4 of 4" in text) == shown
    assert bool(text) == shown
    assert ("test accuracy" in printed.read_text()) == ("--quiet" not in options)
    assert printed.read_text().count("seed 1:") == (2 if options == ["--verbose"] else 0)


def test_killed_and_started_again_it_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tinyact.experiment", "study", "--seeds", "6", "--epochs", "60", "--out"]
    first = [*command, str(tmp_path / "a")]
    program = subprocess.Popen(first, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    store, end = tmp_path / "a" / "results.sqlite", time.monotonic() + 60
    while _count(store) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    count = _count(store)
    assert 3 <= count < 12
    again = subprocess.run(first, cwd=ROOT, capture_output=True, text=True, check=True)
    through = subprocess.run([*command, str(tmp_path / "b")], cwd=ROOT, capture_output=True, text=True, check=True)
    assert again.stdout.startswith(f"12 runs, {count} of them in")
    assert again.stdout.splitlines()[1:] == through.stdout.splitlines()[1:]


def _count(store: Path) -> int:
    if not store.exists():
        return 0
    connection = sqlite3.connect(store)
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, calls = pipeline.run, []

    def interrupted(configuration: Configuration) -> Run:
        calls.append(configuration)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(configuration)

    monkeypatch.setattr(pipeline, "run", interrupted)
    assert main([*SMALL, "--seeds", "4", "--jobs", "1", "--out", str(tmp_path)]) == 130
    message = capsys.readouterr().err
    assert "stopped: 2 of 8 runs are in" in message
    assert "the same command goes on with the rest" in message


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_with_workers_ends_cleanly(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tinyact.experiment",
        "study",
        "--seeds",
        "50",
        "--jobs",
        "2",
        "--out",
        str(tmp_path),
    ]
    program = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    end = time.monotonic() + 60
    while _count(tmp_path / "results.sqlite") < 3 and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does, to the workers too
    message = program.communicate(timeout=60)[1]
    count = _count(tmp_path / "results.sqlite")
    assert program.returncode == 130
    assert count >= 3
    expected = (
        f"stopped: {count} of 100 runs are in {tmp_path / 'results.sqlite'}; the same command goes on with the rest"
    )
    assert message.strip() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--activation", "rellu"], "did you mean 'relu'"),
        (["--data", "moon"], "did you mean 'moons'"),
        (["--hidden", "0"], "a width has to be at least 1"),
        (["--hidden", "a"], "takes widths such as 16 or 32,32, got 'a'"),
        (["--seeds", "0"], "seeds has to be at least 1"),
        (["--dropout", "1.5"], "dropout has to be from 0"),
        (["--jobs", "0"], "--jobs takes -1 or a number of at least 1"),
        (["--backend", "dask"], "needs --scheduler tcp://HOST:PORT"),
        (["--export", "a.xlsx"], "the ending must be one of csv, parquet"),
        (["--export", "."], "the ending must be"),
        (["--batch", "0"], "batch has to be at least 1"),
        (["--backend", "ray"], "needs ray: pip install 'tinyact[ray]'"),
        (["--config", "nowhere.toml"], "error: nowhere.toml: No such file or directory (--help"),
        (["--scheduler", "tcp://a:1"], "--scheduler goes with --backend dask or --backend ray"),
        (["--data", "mnist"], "unknown data 'mnist'; did you mean 'digits'?"),
        (["--seeds", "1000000000"], "seeds has to be at most 1000000"),
        (["--seeds", "1000000", "--lr", "0.1", "0.2"], "these are 4,000,000 runs, and a study has at most 1,000,000"),
        (["--seed", "4294967295"], "seed has to be at most 4294967276"),
        (["--hidden", "100000000"], "hidden: a width has to be at most 10000"),
    ],
)
def test_refused_before_anything_runs(options: list[str], message: str, tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit) as error:
        main([*options, "--out", str(tmp_path / "out")])
    assert error.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_store_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter").write_text("Dear Sir or Madam, " * 100)
    assert main([*SMALL, "--store", str(tmp_path / "letter"), "--out", str(tmp_path / "out")]) == 1
    assert "can't be used as a store of results" in capsys.readouterr().err
    assert (tmp_path / "letter").read_text().startswith("Dear Sir")


def test_a_disk_without_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    monkeypatch.setattr(pipeline, "run", None)
    assert main([*SMALL, "--out", str(tmp_path)]) == 1
    assert "is too full: the results take about 0.1 MB, 0.0 MB are free" in capsys.readouterr().err


def test_room_is_asked_for_no_less_than_it_takes(tmp_path: Path) -> None:
    sizes: list[int] = []
    wanted = list(Grid(activation=("prelu",), hidden=((8, 8, 8),), data=("digits",), seeds=8).configurations())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "check_room", lambda self, size: sizes.append(size))
        store = open_store(tmp_path / "a.sqlite", wanted)
    empty = store.path.stat().st_size
    list(run_all(wanted, store, jobs=1))
    taken = store.path.stat().st_size - empty
    assert taken <= sizes[0] <= 3 * taken


def test_files_that_cant_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main([*SMALL, "--out", str(tmp_path / "file")]) == 1
    assert "file: File exists" in capsys.readouterr().err
    # Only after the training can this be known; the runs are kept.
    (tmp_path / "a.csv").symlink_to("/dev/full")
    assert main([*SMALL, "--seeds", "1", "--out", str(tmp_path), "--export", str(tmp_path / "a.csv")]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert len(Store(tmp_path / "results.sqlite").results()) == 2


def test_a_cluster_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--out", str(tmp_path), "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert capsys.readouterr().err.startswith("error: no Dask scheduler answers at tcp://127.0.0.1:9")


def test_a_lost_worker_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    real = pipeline.run

    def killed(configuration: Configuration) -> Run:
        if configuration.seed:
            raise BrokenProcessPool
        return real(configuration)

    monkeypatch.setattr(pipeline, "run", killed)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 1
    assert "a worker was killed, perhaps for want of memory; 2 of 40 runs are in" in capsys.readouterr().err


def test_options_go_before_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "a.toml"
    config.write_text("activation = ['relu', 'tanh']\nseeds = 3\ndata = 'moons'\nhidden = [4]\nepochs = 2\n")
    out = tmp_path / "out"
    files = [out / "a.csv", out / "a.parquet"]
    assert (
        main(["--config", str(config), "--seeds", "2", "--out", str(out), "--export", *map(str, files), "--quiet"]) == 0
    )
    assert capsys.readouterr().out == ""
    results = Store(out / "results.sqlite").results()
    assert {(r.configuration.activation, r.configuration.seed) for r in results} == {
        (activation, seed) for activation in ("relu", "tanh") for seed in (0, 1)
    }
    with files[0].open() as opened:
        table = list(csv.DictReader(opened))
    assert [float(row["accuracy"]) for row in table] == [r.accuracy for r in results]
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(files[1]).to_pylist() == list(rows(results))


def test_the_summary_has_no_bare_mean(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite")
    results = list(run_all(configurations(activation=("none", "relu"), seeds=5, lr=(0.01, 0.1)), store, jobs=1))
    text = summary(by_setting(results))
    lines = [line for line in text.splitlines() if line.strip().startswith(("none ", "relu "))]
    assert len(lines) == 4
    assert all("[" in line for line in lines)
    assert sum("p " in line and " d " in line and " n " in line for line in lines) == 2
    assert "moons, hidden 4, lr 0.1, 5 epochs, splits varied" in text


def test_on_a_cluster_of_which_one_worker_is_killed(tmp_path: Path) -> None:
    program = ROOT / "tests" / "programs" / "dask_study.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["30 of 30, a worker killed after the first: True", "equal: 30"], done.stderr


def test_from_python_it_returns_the_table_that_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid: dict[str, Any] = {"data": "moons", "hidden": [4], "epochs": 5, "seeds": 3, "activation": ["none", "relu"]}
    trained: list[Run] = []
    table = study(tmp_path / "results.sqlite", jobs=1, on_run=trained.append, **grid)
    assert len(trained) == 6
    assert sorted(table.activation) == ["none", "relu"]
    assert main([*SMALL, "--seeds", "3", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("6 runs, 6 of them in")
    for row in table.itertuples():
        assert f"{row.activation}  {row.accuracy:.4f} [{row.low:.4f}, {row.high:.4f}]" in printed
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        study(tmp_path / "b.sqlite", activation="ReLU")


def test_tuned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*SMALL, "--seeds", "2", "--out", str(tmp_path), "--tune", "lr"]
    assert main([*command, "--lr", "0.001", "0.01", "0.1"]) == 0
    assert "moons, hidden 4, 5 epochs, lr tuned over 0.001, 0.01, 0.1, splits varied" in capsys.readouterr().out
    assert len(Store(tmp_path / "results.sqlite").results()) == 12
    with pytest.raises(SystemExit):
        main([*command, "--vary", "weights"])
    assert "--tune needs samples to choose with" in capsys.readouterr().err


@pytest.mark.parametrize("vary", ["weights", "split", "data"])
def test_what_the_seeds_vary(vary: str) -> None:
    first, second, again = (run(Configuration("relu", s, "moons", (4,), epochs=3, vary=vary)) for s in (0, 1, 0))
    assert first.numbers() == again.numbers() != second.numbers()
    assert (vary == "weights") == (first.validation_accuracy != first.validation_accuracy)
