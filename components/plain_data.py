"""What a program states, as the plain data that a stack file would give."""

from collections import UserString
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from enum import Enum
from inspect import isawaitable
from typing import Any, NamedTuple

import pulumi

from .mesh.errors import Path, Problem
from .mesh.wording import shown, step_of


class PlainData(NamedTuple):
    """The data, and what is wrong with it already."""

    data: Any
    problems: tuple[Problem, ...]


def plain_data(args: Any) -> PlainData:
    """Mappings become dicts, sequences lists, enums their values and awaitables outputs; the caller's parts stay as is.

    A set is a problem: its order, and so the objects, would differ from run to run. What is none of these is left to
    whoever reads the data.
    """
    reading = _Reading()
    return PlainData(reading.value(args, ()), tuple(reading.problems))


class _Reading:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._around: list[int] = []
        """The identities of what holds the value that is read."""
        self._once: dict[int, tuple[Any, Any]] = {}
        """What can be read only once, by its identity, with what it gave. It is kept, so no other gets its identity."""

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, Enum):
            return self.value(value.value, path)
        if value is None or isinstance(value, _LEAVES):
            return value
        if isinstance(value, str | UserString):
            return _text(value)
        if isawaitable(value) or isinstance(value, Iterator):
            if id(value) not in self._once:
                read = pulumi.Output.from_input(value) if isawaitable(value) else self._list(value, path)
                self._once[id(value)] = value, read
            return self._once[id(value)][1]
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
            return self._mapping(value, path)
        if isinstance(value, AbstractSet) and not isinstance(value, KeysView):
            items = sorted(self._list(value, path), key=shown)
            message = f"{shown(items)} is a set, whose order differs from run to run; write a list"
            self.problems.append(Problem(path, "not-a-list", message))
            return items
        if isinstance(value, Sequence | KeysView | ValuesView):
            return self._list(value, path)
        return value

    def _list(self, value: Iterable[Any], path: Path) -> list[Any]:
        return [self.value(item, (*path, index)) for index, item in enumerate(value)]

    def _mapping(self, value: Mapping[Any, Any], path: Path) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        for stated, item in value.items():
            key = _key(stated)
            here = (*path, step_of(key))
            if key in data:
                self.problems.append(Problem(here, "stated-twice", f"{shown(key)} is stated twice; write it once"))
            data[key] = self.value(item, here)
        return data


_LEAVES = (pulumi.Output, pulumi.Resource, bool, int, float, bytes, bytearray, memoryview)


def _text(value: str | UserString) -> str:
    """Of a subclass, the text alone."""
    if type(value) is str:
        return value
    return str.__str__(value) if isinstance(value, str) else str(value)


def _key(key: Any) -> Any:
    """What is no text stays as it is: whoever reads the data says so."""
    meant = key.value if isinstance(key, Enum) else key
    return _text(meant) if isinstance(meant, str | UserString) else key
