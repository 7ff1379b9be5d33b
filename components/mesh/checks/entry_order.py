"""Which calls each entry can still get, after all that come before it, and whether some are left at the end."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import Path, Problem, spelled
from ..istio.match import covers, narrowed
from ..spec.callers import Callers, callers_of
from ..spec.rule import Rule
from ..spec.service import Service
from ..spec.values import PROTOCOLS_OF
from ..unknown import Unknown, is_known, known
from ..wording import joined
from .saying import stated_matches

Indexed = tuple[int, Rule]
"""A rule, and its index in `traffic`."""


class _Place(NamedTuple):
    """A match of an entry as it holds for some callers on one port, and where the entry stands."""

    path: Path
    match: Mapping[str, Any]


def hidden_entry(rules: Sequence[Indexed], service: Service) -> Iterator[Problem]:
    """An entry that no call can reach, because others before it take all of its calls."""
    hiders: dict[Path, list[list[Path]]] = defaultdict(list)
    for kind in PROTOCOLS_OF:
        for callers, sharing in by_callers(rules):
            for port in sorted({port for _, rule in sharing for port in _possible_ports(service, kind, rule.port)}):
                for path, hiding in _judged(sharing, kind, port, callers):
                    hiders[path] += hiding
    for path, hiding in hiders.items():
        # whoever is reached by some callers, or on some port, is not hidden
        if all(hiding):
            named = list(dict.fromkeys(_in_common(hiding) or [one for one, *_ in hiding]))
            words = joined([spelled(hider[2:] if hider[1] == path[1] else hider) for hider in named])
            takes = "takes" if len(named) == 1 else "take"
            message = f"{spelled(path[2:])} never takes a call; {words} {takes} all of its calls before it"
            yield Problem(path, "hidden-entry", message)


def _possible_ports(service: Service, kind: str, only: int | None) -> list[int]:
    """Those for which entries of a kind may speak; a port whose protocol nobody knows is one of them."""
    return [
        port.number
        for port in service.ports
        if only in (None, port.number) and (isinstance(port.protocol, Unknown) or port.protocol in PROTOCOLS_OF[kind])
    ]


def _in_common(hiding: Sequence[Sequence[Path]]) -> list[Path]:
    """The first that hides everything by itself, if there is one."""
    return [hider for hider in hiding[0] if all(hider in others for others in hiding)][:1]


def by_callers(rules: Sequence[Indexed]) -> Iterator[tuple[Callers, list[Indexed]]]:
    """Each group of callers, and the rules that make one list of entries for them."""
    for callers, indices in callers_of([rule for _, rule in rules]):
        yield callers, [rules[index] for index in indices]


def _judged(
    rules: Sequence[Indexed], kind: str, port: int, callers: Callers
) -> Iterator[tuple[Path, list[list[Path]]]]:
    """Each entry that speaks for the port, and for each of its matches those that hide it."""
    before: list[_Place] = []
    for path, matches in _entries_in_order(rules, kind, port, callers):
        if matches is None:
            yield path, [[]]
            continue
        if matches and path[-1] != "otherwise":
            yield path, [[place.path for place in before if covers(place.match, match)] for match in matches]
        before += [_Place(path, match) for match in matches]


def _entries_in_order(
    rules: Sequence[Indexed], kind: str, port: int | None, callers: Callers
) -> Iterator[tuple[Path, list[dict[str, Any]] | None]]:
    """Each entry, and `otherwise` of each rule, with its matches as they hold on the port; None if nobody knows."""
    for index, rule in rules:
        if rule.port not in (None, port):
            continue
        labels = rule.clients.labels
        entries = getattr(rule, kind)
        for position, entry in () if isinstance(entries, Unknown) else enumerate(entries):
            stated = None if isinstance(entry, Unknown) else stated_matches(entry)
            path = ("traffic", index, kind, position)
            if stated is None:
                yield path, None
            else:
                yield path, [one for m in _narrowed(stated, port, callers, labels) for one in _by_server_name(m)]
        if is_known(entries) and is_known(rule.otherwise) and rule.takes_the_rest(kind):
            yield ("traffic", index, "otherwise"), [rule.clients.match]


def _narrowed(
    matches: Sequence[dict[str, Any]], port: int | None, callers: Callers, labels: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for match in matches:
        rest = narrowed(match, port, callers.entrances)
        if rest is not None and _may_come_from(rest, callers):
            if callers.namespace:
                rest.pop("sourceNamespace", None)
            if labels:
                own = rest.get("sourceLabels")
                rest["sourceLabels"] = {**labels, **(own if isinstance(own, dict) else {})}
            yield rest


def _may_come_from(match: Mapping[str, Any], callers: Callers) -> bool:
    """Whether callers of this group may be in the namespace that a match asks for."""
    namespace = match.get("sourceNamespace")
    if not isinstance(namespace, str) or not namespace:
        return True
    return namespace == callers.namespace if callers.namespace else namespace not in callers.apart


def _by_server_name(match: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A match that holds for several server names, as one for each: other entries may take them one by one."""
    names = match.get("sniHosts")
    if isinstance(names, list) and names:
        yield from ({**match, "sniHosts": [name]} for name in names)
    else:
        yield match


def unanswered_calls(rules: Sequence[Indexed], service: Service, client: str) -> Iterator[Problem]:
    """Where the service does not run, nobody answers the calls that no entry takes."""
    missing = {"http": "an entry for every call, or `otherwise: notFound`", "tcp": "a tcp entry for every connection"}
    unanswered: dict[int, dict[str, None]] = defaultdict(dict)
    for callers, sharing in by_callers(rules):
        for index, rule in sharing:
            for kind in missing:
                # 404 may be what answers
                if not all(is_known(one.otherwise) for _, one in sharing):
                    continue
                ports: list[int | None] = [*service.ports_for(kind, rule.port)] or [rule.port]
                for port in ports if getattr(rule, kind) else ():
                    # a gateway has a 404 of its own
                    needs_answer = not callers.gateways or rule.otherwise == "clientCluster"
                    if needs_answer and not _is_answered(index, rule, _entries_in_order(sharing, kind, port, callers)):
                        unanswered[index][kind] = None
    for index, rule in rules:
        if index in unanswered:
            message = (
                f"{service.reference} does not run on {client!r}, so nobody there answers calls that no entry takes; "
                f"add {'; and '.join(missing[kind] for kind in unanswered[index])}"
            )
            [position] = [p for p, one in known(rule.clients.clusters) if one == client][:1]
            yield Problem(("traffic", index, "clients", "clusters", position), "unanswered-calls", message)


def _is_answered(index: int, rule: Rule, entries: Iterable[tuple[Path, list[dict[str, Any]] | None]]) -> bool:
    """Whether each call of the rule is taken before nobody but the client cluster is left."""
    for path, matches in entries:
        if path[1:] == (index, "otherwise") and rule.otherwise == "clientCluster":
            return False
        # what nobody can read may take all
        if matches is None or any(covers(match, rule.clients.match) for match in matches):
            return True
    return False
