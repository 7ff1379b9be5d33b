"""What a program states, as the plain data that a stack file would give."""

from collections.abc import Iterator, KeysView, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from enum import Enum
from inspect import isawaitable
from typing import Any, NamedTuple

import pulumi

from .mesh.errors import Path, Problem
from .mesh.wording import shown, step_of


class Plain(NamedTuple):
    """The data, and what is wrong with it already."""

    data: Any
    problems: tuple[Problem, ...]


def plain(args: Any) -> Plain:
    """Mappings become dicts, sequences lists, enums their values and awaitables outputs; the caller's parts stay as is.

    A set is a problem: its order, and so the objects, would differ from run to run. What is none of these is left to
    whoever reads the data.
    """
    reading = _Reading()
    return Plain(reading.value(args, ()), tuple(reading.problems))


class _Reading:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._around: list[int] = []
        """The identities of what holds the value that is read."""

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, Enum):
            return self.value(value.value, path)
        if value is None or isinstance(value, pulumi.Output | pulumi.Resource | bool | int | float | bytes):
            return value
        if isinstance(value, str):
            # of a subclass, the text
            return value if type(value) is str else str.__str__(value)
        if isawaitable(value):
            return pulumi.Output.from_input(value)
        return self._container(value, path)

    def _container(self, value: Any, path: Path) -> Any:
        if id(value) in self._around:
            self.problems.append(Problem(path, "contains-itself", "is a part of itself; state plain data"))
            return None
        self._around.append(id(value))
        try:
            return self._parts(value, path)
        finally:
            self._around.pop()

    def _parts(self, value: Any, path: Path) -> Any:
        if isinstance(value, Mapping):
            keys = {key: self.value(key, path) for key in value}
            return {key: self.value(value[stated], (*path, step_of(key))) for stated, key in keys.items()}
        if isinstance(value, AbstractSet) and not isinstance(value, KeysView):
            items = sorted((self.value(item, path) for item in value), key=shown)
            message = f"{shown(items)} is a set, whose order differs from run to run; write a list"
            self.problems.append(Problem(path, "not-a-list", message))
            return items
        if isinstance(value, Sequence | Iterator | KeysView | ValuesView):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        return value
