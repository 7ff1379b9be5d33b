"""The clusters of a bed as a stack file describes them: their gateways' addresses, and whom they trust."""

from pathlib import Path

from mesh_federation.mesh import outputs, stack_file
from mesh_federation.mesh.parse import parse

from .topology import MeshCluster


def clusters(path: Path) -> list[MeshCluster]:
    """Each cluster of the stack file, accepting the trust domains that the stack's output `trust` names."""
    federation = parse(stack_file.read(path))
    trust = outputs.trust(federation)
    return [
        MeshCluster(
            name,
            accepts=tuple(
                domain
                for authority in trust.get(name, {}).get("caCertificates", [])
                for domain in authority["trustDomains"]
            ),
            gateway_addresses=tuple(cluster.gateway.addresses) if cluster.gateway else (),
        )
        for name, cluster in federation.clusters.items()
    ]
