"""Every way on which a connection can leave its cluster: what the client says, and whom the gateway leads it to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.oracle.configuration import Tls
from tests.oracle.world import Caller, End, World

_OUTBOUND = re.compile(r"outbound\|(?P<port>\d+)\|(?P<version>[^|]*)\|(?P<host>.+)")


@dataclass(frozen=True, slots=True)
class Hop:
    """From a proxy of the client cluster, by one of its own clusters, to one address of another cluster's gateway."""

    client: str
    name: str
    """Of the proxy's cluster."""
    port: int
    version: str | None
    """None: any pod."""
    serving: str
    gateway: str
    """The name of that gateway."""
    members: frozenset[str]
    """The clusters that may answer at the same host."""
    address: str
    weight: int
    tls: Tls | None
    end: End | None
    reason: str
    """Why it reaches no end."""


def hops(world: World, caller: Caller) -> Iterator[Hop]:
    """All that a caller's proxy holds, whether or not a route leads there."""
    configuration = world.of_caller(caller)
    for name in configuration.clusters:
        if match := _OUTBOUND.fullmatch(name):
            endpoints = configuration.endpoints(name)
            gateways = [world.inventory.gateway_at(endpoint.address, endpoint.port) for endpoint in endpoints]
            members = frozenset(gateway.cluster if gateway else caller.cluster for gateway in gateways)
            for endpoint, gateway in zip(endpoints, gateways, strict=True):
                if gateway:
                    fate = world.fate(caller.cluster, endpoint)
                    yield Hop(
                        caller.cluster,
                        name,
                        int(match["port"]),
                        match["version"] or None,
                        gateway.cluster,
                        gateway.name,
                        members,
                        endpoint.address.lower(),
                        endpoint.weight,
                        endpoint.tls,
                        fate.end,
                        fate.reason,
                    )


def faults(world: World, hop: Hop) -> list[str]:
    """What is wrong with a hop, a line each. Which version a substitute has there, only calls can tell."""
    if hop.end is None or hop.tls is None:
        return [f"{hop.name} on {hop.client}: {hop.reason}"]
    presence = world.inventory.presence(hop.end.service, hop.end.cluster)
    pods = world.inventory.pods_of(hop.end.cluster, hop.end.service, hop.version)
    numbers = {
        number for port in presence.ports if port.number == hop.end.port for number in (port.number, port.general)
    }
    identities = {
        identity for name in hop.members for identity in world.inventory.presence(hop.end.service, name).identities
    }
    is_alone = len(hop.members) == 1
    checks = {
        f"leads to {hop.end.cluster} instead of {hop.serving}": hop.end.cluster == hop.serving,
        f"leads to port {hop.end.port}": hop.port in numbers,
        f"leads to {sorted(hop.end.pods)} instead of {sorted(pods)}": hop.end.pods == pods
        or (not is_alone and hop.end.pods < pods),
        f"accepts {sorted(hop.tls.identities)}": hop.tls.identities == identities,
    }
    return [f"{hop.name} on {hop.client} {fault}" for fault, holds in checks.items() if not holds]


def together(crossing: Iterable[Hop]) -> list[list[Hop]]:
    """Those of the same proxies' cluster of the same client cluster to the same serving cluster."""
    groups: dict[tuple[str, str, str], dict[tuple[str, str], Hop]] = {}
    for hop in crossing:
        # callers of one cluster hold the same
        groups.setdefault((hop.client, hop.name, hop.serving), {})[hop.gateway, hop.address] = hop
    return [[*hops.values()] for hops in groups.values()]
