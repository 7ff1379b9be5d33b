"""ServiceEntry: how a client cluster learns that a service lives on another cluster."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import names
from ..istio.kinds import DESTINATION_RULE, SERVICE_ENTRY
from ..manifest import Late, Manifest, key_of
from ..routes import Routes, Use
from .endpoints import endpoints, resolution_of, virtual_ips_for
from .planned import Planned


def service_entries(routes: Routes, addresses: Mapping[str, Sequence[Late]]) -> Iterator[Planned]:
    """One for each federated host that a client cluster uses, in its root namespace."""
    for use in routes.crossings:
        if not use.dialled:
            continue
        host = routes.host_of(use)
        client, root = use.client.name, use.client.istio.namespace
        own = virtual_ips_for(use.client, addresses[host], routes.federation)
        manifest = Manifest.of(SERVICE_ENTRY, client, root, host, service_entry(use, host, own))
        # without its policy, calls to the host would leave in plain text
        policy = key_of(client, DESTINATION_RULE.name, root, names.subset_name("", host))
        yield Planned(manifest, after=(policy,), serves=(use.pair,) if use.is_routed else ())


def service_entry(use: Use, host: str, addresses: Sequence[Late]) -> dict[str, Any]:
    """The spec that points the federated `host` at the gateway of the serving cluster.

    `addresses` are what DNS answers for the host; nothing ever listens there, but they keep two TCP services apart.
    """
    ports = sorted(use.service.ports, key=lambda port: port.number)
    return {
        "addresses": list(addresses),
        "endpoints": endpoints([use]),
        "exportTo": ["*"],
        "hosts": [host],
        # an external service would get no mutual TLS from istiod's point of view
        "location": "MESH_INTERNAL",
        "ports": [{"name": port.name, "number": port.number, "protocol": port.protocol} for port in ports],
        "resolution": resolution_of([use]),
    }
