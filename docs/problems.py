"""Every problem by its name, with an example: what is wrong with the broken stack files of the tests."""

from collections.abc import Iterator
from pathlib import Path

from mesh_federation.mesh.commands.check import verdict
from mesh_federation.mesh.errors import Problem

BROKEN = Path(__file__).parents[1] / "tests" / "broken"


def examples() -> list[Problem]:
    """The problem of each name that is said in the fewest characters, sorted by name."""
    shortest = {
        problem.name: problem for problem in sorted(_problems(), key=lambda problem: (-len(str(problem)), str(problem)))
    }
    return [problem for _, problem in sorted(shortest.items())]


def _problems() -> Iterator[Problem]:
    # no broken file can be one that does not exist
    missing = Path("Pulumi.missing.yaml")
    yield from (problem._replace(path=(missing.name,)) for problem in verdict(missing).problems)
    for file in BROKEN.glob("*/*.yaml"):
        for problem in verdict(file).problems:
            # a problem of the file as a whole has no path
            yield problem._replace(path=problem.path or (file.name,))
