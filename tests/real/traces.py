"""What beds and sandboxes leave behind, or rather should not."""

import socket
from pathlib import Path

from sandbox.mesh.bed import Bed
from sandbox.mesh.network import Networks
from tests.real.processes import working_in

KINDS = (("v1", "Service"), ("v1", "ServiceAccount"), ("v1", "Pod"), ("discovery.k8s.io/v1", "EndpointSlice"))

Traces = dict[str, set[str]]


def of_bed(bed: Bed, cluster: str) -> Traces:
    """What there is on the machine by the bed, and on one of its clusters of the kinds that it makes for pods."""
    objects = bed.objects(cluster)
    names = {
        f"{kind} {item['metadata']['namespace']}/{item['metadata']['name']}"
        for version, kind in KINDS
        for item in objects.all(version, kind)
    }
    return {**of_directory(bed.directory), "objects": names}


def of_directory(directory: Path) -> Traces:
    """What there is on the machine by the bed in `directory`; interfaces are those of the machine itself."""
    names = Networks(directory).wan.name.removesuffix("wan") + "*"
    return {
        "namespaces": {path.name for path in Path("/run/netns").glob(names)},
        "files": {path.name for path in Path("/etc/netns").glob(names)},
        "folders": {str(path) for path in directory.glob("pods/*/*/*")},
        "interfaces": {name for _, name in socket.if_nameindex()},
        "processes": {process.name for process in working_in(directory)},
    }
