"""Whole processes: importing the library, running the experiment, and the memory of a training step."""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.speed import steps
from benchmarks.speed.timing import Row, alone, compare_processes, warm_up

PROGRAM = Path(__file__).parents[2] / "tests" / "programs" / "two_networks.py"

# The notebook's code as a script: PyTorch's imports, its data, both networks.
NOTEBOOK = f"""
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
x, y = make_classification(n_samples=5000, n_features=100, n_informative=100, n_redundant=0, random_state=7)
a, b, c, d = train_test_split(x, y, test_size=0.2, random_state=42)
exec(compile(open({str(PROGRAM)!r}).read(), "program", "exec"), {{"SEED": 0, "DATA": (a, c, b, d), "__name__": "x"}})
"""

STEP = """
import sklearn.datasets, sklearn.model_selection
import {module} as m
from tinyact.experiment import build, notebook_data
if "{module}" == "torch":
    import torch.optim
m.zeros(1)
def kib(what):
    return int(next(line for line in open("/proc/self/status") if line.startswith(what)).split()[1])
open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew here
before = kib("VmRSS")
data = notebook_data(m)
network = build(m, "relu")
optimizer, criterion = m.optim.Adam(network.parameters()), m.nn.BCELoss()
for _ in range(5):
    optimizer.zero_grad()
    criterion(network(data.train_x), data.train_y).backward()
    optimizer.step()
print(kib("VmHWM") - before)
"""


def memory(module: str) -> float:
    """KiB by which the data and five training steps raise the peak over what the imports take.

    With the data, since their making leaves free memory behind, from which the training would take all that it needs.
    """
    command = [sys.executable, "-c", STEP.format(module=module)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peaks() -> dict[str, tuple[float, float, float]]:
    """KiB at the peak of a training step: eager, compiled, and while it is recorded.

    With all that the steps before it left behind; data and parameters are not counted.
    """
    sizes = {}
    for what, network in steps.NETWORKS.items():
        _, eager = _peaks(steps.OURS["eager"](*network))
        recorded, replayed = _peaks(steps.OURS["compiled"](*network))
        sizes[what] = eager, replayed, recorded
    return sizes


def _peaks(program: Callable[[], Any]) -> tuple[float, float]:
    """KiB at the peak of the first calls, and of those after them."""
    tracemalloc.start()
    warm_up(program)
    _, first = tracemalloc.get_traced_memory()
    gc.collect()
    tracemalloc.reset_peak()
    warm_up(program)
    _, later = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return first / 1024, later / 1024


def rows(quick: bool) -> list[Row]:
    """All of it."""
    python = [sys.executable, "-c"]
    rounds = 1 if quick else 9
    imports = compare_processes([*python, "import tinyact"], [*python, "import numpy"], rounds)
    experiment = compare_processes(
        [sys.executable, "-m", "tinyact.experiment", "--seeds", "1"], [*python, NOTEBOOK], max(1, rounds // 2)
    )
    rows = [
        Row("import tinyact", "import numpy", *imports, 1.35, "ms"),
        Row("the experiment, one seed", "the notebook on PyTorch", *experiment, 0.35, "ms"),
    ]
    if Path("/proc/self/clear_refs").exists():  # Linux alone forgets an earlier peak
        ours, theirs = ([memory(module) for _ in range(1 if quick else 5)] for module in ("tinyact", "torch"))
        a, b = statistics.median(ours), statistics.median(theirs)
        rows.append(Row("memory of data and training steps", "PyTorch", a, b, a / b, 1.0, "KiB"))
    for what, (eager, replayed, recorded) in alone(peaks).items():
        rows.append(Row(f"peak memory: {what}, compiled", "eager", replayed, eager, replayed / eager, 1.0, "KiB"))
        rows.append(Row(f"while recording: {what}", "eager", recorded, eager, recorded / eager, None, "KiB"))
    return rows
