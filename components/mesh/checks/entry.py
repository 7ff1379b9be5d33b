"""What must be true of an entry's destinations and mirrors."""

from collections.abc import Iterator, Sequence

from ..errors import Path, Problem
from ..spec.rule import Destination, HttpEntry, Mirror, Rule, TcpEntry, TlsEntry
from ..spec.service import Service
from ..unknown import known
from .crossing import crossing, federated_host_of_the_client
from .saying import Stated, choices, each
from .service import unknown_cluster


def entries(
    path: Path, kind: str, stated_entries: Sequence[HttpEntry | TcpEntry | TlsEntry], rule: Rule, stated: Stated
) -> Iterator[Problem]:
    """`path` is where the rule's list of entries of this `kind` stands."""
    for index, entry in known(stated_entries):
        here = (*path, index)
        yield from each(_route((*here, "route"), kind, entry.route, rule, stated))
        if isinstance(entry, HttpEntry):
            for position, mirror in known(entry.mirrors):
                yield from each(_target((*here, "mirrors", position), kind, mirror, rule, stated))


def _route(path: Path, kind: str, route: Sequence[Destination], rule: Rule, stated: Stated) -> Iterator[Problem]:
    seen: set[tuple[object, ...]] = set()
    yield from each(missing_weight(path, route), no_weight_above_zero(path, route))
    for index, destination in known(route):
        here = (*path, index)
        yield from each(
            destination_stated_twice(here, destination, rule, seen), _target(here, kind, destination, rule, stated)
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


def _target(path: Path, kind: str, destination: Destination | Mirror, rule: Rule, stated: Stated) -> Iterator[Problem]:
    yield from each(
        unknown_cluster((*path, "cluster"), destination.cluster, stated),
        _unknown_service((*path, "service"), destination, stated),
        _where_it_runs(path, destination, rule, stated),
        unknown_port(path, destination, rule, stated),
        missing_port(path, kind, destination, rule, stated),
    )


def unknown_service(path: Path, reference: str, stated: Stated) -> Iterator[Problem]:
    if stated.service(reference) is None:
        message = f"no service {reference!r}; the federation has {choices(stated.services)}"
        yield Problem(path, "unknown-service", message)


def _unknown_service(path: Path, destination: Destination | Mirror, stated: Stated) -> Iterator[Problem]:
    if destination.service:
        yield from unknown_service(path, destination.service, stated)


def _where_it_runs(path: Path, destination: Destination | Mirror, rule: Rule, stated: Stated) -> Iterator[Problem]:
    target = stated.service(destination.service or rule.service)
    cluster = destination.cluster
    if target is None or cluster not in stated.federation.clusters:
        return
    if cluster not in target.clusters:
        yield from service_not_on_cluster((*path, "cluster"), cluster, target)
        return
    yield from each(unknown_version(path, destination, target))
    others = [client for _, client in known(rule.clients.clusters) if client != cluster]
    if others:
        version = destination.version or ""
        yield from each(crossing((*path, "cluster"), target, cluster, version, stated.federation))
    for client in others:
        yield from each(federated_host_of_the_client(target, client, cluster, stated.federation))


def service_not_on_cluster(path: Path, cluster: str, target: Service) -> Iterator[Problem]:
    message = f"{target.reference} does not run on {cluster!r}; it runs on {choices(target.clusters)}"
    yield Problem(path, "service-not-on-cluster", message)


def unknown_version(path: Path, destination: Destination | Mirror, target: Service) -> Iterator[Problem]:
    presence = target.clusters[destination.cluster]
    if destination.version and presence.labels_of(destination.version) is None:
        message = (
            f"{target.name} on {destination.cluster} has no version {destination.version!r}; "
            f"it has {choices(presence.all_versions)}"
        )
        yield Problem((*path, "version"), "unknown-version", message)


def unknown_port(path: Path, destination: Destination | Mirror, rule: Rule, stated: Stated) -> Iterator[Problem]:
    target = stated.service(destination.service or rule.service)
    if target and destination.port is not None:
        numbers = [port.number for port in target.ports]
        if destination.port not in numbers:
            message = f"{target.reference} has no port {destination.port}; it has {choices(numbers)}"
            yield Problem((*path, "port"), "unknown-port", message)


def missing_port(
    path: Path, kind: str, destination: Destination | Mirror, rule: Rule, stated: Stated
) -> Iterator[Problem]:
    """A call keeps its port, unless the destination states another."""
    service, target = stated.service(rule.service), stated.service(destination.service or rule.service)
    if destination.port is not None or service is None or target is None:
        return
    numbers = [port.number for port in target.ports]
    if lacking := [port for port in service.ports_for(kind, rule.port) if port not in numbers]:
        message = (
            f"is missing; callers use port {lacking[0]}, which {target.reference} does not have; "
            f"it has {choices(numbers)}"
        )
        yield Problem((*path, "port"), "missing-port", message)
