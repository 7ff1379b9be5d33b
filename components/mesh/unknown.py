"""A value that nobody knows yet: encrypted, or not readable.

Whatever uses it raises `UnknownError`. So a check that depends on it ends there and says nothing, without asking
first; and a command that cannot do without it names its place.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from .errors import MeshError, Path, Problem, spelled

T = TypeVar("T")


class Encrypted:
    """Stands in plain data for a value that only the engine can decrypt."""

    def __repr__(self) -> str:
        return "(encrypted)"


class UnknownError(MeshError):
    """The value at `path` is needed, and nobody knows it."""

    def __init__(self, path: Path, *, encrypted: bool) -> None:
        why = "is encrypted; only the engine can decrypt it" if encrypted else "could not be read"
        super().__init__(f"{spelled(path)}: {why}")
        self.path = path


class Unknown:
    """Stands in a federation for the value at `path`; every use of it raises `UnknownError`."""

    __slots__ = ("encrypted", "path")

    def __init__(self, path: Path, *, encrypted: bool) -> None:
        self.path = path
        self.encrypted = encrypted

    def _use(self, *_: Any) -> NoReturn:
        raise UnknownError(self.path, encrypted=self.encrypted)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _use
    __hash__ = __str__ = __format__ = __bool__ = __int__ = __len__ = __iter__ = __contains__ = __getitem__ = _use
    __getattr__ = _use


def known(values: Iterable[T]) -> Iterator[tuple[int, T]]:
    """The values that can be used, each with its index."""
    return ((index, value) for index, value in enumerate(values) if not isinstance(value, Unknown))


def is_known(value: Any) -> bool:
    """Whether nothing in plain data is unknown."""
    if isinstance(value, Mapping):
        return all(map(is_known, value.values()))
    return all(map(is_known, value)) if isinstance(value, list | tuple) else not isinstance(value, Unknown)


def as_late(value: Any) -> Any:
    """Plain data in which what is unknown is late: whoever judges the rest may compare it, and passes it by."""
    if isinstance(value, Mapping):
        return {key: as_late(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_late(item) for item in value]
    return _LATE if isinstance(value, Unknown) else value


_LATE = object()


def as_far_as_known(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of one check, up to the use of a value that nobody knows."""
    try:
        yield from problems
    except UnknownError:
        return
