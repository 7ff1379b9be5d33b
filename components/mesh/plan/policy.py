"""Istio's `trafficPolicy`, as the spec states it for a service, a cluster and a version; each narrows the last."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..manifest import copied
from ..routes import Use


def stated_policies(use: Use, version: str) -> Iterator[Mapping[str, Any]]:
    """What the user states for a version of the service on the serving cluster (`""` is any), the widest first."""
    presence = use.service.clusters[use.serving.name]
    for policy in (use.service.traffic_policy, presence.traffic_policy, presence.version_policies.get(version)):
        if policy:
            yield policy


def merged(*policies: Mapping[str, Any]) -> dict[str, Any]:
    """One policy, of which a later one wins field by field; lists are fields. It shares no part with the others."""
    whole: dict[str, Any] = {}
    for policy in policies:
        for field, value in policy.items():
            before = whole.get(field)
            both = isinstance(before, dict) and isinstance(value, dict)
            whole[field] = merged(before, value) if both and isinstance(before, dict) else copied(value)
    return dict(sorted(whole.items()))
