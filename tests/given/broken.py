"""The files of `tests/broken`: stack files, in which each expected problem stands on the line that causes it.

`weight: heavy  # problem: not-an-integer; 'heavy'` expects a problem of that name with that text in its message;
`# warning: ` a warning. What is missing is expected on the line of what it is missing in.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.given.commands import run

BROKEN_FOLDER = Path(__file__).parents[1] / "broken"
BROKEN = sorted(BROKEN_FOLDER.glob("*/*.yaml"))
REFERENCES = BROKEN_FOLDER / "federation" / "references_that_lead_nowhere.yaml"
"""A stack file with problems in every part."""

_MARK = re.compile("# (problem|warning): ")
_LEVELS = {"problem": "error", "warning": "warning"}


class Expectation(NamedTuple):
    """A problem as a comment states it."""

    line: int
    level: str
    name: str
    text: str

    def fits(self, problem: "PrintedProblem") -> bool:
        stated = (self.line, self.level, self.name)
        return stated == (problem.line, problem.level, problem.name) and self.text in problem.message

    def __str__(self) -> str:
        return f"line {self.line}: {self.level} {self.name}; {self.text}"


def title(file: Path) -> str:
    """A broken file as tests name it: `<subject>/<sentence>`."""
    return str(file.relative_to(BROKEN_FOLDER).with_suffix(""))


def expectations(text: str) -> Iterator[Expectation]:
    """What the comments of a file expect; a line may have several, one after another."""
    for number, line in enumerate(text.splitlines(), 1):
        _, *comments = _MARK.split(line)
        for mark, comment in zip(comments[::2], comments[1::2], strict=True):
            name, _, part = comment.strip().partition("; ")
            yield Expectation(number, _LEVELS[mark], name, part)


class PrintedProblem(NamedTuple):
    """A problem as `check --format json` tells it."""

    line: int
    level: str
    name: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.level} {self.name}; {self.message}"


def printed_problems(file: Path) -> list[PrintedProblem]:
    """What `check` tells of a stack file."""
    problems = json.loads(run("check", "--format", "json", file).out)
    return [PrintedProblem(*(problem[key] for key in PrintedProblem._fields)) for problem in problems]
