"""What can be wrong with a federation.

MeshError
  + SpecError        everything that is wrong with a spec, all at once
  + UnknownError     in unknown.py: the use of a value that is encrypted or could not be read
  + AllocationError  in addresses.py: hosts that cannot be given an address
  + AdoptionError    in adopt.py: objects that cannot be taken over as things are
  + OutputError      in adopt.py: a document that is not what a command writes
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Path = tuple[str | int, ...]
"""Where something stands in a spec: keys and indices from the top."""

Level = Literal["error", "warning"]


class Problem(NamedTuple):
    """One thing that is wrong: where the user finds it, and what would be right."""

    path: Path
    name: str
    """In kebab-case; the same in the check's function, in the tests' broken files and in the reference."""
    message: str
    level: Level = "error"

    def __str__(self) -> str:
        """`traffic[2].http[0].route[1].version: reviews on cluster2 has no version 'v4'; it has v1, v2, v3`"""
        return f"{spelled(self.path)}: {self.message}"


def spelled(path: Path) -> str:
    """`traffic[2].http[0].route[1].version`; `spec` for the whole."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step or repr(step)}" for step in path)
    # a key may hold half of a surrogate pair, which no output can
    return text.removeprefix(".").encode(errors="backslashreplace").decode() or "spec"


class MeshError(ValueError):
    """Base of every error this package raises about its input."""


class SpecError(MeshError):
    """A spec that cannot become a federation; `problems` has at least one entry."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        # beside errors, a warning must not look like one
        lines = (f"warning: {problem}" if problem.level == "warning" else str(problem) for problem in problems)
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)
