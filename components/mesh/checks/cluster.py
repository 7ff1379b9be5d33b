"""What must be true between clusters."""

from collections.abc import Iterator

from ..errors import Path, Problem
from ..spec.cluster import Cluster, GatewayTarget
from ..spec.federation import Federation
from ..unknown import Unknown, known
from .saying import choices, each, stated_twice


def clusters(federation: Federation) -> Iterator[Problem]:
    gateway_of: dict[str, str] = {}
    for name, cluster in federation.clusters.items():
        path = ("clusters", name)
        yield from each(_gateway(path, name, cluster, federation, gateway_of))


def _gateway(
    path: Path, name: str, cluster: Cluster, federation: Federation, gateway_of: dict[str, str]
) -> Iterator[Problem]:
    if cluster.gateway is None:
        return
    # two that are late may yet differ
    texts = [_text_of(target) or object() for target in cluster.gateway.addresses]
    yield from each(
        stated_twice((*path, "gateway", "addresses"), texts),
        shared_gateway((*path, "gateway"), name, cluster, gateway_of),
        unknown_client((*path, "gateway"), cluster, federation),
    )


def shared_gateway(path: Path, name: str, cluster: Cluster, gateway_of: dict[str, str]) -> Iterator[Problem]:
    """A server name leads through a gateway to the services of one cluster only."""
    assert cluster.gateway is not None
    for index, target in enumerate(cluster.gateway.addresses):
        if address := _text_of(target):
            place = f"{address}:{cluster.gateway.port}"
            if (owner := gateway_of.setdefault(place, name)) != name:
                message = f"{place!r} is also the gateway of {owner}; each cluster has its own"
                yield Problem((*path, "addresses", index), "shared-gateway", message)


def _text_of(target: GatewayTarget | Unknown) -> str:
    """The address, as far as it is known."""
    return target.address if isinstance(target, GatewayTarget) and isinstance(target.address, str) else ""


def unknown_client(path: Path, cluster: Cluster, federation: Federation) -> Iterator[Problem]:
    """Of a gateway address that only some clusters can dial."""
    assert cluster.gateway is not None
    for index, target in known(cluster.gateway.addresses):
        for position, client in known(target.clients or ()):
            if client not in federation.clusters:
                message = f"no cluster {client!r}; the federation has {choices(federation.clusters)}"
                yield Problem((*path, "addresses", index, "clients", position), "unknown-client", message)
