"""Rules for one service on one client cluster: whether each has calls and a name of its own, and all agree."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from ..errors import Path, Problem
from ..spec.rule import Rule
from ..spec.service import Service
from ..spec.values import PROTOCOLS_OF
from ..unknown import UnknownError, is_known, known
from ..wording import shown
from .entry_order import Indexed, by_callers, hidden_entry, unanswered_calls
from .saying import References, choices, each
from .subnets import subnets
from .unmatched import never_matches


def overlaps(references: References) -> Iterator[Problem]:
    hidden: dict[tuple[int, ...], dict[Path, Problem]] = {}
    for service, client, rules in _by_client_and_service(references):
        # most client clusters have the same rules: judging them once is enough
        yield from each(create_service_contradicted(rules, service, client))
        indices = tuple(index for index, _ in rules)
        if indices not in hidden:
            hidden[indices] = {}
            yield from each(_of_both(rules, service, client, hidden[indices]))
        yield from each(_where_it_does_not_run(rules, service, client, references))
    yield from _hidden_everywhere(hidden)
    for index, rule in known(references.federation.traffic):
        yield from each(never_matches(("traffic", index), rule, references))


def _hidden_everywhere(hidden: Mapping[tuple[int, ...], Mapping[Path, Problem]]) -> Iterator[Problem]:
    """Whoever gets calls on one client cluster is not hidden. `hidden` is what each group of rules hides."""
    of_rule: dict[object, list[Mapping[Path, Problem]]] = defaultdict(list)
    for indices, problems in hidden.items():
        for index in indices:
            of_rule[index].append(problems)
    everywhere = {
        path: problem
        for problems in hidden.values()
        for path, problem in problems.items()
        if all(path in others for others in of_rule[path[1]])
    }
    yield from everywhere.values()


def _where_it_does_not_run(
    rules: Sequence[Indexed], service: Service, client: str, references: References
) -> Iterator[Problem]:
    if client in references.federation.clusters and client not in service.clusters:
        yield from unanswered_calls(rules, service, client)


def _by_client_and_service(references: References) -> Iterator[tuple[Service, str, list[Indexed]]]:
    rules: dict[tuple[str, str], list[Indexed]] = defaultdict(list)
    for index, rule in known(references.federation.traffic):
        try:
            for client in dict.fromkeys(client for _, client in known(rule.clients.clusters)):
                rules[client, rule.service].append((index, rule))
        except UnknownError:
            continue
    for (client, reference), of_both in rules.items():
        if service := references.services.get(reference):
            yield service, client, of_both


def _of_both(rules: Sequence[Indexed], service: Service, client: str, hidden: dict[Path, Problem]) -> Iterator[Problem]:
    """Adds to `hidden` the entries that others hide here."""
    yield from each(no_name_of_its_own(rules, service))
    problems = list(each(*(second_rule(pair, service, client) for pair in combinations(rules, 2))))
    yield from problems
    second = {problem.path[1] for problem in problems}
    first = [(index, rule) for index, rule in rules if index not in second and _is_readable(rule)]
    hidden.update((problem.path, problem) for problem in each(hidden_entry(first, service)))
    yield from _subnets(first, service, hidden)


def _is_readable(rule: Rule) -> bool:
    """Whether somebody knows for whom it speaks, and on which port; if not, it is not said to hide anything."""
    clients = rule.clients
    return all(map(is_known, (rule.port, clients.namespaces, clients.labels, clients.gateways)))


def _subnets(rules: Sequence[Indexed], service: Service, hidden: Collection[Path]) -> Iterator[Problem]:
    """Of entries that are not hidden altogether."""
    paths: set[Path] = set()
    for callers, sharing in by_callers(rules):
        numbers = {port for _, rule in sharing for port in service.ports_for("tcp", rule.port)}
        for port in sorted(() if callers.gateways else numbers):
            for problem in subnets(sharing, port):
                if problem.path not in paths and problem.path[:4] not in hidden:
                    yield problem
                paths.add(problem.path)


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
    of_workloads = [(index, rule) for index, rule in rules if "mesh" in rule.clients.gateways]
    stated = [(index, rule) for index, rule in of_workloads if "create_service" in rule.model_fields_set]
    for index, rule in stated:
        first, other = stated[0]
        if rule.create_service != other.create_service:
            words = f"{shown(rule.create_service)} contradicts {shown(other.create_service)} of traffic[{first}]"
            message = f"{words}; one Service is made for all rules for {service.reference}, so state the same"
            yield Problem(("traffic", index, "createService"), "create-service-contradicted", message)


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
