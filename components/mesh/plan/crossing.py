"""The traffic policy of calls that leave their cluster: mutual TLS, and defaults for a path through gateways."""

from collections.abc import Iterable, Mapping
from typing import Any

from .. import names
from ..routes import Use
from ..spec.service import PROTOCOLS_OF, Port
from .policy import merged, stated_policies

CONNECT_TIMEOUT = "1s"
"""Bounds what the first call to a dead gateway waits. TCP and TLS take two round trips, 0.6 s around the globe."""

TCP_KEEPALIVE = {"interval": "10s", "probes": 3, "time": "30s"}
"""Cloud load balancers forget idle connections without a word: after 350 s by default, after 60 s at the least that can
be configured. So a probe goes out after half of that; Linux alone would send the first after two hours. A peer that
vanished is noticed after 30 + 3 × 10 s. An idle connection costs two packets every 30 s."""

REQUESTS_PER_CONNECTION = 100
"""Each connection leads to one pod behind the gateway, in HTTP/1.1 as in HTTP/2, and stays there as long as it is used.

A new connection may lead to another pod, so pods that join get calls: 10 busy callers reach them within 12 s, as
tests/traffic shows. The price is one TLS handshake in 100 calls."""

OUTLIER_DETECTION = {
    # doubles, triples, … with each ejection in a row, up to Envoy's 300 s: a call in so many seconds tries the gateway
    "baseEjectionTime": "30s",
    # what the application answers says nothing about the gateway
    "consecutive5xxErrors": 0,
    "consecutiveGatewayErrors": 0,
    # a gateway that does not answer costs its callers CONNECT_TIMEOUT each time, so once is enough
    "consecutiveLocalOriginFailures": 1,
    # how often Envoy looks whether an ejection is over; a failure ejects at once
    "interval": "1s",
    # Envoy ejects while 100 × (ejected + 1) / gateways <= this: all but the last for 2 to 100 gateways, never the last
    "maxEjectionPercent": 99,
    "splitExternalLocalOriginErrors": True,
}
"""Leaves out a gateway that cannot be reached. Always stated: Istio fills a missing block from the mesh's default,
and one DNS name may stand for several gateways."""


FAILURES_BESIDE_TIMEOUTS = 2
"""Envoy counts the end of a call's own timeout as a failure of the gateway. With two gateways of which one is dead, and
2 % of the calls ended by their timeout, 1 lost 2,822 of 6,500 calls and 2 lost none (stock Envoy 1.40, 100 calls/s)."""


BY_WEIGHT = {"loadBalancer": {"simple": "ROUND_ROBIN"}}
"""Keeps the proportion of gateways that have weights. Envoy divides the weights of LEAST_REQUEST, Istio's default, by
the number of open requests: in bursts of 4,000 calls, 24 % took the gateway of weight 10 beside one of weight 90."""


def policy_across_clusters(use: Use, version: str) -> dict[str, Any]:
    """The policy for calls to a version of the service (`""` is any), complete at every level: Istio replaces them.

    No port of ours falls to the top level, since all are listed. It has no server name of its own, since that holds a
    port: a port that is not listed is refused by the gateway, and never spoken to in plain text.
    """
    host, subset = use.host_behind(version), use.subset_behind(version)
    outliers = dict(OUTLIER_DETECTION)
    if use.is_timed:
        outliers["consecutiveLocalOriginFailures"] = FAILURES_BESIDE_TIMEOUTS
    stated = list(stated_policies(use, version))
    balancing = BY_WEIGHT if _have_weights(use) and not _choose_a_balancer(stated) else {}
    whole = merged({"connectionPool": {"tcp": _tcp()}, "outlierDetection": outliers, **balancing}, *stated)
    levels = [
        {
            **_at_a_port(
                merged({"connectionPool": _connection_pool(port), "outlierDetection": outliers, **balancing}, *stated)
            ),
            "port": {"number": port.number},
            "tls": {
                "mode": "ISTIO_MUTUAL",
                "sni": names.server_name(use.service.number_on(use.serving.name, port.number), subset, host),
                "subjectAltNames": _identities(use),
            },
        }
        for port in sorted(use.service.ports, key=lambda port: port.number)
    ]
    return {**whole, "portLevelSettings": levels, "tls": {"mode": "ISTIO_MUTUAL", "subjectAltNames": _identities(use)}}


def _have_weights(use: Use) -> bool:
    """Whether the gateways to the service share calls by weights."""
    return len(use.gateways) > 1 and any(gateway.share is not None for gateway in use.gateways.values())


def _choose_a_balancer(stated: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the user says how calls are spread, as far as that is known. Istio takes one of the two fields."""
    balancers = [policy["loadBalancer"] for policy in stated if "loadBalancer" in policy]
    return any(not isinstance(one, dict) or {"simple", "consistentHash"} & one.keys() for one in balancers)


_AT_A_PORT = ("connectionPool", "loadBalancer", "outlierDetection")


def _at_a_port(policy: dict[str, Any]) -> dict[str, Any]:
    """The fields that a port has of its own: there Istio takes nothing of them from the level above."""
    return {field: policy[field] for field in _AT_A_PORT if field in policy}


def _connection_pool(port: Port) -> dict[str, Any]:
    if port.protocol in PROTOCOLS_OF["http"]:
        return {"http": {"maxRequestsPerConnection": REQUESTS_PER_CONNECTION}, "tcp": _tcp()}
    return {"tcp": _tcp()}


def _tcp() -> dict[str, Any]:
    return {"connectTimeout": CONNECT_TIMEOUT, "tcpKeepalive": dict(TCP_KEEPALIVE)}


def _identities(use: Use) -> list[str]:
    presence = use.service.clusters[use.serving.name]
    namespace = use.service.namespace_on(use.serving.name)
    accounts = [names.identity(use.serving.trust_domain, namespace, name) for name in presence.service_accounts or ()]
    return sorted([*accounts, *(presence.identities or ())])
