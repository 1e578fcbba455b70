"""Can a wrong derivative get past the tests? Every formula changed in every small way, one change at a time.

Each change, a mutant, is tried on the tests that call the changed function, the quickest first: those that mirror its
file, with few random examples and then with all of them, and then the other tests of derivatives with few. A mutant
that no test notices has survived; the report lists it. An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import Counter
from pathlib import Path

from benchmarks.mutation.coverage import FILES, ROOT
from benchmarks.mutation.mutants import Mutant, mutants
from benchmarks.mutation.trial import fates, work
from benchmarks.results import versions, write

RESULTS = Path(__file__).parent / "results"


def equivalents() -> dict[str, str]:
    """By key the reason why a mutant can't be noticed: what it computes is the same."""
    reasons = json.loads(Path(__file__).with_name("equivalent.json").read_text())
    return {f"{file} {change}": reason for file, changes in reasons.items() for change, reason in changes.items()}


def tables(by_file: dict[str, list[Mutant]], fates: dict[str, str], reasons: dict[str, str]) -> str:
    """The table of scores, and every mutant that survived."""
    lines = ["| file | mutants | tried | killed | equivalent | survived | score |", "|---|--:|--:|--:|--:|--:|--:|"]
    total: Counter[str] = Counter()
    survivors: list[str] = []
    for file, in_file in by_file.items():
        tried = [mutant for mutant in in_file if mutant.key in fates]
        alive = [mutant for mutant in tried if fates[mutant.key] == "survived"]
        same = sum(mutant.key in reasons for mutant in alive)
        count = Counter(all=len(in_file), tried=len(tried), killed=len(tried) - len(alive), same=same)
        count["left"] = len(alive) - same
        total += count
        lines.append(_row(file, count))
        survivors += [f"| {m.file}:{m.line} | `{m.before}` | `{m.after}` | {reasons.get(m.key, '')} |" for m in alive]
    lines += [_row("all", total), "", "The score is the share of killed ones among those that are not equivalent.", ""]
    lines += ["| survived | from | to | why |", "|---|---|---|---|", *(s.replace("||", "\\|\\|") for s in survivors)]
    return "\n".join(lines)


def _row(name: str, count: Counter[str]) -> str:
    different = count["tried"] - count["same"]
    score = f"{count['killed'] / different:.1%}" if different else "–"
    cells = (count[key] for key in ("all", "tried", "killed", "same", "left"))
    return f"| {name} | {' | '.join(map(str, cells))} | {score} |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", default=FILES, help="which files (default: all that compute derivatives)")
    parser.add_argument("--sample", type=int, help="so many mutants of each file, chosen at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="for the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--again", action="store_true", help="try survivors that no reason is listed for again")
    parser.add_argument("--state", type=Path, default=Path("mutation.jsonl"), help="where a run goes on")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for mutation.md")
    options = parser.parse_args(arguments)
    by_file = {file: list(mutants(file, (ROOT / file).read_text())) for file in options.files}
    reasons = equivalents()
    tried = set(fates(options.state)) - (set(unexplained(options.state, reasons)) if options.again else set())
    todo = []
    for in_file in by_file.values():
        # A larger sample holds the smaller one.
        shuffled = random.Random(options.seed).sample(in_file, len(in_file))
        todo += [mutant for mutant in shuffled[: options.sample] if mutant.key not in tried]
    work(todo, options.state, options.jobs)
    text = tables(by_file, fates(options.state), reasons)
    command = "`python -m benchmarks.mutation`"
    write(options.out / "mutation", "Mutants", command, versions("python", "numpy", "torch"), text)
    print(text)
    return bool(unexplained(options.state, reasons))


def unexplained(state: Path, reasons: dict[str, str]) -> list[str]:
    """The survivors that no reason is listed for."""
    return [key for key, outcome in fates(state).items() if outcome == "survived" and key not in reasons]


if __name__ == "__main__":
    raise SystemExit(main())
