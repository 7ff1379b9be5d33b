"""Localities: `region`, `region/zone` and `region/zone/subzone`; `*` at the end means all of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..values import quoted


def not_localities(localities: Mapping[Any, str]) -> Iterator[tuple[Any, Problem]]:
    """What is not a locality, with its key."""
    for key, locality in localities.items():
        if "*" in locality[:-1]:
            message = f"{quoted(locality)} has a wildcard before its end; write for example region/*"
            yield key, Problem((), "not-a-locality", message)
        elif not all(locality.split("/", 2)):
            message = f"{quoted(locality)} is not a locality; write region, region/zone or region/zone/subzone"
            yield key, Problem((), "not-a-locality", message)


def localities_that_overlap(localities: Mapping[Any, str], *, in_order: bool) -> Iterator[tuple[Any, Problem]]:
    """Localities that one before them covers, with the key; without an order, one that any other covers.

    In an order, what has a wildcard may follow a part of it: it means the rest.
    """
    before: list[tuple[str, ...]] = []
    for key, locality in localities.items():
        steps = tuple(locality.split("/", 2))
        if any(_covers(other, steps) or (not in_order and _covers(steps, other)) for other in before):
            message = f"{quoted(locality)} overlaps with another one; state each place once"
            yield key, Problem((), "localities-that-overlap", message)
        before.append(steps)


def _covers(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return all(step in (following, "*") for step, following in zip(one, other, strict=False))
