"""What must be true of rules, and of the services, versions and ports that they name."""

from collections.abc import Iterator, Sequence

from ..errors import Path, Problem
from ..spec.rule import Destination, HttpEntry, Rule
from ..spec.service import HTTP_PROTOCOLS, Service
from ..unknown import known
from .crossing import Crossing, crossing, federated_host_of_the_client
from .saying import Stated, choices, each, stated_twice
from .service import unknown_cluster

_SPEAKS_HTTP = f"{', '.join(HTTP_PROTOCOLS[:-1])} or {HTTP_PROTOCOLS[-1]}"


def traffic(stated: Stated) -> Iterator[Problem]:
    rule_of: dict[tuple[str, str, int], int] = {}
    for index, rule in known(stated.federation.traffic):
        path = ("traffic", index)
        yield from each(
            unknown_service((*path, "service"), rule.service, stated),
            _clients((*path, "clients", "clusters"), rule, stated),
            no_http_port(path, rule, stated),
            second_rule(path, rule, stated, rule_of),
            entry_without_effect((*path, "http"), rule),
            _entries((*path, "http"), rule, stated),
        )


def unknown_service(path: Path, reference: str, stated: Stated) -> Iterator[Problem]:
    if stated.service(reference) is None:
        message = f"no service {reference!r}; the federation has {choices(stated.services)}"
        yield Problem(path, "unknown-service", message)


def _clients(path: Path, rule: Rule, stated: Stated) -> Iterator[Problem]:
    yield from stated_twice(path, rule.clients.clusters)
    for position, client in known(rule.clients.clusters):
        here = (*path, position)
        yield from each(unknown_cluster(here, client, stated), service_not_on_client(here, client, rule, stated))


def service_not_on_client(path: Path, client: str, rule: Rule, stated: Stated) -> Iterator[Problem]:
    service = stated.service(rule.service)
    if service and client in stated.federation.clusters and client not in service.clusters:
        message = (
            f"{rule.service} does not run on {client!r}, so its name does not exist there; "
            f"it runs on {choices(service.clusters)}; other clients dial a federated host (importedBy)"
        )
        yield Problem(path, "service-not-on-client", message)


def no_http_port(path: Path, rule: Rule, stated: Stated) -> Iterator[Problem]:
    service = stated.service(rule.service)
    if service is None or service.http_ports(rule.port):
        return
    if rule.port is None:
        message = f"'http' is for ports that speak {_SPEAKS_HTTP}; {rule.service} has none"
        yield Problem((*path, "http"), "no-http-port", message)
    else:
        fitting = choices(service.http_ports(None))
        message = f"{rule.service} has no {_SPEAKS_HTTP} port {rule.port}; it has {fitting}"
        yield Problem((*path, "port"), "no-http-port", message)


def second_rule(path: Path, rule: Rule, stated: Stated, rule_of: dict[tuple[str, str, int], int]) -> Iterator[Problem]:
    """Two rules would speak for the same calls."""
    service = stated.service(rule.service)
    index = path[-1]
    assert isinstance(index, int)
    for _, client in known(list(dict.fromkeys(client for _, client in known(rule.clients.clusters)))):
        for port in service.http_ports(rule.port) if service else ():
            other = rule_of.setdefault((client, rule.service, port), index)
            if other != index:
                message = f"'{rule.service}:{port}' on {client} has a rule already; it is traffic[{other}]"
                yield Problem(path, "second-rule", message)


def entry_without_effect(path: Path, rule: Rule) -> Iterator[Problem]:
    for index in range(1, len(rule.http)):
        yield Problem(
            (*path, index), "entry-without-effect", f"http[{index}] is never reached; http[0] takes every call"
        )


def _entries(path: Path, rule: Rule, stated: Stated) -> Iterator[Problem]:
    for index, entry in known(rule.http):
        yield from each(_route((*path, index, "route"), entry, rule, stated))


def _route(path: Path, entry: HttpEntry, rule: Rule, stated: Stated) -> Iterator[Problem]:
    seen: set[tuple[object, ...]] = set()
    yield from each(
        missing_weight(path, entry.route),
        no_weight_above_zero(path, entry.route),
    )
    for index, destination in known(entry.route):
        here = (*path, index)
        yield from each(
            destination_stated_twice(here, destination, rule, seen),
            unknown_cluster((*here, "cluster"), destination.cluster, stated),
            _unknown_destination_service((*here, "service"), destination, stated),
            _destination(here, destination, rule, stated),
        )


def missing_weight(path: Path, route: Sequence[Destination]) -> Iterator[Problem]:
    for index, destination in known(route):
        if destination.weight is None and len(route) > 1:
            message = "is missing; of several destinations each needs a weight"
            yield Problem((*path, index, "weight"), "missing-weight", message)


def no_weight_above_zero(path: Path, route: Sequence[Destination]) -> Iterator[Problem]:
    if route and all(destination.weight == 0 for destination in route):
        yield Problem(path, "no-weight-above-zero", "the weights add up to 0; at least one must be more")


def destination_stated_twice(
    path: Path, destination: Destination, rule: Rule, seen: set[tuple[object, ...]]
) -> Iterator[Problem]:
    reference = destination.service or rule.service
    identity = (destination.cluster, reference, destination.version, destination.port)
    if identity in seen:
        words = f"{reference} {destination.version or 'any version'} on {destination.cluster}"
        yield Problem(path, "destination-stated-twice", f"{words!r} is stated twice; add the weights up")
    seen.add(identity)


def _unknown_destination_service(path: Path, destination: Destination, stated: Stated) -> Iterator[Problem]:
    if destination.service:
        yield from unknown_service(path, destination.service, stated)


def _destination(path: Path, destination: Destination, rule: Rule, stated: Stated) -> Iterator[Problem]:
    target = stated.service(destination.service or rule.service)
    if target is None:
        return
    yield from each(unknown_port(path, destination, target), missing_port(path, destination, target, rule, stated))
    if destination.cluster not in stated.federation.clusters:
        return
    if destination.cluster not in target.clusters:
        yield from service_not_on_cluster((*path, "cluster"), destination, target)
        return
    yield from each(unknown_version(path, destination, target))
    clusters = stated.federation.clusters.keys() - {destination.cluster}
    others = [client for _, client in known(rule.clients.clusters) if client in clusters]
    if others:
        call = Crossing(others, target, destination.cluster, destination.version or "")
        yield from each(crossing((*path, "cluster"), call, stated.federation))
    for client in others:
        yield from each(federated_host_of_the_client(target, client, destination.cluster, stated.federation))


def service_not_on_cluster(path: Path, destination: Destination, target: Service) -> Iterator[Problem]:
    message = f"{target.reference} does not run on {destination.cluster!r}; it runs on {choices(target.clusters)}"
    yield Problem(path, "service-not-on-cluster", message)


def unknown_version(path: Path, destination: Destination, target: Service) -> Iterator[Problem]:
    presence = target.clusters[destination.cluster]
    if destination.version and presence.labels_of(destination.version) is None:
        message = (
            f"{target.name} on {destination.cluster} has no version {destination.version!r}; "
            f"it has {choices(presence.all_versions)}"
        )
        yield Problem((*path, "version"), "unknown-version", message)


def unknown_port(path: Path, destination: Destination, target: Service) -> Iterator[Problem]:
    numbers = [port.number for port in target.ports]
    if destination.port is not None and destination.port not in numbers:
        message = f"{target.reference} has no port {destination.port}; it has {choices(numbers)}"
        yield Problem((*path, "port"), "unknown-port", message)


def missing_port(
    path: Path, destination: Destination, target: Service, rule: Rule, stated: Stated
) -> Iterator[Problem]:
    """A call keeps its port, unless the destination states another."""
    service = stated.service(rule.service)
    if destination.port is not None or service is None:
        return
    numbers = [port.number for port in target.ports]
    if lacking := [port for port in service.http_ports(rule.port) if port not in numbers]:
        message = (
            f"is missing; callers use port {lacking[0]}, which {target.reference} does not have; "
            f"it has {choices(numbers)}"
        )
        yield Problem((*path, "port"), "missing-port", message)
