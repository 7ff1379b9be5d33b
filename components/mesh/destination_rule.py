"""DestinationRules: one object for each thing that can come and go by itself.

Istio merges the pieces of one host in one namespace when their `exportTo` is literally the same, so every piece says
`["*"]`; two objects never edit the same list, and a version comes or goes without touching another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import names
from .spec import HTTP_PROTOCOLS, Cluster, Port, Service

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
    # a gateway that does not answer costs its callers CONNECT_TIMEOUT each time, so once is enough; but Envoy counts
    # the end of a call's own timeout, and a connection that breaks during a call, as such a failure, too
    "consecutiveLocalOriginFailures": 1,
    # how often Envoy looks whether an ejection is over; a failure ejects at once
    "interval": "1s",
    # Envoy ejects while 100 × (ejected + 1) / gateways <= this: all but the last for 2 to 100 gateways, never the last
    "maxEjectionPercent": 99,
    "splitExternalLocalOriginErrors": True,
}
"""Leaves out a gateway that cannot be reached. Always stated: Istio fills a missing block from the mesh's default,
and one DNS name may stand for several gateways."""


def local_subset(host: str, version: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A version of a service where it runs: the pods with `labels`."""
    return {"exportTo": ["*"], "host": host, "subsets": [{"labels": dict(sorted(labels.items())), "name": version}]}


def federated_policy(host: str, service: Service, name: str, cluster: Cluster) -> dict[str, Any]:
    """Mutual TLS with any pod of `service` on the serving cluster, for whoever dials `host`."""
    return {
        "exportTo": ["*"],
        "host": host,
        "trafficPolicy": _crossing(service, name, cluster, version=""),
    }


def federated_subset(host: str, service: Service, name: str, cluster: Cluster, version: str) -> dict[str, Any]:
    """Mutual TLS with one version of `service` on the serving cluster.

    The subset has no labels: it selects every gateway endpoint; the server name selects the pods behind them.
    """
    policy = _crossing(service, name, cluster, version=version)
    return {"exportTo": ["*"], "host": host, "subsets": [{"name": version, "trafficPolicy": policy}]}


def _crossing(service: Service, name: str, cluster: Cluster, *, version: str) -> dict[str, Any]:
    """The policy for calls that leave the cluster, complete at every level: Istio replaces rather than merges.

    No port of ours falls to the top level, since all are listed. It has no server name of its own, since that holds a
    port: a port that is not listed is refused by the gateway, and never spoken to in plain text.
    """
    local = names.local_host(service.name, service.namespace, cluster.domain)
    accounts = sorted(service.clusters[name].service_accounts)
    return {
        "connectionPool": {"tcp": _tcp()},
        "outlierDetection": dict(OUTLIER_DETECTION),
        "portLevelSettings": [
            {
                "connectionPool": _connection_pool(port),
                "outlierDetection": dict(OUTLIER_DETECTION),
                "port": {"number": port.number},
                "tls": {
                    "mode": "ISTIO_MUTUAL",
                    "sni": names.server_name(port.number, version, local),
                    "subjectAltNames": _identities(cluster, service, accounts),
                },
            }
            for port in sorted(service.ports, key=lambda port: port.number)
        ],
        "tls": {"mode": "ISTIO_MUTUAL", "subjectAltNames": _identities(cluster, service, accounts)},
    }


def _identities(cluster: Cluster, service: Service, accounts: Sequence[str]) -> list[str]:
    return [names.identity(cluster.trust_domain, service.namespace, account) for account in accounts]


def _connection_pool(port: Port) -> dict[str, Any]:
    if port.protocol in HTTP_PROTOCOLS:
        return {"http": {"maxRequestsPerConnection": REQUESTS_PER_CONNECTION}, "tcp": _tcp()}
    return {"tcp": _tcp()}


def _tcp() -> dict[str, Any]:
    return {"connectTimeout": CONNECT_TIMEOUT, "tcpKeepalive": dict(TCP_KEEPALIVE)}
