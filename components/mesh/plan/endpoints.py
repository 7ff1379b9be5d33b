"""The endpoints of a ServiceEntry: the gateway addresses of a serving cluster that a client cluster dials."""

from collections.abc import Iterable, Iterator
from functools import partial
from ipaddress import ip_address
from typing import Any

from ..manifest import Computed
from ..routes import Use
from ..spec.values import known_gateway_address


def endpoints(use: Use) -> list[dict[str, Any]]:
    """One for each address, in the order of the spec."""
    return [_endpoint(use, target) for target in _targets(use)]


def resolution_of(uses: Iterable[Use]) -> str | Computed:
    """`resolution` of all their addresses, as soon as all are known."""
    addresses = [address for use in uses for _, address in use.gateway.addresses_for(use.client.name)]
    if all(isinstance(address, str) for address in addresses):
        return resolution(*addresses)
    return Computed(resolution, tuple(addresses))


def resolution(*addresses: str) -> str:
    """`STATIC` if all are IP addresses, else `DNS`: Istio drops a STATIC endpoint that is a name."""
    return "STATIC" if all(map(_is_ip_address, addresses)) else "DNS"


def _targets(use: Use) -> Iterator[str | Computed]:
    """The gateway's addresses; of one that is late nobody knows yet whether it is an address."""
    for index, address in use.gateway.addresses_for(use.client.name):
        late = partial(known_gateway_address, ("clusters", use.serving.name, "gateway", "addresses", index))
        yield address if isinstance(address, str) else Computed(late, (address,))


def _endpoint(use: Use, address: str | Computed) -> dict[str, Any]:
    endpoint = {
        "address": address,
        "labels": {"cluster": use.serving.name},
        "ports": {port.name: use.gateway.port for port in sorted(use.service.ports, key=lambda port: port.number)},
    }
    return {**endpoint, "locality": use.serving.locality} if use.serving.locality else endpoint


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
