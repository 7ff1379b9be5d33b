"""StringMatch: exact, prefix or regex."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import text
from ..regex import flaw
from ..values import quoted
from .tree import Rules


def not_a_regex(pattern: str) -> Iterator[Problem]:
    """A pattern that RE2 does not take; an empty one is for others to judge."""
    if what := flaw(pattern):
        yield Problem((), "not-a-regex", f"{quoted(pattern[:80])} {what}")


def _empty_prefix(match: Mapping[str, Any]) -> Iterator[Problem]:
    if match.get("prefix") == "":
        yield Problem(("prefix",), "empty", "'' is a prefix of everything; state what it begins with")


def _wrong_regex(match: Mapping[str, Any]) -> Iterator[Problem]:
    if match.get("regex") == "":
        yield Problem(("regex",), "empty", "'' is not a regular expression here; state one")
    for problem in not_a_regex(text(match, "regex")):
        yield problem._replace(path=("regex",))


def _wrong_regex_of_an_absent_header(match: Mapping[str, Any]) -> Iterator[Problem]:
    if match.get("regex") != "*":  # istiod reads it as "is present"
        yield from _wrong_regex(match)


STRING_MATCH = Rules((_empty_prefix, _wrong_regex))
PATH_MATCH = Rules((_wrong_regex,))
"""Every path has the empty prefix, and that may be said."""
ABSENT_HEADER_MATCH = Rules((_empty_prefix, _wrong_regex_of_an_absent_header))
