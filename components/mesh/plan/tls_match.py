"""Matches of `tls` as Envoy can tell them apart, such that the first that fits takes a connection."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from ..istio import parts
from ..istio.match import is_within
from ..manifest import copied

_Network = IPv4Network | IPv6Network

_EVERYWHERE = IPv4Network("0.0.0.0/0")
"""istiod makes no condition of it, so it holds for IPv6, too."""


def told_apart(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The entries of one port, with a match for each server name and each network.

    Envoy refuses a listener with overlapping matches; of matches that are equal, istiod keeps the first. Envoy goes by
    the narrowest network and never turns back, so a match stands at every network that lies within its own. None is
    without a network where others have one: istiod would give it theirs (`pilot/pkg/networking/core/tls.go`).
    """
    networks = _networks([match for entry in entries for match in entry["match"]])
    return [
        {**entry, "match": [one for match in entry["match"] for one in _parts(match, networks)]} for entry in entries
    ]


def _networks(matches: Sequence[Mapping[str, Any]]) -> list[_Network]:
    """All that are stated, the narrowest first; none where one is late."""
    if any(parts.any_is_late(match, "destinationSubnets") for match in matches):
        return []
    networks = {network for match in matches for network in _stated(match)}
    return sorted(networks, key=lambda network: (network.version, -network.prefixlen, network.network_address))


def _stated(match: Mapping[str, Any]) -> list[_Network]:
    return [ip_network(subnet, strict=False) for subnet in parts.entries(match, "destinationSubnets")] or [_EVERYWHERE]


def _parts(match: Mapping[str, Any], networks: Sequence[_Network]) -> Iterator[dict[str, Any]]:
    names = match["sniHosts"]
    for name in [[name] for name in names] if isinstance(names, list) else [names]:
        own = copied({**match, "sniHosts": name})
        if not networks or networks == [_EVERYWHERE]:
            yield own
        else:
            fitting = [one for one in networks if any(_lies_in(one, stated) for stated in _stated(match))]
            yield from (copied({**own, "destinationSubnets": [str(network)]}) for network in fitting)


def _lies_in(network: _Network, other: _Network) -> bool:
    return other == _EVERYWHERE or is_within(str(network), str(other))
