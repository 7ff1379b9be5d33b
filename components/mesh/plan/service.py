"""Service: the name of a service on a client cluster that does not run it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .. import names
from ..istio.kinds import SERVICE, VIRTUAL_SERVICE
from ..manifest import Manifest, key_of
from ..routes import Routes
from ..spec.service import Service
from .planned import Planned


def services(routes: Routes) -> Iterator[Planned]:
    """One for each service that a client cluster calls by its own name and does not run.

    Its routes are there before it and after it, so a proxy learns of the name and of who answers in one push.
    """
    routes_of: dict[tuple[str, str], set[str]] = defaultdict(set)
    for route in routes.routes:
        if not route.callers.gateways:
            name = names.virtual_service_name(route.service.name, namespace=route.callers.namespace)
            key = key_of(route.client.name, VIRTUAL_SERVICE.name, route.service.namespace, name)
            routes_of[route.client.name, route.service.reference].add(key)
    for client, service, stays in routes.absent:
        manifest = Manifest.of(SERVICE, client.name, service.namespace, service.name, name_alone(service))
        after = tuple(sorted(routes_of[client.name, service.reference]))
        yield Planned(manifest, after=after, stays=stays)


def name_alone(service: Service) -> dict[str, Any]:
    """The spec of a Service without pods: Kubernetes' DNS knows the name, and routes send its calls elsewhere."""
    ports = sorted(service.ports, key=lambda port: port.number)
    return {
        "ports": [
            # Istio reads the protocol here
            {"appProtocol": port.protocol.lower(), "name": port.name, "port": port.number, "protocol": "TCP"}
            for port in ports
        ],
        "type": "ClusterIP",
    }
