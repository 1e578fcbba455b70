"""All speed benchmarks: one table with ratios, a JSON file and a plot. (For accuracy see ``benchmarks.accuracy``.)"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks import operations, processes, steps
from benchmarks.timing import HEAD, Row, versions

RESULTS = Path(__file__).parent / "results"


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
    for number, name in enumerate(operations.ACTIVATIONS):
        found = [
            (size, row) for label, size in operations.SIZES.items() for row in rows if row.what == f"{name}, {label}"
        ]
        sizes = [size for size, _ in found]
        right.loglog(sizes, [row.ours for _, row in found], "-o", color=f"C{number}", label=name, markersize=3)
        right.loglog(sizes, [row.theirs for _, row in found], "--", color=f"C{number}", linewidth=1)
    right.set_xlabel("elements")
    right.set_ylabel("µs, forward and backward")
    right.set_title("activations: tinyact (lines) and PyTorch (dashed)")
    right.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes: to see that all runs, not how fast")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for speed.md, speed.json and speed.png")
    options = parser.parse_args()
    rows: list[Row] = []
    print(HEAD)
    for part in (steps, operations, processes):
        for row in part.rows(options.quick):
            print(row, flush=True)
            rows.append(row)
    options.out.mkdir(parents=True, exist_ok=True)
    known = versions()
    content = {"versions": known, "quick": options.quick, "rows": [asdict(row) for row in rows]}
    (options.out / "speed.json").write_text(json.dumps(content, indent=1) + "\n")
    table = "\n".join(map(str, rows))
    said = ", ".join(f"{name} {version}" for name, version in known.items() if version is not None)
    (options.out / "speed.md").write_text(f"# Speed\n\n`python -m benchmarks` ({said})\n\n{HEAD}\n{table}\n")
    plot(rows, options.out / "speed.png")


if __name__ == "__main__":
    main()
