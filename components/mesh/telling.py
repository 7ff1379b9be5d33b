"""Problems as the user wants to read them: in the order of the text, each key spelt as it stands there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic.alias_generators import to_snake

from .errors import Path, Problem
from .reading import is_snake_case
from .wording import step_of


def in_order(problems: Iterable[Problem], data: Any) -> list[Problem]:
    """The problems, each once, in the order in which `data` states the places."""
    return sorted(set(problems), key=lambda problem: (_position(problem.path, data), problem.message))


def as_spelt(problems: Iterable[Problem], data: Any) -> Iterator[Problem]:
    """The same problems; keys are spelt as in `data`, and where it lacks them in the form that it has elsewhere.

    What "is missing" is named.
    """
    snake_case = is_snake_case(data)
    for problem in problems:
        path = tuple(_spelt(problem.path, data, snake_case=snake_case))
        key = f"{path[-1]!r} " if problem.message.startswith("is missing") else ""
        yield problem._replace(path=path, message=f"{key}{problem.message}")


def _position(path: Path, data: Any) -> list[int]:
    position: list[int] = []
    for step in path:
        if isinstance(data, Mapping):
            keys = {step_of(key): number for number, key in enumerate(data)}
            position.append(keys.get(str(step), len(keys)))
            data = data.get(step)
        elif isinstance(step, int):
            position.append(step)
            data = data[step] if isinstance(data, list | tuple) and step < len(data) else None
    return position


def _spelt(path: Path, data: Any, *, snake_case: bool) -> Iterator[str | int]:
    for step in path:
        spelling = step
        if isinstance(data, Mapping):
            if isinstance(step, str) and step not in data and (snake_case or to_snake(step) in data):
                spelling = to_snake(step)
            data = data.get(spelling)
        elif isinstance(data, list | tuple) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            data = None
        yield spelling
