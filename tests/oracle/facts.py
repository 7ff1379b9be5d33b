"""What proxies must hold for a scenario, worked out from its spec by Istio's naming rules alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from mesh_federation.mesh.spec.service import Presence

from tests.real.scenario import Scenario

HTTP_KINDS = {"HTTP", "HTTP2", "GRPC"}


@dataclass(frozen=True)
class Share:
    """One destination of the calls to a port, as a client's proxy holds it."""

    cluster: str
    """The name of Envoy's cluster."""
    weight: int
    endpoints: frozenset[str]
    """`address:port` of whom the proxy calls: the other cluster's gateways, or here the version's pods."""
    remote: "Remote | None"


@dataclass(frozen=True)
class Remote:
    """The way on another cluster: what the client's proxy says to the gateway, and where the gateway leads to."""

    serving: str
    sni: str
    identities: frozenset[str]
    pods: frozenset[str]
    """`address:port` of every pod that may answer."""


@dataclass(frozen=True)
class Route:
    """The calls of one client cluster to one port of a service."""

    client: str
    host: str
    port: int
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class _Target:
    """What a call is for, wherever it starts."""

    service: str
    """`<name>.<namespace>`."""
    serving: str
    version: str
    """Empty for any."""
    port: int


def routes(scenario: Scenario) -> Iterator[Route]:
    """What each client cluster's proxies hold for the calls that rules speak for."""
    federation = scenario.federation
    ports_of = {
        f"{service.name}.{service.namespace}": [port.number for port in service.ports if port.protocol in HTTP_KINDS]
        for service in federation.services
    }
    for rule in federation.traffic:
        route = rule.http[0].route
        for client in rule.clients.clusters:
            host = f"{rule.service}.svc.{federation.clusters[client].domain}"
            for port in ports_of[rule.service] if rule.port is None else [rule.port]:
                shares = []
                for destination in route:
                    weight = 1 if destination.weight is None else destination.weight
                    # of several destinations, one of weight 0 takes no call
                    if weight > 0 or len(route) == 1:
                        target = _Target(
                            destination.service or rule.service,
                            destination.cluster,
                            destination.version or "",
                            destination.port or port,
                        )
                        shares.append(_share(scenario, client, target, weight))
                yield Route(client, host, port, tuple(shares))


def dialled(scenario: Scenario) -> Iterator[tuple[str, Share]]:
    """(client cluster, what its proxies hold for whoever dials a federated host there without any route)."""
    for service in scenario.federation.services:
        for client in service.imported_by:
            for serving in service.clusters.keys() - {client}:
                for port in service.ports:
                    target = _Target(f"{service.name}.{service.namespace}", serving, "", port.number)
                    yield client, _share(scenario, client, target, 1)


def _share(scenario: Scenario, client: str, target: _Target, weight: int) -> Share:
    cluster = scenario.federation.clusters[target.serving]
    local_host = f"{target.service}.svc.{cluster.domain}"
    pods = frozenset(_pods(scenario, target))
    assert pods
    if target.serving == client:
        return Share(f"outbound|{target.port}|{target.version}|{local_host}", weight, pods, None)
    federated = scenario.outputs["hosts"][target.service][target.serving]
    assert cluster.gateway is not None
    gateways = frozenset(f"{address}:{cluster.gateway.port}" for address in cluster.gateway.addresses)
    _, _, namespace = target.service.partition(".")
    accounts = _presence(scenario, target).service_accounts
    remote = Remote(
        target.serving,
        f"outbound_.{target.port}_.{target.version}_.{local_host}",
        frozenset(f"spiffe://{cluster.trust_domain}/ns/{namespace}/sa/{account}" for account in accounts),
        pods,
    )
    return Share(f"outbound|{target.port}|{target.version}|{federated}", weight, gateways, remote)


def _pods(scenario: Scenario, target: _Target) -> Iterator[str]:
    """`address:port` of each pod that may answer."""
    labels = _presence(scenario, target).labels_of(target.version) if target.version else {}
    for pod, address in scenario.pods(target.serving):
        if f"{pod.service}.{pod.namespace}" == target.service and pod.all_labels.items() >= (labels or {}).items():
            yield f"{address}:{target.port}"


def _presence(scenario: Scenario, target: _Target) -> Presence:
    """The service on the serving cluster, as the spec states it."""
    (service,) = (s for s in scenario.federation.services if f"{s.name}.{s.namespace}" == target.service)
    return service.clusters[target.serving]
