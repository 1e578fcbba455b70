"""Parses the command line, and makes the table with ratios, the JSON file and the plot of all parts."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

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
    """Bars per peer for the training step; cost against size for the activations."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    first = next(iter(steps.NETWORKS))
    peers = [row for row in rows if row.what == first]
    names = ["tinyact", *(row.peer for row in peers)]
    times = [peers[0].ours, *(row.theirs for row in peers)] if peers else [0.0]
    left.barh(names[: len(times)], times, color=["C1"] + ["C0"] * (len(times) - 1))
    left.invert_yaxis()
    left.set_xlabel("µs")
    left.set_title(first)
    by_name = {row.what: row for row in rows}
    for number, name in enumerate(operations.ACTIVATIONS):
        sizes = {label: size for label, size in operations.SIZES.items() if f"{name}, {label}" in by_name}
        costs = [by_name[f"{name}, {label}"] for label in sizes]
        right.loglog(sizes.values(), [row.ours for row in costs], "-o", color=f"C{number}", label=name, markersize=3)
        right.loglog(sizes.values(), [row.theirs for row in costs], "--", color=f"C{number}", linewidth=1)
    right.set_xlabel("elements")
    right.set_ylabel("µs, forward and backward")
    right.set_title("activations: tinyact (lines) and PyTorch (dashed)")
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
