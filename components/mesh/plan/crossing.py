"""The traffic policy of calls that leave their cluster: mutual TLS, and defaults for a path through gateways."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import names
from ..routes import Failover, Use
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
    """The policy for calls to a version of the service on the serving cluster (`""` is any)."""
    return _policy(
        use.service.ports,
        lambda port: _server_name(use, version, use.subset_behind(version), port),
        _identities(use),
        _narrowing(use, version, [use], is_timed=use.is_timed),
    )


def policy_of_failover(failover: Failover, order: Mapping[str, Any]) -> dict[str, Any]:
    """The policy for calls to whichever member can answer: one for all, the first one's.

    `order` is Istio's `localityLbSetting`.
    """
    first, version = next(failover.members)
    ordered = {"loadBalancer": {"localityLbSetting": order}}
    return _policy(
        failover.service.ports,
        lambda port: _server_name(first, version, failover.subset, port),
        sorted({identity for use, _ in failover.members for identity in _identities(use)}),
        [*_narrowing(first, version, [use for use, _ in failover.members], is_timed=failover.is_timed), ordered],
    )


def _policy(
    ports: Iterable[Port],
    server_name: Callable[[Port], str],
    identities: list[str],
    narrowing: list[Mapping[str, Any]],
) -> dict[str, Any]:
    """Complete at every level, since Istio replaces them.

    No port of ours falls to the top level, since all are listed. It has no server name of its own, since that holds a
    port: a port that is not listed is refused by the gateway, and never spoken to in plain text.
    """
    whole = merged(*narrowing)
    at_a_port = {field: whole[field] for field in _AT_A_PORT if field in whole}
    levels = [
        {
            **merged(_recycled(port), at_a_port),
            "port": {"number": port.number},
            "tls": {"mode": "ISTIO_MUTUAL", "sni": server_name(port), "subjectAltNames": list(identities)},
        }
        for port in sorted(ports, key=lambda port: port.number)
    ]
    tls = {"mode": "ISTIO_MUTUAL", "subjectAltNames": list(identities)}
    return {**whole, "portLevelSettings": levels, "tls": tls}


def _server_name(use: Use, version: str, subset: str, port: Port) -> str:
    return names.server_name(use.service.number_on(use.serving.name, port.number), subset, use.host_behind(version))


def _narrowing(use: Use, version: str, dialled: Iterable[Use], *, is_timed: bool) -> list[Mapping[str, Any]]:
    """Our defaults, and then what the user states for a version of the service."""
    stated = list(stated_policies(use, version))
    balancing = BY_WEIGHT if any(map(_have_weights, dialled)) and not _choose_a_balancer(stated) else {}
    return [_defaults(is_timed=is_timed), balancing, *stated]


def _defaults(*, is_timed: bool) -> dict[str, Any]:
    outliers = dict(OUTLIER_DETECTION)
    if is_timed:
        outliers["consecutiveLocalOriginFailures"] = FAILURES_BESIDE_TIMEOUTS
    return {
        "connectionPool": {"tcp": {"connectTimeout": CONNECT_TIMEOUT, "tcpKeepalive": dict(TCP_KEEPALIVE)}},
        "outlierDetection": outliers,
    }


def _have_weights(use: Use) -> bool:
    """Whether the gateways to the service share calls by weights."""
    return use.crosses and len(use.gateways) > 1 and any(gateway.share is not None for gateway in use.gateways.values())


def _choose_a_balancer(stated: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the user says how calls are spread, as far as that is known. Istio takes one of the two fields."""
    balancers = [policy["loadBalancer"] for policy in stated if "loadBalancer" in policy]
    return any(not isinstance(one, dict) or {"simple", "consistentHash"} & one.keys() for one in balancers)


_AT_A_PORT = ("connectionPool", "loadBalancer", "outlierDetection")
"""The fields that a port has of its own: there Istio takes nothing of them from the level above."""


def _recycled(port: Port) -> dict[str, Any]:
    """The defaults that only ports of HTTP have."""
    if port.protocol in PROTOCOLS_OF["http"]:
        return {"connectionPool": {"http": {"maxRequestsPerConnection": REQUESTS_PER_CONNECTION}}}
    return {}


def _identities(use: Use) -> list[str]:
    presence = use.service.clusters[use.serving.name]
    namespace = use.service.namespace_on(use.serving.name)
    accounts = [names.identity(use.serving.trust_domain, namespace, name) for name in presence.service_accounts or ()]
    return sorted([*accounts, *(presence.identities or ())])
