"""Every float32 number there is, through the notebook's activations and their derivatives, beside PyTorch.

All 2³² bit patterns (normal and subnormal numbers, zeros of both signs, infinities, NaNs) go through both libraries.
The table says how far each is off at most and in the mean, in units in the last place (ULP), and where the kind of
result differs (a number, 0, ∞, −∞, NaN). An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

import tinyact
from benchmarks.exactness.accuracy import RESULTS, classes
from benchmarks.results import versions, write
from reference.formulas import FORMULAS, Double
from reference.measure import run, ulps

NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "silu"]
WHAT = ("value", "derivative")
KINDS = ("a number", "0", "∞", "−∞", "NaN")
PER_BLOCK = 1 << 22


def block_of(number: int, stride: int) -> Any:
    """The numbers of one block: every stride-th bit pattern of its part."""
    start = number * PER_BLOCK * stride
    bits = np.arange(start, min(start + PER_BLOCK * stride, 2**32), stride, dtype=np.uint64)
    return bits.astype(np.uint32).view(np.float32)


def side(result: Any, truth: Any, counted: Any, x: Any) -> dict[str, Any]:
    """One library's errors in one block."""
    off = ulps(result[counted], truth[counted])
    if not off.size:
        return {"max": 0.0, "at": 0.0, "sum": 0.0, "count": 0}
    worst = int(off.argmax())
    return {"max": float(off[worst]), "at": float(x[counted][worst]), "sum": float(off.sum()), "count": off.size}


def check_block(task: tuple[str, int, int]) -> dict[str, Any]:
    """Both libraries through one block of one function."""
    import torch

    torch.set_num_threads(1)
    tinyact.set_num_threads(1)
    name, number, stride = task
    x = block_of(number, stride)
    # Whole vectors of the processor: PyTorch treats what is left over by other code, with another derivative at NaN.
    whole = np.resize(x, -(-x.size // 64) * 64)
    ours, theirs = ([part[: x.size] for part in run(m, name, whole.copy())] for m in (tinyact, torch))
    block: dict[str, Any] = {"function": name, "block": number, "stride": stride}
    for which, what in enumerate(WHAT):
        a, b = ours[which], theirs[which]
        with np.errstate(all="ignore"):
            truth = FORMULAS[name][which](Double, x.astype(np.float64))
            rounded = truth.astype(np.float32)
            counted = np.isfinite(a) & np.isfinite(b) & np.isfinite(rounded)
            block[what] = {"tinyact": side(a, truth, counted, x), "pytorch": side(b, truth, counted, x)}
        block[what]["kinds"] = differences(a, b, x)
    return block


def differences(ours: Any, theirs: Any, x: Any) -> dict[str, Any]:
    """Where the kinds of result differ: how often, and between which inputs."""
    a, b = classes(ours), classes(theirs)
    kinds = {}
    for pair in sorted({*zip(a[a != b].tolist(), b[a != b].tolist(), strict=True)}):
        where = x[(a == pair[0]) & (b == pair[1])]
        key = f"tinyact {KINDS[pair[0]]}, PyTorch {KINDS[pair[1]]}"
        kinds[key] = {"count": where.size, "least": float(where.min()), "greatest": float(where.max())}
    return kinds


def merged(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """All blocks of one function together."""
    result: dict[str, Any] = {}
    for what in WHAT:
        parts = [block[what] for block in blocks]
        row: dict[str, Any] = {}
        for library in ("tinyact", "pytorch"):
            sides = [part[library] for part in parts]
            worst = max(sides, key=lambda s: s["max"])
            mean = sum(s["sum"] for s in sides) / max(sum(s["count"] for s in sides), 1)
            row[library] = {"max": worst["max"], "at": worst["at"], "mean": mean}
        kinds: dict[str, Any] = {}
        for part in parts:
            for key, new in part["kinds"].items():
                old = kinds.setdefault(key, {"count": 0, "least": new["least"], "greatest": new["greatest"]})
                old["count"] += new["count"]
                old["least"], old["greatest"] = min(old["least"], new["least"]), max(old["greatest"], new["greatest"])
        row["kinds"] = kinds
        result[what] = row
    return result


def table(functions: dict[str, Any]) -> str:
    """The result as Markdown: errors, then the kinds that differ."""
    lines = [
        "| function | what | tinyact: largest | at x = | mean | PyTorch: largest | at x = | mean |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    kinds = ["| function | what | results | how many | from x = | to x = |", "|---|---|---|--:|--:|--:|"]
    for name, rows in functions.items():
        for what, row in rows.items():
            cells = [f"{s['max']:.4g} | {s['at']:.9g} | {s['mean']:.2g}" for s in (row["tinyact"], row["pytorch"])]
            lines.append(f"| {name} | {what} | {' | '.join(cells)} |")
            for key, k in row["kinds"].items():
                kinds.append(f"| {name} | {what} | {key} | {k['count']} | {k['least']:.9g} | {k['greatest']:.9g} |")
    return "\n".join(lines) + "\n\nWhere the kind of result differs:\n\n" + "\n".join(kinds)


def task_of(block: dict[str, Any]) -> tuple[str, int, int]:
    return block["function"], block["block"], block["stride"]


def work(tasks: list[tuple[str, int, int]], state: Path, done: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Run what is not done yet on all cores, write each block down, and show how far it is."""
    finished = {task_of(block) for block in done}
    left = [task for task in tasks if task not in finished]
    context = multiprocessing.get_context("spawn")
    with context.Pool(len(os.sched_getaffinity(0))) as pool, state.open("a") as out:
        blocks = pool.imap_unordered(check_block, left)
        bar = {"total": len(tasks), "completed": len(tasks) - len(left), "console": Console(stderr=True)}
        for block in track(blocks, "blocks", **bar):
            out.write(json.dumps(block) + "\n")
            out.flush()
            yield block


def regressions(functions: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
    """What is worse than recorded: a larger error, or a kind of difference that was not there."""
    worse = []
    for name, rows in functions.items():
        for what, row in rows.items():
            before = recorded[name][what]
            if row["tinyact"]["max"] > before["tinyact"]["max"]:
                worse.append(f"{name} {what}: {row['tinyact']['max']} ULP, recorded {before['tinyact']['max']}")
            worse += [f"{name} {what}: new difference: {key}" for key in row["kinds"] if key not in before["kinds"]]
    return worse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stride", type=int, default=1, help="check every n-th number only (default: all)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="functions")
    parser.add_argument("--state", type=Path, default=Path("exhaustive.jsonl"), help="where finished blocks are kept")
    parser.add_argument("--check", action="store_true", help="compare with the recorded figures, exit 1 if worse")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for exhaustive.md and exhaustive.json")


def run_command(options: argparse.Namespace) -> int:
    done = [json.loads(line) for line in options.state.read_text().splitlines()] if options.state.exists() else []
    count = -(-(2**32) // (PER_BLOCK * options.stride))
    tasks = [(name, number, options.stride) for name in options.only for number in range(count)]
    done += work(tasks, options.state, done)
    wanted = set(tasks)
    blocks = [block for block in done if task_of(block) in wanted]
    functions = {name: merged([block for block in blocks if block["function"] == name]) for name in options.only}
    print(table(functions))
    if options.check:
        worse = regressions(functions, json.loads((options.out / "exhaustive.json").read_text())["functions"])
        print("\n".join(worse) or "no worse than recorded")
        return 1 if worse else 0
    which = "every float32 number" if options.stride == 1 else f"every {options.stride}th float32 number"
    write(
        options.out / "exhaustive",
        f"The notebook's activations at {which}",
        "`python -m benchmarks.exactness exhaustive`: errors in units in the last place; 0.5 is what rounding allows "
        "at best.",
        versions("machine", "cores", "python", "numpy", "tinyact", "torch"),
        table(functions),
        stride=options.stride,
        functions=functions,
    )
    return 0
