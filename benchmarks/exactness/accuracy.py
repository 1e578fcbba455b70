"""How exact every activation and its derivative are, beside PyTorch: the error in units in the last place (ULP).

Half a unit is the least that rounding allows. Where both results are infinite, NaN or exactly right nothing is counted;
where only one is infinite or NaN the row says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from benchmarks.results import versions, write
from reference.formulas import FORMULAS
from reference.measure import errors, exact, run

RESULTS = Path(__file__).parent / "results"


def points32(count: int) -> Any:
    """float32 numbers with |x| ≤ 110, evenly over their bit patterns, so that all magnitudes are there."""
    largest = int(np.float32(110).view(np.uint32))
    bits = np.linspace(0, largest, count // 2).astype(np.uint32)
    return np.concatenate([bits.view(np.float32), -bits.view(np.float32)])


def points64(count: int) -> Any:
    """float64 numbers with |x| ≤ 750: half of them evenly spaced, half of all magnitudes down to 1e-300."""
    rng = np.random.default_rng(0)
    even = rng.uniform(-750, 750, count // 4)
    near = rng.uniform(-40, 40, count // 4)
    small = rng.choice([-1.0, 1.0], count // 2) * 10 ** rng.uniform(-300, 2, count // 2)
    return np.concatenate([even, near, small])


def row(name: str, which: int, x: Any) -> dict[str, Any]:
    """Both libraries' errors for one function, or derivative, in one dtype."""
    import torch

    truth = exact(name, which, x)
    ours = run(tinyact, name, x.copy())[which]
    row: dict[str, Any] = {"function": name, "what": ("value", "derivative")[which], "dtype": x.dtype.name}
    row["tinyact"] = errors(ours, truth, x)
    if name == "gelu_tanh" or hasattr(torch.nn.functional, name):
        theirs = run(torch, name, x.copy())[which]
        row["pytorch"] = errors(theirs, truth, x)
        row["other_class"] = int((classes(ours) != classes(theirs)).sum())
    return row


def classes(values: Any) -> Any:
    """0 for an ordinary number; other codes for zero, ∞, −∞ and NaN."""
    return (values == 0) + 2 * np.isposinf(values) + 3 * np.isneginf(values) + 4 * np.isnan(values)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| function | what | dtype | tinyact: most | at x = | mean | PyTorch: most | at x = | mean | other class |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        sides = [r["tinyact"], r.get("pytorch")]
        cells = [f"{s['max']:.3g} | {s['at']:.6g} | {s['mean']:.2g}" if s else "– | – | –" for s in sides]
        cells.append(str(r.get("other_class", "–")))
        lines.append(f"| {r['function']} | {r['what']} | {r['dtype']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--points", type=int, default=1_000_000, help="float32 numbers per function (a million)")
    parser.add_argument("--points64", type=int, default=80_000, help="float64 numbers per function (default: 80000)")
    parser.add_argument("--only", nargs="+", choices=FORMULAS, default=list(FORMULAS), help="functions")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for accuracy.md and accuracy.json")


def run_command(options: argparse.Namespace) -> int:
    rows = []
    for x in (points32(options.points), points64(options.points64)):
        for name in options.only:
            rows += [row(name, which, x) for which in (0, 1)]
            print(table(rows[-2:]).partition("--:|\n")[2], flush=True)
    # 0.5 is what rounding allows; the truth is rounded too, to a thousandth of a unit.
    worse = [r for r in rows if "pytorch" in r and r["tinyact"]["max"] > max(r["pytorch"]["max"], 0.5) * 1.001]
    for r in worse:
        print(f"worse than PyTorch: {r['function']} {r['what']} {r['dtype']}")
    write(
        options.out / "accuracy",
        "Accuracy of every activation, in units in the last place",
        f"`python -m benchmarks.exactness accuracy`: {options.points} float32 numbers with |x| ≤ 110, "
        f"{options.points64} float64 numbers with |x| ≤ 750. 0.5 is what rounding allows at best.",
        versions("machine", "python", "numpy", "tinyact", "torch"),
        table(rows),
        rows=rows,
    )
    return 0
