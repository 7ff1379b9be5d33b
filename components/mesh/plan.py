"""From a federation to the objects each cluster needs: the whole translation in one call."""

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import names
from .checks import ports_of
from .destination_rule import federated_policy, federated_subset, local_subset
from .gateway import gateway
from .manifest import MANAGED_BY, PART_OF, Late, Manifest
from .service_entry import service_entry
from .spec import Cluster, Destination, Federation, Rule, Service
from .virtual_service import Share, virtual_service

NETWORKING = "networking.istio.io/v1"


@dataclass(slots=True)
class Edge:
    """A client cluster's routes to one serving cluster (which may be itself).

    `needs` are the keys of what must be in place on both before `routes`, the keys of the client's VirtualServices,
    may lead there; and may only go once they no longer do.
    """

    client: str
    serving: str
    needs: set[str] = field(default_factory=set)
    routes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Plan:
    """All objects of a federation. Nothing in it depends on the order in which the spec states things."""

    manifests: dict[str, list[Manifest]]
    """Per cluster, sorted by key; a cluster that needs no object has an empty list."""
    edges: list[Edge]
    """Sorted by client, then serving cluster."""
    policy_of: dict[str, str]
    """Key of a ServiceEntry → key of the DestinationRule that must be there first, or calls leave in plain text."""
    labels: dict[str, str]
    """What tells the federation's objects from all others."""


def federated_hosts(federation: Federation) -> list[str]:
    """Every federated host that a route or `importedBy` needs on some client cluster, sorted."""
    return sorted({federation.host_of(service, serving) for _, service, serving in imports(federation)})


def imports(federation: Federation) -> Iterator[tuple[str, Service, str]]:
    """(client cluster, service, serving cluster) wherever a call may leave its cluster."""
    demand = _Demand(federation)
    for client, reference, serving in demand.versions:
        if client != serving:
            yield client, demand.service_of[reference], serving


def plan(federation: Federation, addresses: Mapping[str, Late], part_of: str) -> Plan:
    """Every object of every cluster, and what must be in place before what.

    `federation` has passed `parse`; `addresses` has an entry for each of `federated_hosts`; `part_of` names the
    federation on its objects.
    """
    with _without_cycle_collector():
        return _Planner(federation, addresses, part_of).plan()


class _Demand:
    """What the rules ask for: which services are imported, exported, and split into versions, and where."""

    def __init__(self, federation: Federation) -> None:
        self.service_of = {service.reference: service for service in federation.services}
        self.rules: dict[tuple[str, str], list[tuple[int, Rule]]] = defaultdict(list)
        """(client cluster, service) → (port, rule that speaks for it), ascending by port."""
        self.versions: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        """(client cluster, service, serving cluster) → versions that routes name; "" for any of them."""
        for rule in federation.traffic:
            ports = ports_of(rule, self.service_of[rule.service])
            for client in rule.clients.clusters:
                self.rules[client, rule.service] += [(port, rule) for port in ports]
                for destination in destinations(rule):
                    target = destination.service or rule.service
                    self.versions[client, target, destination.cluster].add(destination.version or "")
        for service in federation.services:
            for client in service.imported_by:
                for serving in service.clusters.keys() - {client}:
                    self.versions[client, service.reference, serving].add("")


def destinations(rule: Rule) -> list[Destination]:
    """Where calls go, in canonical order."""
    return sorted(rule.http[0].route, key=lambda d: (d.cluster, d.service or "", d.version or "", d.port or 0))


class _Planner:
    def __init__(self, federation: Federation, addresses: Mapping[str, Late], part_of: str) -> None:
        self.federation = federation
        self.addresses = addresses
        self.labels = {**MANAGED_BY, PART_OF: part_of}
        self.demand = _Demand(federation)
        self.found: dict[str, Manifest] = {}
        self.edges: dict[tuple[str, str], Edge] = {}
        self.policy_of: dict[str, str] = {}

    def plan(self) -> Plan:
        needs = {triple: self._needs(*triple, versions) for triple, versions in self.demand.versions.items()}
        for (client, reference), rules in self.demand.rules.items():
            self._routes(client, self.demand.service_of[reference], rules, needs)
        manifests: dict[str, list[Manifest]] = {name: [] for name in sorted(self.federation.clusters)}
        for _, manifest in sorted(self.found.items()):
            manifests[manifest.cluster].append(manifest)
        return Plan(manifests, [edge for _, edge in sorted(self.edges.items())], self.policy_of, dict(self.labels))

    def _needs(self, client: str, reference: str, serving: str, versions: set[str]) -> list[str]:
        """The keys of all that calls from `client` to these versions on `serving` need; makes what is not there yet."""
        service = self.demand.service_of[reference]
        subsets = [self._local_subset(service, serving, version) for version in versions if version]
        if client == serving:
            return subsets
        return subsets + self._import(client, service, serving, versions) + self._export(service, serving)

    def _local_subset(self, service: Service, name: str, version: str) -> str:
        labels = service.clusters[name].labels_of(version)
        assert labels is not None, f"{service.reference} has no version {version}; checks.py refuses that"
        key = f"{name}/DestinationRule/{service.namespace}/{version}.{service.name}"
        if key not in self.found:
            spec = local_subset(self._local_host(service, name), version, labels)
            self._add(name, "DestinationRule", service.namespace, f"{version}.{service.name}", spec)
        return key

    def _import(self, client: str, service: Service, serving: str, versions: set[str]) -> list[str]:
        host = self.federation.host_of(service, serving)
        cluster = self.federation.clusters[serving]
        root = self.federation.clusters[client].istio.namespace
        entry = service_entry(service, host, self.addresses[host], serving, cluster)
        policy = federated_policy(host, service, serving, cluster)
        keys = [
            self._add(client, "ServiceEntry", root, host, entry),
            self._add(client, "DestinationRule", root, host, policy),
        ]
        self.policy_of[keys[0]] = keys[1]
        for version in versions:
            if version:
                spec = federated_subset(host, service, serving, cluster, version)
                keys.append(self._add(client, "DestinationRule", root, f"{version}.{host}", spec))
        return keys

    def _export(self, service: Service, name: str) -> list[str]:
        cluster: Cluster = self.federation.clusters[name]
        settings = cluster.gateway
        if settings is None or not settings.manage:
            return []
        namespace = settings.namespace or cluster.istio.namespace
        key = f"{name}/Gateway/{namespace}/{names.gateway_name(service.name, service.namespace)}"
        if key not in self.found:
            object_name = names.gateway_name(service.name, service.namespace)
            self._add(name, "Gateway", namespace, object_name, gateway(service, cluster))
        return [key]

    def _routes(
        self,
        client: str,
        service: Service,
        rules: list[tuple[int, Rule]],
        needs: Mapping[tuple[str, str, str], list[str]],
    ) -> None:
        shares_of = {port: [self._share(client, rule, d, port) for d in destinations(rule)] for port, rule in rules}
        spec = virtual_service(self._local_host(service, client), shares_of)
        key = self._add(client, "VirtualService", service.namespace, service.name, spec)
        for _, rule in rules:
            for destination in rule.http[0].route:
                serving = destination.cluster
                needed = needs[client, destination.service or rule.service, serving]
                edge = self.edges.setdefault((client, serving), Edge(client, serving))
                edge.needs.update(needed)
                edge.routes.add(key)

    def _share(self, client: str, rule: Rule, destination: Destination, port: int) -> Share:
        target = self.demand.service_of[destination.service or rule.service]
        serving = destination.cluster
        at_home = serving == client
        host = self._local_host(target, client) if at_home else self.federation.host_of(target, serving)
        weight = None if len(rule.http[0].route) == 1 else destination.weight
        return Share(host, destination.version or "", destination.port or port, weight)

    def _local_host(self, service: Service, cluster: str) -> str:
        return names.local_host(service.name, service.namespace, self.federation.clusters[cluster].domain)

    def _add(self, cluster: str, kind: str, namespace: str, name: str, spec: dict[str, Any]) -> str:
        key = f"{cluster}/{kind}/{namespace}/{name}"
        assert key not in self.found, f"{key} would be made twice"
        self.found[key] = Manifest(
            cluster,
            {
                "apiVersion": NETWORKING,
                "kind": kind,
                "metadata": {"name": name, "namespace": namespace, "labels": dict(self.labels)},
                "spec": spec,
            },
        )
        return key


@contextmanager
def _without_cycle_collector() -> Iterator[None]:
    """A plan is a tree: the collector would walk it over and over as it grows, most of the time, and find no cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
