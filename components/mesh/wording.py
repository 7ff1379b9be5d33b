"""How messages show values, and what they say of those that pydantic refuses."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic_core import ErrorDetails

_LONGEST = 300
"""A DNS name has at most 253 characters: the user should find the whole of it."""


def shown(value: Any) -> str:
    """A value as a message shows it: text in quotes, and no more than a line can hold."""
    try:
        text = repr(value) if isinstance(value, str | list | tuple | dict) else as_yaml(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def as_yaml(value: Any) -> str:
    """A value that is not text, as it stands in YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else repr(value)


def joined(values: Sequence[str]) -> str:
    """`a, b and c`"""
    return " and ".join([", ".join(values[:-1]), values[-1]]) if len(values) > 1 else "".join(values)


_WORDS = {
    "bool": ("not-a-boolean", "is neither true nor false"),
    "greater_than_equal": ("too-small", "is too small; it should be at least {ge}"),
    "int": ("not-an-integer", "is not an integer"),
    "less_than_equal": ("too-large", "is too large; it should be at most {le}"),
    "literal_error": ("not-a-choice", "is not one of {expected}"),
    "string_too_short": ("empty", "is empty; it should be text"),
}
"""Type of pydantic's error → name and words of the problem."""


def told(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    """Name and message of a problem that pydantic has with `value`. Our own errors bring both along."""
    kind = detail["type"]
    if kind == "string_type":
        return "not-text", f"{shown(value)} {_not_text(value)}"
    known = _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0])
    if known is None:
        return kind, f"{shown(value)} {detail['msg']}"
    name, words = known
    return name, f"{shown(value)} {words.format(**detail.get('ctx', {}))}"


def _not_text(value: Any) -> str:
    if value is None:
        return "is not text; state a value, or take the key out"
    kinds = {bool: "a boolean", int: "a number", float: "a number", date: "a date", bytes: "bytes"}
    kind = next((name for kind, name in kinds.items() if isinstance(value, kind)), None)
    return f"is not text; YAML reads it as {kind}, so write it in quotes" if kind else "is not text"
