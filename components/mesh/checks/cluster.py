"""What must be true between clusters."""

from collections.abc import Iterator

from ..errors import Path, Problem
from ..spec.cluster import Cluster
from ..spec.federation import Federation
from .saying import each, stated_twice


def clusters(federation: Federation) -> Iterator[Problem]:
    gateway_of: dict[str, str] = {}
    for name, cluster in federation.clusters.items():
        path = ("clusters", name)
        yield from each(_gateway(path, name, cluster, gateway_of))


def _gateway(path: Path, name: str, cluster: Cluster, gateway_of: dict[str, str]) -> Iterator[Problem]:
    if cluster.gateway is None:
        return
    addresses = cluster.gateway.addresses
    # two that are late may yet differ
    texts = [address if isinstance(address, str) else object() for address in addresses]
    yield from each(
        stated_twice((*path, "gateway", "addresses"), texts),
        shared_gateway((*path, "gateway"), name, cluster, gateway_of),
    )


def shared_gateway(path: Path, name: str, cluster: Cluster, gateway_of: dict[str, str]) -> Iterator[Problem]:
    """A server name leads through a gateway to the services of one cluster only."""
    assert cluster.gateway is not None
    for index, address in enumerate(cluster.gateway.addresses):
        if isinstance(address, str):
            place = f"{address}:{cluster.gateway.port}"
            if (owner := gateway_of.setdefault(place, name)) != name:
                message = f"{place!r} is also the gateway of {owner}; each cluster has its own"
                yield Problem((*path, "addresses", index), "shared-gateway", message)
