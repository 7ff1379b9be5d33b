"""How messages show values, and what they say of those that pydantic refuses."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import isfinite, isnan
from types import NoneType
from typing import Any

from pydantic_core import ErrorDetails

_LONGEST = 300
"""A DNS name has at most 253 characters: the user should find the whole of it."""


def shown(value: Any) -> str:
    """A value as a message shows it: text in quotes, and no more than a line can hold."""
    try:
        text = as_yaml(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def as_yaml(value: Any) -> str:
    """A value as it stands in YAML, on one line; text in quotes."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{step_of(key)}: {as_yaml(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not isfinite(value):
        return ".nan" if isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, date):
        return value.isoformat()
    if is_output(value):
        return "an output"
    text = repr(value)
    # where it is in memory differs from run to run
    return _with_article(type(value).__name__) if " at 0x" in text else text


def is_output(value: Any) -> bool:
    """Whether a value becomes known only later, as Pulumi's outputs do."""
    return callable(getattr(value, "apply", None))


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def step_of(key: Any) -> str:
    """A key as paths show it: it is text as a rule, and then bare if it can be printed."""
    if isinstance(key, str):
        return key if key.isprintable() else repr(key)
    return shown(key)


def joined(values: Sequence[str]) -> str:
    """`a, b and c`"""
    return " and ".join([", ".join(values[:-1]), values[-1]]) if len(values) > 1 else "".join(values)


PYDANTIC_ERRORS = {
    "bool": ("not-a-boolean", "is neither true nor false"),
    "finite_number": ("not-an-integer", "is not an integer"),
    "greater_than_equal": ("too-small", "is too small; it should be at least {ge}"),
    "int": ("not-an-integer", "is not an integer"),
    "less_than_equal": ("too-large", "is too large; it should be at most {le}"),
    "literal_error": ("not-a-choice", "is not one of {expected}"),
    "string_unicode": ("not-text", "is not text; it holds half of a character"),
    "string_too_short": ("empty", "is empty; it should be text"),
}
"""Type of pydantic's error → name and words of the problem."""


def told(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    """Name and message of a problem that pydantic has with `value`. Our own errors bring both along."""
    kind = detail["type"]
    if kind == "string_type":
        return "not-text", f"{shown(value)} {not_text(value)}"
    name_and_words = PYDANTIC_ERRORS.get(kind) or PYDANTIC_ERRORS.get(kind.partition("_")[0])
    if name_and_words is None:
        return kind, f"{shown(value)} {detail['msg']}"
    name, words = name_and_words
    return name, f"{shown(value)} {words.format(**detail.get('ctx', {}))}"


def not_text(value: Any, *, is_key: bool = False) -> str:
    """What is wrong with a value that should be text, and how it becomes text."""
    if value is None and not is_key:
        return "is not text; state a value, or take the key out"
    kinds = {bool: "a boolean", int: "a number", float: "a number", date: "a date", NoneType: "nothing"}
    kind = next((name for kind, name in kinds.items() if isinstance(value, kind)), None)
    return f"is not text; YAML reads it as {kind}, so write it in quotes: '{shown(value)}'" if kind else "is not text"
