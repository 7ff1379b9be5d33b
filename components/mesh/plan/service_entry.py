"""ServiceEntry: how a client cluster learns that a service lives on another cluster."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

from .. import names
from ..istio.kinds import DESTINATION_RULE, SERVICE_ENTRY
from ..manifest import Computed, Late, Manifest, key_of
from ..routes import Routes, Use
from ..spec.service import Port
from ..spec.values import known_gateway_address
from .planned import Planned


def service_entries(routes: Routes, addresses: Mapping[str, Late]) -> Iterator[Planned]:
    """One for each federated host that a client cluster uses, in its root namespace."""
    for use in routes.crossings:
        host = routes.host_of(use)
        client, root = use.client.name, use.client.istio.namespace
        manifest = Manifest.of(SERVICE_ENTRY, client, root, host, service_entry(use, host, addresses[host]))
        # without its policy, calls to the host would leave in plain text
        policy = key_of(client, DESTINATION_RULE.name, root, names.subset_name("", host))
        yield Planned(manifest, after=(policy,), serves=(use.pair,) if use.is_routed else ())


def service_entry(use: Use, host: str, address: Late) -> dict[str, Any]:
    """The spec that points the federated `host` at the gateway of the serving cluster.

    `address` is what DNS answers for the host; nothing ever listens on it, but it keeps two TCP services apart.
    """
    ports = sorted(use.service.ports, key=lambda port: port.number)
    return {
        "addresses": [address],
        "endpoints": [_endpoint(use, target, ports) for target in _targets(use)],
        "exportTo": ["*"],
        "hosts": [host],
        # an external service would get no mutual TLS from istiod's point of view
        "location": "MESH_INTERNAL",
        "ports": [{"name": port.name, "number": port.number, "protocol": port.protocol} for port in ports],
        "resolution": _resolution_of([address for _, address in use.gateway.addresses_for(use.client.name)]),
    }


def _targets(use: Use) -> Iterator[str | Computed]:
    """The gateway's addresses; of one that is late nobody knows yet whether it is an address."""
    for index, address in use.gateway.addresses_for(use.client.name):
        late = partial(known_gateway_address, ("clusters", use.serving.name, "gateway", "addresses", index))
        yield address if isinstance(address, str) else Computed(late, (address,))


def _endpoint(use: Use, address: str | Computed, ports: Sequence[Port]) -> dict[str, Any]:
    endpoint = {
        "address": address,
        "labels": {"cluster": use.serving.name},
        "ports": {port.name: use.gateway.port for port in ports},
    }
    return {**endpoint, "locality": use.serving.locality} if use.serving.locality else endpoint


def _resolution_of(addresses: Sequence[Late]) -> str | Computed:
    if all(isinstance(address, str) for address in addresses):
        return resolution(*addresses)
    return Computed(resolution, tuple(addresses))


def resolution(*addresses: str) -> str:
    """`STATIC` if all are IP addresses, else `DNS`: Istio drops a STATIC endpoint that is a name."""
    return "STATIC" if all(map(_is_ip_address, addresses)) else "DNS"


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
