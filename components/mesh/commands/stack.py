"""Stack files as commands read them."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from .. import names
from ..errors import MeshError, Problem
from ..reach import Reach
from ..read import read_stack_file
from ..resolve import resolve
from ..routes import Routes
from ..spec.federation import Federation

PATTERN = "stacks/Pulumi.<env>.yaml"


class Stack(NamedTuple):
    """A stack file without errors."""

    path: Path
    federation: Federation
    warnings: tuple[Problem, ...]
    reach: dict[str, Reach]

    @property
    def routes(self) -> Routes:
        """Who answers each call. Raises `UnknownError` where that depends on an encrypted value."""
        return resolve(self.federation)


def load(path: Path) -> Stack:
    """The file at `path`. Raises `SpecError` with every problem of the file; `OSError` if it cannot be read."""
    return Stack(path, *read_stack_file(path))


def say(file: Path, problem: Problem) -> None:
    """Prints a problem for people, on standard error."""
    level = "warning: " if problem.level == "warning" else ""
    print(f"{file}: {level}{told(problem)}", file=sys.stderr)


def told(problem: Problem) -> str:
    """Without a path where the problem is that of the file as a whole."""
    return str(problem) if problem.path else problem.message


def add_stack_file(parser: argparse.ArgumentParser, *, several: bool) -> None:
    parser.add_argument("stack_files", nargs="+" if several else 1, type=Path, metavar=PATTERN)


def add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="mesh", type=_name, help="the federation's name in the program (default: %(default)s)"
    )


def _name(text: str) -> str:
    if not names.LABEL_VALUE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} {names.NOT_A_LABEL_VALUE}")
    return text


def read_json(path: Path) -> Any:
    """Raises `MeshError` if the file is not JSON; `OSError` if it cannot be read."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise MeshError(f"{path}: is not JSON; {error}") from None
    except RecursionError:
        raise MeshError(f"{path}: is not JSON; it is nested too deeply") from None


def count(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`"""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
