"""What must be true of a rule as a whole: for whom it speaks, and for which ports."""

from collections.abc import Iterator
from typing import Any

from ..errors import Path, Problem, spelled
from ..istio.match import is_catch_all, narrowed
from ..istio.parts import is_set, messages
from ..spec.rule import Rule
from ..spec.service import Service
from ..spec.values import PROTOCOLS_OF
from ..unknown import as_far_as_known, as_late, known
from ..wording import shown
from .entry import any_version_includes_weight_0, entries, unknown_service
from .language import istios_words
from .overlap import overlaps
from .saying import References, choices, each, stated_twice
from .service import unknown_cluster

Owners = dict[tuple[str, str, str], tuple[str, Path]]
"""What a host means somewhere → that service, and the first rule that says so.

The place is a client cluster, and a namespace of callers or an ingress gateway there.
"""


def traffic(references: References) -> Iterator[Problem]:
    for index, rule in known(references.federation.traffic):
        path = ("traffic", index)
        yield from each(
            unknown_service((*path, "service"), rule.service, references),
            _clients((*path, "clients", "clusters"), rule, references),
            no_entries(path, rule),
            unknown_rule_port(path, rule, references),
            no_fitting_port(path, rule, references),
            workloads_at_a_gateway(path, rule),
            missing_hosts(path, rule),
            not_at_a_gateway(path, rule),
            ambiguous_port(path, rule, references),
            useless_otherwise(path, rule, references),
            passes_outside_the_mesh(path, rule, references),
            *(entries((*path, kind), getattr(rule, kind), rule, references) for kind in PROTOCOLS_OF),
            istios_words(path, rule, references),
        )
    yield from each(overlaps(references), _hosts(references), any_version_includes_weight_0(references))


def _clients(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    yield from stated_twice(path, rule.clients.clusters)
    for position, client in known(rule.clients.clusters):
        here = (*path, position)
        yield from each(
            unknown_cluster(here, client, references), name_of_another_service(here, client, rule, references)
        )


def name_of_another_service(path: Path, client: str, rule: Rule, references: References) -> Iterator[Problem]:
    """Where the service does not run, its name and the routes for it are ours; they would take over a Service."""
    service = references.service(rule.service)
    if service is None or client in service.clusters or "mesh" not in rule.clients.gateways:
        return
    if owner := references.owner_of.get((client, service.namespace, service.name)):
        message = (
            f"{rule.service} does not run on {client!r}, where its name is that of a Service of {owner[0]}; "
            "give one of the two another name"
        )
        yield Problem(path, "name-of-another-service", message)


def _takes_all(rule: Rule, kind: str, service: Service) -> bool:
    """Whether, on each port for which the rule has entries of the kind, one of them takes every call."""
    matches = [match for entry in getattr(rule, kind) for match in _matches(entry.match) if isinstance(match, dict)]
    ports: list[int | None] = [*service.ports_for(kind, rule.port)] or [None]
    return not getattr(rule, kind) or all(any(_is_catch_all(match, port, rule) for match in matches) for port in ports)


def _matches(stated: Any) -> list[Any]:
    return stated if isinstance(stated, list) and stated else [] if stated else [{}]


def _is_catch_all(match: dict[str, Any], port: int | None, rule: Rule) -> bool:
    rest = narrowed(match, port, rule.clients.gateways)
    return rest is not None and is_catch_all(rest)


def no_entries(path: Path, rule: Rule) -> Iterator[Problem]:
    if not any(getattr(rule, kind) for kind in PROTOCOLS_OF):
        yield Problem(path, "no-entries", "has neither http nor tcp nor tls; state at least one entry")


def unknown_rule_port(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    service = references.service(rule.service)
    if service and rule.port is not None and rule.port not in (numbers := [port.number for port in service.ports]):
        message = f"{rule.service} has no port {rule.port}; it has {choices(numbers)}"
        yield Problem((*path, "port"), "unknown-rule-port", message)


def no_fitting_port(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    service = references.service(rule.service)
    if service is None or (rule.port is not None and rule.port not in [port.number for port in service.ports]):
        return
    for kind, protocols in PROTOCOLS_OF.items():
        if getattr(rule, kind) and not service.ports_for(kind, rule.port):
            speaks = f"{', '.join(protocols[:-1])} or {protocols[-1]}"
            narrowed = "" if rule.port is None else f" at {rule.port}"
            message = f"{kind!r} is for ports that speak {speaks}; {rule.service} has none{narrowed}"
            yield Problem((*path, kind), "no-fitting-port", message)


def _is_at_a_gateway(rule: Rule) -> bool:
    return any(gateway != "mesh" for _, gateway in known(rule.clients.gateways))


def workloads_at_a_gateway(path: Path, rule: Rule) -> Iterator[Problem]:
    if _is_at_a_gateway(rule):
        for key in ("labels", "namespaces"):
            if value := getattr(rule.clients, key):
                message = f"{shown(value)} speaks of workloads, and `gateways` names an ingress gateway; make two rules"
                yield Problem((*path, "clients", key), "workloads-at-a-gateway", message)
    # beside `mesh`, these conditions hold for the workloads
    if all(gateway != "mesh" for gateway in rule.clients.gateways):
        yield from _matched_workloads((*path, "http"), rule)


def _matched_workloads(path: Path, rule: Rule) -> Iterator[Problem]:
    """At a gateway, istiod holds such conditions against the gateway's own pods."""
    for index, entry in known(rule.http):
        for position, match in messages({"match": as_late(entry.match)}, "match"):
            for field in ("sourceLabels", "sourceNamespace"):
                if is_set(match, field):
                    message = f"{field!r} speaks of workloads; at an ingress gateway it means the gateway's own pods"
                    yield Problem((*path, index, "match", position, field), "workloads-at-a-gateway", message)


def missing_hosts(path: Path, rule: Rule) -> Iterator[Problem]:
    if _is_at_a_gateway(rule) and not rule.hosts:
        message = "is missing; calls at an ingress gateway are told apart by their host, such as shop.example.com"
        yield Problem((*path, "hosts"), "missing-hosts", message)


def not_at_a_gateway(path: Path, rule: Rule) -> Iterator[Problem]:
    if _is_at_a_gateway(rule):
        for kind in ("tcp", "tls"):
            if getattr(rule, kind):
                message = f"{kind!r} is for workloads; at an ingress gateway a rule has http alone"
                yield Problem((*path, kind), "not-at-a-gateway", message)


def ambiguous_port(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    """An ingress gateway's own port says nothing about the service's."""
    service = references.service(rule.service)
    if service and _is_at_a_gateway(rule) and len(ports := service.ports_for("http", rule.port)) > 1:
        message = f"is missing; an ingress gateway cannot tell which of {choices(ports)} a call is for"
        yield Problem((*path, "port"), "ambiguous-port", message)


def useless_otherwise(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    service = references.service(rule.service)
    if rule.otherwise and rule.tls:
        message = f"{rule.otherwise!r} has no meaning for tls; server names without a match pass through as they are"
        yield Problem((*path, "otherwise"), "useless-otherwise", message)
    elif not rule.otherwise or service is None or not (rule.http or rule.tcp):
        return
    elif _takes_all(rule, "http", service) and _takes_all(rule, "tcp", service):
        message = f"{rule.otherwise!r} is for calls that no entry takes; one of the entries takes all"
        yield Problem((*path, "otherwise"), "useless-otherwise", message, "warning")
    elif rule.otherwise == "notFound" and not _takes_all(rule, "tcp", service):
        message = f"{rule.otherwise!r} is an answer of HTTP; a tcp rule needs an entry for every connection"
        yield Problem((*path, "otherwise"), "useless-otherwise", message)


def passes_outside_the_mesh(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    """Beside a match for one server name, istiod has no filter chain for the others."""
    service = references.service(rule.service)
    if rule.tls and service and service.ports_for("tls", rule.port):
        message = (
            f"connections to {rule.service!r} with a server name that no entry matches go to the address that was "
            "dialled, outside the mesh's mutual TLS; match each name that callers use"
        )
        yield Problem((*path, "tls"), "passes-outside-the-mesh", message, "warning")


def _hosts(references: References) -> Iterator[Problem]:
    owners: Owners = {}
    for index, rule in known(references.federation.traffic):
        yield from as_far_as_known(host_of_two_services(("traffic", index), rule, references, owners))


def host_of_two_services(path: Path, rule: Rule, references: References, owners: Owners) -> Iterator[Problem]:
    """Of two VirtualServices for a host, workloads get one, and nothing of the other.

    An ingress gateway tries the entries of both, and of two for every call that of the older object.
    """
    federation, service = references.federation, references.service(rule.service)
    if service is None:
        return
    reported: set[Path] = set()
    for _, client in known(rule.clients.clusters):
        if client not in federation.clusters:
            continue
        for position, host in known([*rule.hosts, federation.local_host_of(service, client)]):
            here = (*path, "hosts", position) if position < len(rule.hosts) else (*path, "service")
            if position < len(rule.hosts) and (meaning := _another_meaning(host, client, rule, references)):
                if here not in reported:
                    reported.add(here)
                    message = f"{host!r} means {meaning} to workloads on {client} already; choose another name"
                    yield Problem(here, "host-of-two-services", message)
                continue
            for place, at, why in _where_a_host_is_one_services(rule, service, client):
                if "/" in place and position == len(rule.hosts):
                    continue  # a gateway is asked for the stated hosts alone
                owner, first = owners.setdefault((client, host, place), (rule.service, path))
                if owner != rule.service and here not in reported:
                    reported.add(here)
                    message = f"{host!r} means {owner} {at} already, by {spelled(first)}; {why}"
                    yield Problem(here, "host-of-two-services", message)


def _another_meaning(host: str, client: str, rule: Rule, references: References) -> str | None:
    """What a host means to workloads by the services themselves, if that is not the rule's service."""
    meaning = references.meaning(host, client) if "mesh" in rule.clients.gateways else None
    return None if meaning == rule.service else meaning


def _where_a_host_is_one_services(rule: Rule, service: Service, client: str) -> Iterator[tuple[str, str, str]]:
    """Namespaces of callers and ingress gateways, each in words, and why a host cannot mean two services there."""
    if "mesh" in rule.clients.gateways:
        for namespace in rule.clients.namespaces or ("",):
            yield namespace, f"on {client}", "workloads cannot mean two services by one host"
    # in all other cases, calls that no entry takes are left to other rules
    if rule.otherwise or client in service.clusters or _takes_all(rule, "http", service):
        for gateway in rule.clients.gateways:
            if gateway != "mesh":
                why = "both take what no entry takes; make one rule, with `service` at its destinations"
                yield gateway, f"at {gateway} on {client}", why
