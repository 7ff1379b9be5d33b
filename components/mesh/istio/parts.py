"""Parts of a value that may be broken, late or missing: a rule that looks for text never meets anything else."""

from collections.abc import Iterator, Mapping
from typing import Any

from .values import is_late


def is_stated(part: Mapping[str, Any], field: str) -> bool:
    """Whether the field is there, be it empty."""
    return part.get(field) is not None


def is_set(part: Mapping[str, Any], field: str) -> bool:
    """Whether the field has a value that is not its default: no empty text, list or map, no 0 and no false."""
    value = part.get(field)
    return is_late(value) or bool(value)


def any_is_late(part: Mapping[str, Any], field: str) -> bool:
    """Whether the field's list, or an entry of it, is late."""
    return is_late(part.get(field)) or any(map(is_late, entries(part, field)))


def text(part: Mapping[str, Any], field: str) -> str:
    """The field's text; empty if it has none, or a late one."""
    value = part.get(field)
    return value if isinstance(value, str) else ""


def number(part: Mapping[str, Any], field: str) -> float:
    """The field's number; 0 if it has none, or a late one."""
    value = part.get(field)
    return value if isinstance(value, int | float) else 0


def inner(part: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """The fields of this field; none if it has none."""
    value = part.get(field)
    return value if isinstance(value, dict) else {}


def entries(part: Mapping[str, Any], field: str) -> list[Any]:
    """The field's list; empty if it is none."""
    value = part.get(field)
    return value if isinstance(value, list) else []


def texts(part: Mapping[str, Any], field: str) -> Iterator[tuple[int, str]]:
    """The texts of the field's list, each with its index."""
    return ((index, entry) for index, entry in enumerate(entries(part, field)) if isinstance(entry, str))


def messages(part: Mapping[str, Any], field: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The entries of the field's list that have fields, each with its index."""
    return ((index, entry) for index, entry in enumerate(entries(part, field)) if isinstance(entry, dict))
