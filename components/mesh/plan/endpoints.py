"""The endpoints of a ServiceEntry: the gateway addresses of a serving cluster that a client cluster dials."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ..ip_addresses import is_ip_address
from ..manifest import Computed, Late
from ..routes import Use
from ..shares import spread_over
from ..spec.cluster import Cluster, DialledGateway, Gateway
from ..spec.federation import Federation
from ..spec.values import known_gateway_address


def virtual_ips_for(client: Cluster, addresses: Sequence[Late], federation: Federation) -> list[Late]:
    """Those of a host's virtual IPs, one of each pool, that the client cluster's pods can dial."""
    pools = federation.addresses.networks
    return [address for pool, address in zip(pools, addresses, strict=True) if client.has_family(pool.version)]


def endpoints(uses: Iterable[Use]) -> list[dict[str, Any]]:
    """One for each address: the clusters in their order, the gateways by name, their addresses in that of the spec.

    Each cluster gets calls by the number of its addresses; the weights of its gateways divide these.
    """
    of_clusters = [(use, gateways) for use in uses if (gateways := _dialled(use))]
    weights = spread_over([[gateway.group for gateway in gateways] for _, gateways in of_clusters])
    differ = len({*weights}) > 1
    dialled = [(use, gateway) for use, gateways in of_clusters for gateway in gateways]
    return [
        {**_endpoint(use, dialled_gateway.gateway, address), **({"weight": weight} if differ else {})}
        for (use, dialled_gateway), weight in zip(dialled, weights, strict=True)
        for address in _targets(use, dialled_gateway)
    ]


def resolution_of(uses: Iterable[Use]) -> str | Computed:
    """`resolution` of all their addresses, as soon as all are known."""
    addresses = [address for use in uses for gateway in _dialled(use) for _, address in gateway.addresses]
    if all(isinstance(address, str) for address in addresses):
        return resolution(*addresses)
    return Computed(resolution, tuple(addresses))


def are_ip_addresses(uses: Iterable[Use]) -> bool:
    """Whether all that is dialled is known, and an IP address."""
    return resolution_of(uses) == "STATIC"


def resolution(*addresses: str) -> str:
    """`STATIC` if all are IP addresses, else `DNS`: Istio drops a STATIC endpoint that is a name."""
    return "STATIC" if all(map(is_ip_address, addresses)) else "DNS"


def _dialled(use: Use) -> list[DialledGateway]:
    return use.service.gateways_dialled(use.serving, use.client)


def _targets(use: Use, dialled: DialledGateway) -> Iterator[str | Computed]:
    """The gateway's addresses; of one that is late nobody knows yet whether it is an address."""
    path = ("clusters", use.serving.name, *use.serving.path_of(dialled.name), "addresses")
    for index, address in dialled.addresses:
        late = partial(known_gateway_address, (*path, index))
        yield address if isinstance(address, str) else Computed(late, (address,))


def _endpoint(use: Use, gateway: Gateway, address: str | Computed) -> dict[str, Any]:
    endpoint = {
        "address": address,
        "labels": {"cluster": use.serving.name},
        "ports": {port.name: gateway.port for port in sorted(use.service.ports, key=lambda port: port.number)},
    }
    return {**endpoint, "locality": use.serving.locality} if use.serving.locality else endpoint
