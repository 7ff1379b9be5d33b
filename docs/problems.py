"""Every problem by its name, with an example: what is wrong with the broken stack files of the tests."""

from collections.abc import Iterator
from pathlib import Path

from mesh_federation.mesh.commands.check import verdict
from mesh_federation.mesh.errors import Problem

BROKEN = Path(__file__).parents[1] / "tests" / "broken"


def examples() -> list[Problem]:
    """The problem of each name that is said in the fewest characters, sorted by name."""
    found = {
        problem.name: problem for problem in sorted(_problems(), key=lambda problem: (-len(str(problem)), str(problem)))
    }
    return [problem for _, problem in sorted(found.items())]


def _problems() -> Iterator[Problem]:
    for file in BROKEN.glob("*/*.yaml"):
        for problem in verdict(file).problems:
            # what is no stack file is named by its path on this machine
            path = tuple(file.name if step == str(file) else step for step in problem.path)
            yield problem._replace(path=path)
