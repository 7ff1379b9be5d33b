"""Which workloads an object is for."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from .tree import Rules


def _not_a_whole_label(labels: Mapping[Any, Any]) -> Iterator[Problem]:
    for key, value in labels.items():
        if not key or "*" in str(key):
            yield Problem((str(key),), "wildcard", f"'{key}' is not a key of a label; write the whole key")
        if isinstance(value, str) and "*" in value:
            yield Problem((str(key),), "wildcard", f"'{value}' has a wildcard; write the whole value of the label")


_LABELS = Rules((_not_a_whole_label,))
SELECTOR_WITH_LABELS = Rules(fields={"labels": _LABELS})
