"""How an Envoy spreads connections over endpoints of which some do not answer, once it has found that out."""

from collections.abc import Mapping
from typing import Any

from tests.oracle.configuration import Endpoint

Message = dict[str, Any]

_OVERPROVISIONING = 1.4
"""Envoy's default: a priority whose healthy endpoints are fewer than 1/1.4 gives a part away."""
_EJECTED_AT_MOST = 10
"""Envoy's default, in percent."""


def spread(cluster: Message, answers: Mapping[Endpoint, bool]) -> dict[Endpoint, float]:
    """Endpoint → percent of the connections. What goes to an endpoint that does not answer is lost."""
    ejected = _ejected(cluster, answers) | {endpoint for endpoint in answers if not endpoint.is_ready}
    left = 100.0
    shares: dict[Endpoint, float] = {}
    for priority in sorted({endpoint.priority for endpoint in answers}):
        there = [endpoint for endpoint in answers if endpoint.priority == priority]
        healthy = [endpoint for endpoint in there if endpoint not in ejected]
        if not healthy:
            continue
        part = min(left, 100.0 * _OVERPROVISIONING * len(healthy) / len(there))
        weight = sum(endpoint.weight for endpoint in healthy)
        shares |= {endpoint: part * endpoint.weight / weight for endpoint in healthy}
        left -= part
    # where all priorities together are short of healthy endpoints, those that there are take everything
    taken = 100.0 - left
    return {endpoint: share * 100.0 / taken for endpoint, share in shares.items()}


def _ejected(cluster: Message, answers: Mapping[Endpoint, bool]) -> set[Endpoint]:
    """Those that outlier detection takes out: never more than `max_ejection_percent` of all."""
    detection = cluster.get("outlier_detection")
    if detection is None or not _ejects_the_unreachable(detection):
        return set()
    at_most = detection.get("max_ejection_percent", _EJECTED_AT_MOST)
    dead = [
        endpoint
        for endpoint, does in sorted(answers.items(), key=lambda item: item[0].priority)
        if endpoint.is_ready and not does
    ]
    return {endpoint for number, endpoint in enumerate(dead, 1) if 100 * number / len(answers) <= at_most}


def _ejects_the_unreachable(detection: Message) -> bool:
    """Whether failures to connect count."""
    if detection.get("split_external_local_origin_errors"):
        return bool(detection.get("enforcing_consecutive_local_origin_failure", 100))
    return bool(detection.get("enforcing_consecutive_5xx", 100))
