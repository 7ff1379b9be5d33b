"""The clusters of a bed as a stack file describes them: their gateways' addresses, and whom they trust."""

from pathlib import Path

from mesh_federation.mesh import outputs
from mesh_federation.mesh.read import read_stack_file
from mesh_federation.mesh.resolve import resolve

from .topology import BedCluster, Workload, gateway


def clusters(path: Path) -> list[BedCluster]:
    """Each cluster of the stack file, accepting the trust domains that the stack's output `trust` names."""
    federation = read_stack_file(path).federation
    trust = outputs.trust(resolve(federation))
    return [
        BedCluster(
            name,
            accepts=tuple(
                domain
                for authority in trust.get(name, {}).get("caCertificates", [])
                for domain in authority["trustDomains"]
            ),
        )
        for name in federation.clusters
    ]


def gateways(path: Path) -> list[Workload]:
    """The clusters' gateways, at the addresses that the stack file states."""
    federation = read_stack_file(path).federation
    return [
        gateway(name, *(target.address for stated in cluster.gateway_of.values() for target in stated.addresses))
        for name, cluster in federation.clusters.items()
        if cluster.gateway_of
    ]
