"""ServiceEntry: how a client cluster learns that a service lives on another cluster."""

from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

from .manifest import Computed, Late
from .spec import Cluster, Gateway, Port, Service, known_gateway_address


def service_entry(service: Service, host: str, address: Late, serving: str, cluster: Cluster) -> dict[str, Any]:
    """The spec that points the federated `host` of `service` at the gateway of the cluster `serving`.

    `address` is what DNS answers for the host; nothing ever listens on it, but it keeps two TCP services apart.
    """
    gateway = cluster.gateway
    assert gateway is not None, f"{serving} is called without a gateway; checks.py refuses that"
    ports = sorted(service.ports, key=lambda port: port.number)
    return {
        "addresses": [address],
        "endpoints": [
            _endpoint(gateway, target, ports, serving, cluster.locality) for target in _targets(gateway, serving)
        ],
        "exportTo": ["*"],
        "hosts": [host],
        # an external service would get no mutual TLS from istiod's point of view
        "location": "MESH_INTERNAL",
        "ports": [{"name": port.name, "number": port.number, "protocol": port.protocol} for port in ports],
        "resolution": _resolution_of(gateway.addresses),
    }


def _targets(gateway: Gateway, serving: str) -> Iterator[str | Computed]:
    """The gateway's addresses; of one that is late nobody knows yet whether it is one."""
    for index, address in enumerate(gateway.addresses):
        late = partial(known_gateway_address, ("clusters", serving, "gateway", "addresses", index))
        yield address if isinstance(address, str) else Computed(late, (address,))


def _endpoint(
    gateway: Gateway, address: str | Computed, ports: Sequence[Port], serving: str, locality: str | None
) -> dict[str, Any]:
    endpoint = {
        "address": address,
        "labels": {"cluster": serving},
        "ports": {port.name: gateway.port for port in ports},
    }
    return {**endpoint, "locality": locality} if locality else endpoint


def _resolution_of(addresses: Sequence[Late]) -> str | Computed:
    if all(isinstance(address, str) for address in addresses):
        return resolution(*addresses)
    return Computed(resolution, tuple(addresses))


def resolution(*addresses: str) -> str:
    """`STATIC` if all are IP addresses, else `DNS`: Istio drops a STATIC endpoint that is a name."""
    return "STATIC" if all(map(_is_ip, addresses)) else "DNS"


def _is_ip(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True
