"""Specs that tests begin with. Each call gives a new one, to be edited."""

from typing import Any

Spec = dict[str, Any]


ARTICLE_OBJECTS = frozenset(
    {
        "cluster1/DestinationRule/default/v1.reviews",
        "cluster1/DestinationRule/default/v2.reviews",
        "cluster1/DestinationRule/istio-system/reviews.default.svc.cluster2.global",
        "cluster1/DestinationRule/istio-system/v3.reviews.default.svc.cluster2.global",
        "cluster1/ServiceEntry/istio-system/reviews.default.svc.cluster2.global",
        "cluster1/VirtualService/default/reviews",
        "cluster2/DestinationRule/default/v3.reviews",
        "cluster2/Gateway/istio-system/reviews-default-bdabf1b129",
    }
)
"""What the clusters hold for `article`: cluster/kind/namespace/name."""


def article(*, settle: int = 0) -> Spec:
    """The article's example: reviews runs on cluster1 (v1, v2) and cluster2 (v3); calls on cluster1 go 75/15/10."""
    return {
        "clusters": {
            "cluster1": cluster("cluster1", "192.0.2.1"),
            "cluster2": cluster("cluster2", "192.0.2.2"),
        },
        "services": [service("reviews", cluster1=["v1", "v2"], cluster2=["v3"])],
        "traffic": [
            rule(
                "reviews.default", ["cluster1"], ("cluster2", "v3", 75), ("cluster1", "v1", 15), ("cluster1", "v2", 10)
            )
        ],
        "settleSeconds": settle,
    }


def cluster(context: str, *gateways: str) -> Spec:
    """A cluster with a trust domain of its own."""
    return {"context": context, "trustDomain": context, "gateway": {"addresses": list(gateways)}}


def service(name: str, **versions: list[str]) -> Spec:
    """A service in `default` on port 9080; versions by cluster."""
    return {
        "name": name,
        "namespace": "default",
        "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
        "clusters": {cluster: {"versions": found, "serviceAccounts": [name]} for cluster, found in versions.items()},
    }


def rule(service: str, clients: list[str], *destinations: tuple[str, str, int]) -> Spec:
    """Calls to `service` on the clusters `clients` go to (cluster, version, weight)."""
    route = [{"cluster": cluster, "version": version, "weight": weight} for cluster, version, weight in destinations]
    return {"service": service, "clients": {"clusters": clients}, "http": [{"route": route}]}
