"""Which workloads an object is for."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..values import quoted
from .tree import Rules


def _wildcard_in_a_key(labels: Mapping[Any, Any]) -> Iterator[Problem]:
    """Of values the schema says so."""
    for key in map(str, labels):
        if not key or "*" in key:
            yield Problem((key,), "wildcard", f"{quoted(key)} is not a key of a label; write the whole key")


SELECTOR_WITH_LABELS = Rules(fields={"labels": Rules((_wildcard_in_a_key,))})
