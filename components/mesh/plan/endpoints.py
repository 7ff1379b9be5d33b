"""The endpoints of a ServiceEntry: the gateway addresses of a serving cluster that a client cluster dials."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..ip_addresses import is_ip_address
from ..manifest import Computed, Late
from ..routes import Use
from ..shares import spread_over
from ..spec.cluster import Cluster, Gateway
from ..spec.federation import Federation
from ..spec.values import known_gateway_address


class _Dialled(NamedTuple):
    """A gateway to which a client cluster sends calls."""

    name: str
    gateway: Gateway
    addresses: list[tuple[int, Late]]
    """Those that the client cluster can dial, each with its index."""


def virtual_ips_for(client: Cluster, addresses: Sequence[Late], federation: Federation) -> list[Late]:
    """Those of a host's virtual IPs, one of each pool, that the client cluster's pods can dial."""
    pools = federation.addresses.networks
    return [address for pool, address in zip(pools, addresses, strict=True) if client.has_family(pool.version)]


def endpoints(uses: Iterable[Use]) -> list[dict[str, Any]]:
    """One for each address: the clusters in their order, the gateways by name, their addresses in that of the spec.

    Each cluster gets calls by the number of its addresses; the weights of its gateways divide these.
    """
    of_clusters = [(use, gateways) for use in uses if (gateways := list(_dialled(use)))]
    weights = spread_over([[(_weight(one), len(one.addresses)) for one in gateways] for _, gateways in of_clusters])
    differ = len({*weights}) > 1
    dialled = [(use, one) for use, gateways in of_clusters for one in gateways]
    return [
        {**_endpoint(use, one.gateway, address), **({"weight": weight} if differ else {})}
        for (use, one), weight in zip(dialled, weights, strict=True)
        for address in _targets(use, one)
    ]


def resolution_of(uses: Iterable[Use]) -> str | Computed:
    """`resolution` of all their addresses, as soon as all are known."""
    addresses = [address for use in uses for one in _dialled(use) for _, address in one.addresses]
    if all(isinstance(address, str) for address in addresses):
        return resolution(*addresses)
    return Computed(resolution, tuple(addresses))


def are_ip_addresses(uses: Iterable[Use]) -> bool:
    """Whether all that is dialled is known, and an IP address."""
    return resolution_of(uses) == "STATIC"


def resolution(*addresses: str) -> str:
    """`STATIC` if all are IP addresses, else `DNS`: Istio drops a STATIC endpoint that is a name."""
    return "STATIC" if all(map(is_ip_address, addresses)) else "DNS"


def _dialled(use: Use) -> Iterator[_Dialled]:
    """Istio takes weight 0 for 1, so a gateway of weight 0 is left out."""
    for name, gateway in use.gateways.items():
        if gateway.share != 0 and (addresses := gateway.addresses_for(use.client)):
            yield _Dialled(name, gateway, addresses)


def _weight(one: _Dialled) -> int:
    """Without a weight, each address counts alike."""
    share = one.gateway.share
    return len(one.addresses) if share is None else share


def _targets(use: Use, one: _Dialled) -> Iterator[str | Computed]:
    """The gateway's addresses; of one that is late nobody knows yet whether it is an address."""
    path = ("clusters", use.serving.name, *use.serving.path_of(one.name), "addresses")
    for index, address in one.addresses:
        late = partial(known_gateway_address, (*path, index))
        yield address if isinstance(address, str) else Computed(late, (address,))


def _endpoint(use: Use, gateway: Gateway, address: str | Computed) -> dict[str, Any]:
    endpoint = {
        "address": address,
        "labels": {"cluster": use.serving.name},
        "ports": {port.name: gateway.port for port in sorted(use.service.ports, key=lambda port: port.number)},
    }
    return {**endpoint, "locality": use.serving.locality} if use.serving.locality else endpoint
