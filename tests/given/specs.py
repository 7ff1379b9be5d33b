"""Specs that tests begin with, in the form of a stack file. Each call gives a new one, to be edited."""

import copy
from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]

_PREFIX = "mesh:"

SPLIT = (("cluster2", "v3", 75), ("cluster1", "v1", 15), ("cluster1", "v2", 10))
"""Where the bookinfo example sends the calls to reviews: (cluster, version, weight)."""
BOOKINFO_OBJECTS = frozenset(
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
"""What the clusters hold for `bookinfo`: cluster/kind/namespace/name."""


def spec_of_config(config: Mapping[str, Any]) -> Spec:
    """The spec in a stack file's `config`, or in a part of it."""
    return {key.removeprefix(_PREFIX): value for key, value in config.items() if key.startswith(_PREFIX)}


def config_of_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The `config` of a stack file that states a spec, or a part of one."""
    return {f"{_PREFIX}{key}": value for key, value in spec.items()}


def bookinfo(*, settle: int | None = 0) -> Spec:
    """The bookinfo example: calls to reviews on cluster1 go to v3 on cluster2, and to v1 and v2 on cluster1.

    With `settle=None`, the spec does not say how long a pause takes.
    """
    return {
        "clusters": {
            "cluster1": cluster("cluster1", "172.18.0.229"),
            "cluster2": cluster("cluster2", "172.18.0.230"),
        },
        "services": [service("reviews", cluster1=["v1", "v2"], cluster2=["v3"])],
        "traffic": [rule("reviews.default", ["cluster1"], *SPLIT)],
        **({} if settle is None else {"settleSeconds": settle}),
    }


def cluster(context: str, *addresses: str) -> Spec:
    """A cluster with a trust domain of its own, and its gateway's addresses."""
    return {"context": context, "trustDomain": context, "gateway": {"addresses": list(addresses)}}


def service(name: str, **versions: list[str]) -> Spec:
    """A service in `default` on port 9080; versions by cluster."""
    return {
        "name": name,
        "namespace": "default",
        "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
        "clusters": {cluster: presence(name, *names) for cluster, names in versions.items()},
    }


def presence(service: str, *versions: str) -> Spec:
    """A service on one of its clusters, where all versions run under one account."""
    return {"versions": list(versions), "serviceAccounts": [f"bookinfo-{service}"]}


def rule(service: str, clients: list[str], *destinations: tuple[str, str, int]) -> Spec:
    """Calls to `service` on the clusters `clients` go to (cluster, version, weight)."""
    route = [{"cluster": cluster, "version": version, "weight": weight} for cluster, version, weight in destinations]
    return {"service": service, "clients": {"clusters": clients}, "http": [{"route": route}]}


def destinations_of(rule: Spec) -> list[Spec]:
    """All that a rule sends calls to, mirrors included."""
    entries = [entry for kind in ("http", "tcp", "tls") for entry in rule.get(kind, ())]
    return [part for entry in entries for part in (*entry.get("route", ()), *entry.get("mirrors", ()))]


def with_value(path: str, value: Any) -> Spec:
    """The bookinfo example with `value` at a path such as `traffic.0.http`."""
    spec = bookinfo(settle=None)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    part: Any = spec
    for step in steps:
        part = part[step]
    part[last] = value
    return spec


def snake_case(value: Any) -> Any:
    """The spec in Python's spelling; keys that users choose hold no capital letter."""
    if isinstance(value, dict):
        return {"".join(f"_{c.lower()}" if c.isupper() else c for c in k): snake_case(v) for k, v in value.items()}
    return [snake_case(item) for item in value] if isinstance(value, list) else value


def for_program(spec: Spec) -> Spec:
    """The spec as a program states it, which gives each cluster a provider in place of a context."""
    arguments: Spec = snake_case(copy.deepcopy(spec))
    for arguments_of_cluster in arguments["clusters"].values():
        del arguments_of_cluster["context"]
    return arguments


def gateways_of(cluster: Spec) -> dict[str, Spec]:
    """Name → gateway of a cluster as a spec states it."""
    return dict(cluster.get("gateways") or ({"default": cluster["gateway"]} if "gateway" in cluster else {}))


def gateways_to(spec: Spec, service: Spec, cluster: str) -> dict[str, Spec]:
    """Those of its gateways that lead to a service there."""
    chosen = service["clusters"][cluster].get("gateways")
    gateways = gateways_of(spec["clusters"][cluster])
    return {name: gateway for name, gateway in gateways.items() if chosen is None or name in chosen}
