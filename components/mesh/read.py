"""From plain data to a federation, with everything that is wrong reported at once, in the order of the text."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from . import stack_file
from .checks.federation import check
from .errors import Problem, SpecError
from .reach import Reach, split
from .reading import Reading, is_snake_case
from .spec.federation import Federation
from .telling import as_spelt, in_order


class Read(NamedTuple):
    """What data says that has no error."""

    federation: Federation
    warnings: tuple[Problem, ...]
    """In the order of the text."""


def read(data: Mapping[str, Any], others: Iterable[Problem] = (), *, text: Any = None) -> Read:
    """The federation that `data` states; keys in camelCase or snake_case.

    Raises `SpecError` with every problem, and with `others`, which were found before in the same data. One mistake
    never hides another. An `Encrypted` value becomes an `Unknown`, and so does nothing else in what is returned.
    `text` is what the user wrote, where `data` is only a part of it: it decides the order of the problems.
    """
    federation, problems = _read(data)
    if problems := [*others, *problems, *check(federation)]:
        stated = data if text is None else text
        problems = in_order(as_spelt(problems, stated), stated)
    if any(problem.level == "error" for problem in problems):
        raise SpecError(problems)
    return Read(federation, tuple(problems))


class ReadStack(NamedTuple):
    """What a stack file says that has no error."""

    federation: Federation
    warnings: tuple[Problem, ...]
    reach: dict[str, Reach]
    """Cluster → how it is reached."""


def read_stack(data: Mapping[str, Any], others: Iterable[Problem] = ()) -> ReadStack:
    """The same for what stands in a stack file, where clusters also say how they are reached."""
    mesh, reach, problems = split(data)
    return ReadStack(*read(mesh, (*others, *problems), text=data), reach)


def read_stack_file(path: Path) -> ReadStack:
    """The same for a file. Raises `SpecError` also if it is not a stack file; `OSError` if it cannot be read."""
    data = stack_file.read(path)
    return read_stack(data, (*stack_file.plain_kubeconfigs(data), *stack_file.providers(data)))


def _read(data: Mapping[str, Any]) -> tuple[Federation, list[Problem]]:
    try:
        # all at once, and 20 times as fast as value by value
        return Federation.model_validate(data), []
    except ValidationError:
        reading = Reading(snake_case=is_snake_case(data))
        return reading.part(Federation, data, ()), reading.problems
