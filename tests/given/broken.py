"""The files of `tests/broken`: stack files, in which each expected problem stands on the line that causes it.

`weight: heavy  # problem: not-an-integer; 'heavy'` expects a problem of that name with that text in its message;
`# warning: ` a warning. What is missing is expected on the line of what it is missing in.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from mesh_federation.mesh.errors import Level, Problem

HOME = Path(__file__).parents[1] / "broken"
BROKEN = sorted(HOME.glob("*/*.yaml"))
REFERENCES = HOME / "federation" / "references_that_lead_nowhere.yaml"
"""A stack file with problems in every part."""

_MARK = re.compile("# (problem|warning): ")
_LEVELS: dict[str, Level] = {"problem": "error", "warning": "warning"}


class Expectation(NamedTuple):
    """A problem as a comment states it."""

    line: int
    level: Level
    name: str
    text: str

    def fits(self, line: int, problem: Problem) -> bool:
        stated = (self.line, self.level, self.name)
        return stated == (line, problem.level, problem.name) and self.text in problem.message

    def __str__(self) -> str:
        return f"line {self.line}: {self.level} {self.name}; {self.text}"


def title(file: Path) -> str:
    """A broken file as tests name it: `<subject>/<sentence>`."""
    return str(file.relative_to(HOME).with_suffix(""))


def expectations(text: str) -> Iterator[Expectation]:
    """What the comments of a file expect; a line may have several, one after another."""
    for number, line in enumerate(text.splitlines(), 1):
        _, *comments = _MARK.split(line)
        for mark, comment in zip(comments[::2], comments[1::2], strict=True):
            name, _, part = comment.strip().partition("; ")
            yield Expectation(number, _LEVELS[mark], name, part)


def line_of(problem: Problem, text: str) -> int:
    """Where the problem's path leads to in a stack file."""
    line, node = _step(yaml.compose(text), "config") or (0, None)
    for step in (f"mesh:{problem.path[0]}", *problem.path[1:]):
        place = _step(node, step)
        if place is None:
            break
        line, node = place
    return line + 1


def _step(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """(line, value) of what stands at `step` of a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None
