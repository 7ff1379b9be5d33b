"""DestinationRules: one object for each thing that can come and go by itself.

Istio merges the pieces of one host in one namespace when their `exportTo` is literally the same, so every piece says
`["*"]`; two objects never edit the same list, and a version comes or goes without touching another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import names
from .spec import Cluster, Gateway, Port, Service

REQUESTS_PER_CONNECTION = 100
"""A connection leads to one pod behind the gateway; HTTP/2 and gRPC would never leave it."""


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

    The top level has no server name of its own, since that holds a port: a port that is not listed is refused by the
    gateway, and never spoken to in plain text.
    """
    gateway = cluster.gateway
    assert gateway is not None, f"{name} is called without a gateway; checks.py refuses that"
    local = names.local_host(service.name, service.namespace, cluster.domain)
    accounts = sorted(service.clusters[name].service_accounts)
    return {
        "portLevelSettings": [
            {
                "connectionPool": _connection_pool(port),
                **_outlier_detection(gateway),
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
    pool: dict[str, Any] = {"tcp": {"connectTimeout": "1s"}}
    if port.protocol in ("HTTP2", "GRPC"):
        pool["http"] = {"maxRequestsPerConnection": REQUESTS_PER_CONNECTION}
    return pool


def _outlier_detection(gateway: Gateway) -> dict[str, Any]:
    """Leave a gateway that cannot be reached, never the last one; the application's own errors eject nobody."""
    count = len(gateway.addresses)
    if count == 1:
        return {}
    return {
        "outlierDetection": {
            "baseEjectionTime": "30s",
            "consecutive5xxErrors": 0,
            "consecutiveGatewayErrors": 0,
            "consecutiveLocalOriginFailures": 1,
            "interval": "1s",
            "maxEjectionPercent": 100 * (count - 1) // count,
            "splitExternalLocalOriginErrors": True,
        }
    }
