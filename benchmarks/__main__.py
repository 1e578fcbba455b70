"""Says which benchmarks there are."""

import argparse

import benchmarks
from benchmarks import exactness, mutation, speed

parser = argparse.ArgumentParser(
    prog="python -m benchmarks",
    description=benchmarks.__doc__,
    epilog="\n".join(f"python -m {part.__name__:22} {part.__doc__}" for part in (speed, exactness, mutation)),
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
parser.parse_args()
parser.print_help()
