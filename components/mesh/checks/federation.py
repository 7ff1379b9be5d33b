"""All checks of a spec whose values are right one by one; those of its addresses are here."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from ..addresses import Network, is_usable
from ..errors import Path, Problem
from ..ip_addresses import is_ip_address
from ..spec.cluster import Cluster
from ..spec.federation import Addresses, Federation
from ..spec.values import OF_NO_OTHER_MACHINE
from ..unknown import Unknown, known
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
        _addresses(references),
    )


def _addresses(references: References) -> Iterator[Problem]:
    addresses = references.federation.addresses
    holders: dict[str, str] = {}
    yield from each(
        pool_stated_twice(addresses),
        pools_of_one_family(addresses),
        _networks(references.federation),
        *(_pin(host, pinned, references, holders) for host, pinned in addresses.pins.items()),
    )


def pool_stated_twice(addresses: Addresses) -> Iterator[Problem]:
    if "pool" in addresses.model_fields_set and addresses.pools is not None:
        message = "'pool' is stated beside 'pools'; move it in there"
        yield Problem(("addresses", "pool"), "pool-stated-twice", message)


def pools_of_one_family(addresses: Addresses) -> Iterator[Problem]:
    first: dict[int, Network] = {}
    for index, network in known(addresses.pools or ()):
        if (other := first.setdefault(network.version, network)) is not network:
            message = f"'{network}' is of the family of '{other}'; state one network of each family"
            yield Problem(("addresses", "pools", index), "pools-of-one-family", message)


def _networks(federation: Federation) -> Iterator[Problem]:
    for path, network in _pools(federation.addresses):
        yield from each(pool_of_no_use(path, network), _with_gateways(path, network, federation))


def _with_gateways(path: Path, network: Network, federation: Federation) -> Iterator[Problem]:
    clusters_ = federation.clusters.values()
    yield from each(*(pool_with_a_gateway(path, network, federation.addresses, cluster) for cluster in clusters_))


def _pools(addresses: Addresses) -> Iterator[tuple[Path, Network]]:
    """Those that are known, each with its path."""
    if addresses.pools is None:
        if not isinstance(addresses.pool, Unknown):
            yield ("addresses", "pool"), addresses.pool
    else:
        for index, network in known(addresses.pools):
            yield ("addresses", "pools", index), network


def pool_of_no_use(path: Path, network: Network) -> Iterator[Problem]:
    """Linux gives calls to such an address to the machine itself, or to many."""
    for other in OF_NO_OTHER_MACHINE:
        if other.num_addresses > 1 and other.version == network.version and other.overlaps(network):
            better = "240.0.0.0/12" if network.version == 4 else "fd00::/64"
            message = f"'{network}' has addresses of {other}, which lead to no service; take for example {better}"
            yield Problem(path, "pool-of-no-use", message)
            return


def pool_with_a_gateway(path: Path, network: Network, addresses: Addresses, cluster: Cluster) -> Iterator[Problem]:
    """A host that got this address would hide the gateway from its callers."""
    for gateway in cluster.gateway_of.values():
        for _, target in known(gateway.addresses):
            if is_ip_address(target.address) and _may_be_given(target.address, network, addresses):
                message = (
                    f"'{network}' holds {target.address!r}, the gateway of {cluster.name}, which a host could get; "
                    "take another network, or list the address in `addresses.taken`"
                )
                yield Problem(path, "pool-with-a-gateway", message)


def _may_be_given(address: str, network: Network, addresses: Addresses) -> bool:
    gateway_address = ip_address(address)
    return gateway_address in network and not any(gateway_address in taken for _, taken in known(addresses.taken))


def _pin(host: str, pinned: Sequence[str], references: References, holders: dict[str, str]) -> Iterator[Problem]:
    path = ("addresses", "pins", host)
    addresses = references.federation.addresses
    yield from each(unknown_host(path, host, references), family_pinned_twice(path, host, pinned))
    for _, address in known(pinned):
        yield from each(
            pin_outside_the_pool(path, host, address, addresses),
            pin_taken(path, host, address, addresses),
            address_pinned_twice(path, host, address, holders),
        )


def unknown_host(path: Path, host: str, references: References) -> Iterator[Problem]:
    federation = references.federation
    if isinstance(federation.hosts, Unknown) or isinstance(federation.global_hosts, Unknown):
        # whatever the template, a host holds both
        if not any(str(service.name) in host and str(service.namespace) in host for service in federation.services):
            message = f"no federated host {host!r}; it holds the name and the namespace of no service"
            yield Problem(path, "unknown-host", message)
        return
    hosts = {federation.host_of(service, cluster) for service in federation.services for cluster in service.clusters}
    if federation.global_hosts:
        hosts |= {federation.global_host_of(service) for service in federation.services}
    if host not in hosts:
        yield Problem(path, "unknown-host", f"no federated host {host!r}; there are {choices(hosts)}")


def family_pinned_twice(path: Path, host: str, pinned: Sequence[str]) -> Iterator[Problem]:
    first: dict[int, str] = {}
    for _, address in known(pinned):
        if (other := first.setdefault(ip_address(address).version, address)) is not address:
            message = f"{address!r} of {host} is of the family of {other!r}; a host has one address of each family"
            yield Problem(path, "family-pinned-twice", message)


def pin_outside_the_pool(path: Path, host: str, address: str, addresses: Addresses) -> Iterator[Problem]:
    pinned = ip_address(address)
    own = [one for one in addresses.networks if one.version == pinned.version] or addresses.networks
    if not any(pinned in network for network in own):
        key = "addresses.pool" if addresses.pools is None else "addresses.pools"
        message = f"{address!r} of {host} is outside the pool {own[0]}; pin inside it or widen `{key}`"
        yield Problem(path, "pin-outside-the-pool", message)
    elif not any(is_usable(address, network) for network in own):
        message = f"{address!r} of {host} is the first or the last of {own[0]}, which nobody gets; pin another"
        yield Problem(path, "pin-outside-the-pool", message)


def pin_taken(path: Path, host: str, address: str, addresses: Addresses) -> Iterator[Problem]:
    pinned = ip_address(address)
    is_inside = any(pinned in network for network in addresses.networks)
    if is_inside and any(pinned in network for network in addresses.taken):
        message = f"{address!r} of {host} is in `addresses.taken`; pin another or take it off that list"
        yield Problem(path, "pin-taken", message)


def address_pinned_twice(path: Path, host: str, address: str, holders: dict[str, str]) -> Iterator[Problem]:
    if (other := holders.setdefault(address, host)) != host:
        message = f"{address!r} of {host} is pinned to {other} as well; two hosts never share an address"
        yield Problem(path, "address-pinned-twice", message)
