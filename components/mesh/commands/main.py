"""`mesh-federation COMMAND …`: what stack files mean, without an engine and without a cluster."""

import argparse
import sys
from collections.abc import Sequence

from ..errors import MeshError
from . import adopt, check, render

COMMANDS = (check, render, adopt)
"""A module each, with `NAME`, `HELP`, `arguments(parser)` and `run(options)`, which gives the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 if there are problems, 2 for wrong usage."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (MeshError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return code


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="mesh-federation",
        description="Traffic between Istio clusters: what a stack file means, without an engine and without a cluster.",
        epilog="Exit code 1 means problems, 2 wrong usage.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        part = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.arguments(part)
        part.set_defaults(run=command.run)
    return whole
