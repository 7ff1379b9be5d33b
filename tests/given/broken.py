"""The files of `tests/broken`: stack files, in which each expected problem stands on the line that causes it.

`weight: heavy  # problem: not-an-integer; 'heavy'` expects a problem of that name (which may be left out) and with
that text in its message. What is missing is expected on the line of what it is missing in.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.given.commands import run

HOME = Path(__file__).parents[1] / "broken"
BROKEN = sorted(HOME.glob("*/*.yaml"))
REFERENCES = HOME / "federation" / "references_that_lead_nowhere.yaml"
"""A stack file with problems in every part."""

_MARK = "# problem: "
_NAMED = re.compile(r"(?P<name>[a-z]+(?:-[a-z0-9]+)*); (?P<text>.*)")


class Expectation(NamedTuple):
    """A problem as a comment states it."""

    line: int
    name: str | None
    text: str

    def fits(self, problem: "Told") -> bool:
        return self.line == problem.line and self.name in (None, problem.name) and self.text in problem.message

    def __str__(self) -> str:
        return f"line {self.line}: {f'{self.name}; ' if self.name else ''}{self.text}"


def title(file: Path) -> str:
    """A broken file as tests name it: `<subject>/<sentence>`."""
    return str(file.relative_to(HOME).with_suffix(""))


def expectations(text: str) -> Iterator[Expectation]:
    """What the comments of a file expect; a line may have several, one after another."""
    for number, line in enumerate(text.splitlines(), 1):
        for comment in line.split(_MARK)[1:]:
            named = _NAMED.fullmatch(comment.strip())
            yield (
                Expectation(number, *named.group("name", "text"))
                if named
                else Expectation(number, None, comment.strip())
            )


class Told(NamedTuple):
    """A problem as `check --format json` tells it."""

    line: int
    name: str
    message: str


def told(file: Path) -> list[Told]:
    """What `check` tells of a stack file."""
    problems = json.loads(run("check", "--format", "json", file).out)
    return [Told(problem["line"], problem["name"], problem["message"]) for problem in problems]
