"""Parses the command line; each part's docstring is its help."""

from __future__ import annotations

import argparse

from benchmarks import exactness
from benchmarks.exactness import accuracy, exhaustive


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactness", description=exactness.__doc__)
    commands = parser.add_subparsers(required=True)
    for name, part in {"accuracy": accuracy, "exhaustive": exhaustive}.items():
        text = part.__doc__ or ""
        command = commands.add_parser(name, help=text.partition("\n")[0], description=text)
        part.add_arguments(command)
        command.set_defaults(run=part.run_command)
    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    raise SystemExit(main())
