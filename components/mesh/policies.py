"""Istio's `trafficPolicy`: our defaults between clusters, and what the spec states; each narrows the one before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from .errors import Path
from .istio.kinds import DESTINATION_RULE
from .istio.parts import is_set, is_stated, text
from .istio.releases import NEWEST
from .istio.schema import one_of
from .manifest import copied
from .spec.service import Service

CONNECT_TIMEOUT = "1s"
"""Bounds what the first call to a dead gateway waits. TCP and TLS take two round trips, 0.6 s around the globe."""

TCP_KEEPALIVE = {"interval": "10s", "probes": 3, "time": "30s"}
"""Cloud load balancers forget idle connections without a word: after 350 s by default, after 60 s at the least that can
be configured. So a probe goes out after half of that; Linux alone would send the first after two hours. A peer that
vanished is noticed after 30 + 3 × 10 s. An idle connection costs two packets every 30 s."""

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


def stated_policies(service: Service, serving: str, version: str) -> Iterator[Mapping[str, Any]]:
    """What the user states for a version of the service on the serving cluster (`""` is any), the widest first."""
    presence = service.clusters[serving]
    for policy in (service.traffic_policy, presence.traffic_policy, presence.version_policies.get(version)):
        if policy:
            yield policy


def defaults(stated: Sequence[Mapping[str, Any]], *, is_timed: bool = False) -> dict[str, Any]:
    """What calls to another cluster get beside what is `stated`."""
    outliers: dict[str, Any] = dict(OUTLIER_DETECTION)
    if is_timed:
        outliers["consecutiveLocalOriginFailures"] = FAILURES_BESIDE_TIMEOUTS
    own = merged(*(policy for policy in stated if "outlierDetection" in policy)).get("outlierDetection")
    if isinstance(own, dict) and own.get("splitExternalLocalOriginErrors") is False:
        # without the split, Istio counts no failures of local origin
        del outliers["consecutiveLocalOriginFailures"]
    return {
        "connectionPool": {"tcp": {"connectTimeout": CONNECT_TIMEOUT, "tcpKeepalive": dict(TCP_KEEPALIVE)}},
        "outlierDetection": outliers,
    }


def merged(*policies: Mapping[str, Any]) -> dict[str, Any]:
    """One policy, of which a later one wins field by field; lists are fields. It shares no part with the others.

    Where Istio takes one of several fields, the later one displaces the others.
    """
    whole: dict[str, Any] = {}
    for policy in policies:
        if policy:
            whole = _narrowed(whole, policy, ("trafficPolicy",)) if whole else copied(policy)
    return whole


def _narrowed(wide: Mapping[str, Any], narrow: Mapping[str, Any], place: Path) -> dict[str, Any]:
    displaced = _displaced(narrow, place)
    whole = {field: value for field, value in wide.items() if field not in displaced}
    for field, value in narrow.items():
        before = whole.get(field)
        both = isinstance(before, dict) and isinstance(value, dict)
        whole[field] = _narrowed(before or {}, value, (*place, field)) if both else copied(value)
    return {field: whole[field] for field in sorted(whole)}


def _displaced(narrow: Mapping[str, Any], place: Path) -> set[str]:
    """The fields beside which Istio does not take those of `narrow`, and that are not among them."""
    return {
        other
        for group, states in _groups(place)
        for field in group
        if field in narrow and states(narrow, field)
        for other in group
        if other not in narrow
    }


@cache
def _groups(place: Path) -> tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any], str], bool]], ...]:
    """Of each of these groups of fields Istio takes one, and what says whether a part states a field."""
    try:
        by_schema = one_of(DESTINATION_RULE.name, NEWEST, place)
    except KeyError:
        by_schema = ()
    return (*((group, is_stated) for group in by_schema), *((group, _says) for group in _IN_CODE.get(place, ())))


_IN_CODE: Mapping[Path, tuple[tuple[str, str], ...]] = {
    ("trafficPolicy",): (("tunnel", "proxyProtocol"),),
    ("trafficPolicy", "connectionPool", "http"): (("h2UpgradePolicy", "useClientProtocol"),),
    ("trafficPolicy", "loadBalancer"): (("localityLbSetting", "zoneAwareLbSetting"),),
    ("trafficPolicy", "loadBalancer", "consistentHash"): (
        ("minimumRingSize", "ringHash"),
        ("minimumRingSize", "maglev"),
    ),
    # beside `distribute`, istiod passes over a `failoverPriority` in silence
    ("trafficPolicy", "loadBalancer", "localityLbSetting"): (
        ("distribute", "failover"),
        ("distribute", "failoverPriority"),
    ),
}
"""Fields of which Istio takes one, as its webhook and istiod have it in code."""


def _says(part: Mapping[str, Any], field: str) -> bool:
    """Whether a field is more than a default in other words; a message is, be it empty."""
    if field == "h2UpgradePolicy":
        return text(part, field) == "UPGRADE"
    return is_set(part, field) or isinstance(part.get(field), dict)
