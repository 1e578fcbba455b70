"""However a command ends, it says why in a line, and nothing that was finished is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinyact.experiment import cli, pipeline
from tinyact.experiment.configuration import ACTIVATIONS, Configuration, Grid
from tinyact.experiment.store import Store

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tinyact.experiment"]
SHORT = ["--seeds", "2", "--epochs", "3"]
SMALL = ["--data", "moons", "--hidden", "4", "--epochs", "5"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell and POSIX signals")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=False
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_output_that_cant_say_everything(encoding: str, tmp_path: Path) -> None:
    done = run(*SHORT, "--json", str(tmp_path / "new" / "a.json"), PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "new" / "a.json").exists()
    sign = {"ascii": "+/-", "cp1252": "±", "utf-8": "±"}[encoding]
    printed = done.stdout.decode(encoding)
    assert f"(mean {sign} standard deviation)" in printed
    assert f"relu {'−' if encoding == 'utf-8' else '-'} no activation, pair by pair" in printed


@pytest.mark.parametrize(
    "command",
    [
        [*SHORT],
        ["study", *SMALL, "--seeds", "1", "--jobs", "1", "--verbose", "--out"],
        ["curves", "--out"],
    ],
)
def test_an_output_that_nobody_reads_or_takes(command: list[str], tmp_path: Path) -> None:
    arguments = " ".join([*COMMAND, *command, *([str(tmp_path)] if command[-1] == "--out" else [])])
    piped = subprocess.run(f"{arguments} | true", shell=True, cwd=ROOT, capture_output=True, check=False)
    assert piped.stderr == b""
    full = subprocess.run(f"{arguments} > /dev/full", shell=True, cwd=ROOT, capture_output=True, check=False)
    assert full.returncode == 1
    assert full.stderr == b"error: the output: No space left on device\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seed", "99999999999999999999"],
        ["--hidden", "100000000"],
        ["--unknown"],
        ["study", "--config", "nowhere.toml"],
        ["study", "--data", "mnist"],
        ["study", "--backend", "nowhere"],
        ["report", "--out", "nowhere"],
        ["claims", "--seeds", "1"],
        ["curves"],
        ["nothing"],
    ],
)
def test_wrong_usage_takes_a_line(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"error: " in done.stderr
    assert b"Errno" not in done.stderr


@pytest.mark.parametrize(("command", "part"), [("compare", "run"), ("report", "write_report"), ("curves", "_curves")])
def test_ctrl_c(
    command: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    Store(tmp_path / "results.sqlite")
    monkeypatch.setattr(cli, part, stopped)
    assert cli.main([command, *([] if command == "compare" else ["--out", str(tmp_path)])]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_memory_that_isnt_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(cli, "run", full)
    assert cli.main([]) == 1
    assert capsys.readouterr().err == "error: there is not enough memory; smaller widths or batches take less\n"


@pytest.mark.parametrize("command", [[*SHORT, "--plot", "a.PNG"], ["curves", "--out", "."]])
def test_a_notebooks_way_to_show_pictures_is_no_hindrance(command: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "MPLBACKEND": "module://nowhere.inline", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*COMMAND, *command], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    (picture,) = (path for path in tmp_path.iterdir() if path.suffix.lower() == ".png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_endings_and_marks_that_windows_leaves(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text("data = 'moons'\nseeds = 1\nepochs = 1\n", encoding="utf-8-sig")
    export = tmp_path / "new" / "A.CSV"
    assert cli.main(["study", "--config", str(config), "--out", str(tmp_path), "--export", str(export), "--quiet"]) == 0
    assert len(export.read_text().splitlines()) == 3


@pytest.mark.parametrize("names", [["none"], ["all"]])
def test_none_and_all_are_names_for_every_command(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--activation", *names, "--seeds", "1", "--epochs", "1"]) == 0
    printed = capsys.readouterr().out
    assert ("silu (Swish)" in printed) == (names == ["all"])
    assert Grid(activation=tuple(names)).activation == (("none",) if names == ["none"] else tuple(ACTIVATIONS))


def test_four_processes_on_a_new_store(tmp_path: Path) -> None:
    command = [*COMMAND, "study", *SMALL, "--seeds", "3", "--jobs", "1", "--out", str(tmp_path)]
    programs = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in "1234"
    ]
    outputs = [program.communicate(timeout=120) for program in programs]
    assert [program.returncode for program in programs] == [0] * 4, outputs
    tables = {output.partition("\n")[2] for output, _ in outputs}
    assert len(tables) == 1
    assert len(Store(tmp_path / "results.sqlite").results()) == 6


def children(pid: int) -> Iterator[int]:
    """The processes that descend from this one."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    for child, parent in parents.items():
        if parent == pid:
            yield child
            yield from children(child)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs workers")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_program(how: signal.Signals, tmp_path: Path) -> None:
    command = [*COMMAND, "study", "--seeds", "500", "--jobs", "2", "--out", str(tmp_path)]
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    store, end = tmp_path / "results.sqlite", time.monotonic() + 60
    while (not store.exists() or len(Store(store).results()) < 3) and time.monotonic() < end:
        time.sleep(0.2)
    workers = list(children(program.pid))
    assert len(workers) >= 2
    program.send_signal(how)
    program.wait(10)
    end = time.monotonic() + 15
    while any(map(is_alive, workers)) and time.monotonic() < end:
        time.sleep(0.1)
    assert [pid for pid in workers if is_alive(pid)] == []


def test_no_more_workers_than_cores_or_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pipeline, "_in_parallel", lambda missing, jobs, *_: asked.append(jobs) or iter(()))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    wanted = list(Grid(seeds=4).configurations())
    for jobs in (10_000, 3, -1):
        list(pipeline.run_all(wanted, Store(tmp_path / "a.sqlite"), jobs))
    assert asked == [8, 3, 8]


def test_a_worker_of_another_version_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def elsewhere(missing: list[Configuration], *_: Any) -> Any:
        return (pipeline._task(c.key(), {"tinyact": "0.0.1"}) for c in missing)

    monkeypatch.setattr(pipeline, "_in_parallel", elsewhere)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert cli.main(["study", *SMALL, "--out", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: a worker on ")
    assert message.endswith("and not {'tinyact': '0.0.1'}: install the same there\n")


def test_a_clock_that_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1e6, 0.0])
    monkeypatch.setattr(pipeline.time, "perf_counter", lambda: next(times))
    assert pipeline.run(Configuration(data="moons", epochs=1)).seconds == 0
