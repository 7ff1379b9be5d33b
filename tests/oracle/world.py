"""All clusters of a federation at once, as istiod configures them, and the pods at which calls end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.oracle import istiod
from tests.oracle.configuration import Configuration, Endpoint
from tests.oracle.inventory import Gateway, Inventory, Pod
from tests.oracle.istiod import Mesh, Object, Proxy
from tests.oracle.listeners import Connection, chain_for, last_filter
from tests.oracle.routes import shares
from tests.oracle.spreading import spread
from tests.oracle.surroundings import surroundings

PASSTHROUGH = "PassthroughCluster"
BLACK_HOLE = "BlackHoleCluster"


@dataclass(frozen=True, slots=True)
class Caller:
    """A workload that calls, or an ingress gateway that takes calls from outside."""

    cluster: str
    namespace: str
    labels: tuple[tuple[str, str], ...] = ()
    type: Literal["sidecar", "router"] = "sidecar"

    @property
    def name(self) -> str:
        return f"{self.type} {self.namespace}/{dict(self.labels)}"


@dataclass(frozen=True, slots=True)
class End:
    """Where a call may end: any of these pods of a service, at one port."""

    cluster: str
    service: str
    """`name.namespace`, as the spec calls it."""
    local_name: str
    """`name.namespace` there."""
    port: int
    pods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outage:
    """What does not answer."""

    pods: frozenset[str] = frozenset()
    """Addresses."""
    gateways: frozenset[str] = frozenset()
    """Clusters whose gateways are dead."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a connection: the end that it reaches, or why it reaches none."""

    end: End | None
    reason: str = ""


class World:
    """A stack's clusters with the product's objects on them."""

    def __init__(
        self,
        inventory: Inventory,
        objects: Mapping[str, Sequence[Object]],
        callers: Iterable[Caller],
        outage: Outage,
        mesh_options: Mapping[str, Any],
    ) -> None:
        self.inventory = inventory
        self._mesh_options = mesh_options
        self.outage = outage
        self._pods = {pod.address: pod for pod in inventory.pods}
        everybody = [*callers]
        self._configurations = {
            name: self._configure(name, objects.get(name, ()), [c for c in everybody if c.cluster == name])
            for name in inventory.clusters
        }

    @property
    def configurations(self) -> list[Configuration]:
        """What each proxy holds, callers and gateways alike."""
        return [configuration for proxies in self._configurations.values() for configuration in proxies.values()]

    def of_caller(self, caller: Caller) -> Configuration:
        return self._configurations[caller.cluster][caller.name]

    def of_gateway(self, gateway: Gateway) -> Configuration:
        return self._configurations[gateway.cluster][_name(gateway)]

    def ends(self, client: str, configuration: Configuration, cluster: str) -> tuple[dict[End, float], list[str]]:
        """Who answers the connections of a proxy's cluster, in percent, and why the rest of them is lost."""
        if cluster not in configuration.clusters:
            return {}, [f"no cluster {cluster!r}"]
        endpoints = configuration.endpoints(cluster)
        fates = {endpoint: self.fate(client, endpoint) for endpoint in endpoints}
        alive = spread(configuration.clusters[cluster], {endpoint: bool(fates[endpoint].end) for endpoint in endpoints})
        local = [fate.end for endpoint in alive if (fate := fates[endpoint]).end]
        together = _pods_together(local)
        answering: dict[End, float] = {}
        for endpoint, share in alive.items():
            if end := fates[endpoint].end:
                whole = together.get(end, end)
                answering[whole] = answering.get(whole, 0.0) + share
        return answering, [f"{fate.reason} ({cluster})" for fate in fates.values() if fate.reason]

    def fate(self, client: str, endpoint: Endpoint) -> Fate:
        """What becomes of a connection from a proxy on the client cluster to an endpoint."""
        if pod := self._pods.get(endpoint.address):
            return self._at_pod(client, pod, endpoint)
        gateway = self.inventory.gateway_at(endpoint.address, endpoint.port)
        if gateway is None:
            return Fate(None, f"nobody is at {endpoint.address}:{endpoint.port}")
        if gateway.cluster in self.outage.gateways:
            return Fate(None, f"the gateway of {gateway.cluster} is dead")
        return self._through(gateway, endpoint)

    def behind(self, client: str, configuration: Configuration, address: str, port: int) -> End | None:
        """Whom a connection reaches that leaves a proxy for the address that was dialled: a Service's, or nobody."""
        hosts = {host for host, entry in configuration.names.items() if address in entry["ips"]}
        domain = self.inventory.clusters[client].domain
        for presence in self.inventory.presences:
            if presence.cluster == client and f"{presence.name}.{presence.namespace}.svc.{domain}" in hosts:
                pods = self.inventory.pods_of(client, presence.service) - self.outage.pods
                return End(client, presence.service, f"{presence.name}.{presence.namespace}", port, pods)
        return None

    def _configure(
        self, cluster: str, objects: Sequence[Object], callers: Sequence[Caller]
    ) -> dict[str, Configuration]:
        there = self.inventory.clusters[cluster]
        proxies = {
            caller.name: Proxy(caller.namespace, dict(caller.labels), caller.type, there.locality) for caller in callers
        }
        for gateway in there.gateways:
            proxies[_name(gateway)] = Proxy(gateway.namespace, gateway.labels, "router", there.locality)
        everything = [*surroundings(self.inventory, cluster, self.outage.pods), *objects]
        mesh = Mesh(
            cluster,
            there.domain,
            there.trust_domain,
            there.root_namespace,
            self._mesh_options,
            there.versions or (4,),
        )
        return istiod.configure(everything, proxies, mesh)

    def _at_pod(self, client: str, pod: Pod, endpoint: Endpoint) -> Fate:
        presence = pod.presence
        if presence.cluster != client:
            return Fate(None, f"{pod.name} is on {presence.cluster}, out of reach")
        if pod.address in self.outage.pods:
            return Fate(None, f"{pod.name} does not answer")
        name = f"{presence.name}.{presence.namespace}"
        return Fate(End(client, presence.service, name, endpoint.port, frozenset({pod.address})))

    def _through(self, gateway: Gateway, endpoint: Endpoint) -> Fate:
        """A connection that a serving cluster's gateway takes, by the server name alone."""
        place = f"the gateway of {gateway.cluster}"
        if endpoint.tls is None:
            return Fate(None, f"{place} gets plain text")
        configuration = self.of_gateway(gateway)
        everywhere = "::" if configuration.versions == (6,) else "0.0.0.0"
        listener = configuration.listeners.get(f"{everywhere}_{gateway.listener_port}")
        if listener is None:
            return Fate(None, f"{place} does not listen on {gateway.listener_port}")
        tls = endpoint.tls
        connection = Connection(everywhere, gateway.listener_port, tls.sni, "tls", tuple(tls.protocols))
        chain = chain_for(listener, connection)
        if chain is None:
            return Fate(None, f"{place} has no filter chain for {tls.sni!r}")
        (cluster,) = shares(last_filter(chain))
        answering, reasons = self.ends(gateway.cluster, configuration, cluster)
        if not answering:
            return Fate(None, f"{place} has nobody behind {tls.sni!r}: {', '.join(reasons) or 'no endpoint'}")
        (end,) = answering
        if strangers := self._strangers(end, tls.identities):
            return Fate(None, f"{', '.join(strangers)} behind {tls.sni!r} may not answer")
        return Fate(end)

    def _strangers(self, end: End, identities: frozenset[str]) -> list[str]:
        """The pods to which the client would not speak, by the account that they run as."""
        pods = map(self._pods.__getitem__, end.pods)
        return [pod.name for pod in pods if identities and pod.identity not in identities]


def _pods_together(ends: Iterable[End]) -> dict[End, End]:
    """Each end → the one that holds all pods of its service on its cluster, at its port."""
    pods: dict[tuple[str, str, int], frozenset[str]] = {}
    everything = [*ends]
    for end in everything:
        key = (end.cluster, end.service, end.port)
        pods[key] = pods.get(key, frozenset()) | end.pods
    return {
        end: End(end.cluster, end.service, end.local_name, end.port, pods[end.cluster, end.service, end.port])
        for end in everything
    }


def _name(gateway: Gateway) -> str:
    return f"gateway {gateway.namespace}/{dict(gateway.labels)}"
