"""The objects of `tests/istio/invalid/<kind>/` and `valid/<kind>/`: files of YAML documents, each of them a spec.

`attempts: -1  # problem: out-of-bounds` expects a problem of that name at that line, and no other one. What is missing
is expected at the line of what it is missing in. A document whose namespace, name or labels matter has `metadata` and
`spec`. `# releases: 1.27 1.28` at its top says in which releases a document has the problem, or is valid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from mesh_federation.mesh.errors import Path as Steps
from mesh_federation.mesh.errors import Problem
from mesh_federation.mesh.istio.kinds import BY_NAME
from mesh_federation.mesh.istio.releases import RELEASES

from tests.given.scenarios import SCENARIOS

Object = dict[str, Any]

_FOLDER = Path(__file__).parents[1] / "istio"
_PROBLEM = "# problem: "
_RELEASES = "# releases: "
_NAMESPACE = "judged"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """One object of the corpus."""

    file: Path
    number: int
    text: str
    """Its lines of the file."""

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}-{self.number}"

    @property
    def object(self) -> Object:
        content = yaml.load(self.text, Loader=_LOADER)
        if "spec" not in content:
            content = {"metadata": {"name": "judged", "namespace": _NAMESPACE}, "spec": content}
        kind = self.file.parent.name
        return {"apiVersion": BY_NAME[kind].api_version, "kind": kind, **content}

    @property
    def releases(self) -> tuple[str, ...]:
        first = self.text.splitlines()[0]
        return tuple(first.removeprefix(_RELEASES).split()) if first.startswith(_RELEASES) else RELEASES

    @property
    def expected(self) -> list[tuple[int, str]]:
        """(line, name) of each problem, sorted."""
        lines = enumerate(self.text.splitlines(), 1)
        return [(number, line.partition(_PROBLEM)[2].strip()) for number, line in lines if _PROBLEM in line]

    def line_of(self, problem: Problem) -> int:
        """Where the problem's path leads to."""
        node = yaml.compose(self.text, Loader=_LOADER)
        line = node.start_mark.line if node else 0
        has_metadata = _step(node, "spec") is not None
        for step in problem.path if has_metadata else problem.path[1:]:  # without, the document is the spec
            place = _step(node, step)
            if place is None:
                break
            line, node = place
        return line + 1


def invalid() -> list[Document]:
    return list(_documents("invalid"))


def valid() -> list[Document]:
    return list(_documents("valid"))


def emitted() -> list[Object]:
    """Every object of every scenario."""
    goldens = [file for scenario in SCENARIOS for file in sorted(scenario.glob("*.golden.yaml"))]
    return [
        manifest
        for file in goldens
        if file.name != "outputs.golden.yaml"
        for manifest in yaml.load_all(file.read_text(), Loader=_LOADER)
    ]


def _documents(folder: str) -> Iterator[Document]:
    for file in sorted((_FOLDER / folder).glob("*/*.yaml")):
        for number, text in enumerate(file.read_text().split("---\n"), 1):
            yield Document(file, number, text)


def _step(node: yaml.Node | None, step: Steps | str | int) -> tuple[int, yaml.Node] | None:
    """(line, value) of what stands at `step` of a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None
