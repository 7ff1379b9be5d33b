"""Everything that reading the values one by one cannot find."""

from collections.abc import Iterator
from ipaddress import ip_address

from ..addresses import is_usable
from ..errors import Path, Problem
from ..spec.federation import Addresses, Federation
from .cluster import clusters
from .failover import global_hosts, missing_selector
from .rule import traffic
from .saying import References, choices, each
from .service import services


def check(federation: Federation) -> list[Problem]:
    """The problems between the parts. Nothing is said of what depends on a value that is unknown."""
    return list(each(_federation(federation)))


def _federation(federation: Federation) -> Iterator[Problem]:
    yield from each(clusters(federation))
    references = References(federation)
    yield from each(
        services(references),
        traffic(references),
        missing_selector(references),
        global_hosts(references),
        _pins(references),
    )


def _pins(references: References) -> Iterator[Problem]:
    addresses = references.federation.addresses
    holders: dict[str, str] = {}
    for host, address in addresses.pins.items():
        path = ("addresses", "pins", host)
        yield from each(
            unknown_host(path, host, references),
            pin_outside_the_pool(path, address, addresses),
            pin_taken(path, address, addresses),
            address_pinned_twice(path, host, address, holders),
        )


def unknown_host(path: Path, host: str, references: References) -> Iterator[Problem]:
    federation = references.federation
    hosts = {federation.host_of(service, cluster) for service in federation.services for cluster in service.clusters}
    if federation.global_hosts:
        hosts |= {federation.global_host_of(service) for service in federation.services}
    if host not in hosts:
        yield Problem(path, "unknown-host", f"no federated host {host!r}; there are {choices(hosts)}")


def pin_outside_the_pool(path: Path, address: str, addresses: Addresses) -> Iterator[Problem]:
    if ip_address(address) not in addresses.pool:
        message = f"{address!r} is outside the pool {addresses.pool}; pin inside it or widen `addresses.pool`"
        yield Problem(path, "pin-outside-the-pool", message)
    elif not is_usable(address, addresses.pool):
        message = f"{address!r} is the first or the last of {addresses.pool}, which nobody gets; pin another"
        yield Problem(path, "pin-outside-the-pool", message)


def pin_taken(path: Path, address: str, addresses: Addresses) -> Iterator[Problem]:
    pinned = ip_address(address)
    if pinned in addresses.pool and any(pinned in network for network in addresses.taken):
        yield Problem(path, "pin-taken", f"{address!r} is in `addresses.taken`; pin another or take it off that list")


def address_pinned_twice(path: Path, host: str, address: str, holders: dict[str, str]) -> Iterator[Problem]:
    if (other := holders.setdefault(address, host)) != host:
        message = f"{address!r} is pinned to {other} as well; two hosts never share an address"
        yield Problem(path, "address-pinned-twice", message)
