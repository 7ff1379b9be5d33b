"""What a single value must be. A check answers with the problems of the value; it has none if the value is late."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any

from ..errors import Path, Problem
from .durations import MILLISECOND, nanoseconds
from .releases import Schema

Check = Callable[[Any], Sequence[Problem]]
"""The problems of a value; their paths begin at the value."""

FINE: Sequence[Problem] = ()

_PLAIN = (str, int, float, dict, list, tuple, set, bytes, date, type(None))
_LONGEST_QUOTE = 300
"""A DNS name has at most 253 characters: the user should find the whole of it."""

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")


def is_late(value: Any) -> bool:
    """Whether nobody knows yet what it is: a Pulumi output, or what is computed from one."""
    return not isinstance(value, _PLAIN)


def quoted(value: Any) -> str:
    """The value as the user wrote it, in quotes and on one line; of a long one the beginning."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=_as_text, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # keys that are no text, huge numbers, what contains itself
        text = f"a {type(value).__name__}"
    text = text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"
    return f"'{''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)}'"


def _as_text(value: Any) -> str:
    return "an output" if is_late(value) else str(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """The beginning of a hint: `did you mean 'port'? `, or nothing where no known word is like it."""
    closest = get_close_matches(word, known, n=1)
    return f"did you mean '{closest[0]}'? " if closest else ""


def below(step: str | int, problems: Sequence[Problem]) -> list[Problem]:
    """The problems of a part as those of the whole."""
    return [problem._replace(path=(step, *problem.path)) for problem in problems]


def problem(name: str, message: str, path: Path = ()) -> list[Problem]:
    return [Problem(path, name, message)]


def text_check(schema: Schema) -> Check:
    allowed = schema.get("enum")
    if allowed:
        return _enum_check(frozenset(allowed), f"it takes {', '.join(allowed)}")
    if schema.keys() & {"pattern", "minLength", "maxLength"}:
        return _constrained_text_check(schema)
    return _text


def _text(value: Any) -> Sequence[Problem]:
    if type(value) is str or isinstance(value, str) or is_late(value):
        return FINE
    right = "put it into quotes" if isinstance(value, int | float | date) else "write text"
    return problem("not-text", f"{quoted(value)} is not text; {right}")


def _enum_check(allowed: frozenset[str], right: str) -> Check:
    def check(value: Any) -> Sequence[Problem]:
        if isinstance(value, str):
            if value in allowed:
                return FINE
            return problem(
                "not-in-enum", f"{quoted(value)} is not one of its values; {nearest(value, sorted(allowed))}{right}"
            )
        return _text(value)

    return check


def _constrained_text_check(schema: Schema) -> Check:
    # RE2's `$` is the very end; Python's would take a newline there
    pattern = re.compile(schema.get("pattern", "").replace("$", r"\Z"))
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", math.inf)

    def check(value: Any) -> Sequence[Problem]:
        if not isinstance(value, str):
            return _text(value)
        if not shortest <= len(value) <= longest:
            right = between(shortest, longest)
            return problem("wrong-length", f"{quoted(value)} has {len(value)} characters; {right} are right")
        if not pattern.search(value):
            return problem("does-not-match", f"{quoted(value)} does not match; it should match {schema['pattern']}")
        return FINE

    return check


def integer_check(schema: Schema) -> Check:
    size = 2**31 if schema["type"] == "int32" else 2**63
    lowest, highest = schema.get("minimum", -size), schema.get("maximum", size - 1)

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is int or (type(value) is float and value.is_integer()):
            if lowest <= value <= highest:
                return FINE
            return problem("out-of-bounds", f"{quoted(value)} is out of bounds; {between(lowest, highest)} is right")
        if is_late(value):
            return FINE
        return problem(
            "not-an-integer", f"{quoted(value)} is not an integer; {_unquoted(value, 'write a whole number')}"
        )

    return check


def port_check(_schema: Schema) -> Check:
    return _port


def _port(value: Any) -> Sequence[Problem]:
    """The rule behind it takes no 80.0, other than for integers at large."""
    if is_late(value) or (type(value) is int and 1 <= value <= 65535):
        return FINE
    if type(value) is int:
        return problem("out-of-bounds", f"{quoted(value)} is not a port; 1 to 65535 is right")
    return problem("not-an-integer", f"{quoted(value)} is not an integer; {_unquoted(value, 'write a whole number')}")


def number_check(schema: Schema) -> Check:
    lowest, highest = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)

    def check(value: Any) -> Sequence[Problem]:
        wrong = _number(value)
        if not wrong and not is_late(value) and not lowest <= value <= highest:
            return problem("out-of-bounds", f"{quoted(value)} is out of bounds; {between(lowest, highest)} is right")
        return wrong

    return check


def _number(value: Any) -> Sequence[Problem]:
    is_number = isinstance(value, int | float) and type(value) is not bool
    if is_late(value) or (is_number and abs(value) <= sys.float_info.max):
        return FINE
    return problem("not-a-number", f"{quoted(value)} is not a number; {_unquoted(value, 'write for example 0.5')}")


def _unquoted(value: Any, right: str) -> str:
    is_number = isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)
    return "leave the quotes out" if is_number else right


def boolean_check(_schema: Schema) -> Check:
    return _boolean


def _boolean(value: Any) -> Sequence[Problem]:
    if type(value) is bool or is_late(value):
        return FINE
    right = "leave the quotes out" if value in ("true", "false") else "write true or false"
    return problem("not-a-boolean", f"{quoted(value)} is neither true nor false; {right}")


def bytes_check(_schema: Schema) -> Check:
    return _bytes


def _bytes(value: Any) -> Sequence[Problem]:
    if not isinstance(value, str):
        return FINE if isinstance(value, list) else _text(value)  # an API server takes a list of bytes, too
    if _BASE64.fullmatch(value):
        return FINE
    return problem("not-base64", f"{quoted(value)} is not base64; encode at least one byte")


def duration_check(_schema: Schema) -> Check:
    return _duration


def _duration(value: Any) -> Sequence[Problem]:
    if not isinstance(value, str):
        if is_late(value):
            return FINE
        return problem("not-a-duration", f"{quoted(value)} is not a duration; write for example 500ms, 5s or 1m30s")
    length = nanoseconds(value)
    if length is None:
        return problem("not-a-duration", f"{quoted(value)} is not a duration; write for example 500ms, 5s or 1m30s")
    if length < MILLISECOND:
        return problem("out-of-bounds", f"{quoted(value)} is too short; at least 1ms is right; leave it out for none")
    return FINE


def between(lowest: float, highest: float) -> str:
    """The bounds in words: `1 to 65535`."""
    return f"at least {lowest}" if highest == math.inf else f"{lowest} to {highest}"
