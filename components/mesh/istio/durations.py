"""Durations as Istio reads them: `1h30m`, `1.5s`, `500ms`."""

import re
from fractions import Fraction
from functools import lru_cache

MILLISECOND = 10**6
SECOND = 10**9
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,  # both letters mean micro
    "ms": MILLISECOND,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_PART = r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?P<unit>ns|us|µs|μs|ms|s|m|h)"
_DURATION = re.compile(rf"[-+]?(?:0|(?:{_PART.replace('?P<number>', '').replace('?P<unit>', '?:')})+)")
_LONGEST = 2**63 - 1


# objects repeat a few durations many times
@lru_cache(maxsize=1000)
def nanoseconds(text: str) -> int | None:
    """How long it is; nothing if it is not a duration, or one that is longer than 292 years."""
    if not _DURATION.fullmatch(text):
        return None
    parts = re.finditer(_PART, text)
    total = int(sum(Fraction(part["number"].rstrip(".")) * _NANOSECONDS[part["unit"]] for part in parts))
    if total > _LONGEST:
        return None
    return -total if text.startswith("-") else total
