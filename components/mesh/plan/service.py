"""Service: the name of a service on a client cluster that does not run it."""

from collections.abc import Iterator
from typing import Any

from ..istio.kinds import SERVICE
from ..manifest import Manifest
from ..routes import Routes
from ..spec.service import Service
from .planned import Planned


def services(routes: Routes) -> Iterator[Planned]:
    """One for each service that a client cluster calls by its own name and does not run."""
    for client, service in routes.absent:
        yield Planned(Manifest.of(SERVICE, client.name, service.namespace, service.name, name_alone(service)))


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
