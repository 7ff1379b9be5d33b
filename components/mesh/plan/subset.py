"""Subsets of DestinationRules: a version of a service where it runs."""

from collections.abc import Mapping
from typing import Any


def local_subset(
    host: str, version: str, labels: Mapping[str, str], policy: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A version of a service where it runs: the pods with `labels`, all if there are none.

    Without a policy it has the host's.
    """
    subset = {**({"labels": dict(sorted(labels.items()))} if labels else {}), "name": version}
    return {
        "exportTo": ["*"],
        "host": host,
        "subsets": [{**subset, "trafficPolicy": dict(policy)} if policy else subset],
    }
