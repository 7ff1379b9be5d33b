"""Every way on which a connection can leave its cluster: what the client says, and whom the gateway leads it to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.oracle.configuration import Endpoint, Tls
from tests.oracle.stack import Gateway
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
            for endpoint in configuration.endpoints(name):
                if gateway := world.stack.gateway_at(endpoint.address, endpoint.port):
                    yield _hop(world, caller.cluster, match, endpoint, gateway)


def faults(world: World, hop: Hop) -> list[str]:
    """What is wrong with a hop, a line each."""
    if hop.end is None or hop.tls is None:
        return [f"{hop.name} on {hop.client}: {hop.reason}"]
    presence = world.stack.presence(hop.end.service, hop.end.cluster)
    pods = world.stack.pods_of(hop.end.cluster, hop.end.service, hop.version)
    numbers = {
        number for port in presence.ports if port.number == hop.end.port for number in (port.number, port.general)
    }
    checks = {
        f"leads to {hop.end.cluster} instead of {hop.serving}": hop.end.cluster == hop.serving,
        f"leads to port {hop.end.port}": hop.port in numbers,
        f"leads to {sorted(hop.end.pods)} instead of {sorted(pods)}": hop.end.pods == pods,
        f"accepts {sorted(hop.tls.identities)}": hop.tls.identities == {*presence.identities},
    }
    return [f"{hop.name} on {hop.client} {fault}" for fault, holds in checks.items() if not holds]


def together(crossing: Iterable[Hop]) -> list[list[Hop]]:
    """Those of the same proxies' cluster of the same client cluster to the same serving cluster."""
    groups: dict[tuple[str, str, str], dict[tuple[str, str], Hop]] = {}
    for hop in crossing:
        # callers of one cluster hold the same
        groups.setdefault((hop.client, hop.name, hop.serving), {})[hop.gateway, hop.address] = hop
    return [[*hops.values()] for hops in groups.values()]


def _hop(world: World, client: str, match: re.Match[str], endpoint: Endpoint, gateway: Gateway) -> Hop:
    fate = world.fate(client, endpoint)
    port, version = int(match["port"]), match["version"] or None
    return Hop(
        client,
        match[0],
        port,
        version,
        gateway.cluster,
        gateway.name,
        endpoint.address.lower(),
        endpoint.weight,
        endpoint.tls,
        fate.end,
        fate.reason,
    )
