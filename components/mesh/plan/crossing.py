"""The traffic policy of calls that leave their cluster: mutual TLS, and defaults for a path through gateways."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import names
from ..policies import defaults, merged, stated_policies
from ..routes import Failover, Use
from ..spec.service import Port
from ..spec.values import PROTOCOLS_OF

REQUESTS_PER_CONNECTION = 100
"""Each connection leads to one pod behind the gateway, in HTTP/1.1 as in HTTP/2, and stays there as long as it is used.

A new connection may lead to another pod, so pods that join get calls: 10 busy callers reach them within 12 s, as
tests/traffic shows. The price is one TLS handshake in 100 calls."""

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
    stated = list(stated_policies(use.service, use.serving.name, version))
    balancing = BY_WEIGHT if any(map(_have_weights, dialled)) else {}
    return [defaults(stated, is_timed=is_timed), balancing, *stated]


def _have_weights(use: Use) -> bool:
    """Whether the gateways to the service share calls by weights."""
    return use.crosses and len(use.gateways) > 1 and any(gateway.share is not None for gateway in use.gateways.values())


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
