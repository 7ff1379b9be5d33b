"""The order in which the endpoints of a failover take calls, in Istio's words: marks of endpoints, and a setting.

Labels rank endpoints, unless gateways with a DNS name stand beside the client cluster's own pods. If the endpoints of
such a host lie in several localities, labels end istiod in a panic (seen in 1.32, `applyFailoverPriorityPerLocality`).
There, gateways lie in regions of our own, which are farther than any pod.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from ..names import FARTHER_REGIONS
from ..routes import Failover
from .endpoints import are_ip_addresses


class Ranking(NamedTuple):
    """How the tiers of a failover are told apart."""

    setting: Mapping[str, Any]
    """Istio's `localityLbSetting`."""
    marks: tuple[Mapping[str, Any], ...]
    """For each tier, `labels` or `locality` of its gateways' endpoints."""


def ranking(failover: Failover) -> Ranking:
    """By labels, unless DNS names may stand beside pods."""
    if failover.at_home and not are_ip_addresses(use for use, _ in failover.members if use.crosses):
        return _by_regions(failover)
    home = next((number for number, tier in enumerate(failover.tiers) for use, _ in tier if not use.crosses), 0)
    return _by_labels(len(failover.tiers), home)


@cache
def _by_labels(tiers: int, home: int) -> Ranking:
    # the last first: Istio ranks an endpoint by the first of them on whose nearer side it is not
    boundaries = [_Boundary(last, home <= last) for last in reversed(range(tiers - 1))]
    marks = tuple(
        {"labels": {boundary.label: "true" for boundary in boundaries if boundary.marks(tier)}} for tier in range(tiers)
    )
    if not boundaries:
        # all have the same rank: where they are does not matter
        return Ranking({"enabled": False}, marks)
    return Ranking({"enabled": True, "failoverPriority": [boundary.priority for boundary in boundaries]}, marks)


class _Boundary(NamedTuple):
    """A label of gateway endpoints that tells the tiers up to one from those after it.

    Pods have none of these labels, so where the client cluster's own pods are decides which side is marked.
    """

    last: int
    """The last tier before the boundary."""
    is_later_marked: bool

    @property
    def label(self) -> str:
        return f"failover-after-{self.last}" if self.is_later_marked else f"failover-until-{self.last}"

    @property
    def priority(self) -> str:
        """As Istio's `failoverPriority` says it: an endpoint without a label is like a caller without it."""
        return self.label if self.is_later_marked else f"{self.label}=true"

    def marks(self, tier: int) -> bool:
        return (tier > self.last) == self.is_later_marked


def _by_regions(failover: Failover) -> Ranking:
    """Home is the first tier (`checks.failover`). Of the others, all after the second are like the second."""
    first, second = FARTHER_REGIONS
    region = (failover.client.locality or "").partition("/")[0]
    if not region or len(failover.tiers) < 1 + len(FARTHER_REGIONS):
        return Ranking({"enabled": True}, ({}, *[{"locality": first}] * (len(failover.tiers) - 1)))
    rest = [{"locality": second}] * (len(failover.tiers) - len(FARTHER_REGIONS))
    setting = {"enabled": True, "failover": [{"from": region, "to": first}]}
    return Ranking(setting, ({}, {"locality": first}, *rest))
