"""Which calls each rule and each entry can still get, after all that come before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from ..errors import Path, Problem, spelled
from ..istio.match import covers, narrowed
from ..spec.rule import Rule
from ..spec.service import PROTOCOLS_OF, Service
from ..unknown import Unknown, UnknownError, is_known, known
from ..wording import joined, shown
from .saying import References, choices, each, stated_matches
from .subnets import subnets

Indexed = tuple[int, Rule]
"""A rule, and its index in `traffic`."""


def overlaps(references: References) -> Iterator[Problem]:
    judged: set[tuple[int, ...]] = set()
    for service, client, rules in _by_client_and_service(references):
        # most client clusters have the same rules: judging them once is enough
        yield from each(create_service_contradicted(rules, service, client))
        indices = tuple(index for index, _ in rules)
        if indices not in judged:
            judged.add(indices)
            yield from each(_of_both(rules, service, client))
        yield from each(_where_it_does_not_run(rules, service, client, references))
    for index, rule in known(references.federation.traffic):
        yield from each(never_matches(("traffic", index), rule, references))


def _where_it_does_not_run(
    rules: Sequence[Indexed], service: Service, client: str, references: References
) -> Iterator[Problem]:
    if client in references.federation.clusters and client not in service.clusters:
        yield from unanswered_calls(rules, service, client)


def _by_client_and_service(references: References) -> Iterator[tuple[Service, str, list[Indexed]]]:
    rules: dict[tuple[str, str], list[Indexed]] = defaultdict(list)
    for index, rule in known(references.federation.traffic):
        try:
            for _, client in known(list(dict.fromkeys(client for _, client in known(rule.clients.clusters)))):
                rules[client, rule.service].append((index, rule))
        except UnknownError:
            continue
    for (client, reference), of_both in rules.items():
        if service := references.services.get(reference):
            yield service, client, of_both


def _of_both(rules: Sequence[Indexed], service: Service, client: str) -> Iterator[Problem]:
    yield from each(no_name_of_its_own(rules, service))
    problems = list(each(*(second_rule(pair, service, client) for pair in combinations(rules, 2))))
    yield from problems
    second = {problem.path[1] for problem in problems}
    first = [(index, rule) for index, rule in rules if index not in second and _is_readable(rule)]
    hidden = list(each(hidden_entry(first, service)))
    yield from hidden
    yield from _subnets(first, service, {problem.path for problem in hidden})


def _is_readable(rule: Rule) -> bool:
    """Whether somebody knows for whom it speaks, and on which port; if not, it is not said to hide anything."""
    clients = rule.clients
    return all(map(is_known, (rule.port, clients.namespaces, clients.labels, clients.gateways)))


def _subnets(rules: Sequence[Indexed], service: Service, hidden: Collection[Path]) -> Iterator[Problem]:
    """Of entries that are not hidden altogether."""
    told: set[Path] = set()
    for gateways, sharing in _lists(rules):
        numbers = {port for _, rule in sharing for port in service.ports_for("tcp", rule.port)}
        for port in sorted(numbers if "mesh" in gateways else ()):
            for problem in subnets(sharing, port):
                if problem.path not in told and problem.path[:4] not in hidden:
                    yield problem
                told.add(problem.path)


def second_rule(pair: tuple[Indexed, Indexed], service: Service, client: str) -> Iterator[Problem]:
    (first, one), (second, other) = pair
    # the port of a gateway says nothing about the port of the service
    if meeting := _same_calls_at_a_gateway(one, other):
        calls = service.reference
    elif (meeting := _same_workloads(one, other)) and (ports := _same_ports(one, other, service)):
        calls = f"{service.reference}:{ports}"
    else:
        return
    name = f" ({one.name!r})" if one.name else ""
    message = f"{calls!r} on {client} has a rule for {meeting} already; it is traffic[{first}]{name}"
    yield Problem(("traffic", second), "second-rule", message)


def create_service_contradicted(rules: Sequence[Indexed], service: Service, client: str) -> Iterator[Problem]:
    """Of one Service on a client cluster that does not run the service."""
    if client in service.clusters:
        return
    stated = [(i, rule) for i, rule in rules if "create_service" in rule.model_fields_set and _is_of_workloads(rule)]
    for index, rule in stated:
        first, other = stated[0]
        if rule.create_service != other.create_service:
            words = f"{shown(rule.create_service)} contradicts {shown(other.create_service)} of traffic[{first}]"
            message = f"{words}; one Service is made for all rules for {service.reference}, so state the same"
            yield Problem(("traffic", index, "createService"), "create-service-contradicted", message)


def _is_of_workloads(rule: Rule) -> bool:
    return "mesh" in rule.clients.gateways


def no_name_of_its_own(rules: Sequence[Indexed], service: Service) -> Iterator[Problem]:
    """The VirtualService for ingress gateways has the rule's name, that for a namespace the namespace's."""
    namespaces = {namespace for _, rule in rules for namespace in rule.clients.namespaces}
    named: dict[str, int] = {}
    for index, rule in rules:
        is_ingress = set(rule.clients.gateways) != {"mesh"}
        if not (rule.name or is_ingress):
            continue
        if (first := named.setdefault(rule.name or "", index)) != index:
            words = f"{rule.name!r} is the name of traffic[{first}], too" if rule.name else "is missing"
            where = "on one client cluster" if rule.name else "at ingress gateways"
            message = f"{words}; several rules for {service.reference} {where} need names of their own"
            yield Problem(("traffic", index, "name"), "no-name-of-its-own", message)
        elif not rule.name and "ingress" in namespaces:
            message = f"is missing; {service.reference} has another rule for the namespace 'ingress'"
            yield Problem(("traffic", index, "name"), "no-name-of-its-own", message)


def _same_calls_at_a_gateway(one: Rule, other: Rule) -> str:
    """Words for the calls of an ingress gateway for which both rules speak; nothing if there are none."""
    gateways = (set(one.clients.gateways) & set(other.clients.gateways)) - {"mesh"}
    hosts = set(one.hosts) & set(other.hosts)
    return f"{choices(hosts)} at {choices(gateways)}" if gateways and hosts else ""


def _same_workloads(one: Rule, other: Rule) -> str:
    """Words for the workloads for which both rules speak alike; nothing if there are none."""
    if not all("mesh" in rule.clients.gateways for rule in (one, other)) or one.clients.labels != other.clients.labels:
        return ""
    if not one.clients.namespaces and not other.clients.namespaces:
        return "the same callers"
    shared = set(one.clients.namespaces) & set(other.clients.namespaces)
    return f"callers in {choices(shared)}" if shared else ""


def _same_ports(one: Rule, other: Rule, service: Service) -> str:
    ports = {
        port
        for kind in PROTOCOLS_OF
        if getattr(one, kind) and getattr(other, kind)
        for port in set(service.ports_for(kind, one.port)) & set(service.ports_for(kind, other.port))
    }
    return choices(ports) if ports else ""


class _Place(NamedTuple):
    """A match of an entry as it holds for some callers on one port, and where the entry stands."""

    path: Path
    match: Mapping[str, Any]


def hidden_entry(rules: Sequence[Indexed], service: Service) -> Iterator[Problem]:
    """An entry that no call can reach, because others before it take all of its calls."""
    hiders: dict[Path, list[list[Path]]] = defaultdict(list)
    for kind in PROTOCOLS_OF:
        for gateways, sharing in _lists(rules):
            for port in sorted({port for _, rule in sharing for port in _possible_ports(service, kind, rule.port)}):
                for path, hiding in _judged(sharing, kind, port, gateways):
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


def _lists(rules: Sequence[Indexed]) -> Iterator[tuple[set[str], list[Indexed]]]:
    """Gateways, and the rules that make one list of entries there, for each group of callers."""
    mesh = [(index, rule) for index, rule in rules if "mesh" in rule.clients.gateways]
    yield {"mesh"}, [(index, rule) for index, rule in mesh if not rule.clients.namespaces]
    for namespace in sorted({n for _, rule in mesh for n in rule.clients.namespaces}):
        meant = [(i, r) for i, r in mesh if not r.clients.namespaces or namespace in r.clients.namespaces]
        yield {"mesh"}, meant
    for index, rule in rules:
        if ingress := set(rule.clients.gateways) - {"mesh"}:
            yield ingress, [(index, rule)]


def _judged(
    rules: Sequence[Indexed], kind: str, port: int, gateways: Collection[str]
) -> Iterator[tuple[Path, list[list[Path]]]]:
    """Each entry that speaks for the port, and for each of its matches those that hide it."""
    before: list[_Place] = []
    for path, matches in _entries_in_order(rules, kind, port, gateways):
        if matches is None:
            yield path, [[]]
            continue
        if matches and path[-1] != "otherwise":
            yield path, [[place.path for place in before if covers(place.match, match)] for match in matches]
        before += [_Place(path, match) for match in matches]


def _entries_in_order(
    rules: Sequence[Indexed], kind: str, port: int | None, gateways: Collection[str]
) -> Iterator[tuple[Path, list[dict[str, Any]] | None]]:
    """Each entry, and `otherwise` of each rule, with its matches as they hold on the port; None if nobody knows."""
    for index, rule in rules:
        if rule.port not in (None, port):
            continue
        labels = rule.clients.labels
        entries = getattr(rule, kind)
        for position, entry in () if isinstance(entries, Unknown) else known(entries):
            stated = stated_matches(entry)
            path = ("traffic", index, kind, position)
            if stated is None:
                yield path, None
            else:
                yield path, [one for m in _narrowed(stated, port, gateways, labels) for one in _by_server_name(m)]
        if is_known(entries) and is_known(rule.otherwise) and rule.takes_the_rest(kind):
            yield ("traffic", index, "otherwise"), [_of_callers(rule)]


def _of_callers(rule: Rule) -> dict[str, Any]:
    """A match that every call fits for which the rule speaks."""
    return {"sourceLabels": rule.clients.labels} if rule.clients.labels else {}


def _narrowed(
    matches: Sequence[dict[str, Any]], port: int | None, gateways: Collection[str], labels: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for match in matches:
        rest = narrowed(match, port, gateways)
        if rest is not None:
            if labels:
                own = rest.get("sourceLabels")
                rest["sourceLabels"] = {**labels, **(own if isinstance(own, dict) else {})}
            yield rest


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
    for gateways, sharing in _lists(rules):
        for index, rule in sharing:
            for kind in missing:
                # 404 may be what answers
                if not all(is_known(one.otherwise) for _, one in sharing):
                    continue
                ports: list[int | None] = [*service.ports_for(kind, rule.port)] or [rule.port]
                for port in ports if getattr(rule, kind) else ():
                    # a gateway has a 404 of its own
                    needs_answer = "mesh" in gateways or rule.otherwise == "clientCluster"
                    if needs_answer and not _is_answered(index, rule, _entries_in_order(sharing, kind, port, gateways)):
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
        if matches is None or any(covers(match, _of_callers(rule)) for match in matches):
            return True
    return False


def never_matches(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    """A condition that no call of the rule can fulfil."""
    service = references.service(rule.service)
    labels = rule.clients.labels
    for kind in PROTOCOLS_OF:
        # at an ingress gateway, ports are those of the gateway
        numbers = service.ports_for(kind, rule.port) if service and "mesh" in rule.clients.gateways else []
        for index, entry in known(getattr(rule, kind)):
            for position, match in enumerate(entry.match if isinstance(entry.match, list) else ()):
                here = (*path, kind, index, "match", position)
                yield from each(
                    unmatched_port(here, match, numbers),
                    unmatched_labels(here, match, labels),
                    unmatched_gateways(here, match, rule.clients.gateways),
                    unmatched_namespace(here, match, rule.clients.namespaces),
                )


def unmatched_port(path: Path, match: Any, numbers: Sequence[int]) -> Iterator[Problem]:
    port = match.get("port") if isinstance(match, dict) else None
    if numbers and port is not None and port not in numbers:
        message = f"{port!r} is not a port of the rule; it speaks for {choices(numbers)}"
        yield Problem((*path, "port"), "unmatched-port", message)


def unmatched_labels(path: Path, match: Any, labels: Mapping[str, str]) -> Iterator[Problem]:
    own = match.get("sourceLabels") if isinstance(match, dict) else None
    for key, value in (own if isinstance(own, dict) else {}).items():
        if key in labels and labels[key] != value:
            message = f"{value!r} is not the value {labels[key]!r} that `clients.labels` asks for; no call has both"
            yield Problem((*path, "sourceLabels", key), "unmatched-labels", message)


def unmatched_gateways(path: Path, match: Any, gateways: Sequence[str]) -> Iterator[Problem]:
    own = match.get("gateways") if isinstance(match, dict) else None
    if isinstance(own, list) and own and not set(gateways) & set(map(str, own)):
        message = f"{own!r} has none of the rule's gateways; they are {choices(gateways)}"
        yield Problem((*path, "gateways"), "unmatched-gateways", message)


def unmatched_namespace(path: Path, match: Any, namespaces: Sequence[str]) -> Iterator[Problem]:
    own = match.get("sourceNamespace") if isinstance(match, dict) else None
    if own and namespaces and own not in namespaces:
        message = f"{own!r} is not a namespace of the rule; its callers are in {choices(namespaces)}"
        yield Problem((*path, "sourceNamespace"), "unmatched-namespace", message)
