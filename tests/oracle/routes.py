"""One entry of a route table, read in Istio's terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]

NAMES_OF_ISTIOD = {"", "default", "allow_any", "block_all"}
"""What istiod calls the routes that no entry of a VirtualService has named."""

_DENOMINATORS = {"HUNDRED": 100.0, "TEN_THOUSAND": 10_000.0, "MILLION": 1_000_000.0}
_GRPC_STATUSES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
_TIMEOUT_OF_ENVOY = "15s"
_FAULT = "envoy.filters.http.fault"


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` 0: none."""

    attempts: int
    conditions: frozenset[str]
    codes: frozenset[int]
    per_try_seconds: float | None


DEFAULT_RETRIES = Retries(
    2,
    frozenset({"connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes"}),
    frozenset(),
    None,
)
"""Istio's, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of the requests that a route takes. Shares are in percent."""

    name: str
    """Of the VirtualService's entry; empty if that has none, or the route is istiod's own."""
    shares: Mapping[str, float]
    """Cluster → part of the requests; empty where the proxy answers itself."""
    timeout: float | None
    """Seconds; None: it waits for ever."""
    retries: Retries
    mirrors: Mapping[str, float]
    """Cluster → part of the requests that it gets a copy of."""
    faults: Mapping[str, Mapping[str, Any]]
    """`delay` and `abort` → what, and its `share`."""


def read_route(message: Message) -> Route:
    action = message.get("route", {})
    name = message.get("name", "")
    return Route(
        "" if name in NAMES_OF_ISTIOD else name,
        shares(action),
        seconds(action.get("timeout", _TIMEOUT_OF_ENVOY)) or None,
        _retries(action.get("retry_policy", {})),
        {
            mirror["cluster"]: share
            for mirror in action.get("request_mirror_policies", ())
            if (share := _percent(mirror.get("runtime_fraction", {}).get("default_value")))
        },
        _faults(message.get("typed_per_filter_config", {}).get(_FAULT, {})),
    )


def shares(action: Message) -> dict[str, float]:
    """Cluster → percent, of a route or of a TCP proxy."""
    if "cluster" in action:
        return {action["cluster"]: 100.0}
    weighted = action.get("weighted_clusters", {}).get("clusters", ())
    total = sum(part.get("weight", 0) for part in weighted)
    percents: dict[str, float] = {}
    for part in weighted:
        if weight := part.get("weight", 0):
            percents[part["name"]] = percents.get(part["name"], 0.0) + 100.0 * weight / total
    return percents


def clusters_of(table: Message) -> set[str]:
    """Every cluster that a route table leads to, by whatever chance."""
    actions = (route.get("route", {}) for host in table["virtual_hosts"] for route in host.get("routes", ()))
    return {
        name
        for action in actions
        for name in (
            action.get("cluster", ""),
            *(part["name"] for part in action.get("weighted_clusters", {}).get("clusters", ())),
            *(mirror["cluster"] for mirror in action.get("request_mirror_policies", ())),
        )
        if name
    }


def seconds(duration: str) -> float:
    """Of a duration as protobuf's JSON or Istio writes it: `0.25s`, `250ms`, `1m30s`."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    total, number, unit = 0.0, "", ""
    for character in f"{duration}0":
        if unit and (character.isdigit() or character == "."):
            total += float(number) * units[unit]
            number, unit = "", ""
        if character.isalpha():
            unit += character
        else:
            number += character
    return total


def _retries(policy: Message) -> Retries:
    conditions = {word for word in policy.get("retry_on", "").split(",") if word}
    per_try = policy.get("per_try_timeout")
    return Retries(
        policy.get("num_retries", 1) if policy else 0,
        frozenset(conditions),
        frozenset(policy.get("retriable_status_codes", ())),
        seconds(per_try) if per_try else None,
    )


def _percent(fraction: Message | None) -> float:
    """Of a mirror without one, every request is copied."""
    if fraction is None:
        return 100.0
    numerator = float(fraction.get("numerator", 0))
    return 100.0 * numerator / _DENOMINATORS[fraction.get("denominator", "HUNDRED")]


def _faults(fault: Message) -> dict[str, dict[str, Any]]:
    faults: dict[str, dict[str, Any]] = {}
    if delay := fault.get("delay"):
        faults["delay"] = {"fixedDelay": delay["fixed_delay"], "share": _percent(delay.get("percentage"))}
    if abort := fault.get("abort"):
        stated: dict[str, Any] = {}
        if "http_status" in abort:
            stated["httpStatus"] = abort["http_status"]
        if "grpc_status" in abort:
            stated["grpcStatus"] = _GRPC_STATUSES[abort["grpc_status"]]
        # without one, Envoy ends no call
        faults["abort"] = {**stated, "share": _percent(abort.get("percentage", {}))}
    return faults
