"""How exact every activation and its derivative are, beside PyTorch: the error in units in the last place (ULP).

Half a unit is the least that rounding allows. Where both results are infinite, NaN or exactly right nothing is counted;
where only one is infinite or NaN the row says so.
"""

from __future__ import annotations

import argparse
import json
import platform
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import tinyact
from benchmarks.reference import FORMULAS, Exact, Wide, run, ulps

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


def exact(name: str, which: int, x: Any) -> Any:
    """The true value (0) or derivative (1): longdouble for float32, rounded from 60 digits for float64."""
    formula = FORMULAS[name][which]
    if x.dtype == np.float32:
        with np.errstate(all="ignore"):
            return formula(Wide, x.astype(np.longdouble))
    import mpmath

    m = Exact()
    # Through text, since longdouble takes no mpmath number; beyond its range nothing counts anyway.
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.array([np.longdouble(mpmath.nstr(formula(m, mpmath.mpf(float(v))), 30)) for v in x])


def errors(result: Any, truth: Any, x: Any) -> dict[str, float]:
    """The largest error and where it lies, and the mean."""
    finite = np.isfinite(result) & np.isfinite(truth.astype(result.dtype))
    off = ulps(result[finite], truth[finite])
    worst = int(off.argmax())
    return {"max": float(off[worst]), "at": float(x[finite][worst]), "mean": float(off.mean())}


def row(name: str, which: int, x: Any) -> dict[str, Any]:
    """Both libraries' errors for one function, or derivative, in one dtype."""
    import torch

    truth = exact(name, which, x)
    found: dict[str, Any] = {"function": name, "what": ("value", "derivative")[which], "dtype": x.dtype.name}
    ours = run(tinyact, name, x.copy())[which]
    found["tinyact"] = errors(ours, truth, x)
    known = name == "gelu_tanh" or hasattr(torch.nn.functional, name)
    if known:
        theirs = run(torch, name, x.copy())[which]
        found["pytorch"] = errors(theirs, truth, x)
        found["other_class"] = int((classes(ours) != classes(theirs)).sum())
    return found


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1_000_000, help="float32 numbers per function (a million)")
    parser.add_argument("--points64", type=int, default=80_000, help="float64 numbers per function (default: 80000)")
    parser.add_argument("--only", nargs="+", choices=FORMULAS, default=list(FORMULAS), help="functions")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for accuracy.md and accuracy.json")
    options = parser.parse_args()
    import torch

    rows = []
    for x in (points32(options.points), points64(options.points64)):
        for name in options.only:
            rows += [row(name, which, x) for which in (0, 1)]
            print(table(rows[-2:]).partition("--:|\n")[2], flush=True)
    # 0.5 is what rounding allows; the truth is rounded too, to a thousandth of a unit.
    worse = [r for r in rows if "pytorch" in r and r["tinyact"]["max"] > max(r["pytorch"]["max"], 0.5) * 1.001]
    for r in worse:
        print(f"worse than PyTorch: {r['function']} {r['what']} {r['dtype']}")
    machine = {"machine": platform.machine(), "python": platform.python_version(), "numpy": np.__version__}
    versions = {**machine, "tinyact": tinyact.__version__, "torch": torch.__version__}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "accuracy.json").write_text(json.dumps({"versions": versions, "rows": rows}, indent=1) + "\n")
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    (options.out / "accuracy.md").write_text(
        "# Accuracy of every activation, in units in the last place\n\n"
        f"`python -m benchmarks.accuracy`: {options.points} float32 numbers with |x| ≤ 110, {options.points64} float64 "
        f"numbers with |x| ≤ 750. 0.5 is what rounding allows at best. ({said})\n\n{table(rows)}\n"
    )


if __name__ == "__main__":
    main()
