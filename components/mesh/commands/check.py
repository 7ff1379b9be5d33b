"""`check`: every problem of the stack files."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..addresses import AllocationError
from ..errors import Problem, SpecError, spelled
from ..plan.plan import fresh
from ..stack_file import NotAStackFileError, line_of
from ..unknown import UnknownError
from .stack import Stack, add_stack_file, count, load, say, told

NAME = "check"
HELP = "report every problem of the stack files"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text for people, json for programs, github for annotations of a pull request (default: %(default)s)",
    )
    add_stack_file(parser, several=True)


class Finding(NamedTuple):
    """A problem, and the file that has it."""

    file: Path
    problem: Problem
    line: int


class Verdict(NamedTuple):
    """What there is to say of a stack file."""

    problems: Sequence[Problem]
    """The path of what is wrong with the file as a whole is empty."""
    summary: str = ""
    """One line on a file without errors."""
    line: int = 1
    """Where it shows what is wrong with the file as a whole."""


def verdict(path: Path) -> Verdict:
    """All problems of a stack file, those that only its plan shows included."""
    try:
        stack = load(path)
        return Verdict(stack.warnings, _summary(stack))
    except NotAStackFileError as error:
        # whoever prints it names the file
        return Verdict([problem._replace(path=()) for problem in error.problems], line=error.line)
    except SpecError as error:
        return Verdict(error.problems)
    except AllocationError as error:
        return Verdict([*stack.warnings, Problem(("addresses",), "pool-exhausted", str(error))])
    except OSError as error:
        return Verdict([Problem((), "unreadable-file", error.strerror or str(error))])


def run(options: argparse.Namespace) -> int:
    verdicts = {path: verdict(path) for path in options.stack_files}
    findings = [
        Finding(path, problem, line_of(problem.path, path.read_text()) if problem.path else one.line)
        for path, one in verdicts.items()
        for problem in one.problems
    ]
    summaries = [f"{path}: {one.summary}" for path, one in verdicts.items() if one.summary]
    _FORMATS[options.format](findings, summaries)
    return 1 if any(finding.problem.level == "error" for finding in findings) else 0


def _summary(stack: Stack) -> str:
    federation = stack.federation
    verdict = count(len(stack.warnings), "warning") if stack.warnings else "no problem"
    try:
        parts = [
            count(len(federation.traffic), "rule"),
            count(len(federation.services), "service"),
            count(len(federation.clusters), "cluster"),
        ]
        objects = count(len(list(fresh(stack.routes, "mesh"))), "object")
    except UnknownError as error:
        return f"{verdict}; how many objects it takes depends on an unknown value: {error}"
    return f"{verdict}; {', '.join(parts)}: {objects}"


def _text(findings: Iterable[Finding], summaries: Iterable[str]) -> None:
    for file, problem, _ in findings:
        say(file, problem)
    for summary in summaries:
        print(summary)


def _json(findings: Iterable[Finding], _summaries: Iterable[str]) -> None:
    document = [
        {
            "file": str(file),
            "line": line,
            "path": spelled(problem.path) if problem.path else "",
            "name": problem.name,
            "level": problem.level,
            "message": problem.message,
        }
        for file, problem, line in findings
    ]
    print(json.dumps(document, indent=2))


def _github(findings: Iterable[Finding], summaries: Iterable[str]) -> None:
    for file, problem, line in findings:
        properties = f"file={_property(str(file))},line={line},title={_property(problem.name)}"
        print(f"::{problem.level} {properties}::{_data(told(problem))}")
    for summary in summaries:
        print(summary)


def _data(text: str) -> str:
    """Source: `escapeData` of GitHub's actions/toolkit."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Source: `escapeProperty` of GitHub's actions/toolkit."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_FORMATS = {"text": _text, "json": _json, "github": _github}
