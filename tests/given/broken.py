"""The files of `tests/broken`: stack files, in which each expected problem stands on the line that causes it.

`weight: heavy  # problem: not-an-integer; 'heavy'` expects a problem of that name with that text in its message.
`# warning: …` expects one that stops nothing. What is missing is expected on the line of what it is missing in.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from mesh_federation.mesh.errors import Problem

HOME = Path(__file__).parents[1] / "broken"
BROKEN = sorted(HOME.glob("*/*.yaml"))
REFERENCES = HOME / "federation" / "references_that_lead_nowhere.yaml"
"""A stack file with problems in every part."""

_COMMENT = re.compile(r"# (problem|warning): ([a-z-]+); (.+?)(?=\s+# (?:problem|warning): |$)")
_LEVELS = {"problem": "error", "warning": "warning"}


class Expectation(NamedTuple):
    """A problem as a comment states it."""

    line: int
    level: str
    name: str
    text: str

    def fits(self, line: int, problem: Problem) -> bool:
        stated = (self.line, self.level, self.name)
        return stated == (line, problem.level, problem.name) and self.text in problem.message


def title(file: Path) -> str:
    """A broken file as tests name it: `<subject>/<sentence>`."""
    return str(file.relative_to(HOME).with_suffix(""))


def expectations(text: str) -> Iterator[Expectation]:
    """What the comments of a file expect; a line may have several, one after another."""
    for number, line in enumerate(text.splitlines(), 1):
        for level, name, part in _COMMENT.findall(line):
            yield Expectation(number, _LEVELS[level], name, part)


def line_of(problem: Problem, text: str) -> int:
    """Where the problem's path leads to in a stack file."""
    line, node = 0, yaml.compose(text)
    for step in ("config", f"mesh:{problem.path[0]}", *problem.path[1:]):
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
