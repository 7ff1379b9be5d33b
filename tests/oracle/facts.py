"""What proxies must hold for a scenario, worked out from its spec by Istio's naming rules alone."""

from collections.abc import Iterator
from dataclasses import dataclass

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


def routes(scenario: Scenario) -> Iterator[Route]:
    federation = scenario.federation
    services = {f"{service.name}.{service.namespace}": service for service in federation.services}
    for rule in federation.traffic:
        service = services[rule.service]
        ports = [port.number for port in service.ports if port.protocol in HTTP_KINDS]
        for client in rule.clients.clusters:
            host = f"{rule.service}.svc.{federation.clusters[client].domain}"
            for port in ports if rule.port is None else [rule.port]:
                shares = [
                    _share(scenario, client, d.service or rule.service, d.cluster, d.version or "", d.port or port, w)
                    for d in rule.http[0].route
                    if (w := 1 if d.weight is None else d.weight) or len(rule.http[0].route) == 1
                ]
                yield Route(client, host, port, tuple(shares))


def dialled(scenario: Scenario) -> Iterator[tuple[str, Share]]:
    """(client cluster, what its proxies hold for whoever dials a federated host there without any route)."""
    for service in scenario.federation.services:
        for client in service.imported_by:
            for serving in service.clusters.keys() - {client}:
                for port in service.ports:
                    reference = f"{service.name}.{service.namespace}"
                    yield client, _share(scenario, client, reference, serving, "", port.number, 1)


def _share(  # noqa: PLR0917 - a destination has these parts
    scenario: Scenario, client: str, service: str, serving: str, version: str, port: int, weight: int
) -> Share:
    cluster = scenario.federation.clusters[serving]
    local_host = f"{service}.svc.{cluster.domain}"
    namespace = service.partition(".")[2]
    (presence,) = (s.clusters[serving] for s in scenario.federation.services if f"{s.name}.{s.namespace}" == service)
    labels = (presence.labels_of(version) if version else {}) or {}
    pods = frozenset(
        f"{address}:{port}"
        for pod, address in scenario.pods(serving)
        if f"{pod.service}.{pod.namespace}" == service and pod.all_labels.items() >= labels.items()
    )
    assert pods
    if serving == client:
        return Share(f"outbound|{port}|{version}|{local_host}", weight, pods, None)
    federated = scenario.outputs["hosts"][service][serving]
    assert cluster.gateway is not None
    gateways = frozenset(f"{address}:{cluster.gateway.port}" for address in cluster.gateway.addresses)
    remote = Remote(
        serving,
        f"outbound_.{port}_.{version}_.{local_host}",
        frozenset(
            f"spiffe://{cluster.trust_domain}/ns/{namespace}/sa/{account}" for account in presence.service_accounts
        ),
        pods,
    )
    return Share(f"outbound|{port}|{version}|{federated}", weight, gateways, remote)
