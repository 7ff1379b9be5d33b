"""The bed of the tests, and the specs that they move it through."""

from collections.abc import Iterable
from typing import Any

from sandbox.mesh.topology import Port, Workload, gateway
from tests.given.specs import SPLIT, Spec, cluster, rule, service

GATEWAYS = {
    "cluster1": ("172.18.0.229",),
    "cluster2": ("172.18.0.230", "172.18.0.231"),
    "cluster3": ("172.18.0.232",),
}
CALLERS: dict[str, tuple[str, ...]] = {"cluster1": (), "cluster2": ("cluster1",), "cluster3": ("cluster1",)}
"""Whose trust domains each mesh accepts: those that the federation's output `trust` names."""

SEVERAL_PORTS = (Port(), Port(9090, "http-admin"), Port(9070, "grpc"))
RATINGS_PORTS = (Port(), Port(9070, "grpc"), Port(9060, "tcp"))
TWO_NUMBERS = (Port(), Port(9090, "http-new"))
"""Reviews on cluster2 answers at both."""
WORKLOADS = (
    *(gateway(cluster, *addresses) for cluster, addresses in GATEWAYS.items()),
    Workload("cluster1", "productpage"),
    Workload("cluster1", "reviews", "v1", has_own_service=True),
    Workload("cluster1", "reviews", "v2"),
    Workload("cluster2", "reviews", "v3", ports=TWO_NUMBERS, has_own_service=True),
    Workload("cluster2", "reviews", "v4", ports=TWO_NUMBERS),
    Workload("cluster3", "reviews", "v5"),
    Workload("cluster2", "productpage"),
    Workload("cluster1", "details", "v1", ports=SEVERAL_PORTS),
    Workload("cluster2", "details", "v2", ports=SEVERAL_PORTS),
    Workload("cluster2", "details", "v2", ports=SEVERAL_PORTS, replica=1),
    Workload("cluster2", "ratings", "v1", ports=RATINGS_PORTS),
)

DEBOUNCE = {"PILOT_DEBOUNCE_MAX": "1s"}
"""istiod waits no longer than this for quiet, and so `SETTLE` seconds are enough between two steps."""
SETTLE = 2


def reviews(*shares: tuple[str, str, int], gateway: str = GATEWAYS["cluster2"][0], settle: int = SETTLE) -> Spec:
    """Calls to reviews on cluster1, split over (cluster, version, weight)."""
    return {
        "clusters": {
            "cluster1": cluster("cluster1", *GATEWAYS["cluster1"]),
            "cluster2": cluster("cluster2", gateway),
            "cluster3": cluster("cluster3", *GATEWAYS["cluster3"]),
        },
        "services": [
            service("reviews", cluster1=["v1", "v2"], cluster2=["v3", "v4"], cluster3=["v5"]),
        ],
        "traffic": [rule("reviews.default", ["cluster1"], *shares)],
        "settleSeconds": settle,
    }


def details(*ports: Port, settle: int = SETTLE) -> Spec:
    """All calls to these ports of details on cluster1 go to v2 on cluster2."""
    return _with(
        reviews(*SPLIT, settle=settle),
        {**service("details", cluster1=["v1"], cluster2=["v2"]), "ports": _offered(ports)},
        rule("details.default", ["cluster1"], ("cluster2", "v2", 1)),
    )


def with_ratings(spec: Spec, **of_the_rule: Any) -> Spec:
    """Calls to ratings on cluster1, which does not run it, go to cluster2."""
    to_cluster2 = rule("ratings.default", ["cluster1"], ("cluster2", "v1", 1))
    return _with(
        spec,
        {**service("ratings", cluster2=["v1"]), "ports": _offered(RATINGS_PORTS)},
        {**to_cluster2, "tcp": to_cluster2["http"], **of_the_rule},
    )


def _offered(ports: Iterable[Port]) -> list[Spec]:
    return [{"name": port.name, "number": port.number, "protocol": port.protocol.upper()} for port in ports]


def _with(spec: Spec, service: Spec, rule: Spec) -> Spec:
    return {**spec, "services": [*spec["services"], service], "traffic": [*spec["traffic"], rule]}
