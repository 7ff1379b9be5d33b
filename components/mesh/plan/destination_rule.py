"""DestinationRules: one object for each thing that can come and go by itself.

Istio merges the pieces of one host in one namespace when their `exportTo` is literally the same, so every piece says
`["*"]`; two objects never edit the same list, and a version comes or goes without touching another.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from .. import names
from ..istio.kinds import DESTINATION_RULE
from ..manifest import Manifest
from ..routes import Routes, Use
from ..spec.service import Port
from .planned import Pair, Planned


def destination_rules(routes: Routes) -> Iterator[Planned]:
    """The versions where they run; for each federated host a policy, and its versions."""
    yield from _versions_where_they_run(routes)
    for use in routes.crossings:
        host = routes.host_of(use)
        for version in sorted({"", *use.versions}):
            spec = federated_subset(use, host, version) if version else federated_policy(use, host)
            name, root = names.subset_name(version, host), use.client.istio.namespace
            manifest = Manifest.of(DESTINATION_RULE, use.client.name, root, name, spec)
            yield Planned(manifest, serves=(use.pair,) if use.is_routed else ())


def _versions_where_they_run(routes: Routes) -> Iterator[Planned]:
    pairs_of: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    use_of: dict[tuple[str, str, str], Use] = {}
    for use in routes.uses:
        for version in use.versions - {""}:
            key = (use.service.reference, use.serving.name, version)
            use_of[key] = use
            pairs_of[key].append(use.pair)
    for (_, serving, version), use in sorted(use_of.items(), key=lambda item: item[0]):
        service = use.service
        labels = service.clusters[serving].labels_of(version)
        assert labels is not None, f"{service.reference} has no version {version}; checks.rule refuses that"
        spec = local_subset(routes.federation.local_host_of(service, serving), version, labels)
        manifest = Manifest.of(
            DESTINATION_RULE, serving, service.namespace, names.subset_name(version, service.name), spec
        )
        yield Planned(manifest, serves=tuple(pairs_of[service.reference, serving, version]))


def local_subset(host: str, version: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A version of a service where it runs: the pods with `labels`."""
    return {"exportTo": ["*"], "host": host, "subsets": [{"labels": dict(sorted(labels.items())), "name": version}]}


def federated_policy(use: Use, host: str) -> dict[str, Any]:
    """Mutual TLS with any pod of the service on the serving cluster, for whoever dials `host`."""
    return {"exportTo": ["*"], "host": host, "trafficPolicy": _policy_across_clusters(use, version="")}


def federated_subset(use: Use, host: str, version: str) -> dict[str, Any]:
    """Mutual TLS with one version of the service on the serving cluster.

    The subset has no labels: it selects every gateway endpoint; the server name selects the pods behind them.
    """
    policy = _policy_across_clusters(use, version=version)
    return {"exportTo": ["*"], "host": host, "subsets": [{"name": version, "trafficPolicy": policy}]}


def _policy_across_clusters(use: Use, *, version: str) -> dict[str, Any]:
    """The policy for calls that leave the cluster, complete at every level: Istio replaces rather than merges.

    The top level has no server name of its own, since that holds a port: a port that is not listed is refused by the
    gateway, and never spoken to in plain text.
    """
    host = names.local_host(use.service.name, use.service.namespace, use.serving.domain)
    return {
        "portLevelSettings": [
            {
                "connectionPool": _connection_pool(port),
                **_outlier_detection(use),
                "port": {"number": port.number},
                "tls": {
                    "mode": "ISTIO_MUTUAL",
                    "sni": names.server_name(port.number, version, host),
                    "subjectAltNames": _identities(use),
                },
            }
            for port in sorted(use.service.ports, key=lambda port: port.number)
        ],
        "tls": {"mode": "ISTIO_MUTUAL", "subjectAltNames": _identities(use)},
    }


def _identities(use: Use) -> list[str]:
    accounts = sorted(use.service.clusters[use.serving.name].service_accounts)
    return [names.identity(use.serving.trust_domain, use.service.namespace, account) for account in accounts]


REQUESTS_PER_CONNECTION = 100
"""A connection leads to one pod behind the gateway; HTTP/2 and gRPC would never leave it."""


def _connection_pool(port: Port) -> dict[str, Any]:
    pool: dict[str, Any] = {"tcp": {"connectTimeout": "1s"}}
    if port.protocol in ("HTTP2", "GRPC"):
        pool["http"] = {"maxRequestsPerConnection": REQUESTS_PER_CONNECTION}
    return pool


def _outlier_detection(use: Use) -> dict[str, Any]:
    """Leave a gateway that cannot be reached, never the last one; the application's own errors eject nobody."""
    count = len(use.gateway.addresses)
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
