"""From plain data to a federation, with everything that is wrong reported at once, in the order of the text."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from .checks.federation import check
from .errors import Problem, SpecError
from .reading import Reading
from .spec.federation import Federation
from .telling import as_spelt, in_order


def read(data: Mapping[str, Any], others: tuple[Problem, ...] = (), *, text: Any = None) -> Federation:
    """The federation that `data` states; keys in camelCase or snake_case.

    Raises `SpecError` with every problem, and with `others`, which were found before in the same data. One mistake
    never hides another. An `Encrypted` value becomes an `Unknown`, and so does nothing else in what is returned.
    `text` is what the user wrote, where `data` is only a part of it: it decides the order of the problems.
    """
    federation, problems = _read(data)
    problems = [*others, *problems, *check(federation)]
    if problems:
        stated = data if text is None else text
        raise SpecError(in_order(as_spelt(problems, stated), stated))
    return federation


def _read(data: Mapping[str, Any]) -> tuple[Federation, list[Problem]]:
    try:
        # all at once, and 20 times as fast as value by value
        return Federation.model_validate(data), []
    except ValidationError:
        reading = Reading()
        return reading.part(Federation, data, ()), reading.problems
