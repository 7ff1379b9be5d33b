"""VirtualService: how a client cluster spreads the calls to one of its services."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..istio.kinds import VIRTUAL_SERVICE
from ..manifest import Manifest
from ..routes import Destination, Route, Routes, by_service
from ..spec.federation import Federation
from .planned import Planned


def virtual_services(routes: Routes) -> Iterator[Planned]:
    """One for each service that a client cluster has routes for, in the service's namespace there."""
    for (client, _), of_service in by_service(routes).items():
        service = of_service[0].service
        spec = virtual_service(of_service, routes.federation)
        manifest = Manifest.of(VIRTUAL_SERVICE, client, service.namespace, service.name, spec)
        leads = {
            (client, destination.serving.name)
            for route in of_service
            for entry in route.entries
            for destination in entry.destinations
        }
        yield Planned(manifest, leads=tuple(sorted(leads)))


def virtual_service(of_service: Sequence[Route], federation: Federation) -> dict[str, Any]:
    """The spec that spreads the calls to one service, port by port; ports without a route stay as they are."""
    client, service = of_service[0].client, of_service[0].service
    return {
        "exportTo": ["*"],
        "hosts": [federation.local_host_of(service, client.name)],
        "http": [
            {
                "match": [{"port": route.port}],
                "route": [_destination(destination, route, federation) for destination in entry.destinations],
            }
            for route in of_service
            for entry in route.entries
        ],
    }


def _destination(destination: Destination, route: Route, federation: Federation) -> dict[str, Any]:
    service, serving = destination.service, destination.serving
    at_home = serving is route.client
    host = federation.local_host_of(service, serving.name) if at_home else federation.host_of(service, serving.name)
    # without a port, HTTP would take the listener's
    target: dict[str, Any] = {"host": host, "port": {"number": destination.port}}
    if destination.version:
        target["subset"] = destination.version
    # a single destination takes every call; a weight would only be one more thing to read
    return (
        {"destination": target} if destination.weight is None else {"destination": target, "weight": destination.weight}
    )
