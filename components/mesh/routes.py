"""Who answers each call: the one resolved form that stands between the spec and everybody who reads it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from .spec.cluster import Cluster, Gateway
from .spec.federation import Federation
from .spec.rule import HttpEntry, Rule
from .spec.service import Service


@dataclass(frozen=True, slots=True)
class Destination:
    """A version of a service on a serving cluster, and its part of an entry's calls."""

    service: Service
    serving: Cluster
    version: str
    """`""` is any version."""
    port: int
    """The port that is called there."""
    stated_port: int | None
    weight: int | None
    """None where there is only one destination: it takes every call."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Calls that are answered alike."""

    destinations: tuple[Destination, ...]
    """In canonical order: by cluster, service, version and port."""


@dataclass(frozen=True, slots=True)
class Route:
    """The calls of one client cluster to one port of a service."""

    client: Cluster
    service: Service
    port: int
    narrowed: bool
    """Whether the rule speaks for this port alone."""
    entries: tuple[Entry, ...]
    """Tried in this order."""


@dataclass(slots=True)
class Use:
    """A client cluster's use of a service on a serving cluster, which may be itself."""

    client: Cluster
    service: Service
    serving: Cluster
    versions: set[str] = field(default_factory=set)
    """What routes and imports name; `""` is any version."""
    is_routed: bool = False
    """Whether a route leads there; otherwise callers only dial the federated host."""

    @property
    def crosses(self) -> bool:
        """Whether a call leaves its cluster."""
        return self.client is not self.serving

    @property
    def pair(self) -> tuple[str, str]:
        """Client and serving cluster."""
        return self.client.name, self.serving.name

    @property
    def gateway(self) -> Gateway:
        """The serving cluster's gateway. Where a call leaves its cluster there is one (`checks.crossing`)."""
        assert self.serving.gateway is not None
        return self.serving.gateway


@dataclass(frozen=True, slots=True)
class Routes:
    """A federation, resolved. Nothing in it depends on the order in which the spec states things."""

    federation: Federation
    routes: tuple[Route, ...]
    """By client cluster, service and port."""
    uses: tuple[Use, ...]
    """By client cluster, service and serving cluster."""

    @property
    def crossings(self) -> Iterator[Use]:
        """The uses that leave their cluster."""
        return (use for use in self.uses if use.crosses)

    def host_of(self, use: Use) -> str:
        """The federated host of the service that is used."""
        return self.federation.host_of(use.service, use.serving.name)

    @property
    def federated_hosts(self) -> list[str]:
        """Every federated host that some client cluster needs, sorted."""
        return sorted({self.host_of(use) for use in self.crossings})


def resolve(federation: Federation) -> Routes:
    """Who answers each call of a federation that has passed `read`."""
    service_of = {service.reference: service for service in federation.services}
    routes = sorted(
        (route for rule in federation.traffic for route in _routes(rule, federation, service_of)),
        key=lambda route: (route.client.name, route.service.reference, route.port),
    )
    return Routes(federation, tuple(routes), _uses(routes, federation))


def _routes(rule: Rule, federation: Federation, service_of: dict[str, Service]) -> Iterator[Route]:
    service = service_of[rule.service]
    for port in service.http_ports(rule.port):
        entries = tuple(_entry(entry, port, service, federation, service_of) for entry in rule.http)
        for client in rule.clients.clusters:
            yield Route(federation.clusters[client], service, port, rule.port is not None, entries)


def _entry(
    entry: HttpEntry, port: int, service: Service, federation: Federation, service_of: dict[str, Service]
) -> Entry:
    ordered = sorted(entry.route, key=lambda d: (d.cluster, d.service or "", d.version or "", d.port or 0))
    return Entry(
        tuple(
            Destination(
                service if stated.service is None else service_of[stated.service],
                federation.clusters[stated.cluster],
                stated.version or "",
                stated.port or port,
                stated.port,
                stated.weight if len(ordered) > 1 else None,
            )
            for stated in ordered
        )
    )


def _uses(routes: list[Route], federation: Federation) -> tuple[Use, ...]:
    uses: dict[tuple[str, str, str], Use] = {}

    def use(client: Cluster, service: Service, serving: Cluster) -> Use:
        key = (client.name, service.reference, serving.name)
        return uses.setdefault(key, Use(client, service, serving))

    for route in routes:
        for entry in route.entries:
            for destination in entry.destinations:
                routed = use(route.client, destination.service, destination.serving)
                routed.versions.add(destination.version)
                routed.is_routed = True
    for service in federation.services:
        for client in service.imported_by:
            for serving in service.clusters.keys() - {client}:
                use(federation.clusters[client], service, federation.clusters[serving]).versions.add("")
    return tuple(uses[key] for key in sorted(uses))


def by_service(routes: Routes) -> dict[tuple[str, str], list[Route]]:
    """(client cluster, service) → its routes, ascending by port."""
    groups: dict[tuple[str, str], list[Route]] = defaultdict(list)
    for route in routes.routes:
        groups[route.client.name, route.service.reference].append(route)
    return groups
