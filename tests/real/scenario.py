"""A folder of tests/scenarios on real clusters: its objects, with the Services and Pods that they speak of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sandbox.mesh import workload
from sandbox.mesh.bed import Bed
from sandbox.mesh.topology import BedCluster, Port, Workload, gateway
from tests.given import core

Object = dict[str, Any]


class Scenario:
    """One scenario, spread over the bed's clusters in the order in which its stack file names its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.federation = core.read_file(folder / "stack.yaml")
        self.outputs: dict[str, Any] = yaml.safe_load((folder / "outputs.golden.yaml").read_text())
        self.place = {name: f"cluster{number}" for number, name in enumerate(self.federation.clusters, 1)}
        """Cluster of the scenario → cluster of the bed."""

    def mesh_clusters(self) -> list[BedCluster]:
        return [
            BedCluster(self.place[name], domain=cluster.domain, root_namespace=cluster.istio.namespace)
            for name, cluster in self.federation.clusters.items()
        ]

    def gateways(self) -> dict[str, Workload]:
        """The gateway of each cluster that has one; its address on the bed's WAN is of no importance here."""
        return {
            name: gateway(
                self.place[name],
                f"172.18.2.{number}",
                namespace=cluster.gateway.namespace or cluster.istio.namespace,
                **cluster.gateway.selector,
            )
            for number, (name, cluster) in enumerate(self.federation.clusters.items(), 1)
            if cluster.gateway
        }

    def load(self, bed: Bed) -> None:
        for name, place in self.place.items():
            bed.objects(place).apply(*self._surroundings(name), *self._objects(name))

    def unload(self, bed: Bed) -> None:
        for name, place in self.place.items():
            made = [*self._surroundings(name), *self._objects(name)]
            bed.objects(place).delete(*(item for item in reversed(made) if item["kind"] != "Namespace"))

    def pods(self, cluster: str) -> Iterator[tuple[Workload, str]]:
        """A pod for each version of each service on a cluster of the scenario, and its address."""
        number = 0
        for service in self.federation.services:
            presence = service.clusters.get(cluster)
            for version in presence.all_versions if presence else ():
                assert presence is not None
                number += 1
                described = Workload(
                    self.place[cluster],
                    service.name,
                    version,
                    account=presence.service_accounts[0],
                    ports=tuple(Port(port.number, port.name) for port in service.ports),
                    namespace=service.namespace,
                    labels=presence.labels_of(version) or {},
                )
                yield described, f"10.99.0.{number}"

    def _objects(self, cluster: str) -> list[Object]:
        golden = list(yaml.safe_load_all((self.folder / f"{cluster}.golden.yaml").read_text()))
        settings = self.federation.clusters[cluster].gateway
        if settings and not settings.manage:
            golden.append(self._gateway_of_the_user(cluster))
        return [item for item in golden if item]

    def _surroundings(self, cluster: str) -> Iterator[Object]:
        namespaces = {service.namespace for service in self.federation.services}
        for namespace in sorted(namespaces):
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        for service in self.federation.services:
            if cluster in service.clusters:
                ports = [
                    {"name": port.name, "port": port.number, "appProtocol": port.protocol.lower()}
                    for port in service.ports
                ]
                yield {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": service.name, "namespace": service.namespace},
                    "spec": {"selector": {"app": service.name}, "ports": ports},
                }
        for described, address in self.pods(cluster):
            yield from workload.pod(described, address)

    def _gateway_of_the_user(self, cluster: str) -> Object:
        """`manage: false` says that a server already admits these hosts."""
        settings = self.federation.clusters[cluster].gateway
        assert settings is not None
        domain = self.federation.clusters[cluster].domain
        hosts = [f"{s.name}.{s.namespace}.svc.{domain}" for s in self.federation.services if cluster in s.clusters]
        server = {
            "hosts": hosts,
            "port": {"name": "tls", "number": settings.listener_port, "protocol": "TLS"},
            "tls": {"mode": "AUTO_PASSTHROUGH"},
        }
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "users-own", "namespace": settings.namespace or "istio-system"},
            "spec": {"selector": dict(settings.selector), "servers": [server]},
        }
