"""TrafficPolicy: how a host is called, in a DestinationRule; its connection pool also in a Sidecar."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..parts import is_set, is_stated, number
from ..values import quoted
from .client_tls import CLIENT_TLS
from .durations import ANY_DURATION, DURATION, DURATION_OR_0
from .hosts import is_host, not_a_port
from .load_balancer import LOAD_BALANCER
from .tree import Rules, each_of
from .tree import number as number_rules

_OF_A_PORT = ("loadBalancer", "connectionPool", "outlierDetection", "tls")
_OF_A_POLICY = (*_OF_A_PORT, "portLevelSettings", "tunnel", "proxyProtocol", "retryBudget")


def _nothing(policy: Mapping[str, Any]) -> Iterator[Problem]:
    # an empty list is none to istiod
    if not is_set(policy, "portLevelSettings") and not any(
        is_stated(policy, f) for f in policy if f != "portLevelSettings"
    ):
        yield Problem((), "empty", f"'trafficPolicy' says nothing; state one of {', '.join(_OF_A_POLICY)}")


def _tunnel_with_a_proxy_protocol(policy: Mapping[str, Any]) -> Iterator[Problem]:
    if is_stated(policy, "tunnel") and is_stated(policy, "proxyProtocol"):
        yield Problem(("proxyProtocol",), "one-of", "'proxyProtocol' stands beside 'tunnel'; use one of them")


def _nothing_for_a_port(settings: Mapping[str, Any]) -> Iterator[Problem]:
    if not is_stated(settings, "port"):
        yield Problem(("port",), "missing-field", "'port' is missing; state the port that these settings are for")
    if not any(is_stated(settings, field) for field in _OF_A_PORT):
        yield Problem((), "empty", f"'portLevelSettings' say nothing; state one of {', '.join(_OF_A_PORT)}")


def _failures_that_are_not_split(outliers: Mapping[str, Any]) -> Iterator[Problem]:
    is_split = is_set(outliers, "splitExternalLocalOriginErrors")
    if number(outliers, "consecutiveLocalOriginFailures") > 0 and not is_split:
        message = "'consecutiveLocalOriginFailures' needs 'splitExternalLocalOriginErrors: true'; state both"
        yield Problem(("consecutiveLocalOriginFailures",), "missing-field", message)


def _not_a_percentage(percent: float) -> Iterator[Problem]:
    if not 0 <= percent <= 100:
        yield Problem((), "out-of-bounds", f"{quoted(percent)} is not a percentage; 0 to 100 is right")


def _less_than_nothing(count: float) -> Iterator[Problem]:
    if count < 0:
        yield Problem((), "out-of-bounds", f"{quoted(count)} is less than nothing; at least 0 is right")


def _no_pool(pool: Mapping[str, Any]) -> Iterator[Problem]:
    if not is_stated(pool, "http") and not is_stated(pool, "tcp"):
        yield Problem((), "empty", "'connectionPool' says nothing; state http or tcp")


def _upgrade_of_the_clients_protocol(http: Mapping[str, Any]) -> Iterator[Problem]:
    if http.get("h2UpgradePolicy") == "UPGRADE" and http.get("useClientProtocol") is True:
        message = "'useClientProtocol' stands beside 'h2UpgradePolicy: UPGRADE'; use one of them"
        yield Problem(("useClientProtocol",), "one-of", message)


def _half_a_keepalive(keepalive: Mapping[str, Any]) -> Iterator[Problem]:
    for field in ("interval", "timeout"):
        if not is_stated(keepalive, field):
            yield Problem((field,), "missing-field", f"'{field}' is missing; state interval and timeout")


def _tunnel(tunnel: Mapping[str, Any]) -> Iterator[Problem]:
    protocol, host = tunnel.get("protocol"), tunnel.get("targetHost")
    if isinstance(protocol, str) and protocol not in ("", "CONNECT", "POST"):
        yield Problem(
            ("protocol",), "not-in-enum", f"{quoted(protocol)} is not a way to open a tunnel; it takes CONNECT, POST"
        )
    if isinstance(host, str) and not is_host(host) and not is_ip_address(host):
        message = f"{quoted(host)} is neither an IP address nor a DNS name; write for example www.example.com"
        yield Problem(("targetHost",), "not-a-host", message)


_COUNT = number_rules(_less_than_nothing)
_PERCENT = number_rules(_not_a_percentage)
_KEEPALIVE = Rules(fields={"time": DURATION, "interval": DURATION})

CONNECTION_POOL = Rules(
    (_no_pool,),
    fields={
        "http": Rules(
            (_upgrade_of_the_clients_protocol,),
            fields={
                **dict.fromkeys(("http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection"), _COUNT),
                **dict.fromkeys(("maxRetries", "maxConcurrentStreams"), _COUNT),
                "idleTimeout": DURATION,
                "http2KeepAlive": Rules((_half_a_keepalive,), fields={"interval": DURATION, "timeout": DURATION}),
            },
        ),
        "tcp": Rules(
            fields={
                "maxConnections": _COUNT,
                "connectTimeout": DURATION,
                "maxConnectionDuration": DURATION,
                "idleTimeout": DURATION_OR_0,
                "tcpKeepalive": _KEEPALIVE,
            }
        ),
    },
)
_OUTLIERS = Rules(
    (_failures_that_are_not_split,),
    fields={
        "baseEjectionTime": DURATION,
        "interval": DURATION,
        "maxEjectionPercent": _PERCENT,
        "minHealthPercent": _PERCENT,
    },
)
_SETTINGS = {
    "connectionPool": CONNECTION_POOL,
    "loadBalancer": LOAD_BALANCER,
    "outlierDetection": _OUTLIERS,
    "tls": CLIENT_TLS,
}
TRAFFIC_POLICY = Rules(
    (_nothing, _tunnel_with_a_proxy_protocol),
    fields={
        **_SETTINGS,
        "portLevelSettings": each_of(Rules((_nothing_for_a_port,), fields=_SETTINGS)),
        "retryBudget": Rules(fields={"budgetInterval": ANY_DURATION}),
        "tunnel": Rules((_tunnel,), fields={"targetPort": number_rules(not_a_port)}),
    },
)
