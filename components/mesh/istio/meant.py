"""Istio's fields as they are meant: Pulumi's rewriting of a stack file turns numbers and booleans into text."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ..errors import Path
from .releases import NEWEST, Schema
from .schema import schema_at


def as_meant(value: Any, kind: str, place: Path) -> Any:
    """`value` at `place` of a `kind`, with a number or a boolean for each text that stands where Istio has those.

    Whatever else is wrong stays as it is: the schema refuses it.
    """
    try:
        schema = schema_at(NEWEST, kind, place)
    except KeyError:
        return value
    return _meant(value, schema)


def is_single(kind: str, place: Path) -> bool:
    """Whether Istio has one value at a place of a `kind`, and not fields or a list. So it is where it has nothing."""
    try:
        schema = schema_at(NEWEST, kind, place)
    except KeyError:
        return True
    if "ref" in schema:
        schema = _message(schema["ref"])
    return not schema.keys() & {"fields", "values", "items"}


def _meant(value: Any, schema: Schema) -> Any:
    if "ref" in schema:
        schema = _message(schema["ref"])
    if isinstance(value, Mapping):
        fields = schema.get("fields", {})
        return {key: _meant(item, fields.get(key) or schema.get("values") or {}) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_meant(item, schema.get("items", {})) for item in value]
    read = _READ.get(schema.get("type", "")) if isinstance(value, str) else None
    return read(value) if read else value


@cache
def _message(name: str) -> Schema:
    return schema_at(NEWEST, name, ())


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if text.lower().strip("+-") not in ("nan", "inf", "infinity") else text


def _integer(text: str) -> Any:
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < _LONGEST else text


_LONGEST = 20
"""More digits than any integer of Istio's has; Python refuses thousands."""


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


_READ: Mapping[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "int32": _integer,
    "integer": _integer,
    "number": _number,
    "port": _integer,
}
