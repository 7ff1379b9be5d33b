"""Headers: names, values, and what may be done to them on the way."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..values import quoted
from .tree import Rules, each

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~A-Za-z0-9]+")
_PSEUDO_HEADERS = (":method", ":scheme", ":authority", ":path", ":status")
_CLAIM = re.compile(r"@request\.auth\.claims(?:\..+|\[.+\])", re.IGNORECASE | re.DOTALL)
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STRING = r'(?:\\.|[^\\")])*'
_VALUE = re.compile(
    rf"""(?: [^%] | %%
        | % [^%(]+ %                            # %HOSTNAME%
        | % [^%(]* \([ ]*
          (?: \[[ ]*" | [^\[ ] )                # %REQ(X)% or %META(["a", "b"])%
          (?: {_STRING} "[ ]*,[ ]*" )*
          {_STRING} (?: \) | "[ ]*\][ ]*\) )
          [ ]* %
    )*""",
    re.VERBOSE | re.DOTALL,
)


def is_header_name(name: str) -> bool:
    return bool(_TOKEN.fullmatch(name))


def is_header_value(value: str) -> bool:
    """Whether Istio takes it: each `%` begins or ends something."""
    return bool(_VALUE.fullmatch(value))


def is_claim(name: str) -> bool:
    """Whether it means a claim of the caller's token, as `@request.auth.claims.sub`."""
    return bool(_CLAIM.fullmatch(name))


def is_authority(name: str) -> bool:
    return name.lower() in (":authority", "host")


def names_that_match_nothing(matches: Mapping[Any, Any]) -> Iterator[Problem]:
    """Names of headers that cannot be matched."""
    for name in map(str, matches):
        if not (is_claim(name) or name in _PSEUDO_HEADERS or is_header_name(name)):
            yield Problem(
                (name,), "not-a-header", f"{quoted(name)} is not the name of a header; write for example x-user"
            )


def _set_of_a_request(headers: Mapping[Any, Any]) -> Iterator[Problem]:
    for name in map(str, headers):
        if not name or (name.startswith(":") and not is_authority(name)):
            message = f"{quoted(name)} cannot be set; write the name of a header, or :authority"
            yield Problem((name,), "not-a-header", message)


def _fixed(name: str) -> bool:
    return not name or name.startswith(":") or name.lower() == "host"


def _set_of_an_answer(headers: Mapping[Any, Any]) -> Iterator[Problem]:
    for name in map(str, headers):
        if _fixed(name):
            yield Problem((name,), "not-a-header", f"{quoted(name)} cannot be set in an answer; write another header")


def _removed(name: str) -> Iterator[Problem]:
    if _fixed(name):
        yield Problem((), "not-a-header", f"{quoted(name)} cannot be removed; write another header")


def _not_a_value(value: str) -> Iterator[Problem]:
    if _CONTROL_CHARACTER.search(value):
        yield Problem((), "not-a-header-value", f"{quoted(value)} has a control character; leave it out")
    if not is_header_value(value):
        message = f"{quoted(value)} has a % that ends nothing; write %% for a percent sign, %NAME% for a variable"
        yield Problem((), "not-a-header-value", message)


_VALUES = each(_not_a_value).each
_SET_OF_A_REQUEST = Rules((_set_of_a_request,), each=_VALUES)
_SET_OF_AN_ANSWER = Rules((_set_of_an_answer,), each=_VALUES)
_REMOVED = each(_removed)

OPERATIONS = Rules(
    fields={
        "request": Rules(fields={"add": _SET_OF_A_REQUEST, "set": _SET_OF_A_REQUEST, "remove": _REMOVED}),
        "response": Rules(fields={"add": _SET_OF_AN_ANSWER, "set": _SET_OF_AN_ANSWER, "remove": _REMOVED}),
    }
)
