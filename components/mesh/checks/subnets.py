"""Destination subnets of tcp entries: Envoy takes the longest that fits, whatever the order of the entries."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import Path, Problem, spelled
from ..istio.match import covers, is_within, narrowed
from ..spec.rule import Rule
from ..unknown import is_known, known

Conditions = dict[str, Any]
"""Conditions of a match that speak of callers alone."""


class _Place(NamedTuple):
    """A match of a tcp entry, and where it stands."""

    path: Path
    callers: Conditions
    subnets: Sequence[Any]

    @property
    def entry(self) -> Path:
        return self.path[:4]


def subnets(rules: Sequence[tuple[int, Rule]], port: int) -> Iterator[Problem]:
    """`rules` make one list of entries; each has its index in `traffic`."""
    before: list[_Place] = []
    for index, rule in rules:
        labels = rule.clients.labels
        if rule.port in (None, port):
            for position, entry in known(rule.tcp):
                own = list(_places(("traffic", index, "tcp", position), entry.match, port, labels))
                for number, place in enumerate(own):
                    yield from _of_place(place, [*before, *own[: number + 1]], [*before, *own])
                before += own
        if rule.takes_the_rest("tcp"):
            before.append(_Place(("traffic", index, "otherwise"), _with(labels, {}), ()))


def _places(path: Path, matches: Any, port: int, labels: Mapping[str, str]) -> Iterator[_Place]:
    if isinstance(matches, list) and matches and is_known(matches):
        for position, match in enumerate(matches):
            rest = narrowed(match, port, ("mesh",)) if isinstance(match, dict) else None
            if rest is not None:
                stated = rest.get("destinationSubnets")
                here = (*path, "match", position, "destinationSubnets")
                yield _Place(here, _with(labels, rest), stated if isinstance(stated, list) else ())
    elif not matches:
        yield _Place(path, _with(labels, {}), ())


def _with(labels: Mapping[str, str], match: Mapping[str, Any]) -> Conditions:
    own = match.get("sourceLabels")
    return {
        "sourceLabels": {**labels, **(own if isinstance(own, dict) else {})},
        "sourceNamespace": match.get("sourceNamespace"),
    }


def _of_place(place: _Place, others: Sequence[_Place], list_: Sequence[_Place]) -> Iterator[Problem]:
    for position, subnet in enumerate(place.subnets):
        for other in others:
            both = _both(place.callers, other.callers)
            # istiod ends the list of a caller at the first entry without subnets
            if both is None or any(covers(end.callers, both) for end in list_ if not end.subnets):
                continue
            stated = place.subnets[:position] if other is place else other.subnets
            if outer := next((one for one in stated if is_within(subnet, one)), None):
                equal = is_within(outer, subnet)
                if equal or other.entry != place.entry:
                    check = ambiguous_subnet if equal else subnet_out_of_order
                    yield from check((*place.path, position), subnet, outer, other.entry)
                    break


def _both(one: Conditions, other: Conditions) -> Conditions | None:
    """Conditions who fit both; None if there are none."""
    labels, others = one["sourceLabels"], other["sourceLabels"]
    namespaces = {callers["sourceNamespace"] for callers in (one, other)} - {None, ""}
    if len(namespaces) > 1 or any(labels[key] != others[key] for key in labels.keys() & others.keys()):
        return None
    return {"sourceLabels": {**labels, **others}, "sourceNamespace": next(iter(namespaces), None)}


def ambiguous_subnet(path: Path, subnet: Any, _: Any, entry: Path) -> Iterator[Problem]:
    message = (
        f"{subnet!r} is a subnet of {_words(entry, path)} already, and some callers fit both; "
        "Envoy would refuse the listener, so keep their labels apart"
    )
    yield Problem(path, "ambiguous-subnet", message)


def subnet_out_of_order(path: Path, subnet: Any, outer: Any, entry: Path) -> Iterator[Problem]:
    message = (
        f"{subnet!r} is within {outer!r} of {_words(entry, path)}, and Envoy takes the longest subnet first; "
        "state it before that"
    )
    yield Problem(path, "subnet-out-of-order", message)


def _words(entry: Path, path: Path) -> str:
    return spelled(entry[2:] if entry[1] == path[1] else entry)
