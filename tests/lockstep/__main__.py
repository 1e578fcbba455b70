"""``python -m tests.lockstep --seconds 3600``: look for differences, and print each as a short program."""

from __future__ import annotations

import argparse
import itertools
import sys
import time

from tests.lockstep.runner import quiet
from tests.lockstep.search import COMPILED, Tally, compiled_differs, program_differs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lockstep", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the next ones count up")
    options = parser.parse_args()
    end, tally = time.monotonic() + options.seconds, Tally()
    with quiet():
        for seed in itertools.count(options.seed):
            if time.monotonic() > end:
                break
            searches = [program_differs, compiled_differs] if seed % COMPILED == 0 else [program_differs]
            for search in searches:
                if (text := search(seed, tally)) is not None:
                    print(f"# seed {seed}\n{text}\n", flush=True)
    print(tally)
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
