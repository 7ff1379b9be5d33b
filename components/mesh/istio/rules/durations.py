"""Durations beyond what the schema says of them: istiod takes whole milliseconds."""

from collections.abc import Iterator

from ...errors import Problem
from ..durations import MILLISECOND, SECOND, nanoseconds
from ..values import quoted
from .tree import text


def _parts_of_a_millisecond(duration: str) -> Iterator[Problem]:
    length = nanoseconds(duration)
    if length is not None and length >= MILLISECOND and length % MILLISECOND:
        yield Problem((), "too-precise", f"{quoted(duration)} is too precise; whole milliseconds are right")


def _parts_of_a_second(duration: str) -> Iterator[Problem]:
    length = nanoseconds(duration)
    if length is not None and length >= MILLISECOND and length % SECOND:
        yield Problem((), "too-precise", f"{quoted(duration)} is too precise; whole seconds are right")


def _not_a_duration(duration: str) -> Iterator[Problem]:
    if nanoseconds(duration) is None:
        message = f"{quoted(duration)} is not a duration; write for example 500ms, 5s or 1m30s"
        yield Problem((), "not-a-duration", message)


def _neither_a_duration_nor_0(duration: str) -> Iterator[Problem]:
    length = nanoseconds(duration)
    if length is not None and length <= -MILLISECOND:
        yield Problem((), "out-of-bounds", f"{quoted(duration)} is less than nothing; 0s or at least 1ms is right")
    if length is None:
        yield from _not_a_duration(duration)
    else:
        yield from _parts_of_a_millisecond(duration)


DURATION = text(_parts_of_a_millisecond)
"""The schema knows what a duration is, and that it has at least a millisecond."""
SECONDS = text(_parts_of_a_second)
DURATION_OR_0 = text(_neither_a_duration_nor_0)
"""The schema takes any text."""
ANY_DURATION = text(_not_a_duration)
