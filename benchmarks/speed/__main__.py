"""Parses the command line, and makes the table with ratios, the JSON file and the plot of all parts."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from statistics import geometric_mean
from types import ModuleType

import tinyact
from benchmarks import speed
from benchmarks.results import versions, write
from benchmarks.speed import operations, processes, profile, steps, study
from benchmarks.speed.timing import HEAD, Row

RESULTS = Path(__file__).parent / "results"
PARTS: dict[str, ModuleType] = {"steps": steps, "operations": operations, "processes": processes, "study": study}
TABLE = ("steps", "operations", "processes")


def rows_of(parts: tuple[str, ...], quick: bool) -> list[Row]:
    """All rows of these parts, each printed as soon as it is there."""
    rows: list[Row] = []
    print(HEAD)
    for part in parts:
        for row in PARTS[part].rows(quick):
            print(row, flush=True)
            rows.append(row)
    return rows


def plot(rows: list[Row], path: Path) -> None:
    """The notebook's step and the activations, in the time of each peer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ratios = {(row.what, row.peer): row.ratio for row in rows}
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    for number, (label, what) in enumerate((("eager", steps.NOTEBOOK), ("compiled", f"{steps.NOTEBOOK}, compiled"))):
        bars = {place: ratios[what, peer] for place, peer in enumerate(steps.PEERS) if (what, peer) in ratios}
        drawn = left.barh([place + 0.4 * number for place in bars], bars.values(), 0.38, label=label)
        left.bar_label(drawn, fmt="%.2f", padding=2, fontsize=8)
    left.set_yticks([place + 0.2 for place in range(len(steps.PEERS))], steps.PEERS)
    left.invert_yaxis()
    left.margins(x=0.1)
    left.axvline(1, color="0.4", linewidth=1)
    left.set_xlabel("time of tinyact / time of the peer")
    left.set_title(steps.NOTEBOOK)
    left.legend(loc="best", fontsize=8)
    for peer in operations.MEANS:
        means = {}
        for label, size in operations.SIZES.items():
            same = [(f"{name}, {label}", peer) for name in operations.ACTIVATIONS]
            if all(row in ratios for row in same):
                means[size] = geometric_mean(ratios[row] for row in same)
        right.plot(means.keys(), means.values(), "-o", label=peer)
    right.set_xscale("log", base=2)
    right.axhline(1, color="0.4", linewidth=1)
    right.set_ylim(0)
    right.set_xlabel("elements")
    right.set_ylabel("time of tinyact / time of the peer")
    right.set_title("activations, forward and backward: geometric mean")
    right.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> None:
    modules = {**PARTS, "profile": profile}
    lines = [f"  {name:10} {(module.__doc__ or '').partition(chr(10))[0]}" for name, module in modules.items()]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=f"{speed.__doc__}\n\nparts:\n" + "\n".join(lines),
        epilog=f"Without a part {', '.join(TABLE)} make speed.md, speed.json and speed.png, and profile makes "
        "profile.md;\nany other part alone is printed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=modules, help="this part alone")
    parser.add_argument("--quick", action="store_true", help="under two minutes: to see that all runs, not how fast")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the files")
    options = parser.parse_args(arguments)
    # tinyact and JAX take all cores; PyTorch and OpenBLAS may count otherwise.
    os.environ.setdefault("OMP_NUM_THREADS", str(tinyact.get_num_threads()))
    if options.part == "profile":
        text = profile.tables(options.quick)
        command = "`python -m benchmarks.speed profile`"
        write(options.out / "profile", "Where the time goes", command, versions("python", "numpy"), text)
        print(text)
    elif options.part:
        rows_of((options.part,), options.quick)
    else:
        rows = rows_of(TABLE, options.quick)
        write(
            options.out / "speed",
            "Speed",
            "`python -m benchmarks.speed`",
            versions("machine", "cores", "python", "numpy", "torch", "jax", "mygrad", "autograd"),
            "\n".join([HEAD, *map(str, rows)]),
            quick=options.quick,
            rows=[asdict(row) for row in rows],
        )
        plot(rows, options.out / "speed.png")


if __name__ == "__main__":
    main()
