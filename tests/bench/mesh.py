"""The mesh of `make mesh`: how long until it answers its first request, and the memory that it takes."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.mesh import calls, federated
from sandbox.mesh.bed import Bed, sandbox_for_beds
from sandbox.mesh.topology import BOOKINFO
from tests.bench.table import Figure
from tests.given.repository import REPOSITORY
from tests.real.processes import working_in

DEMO = REPOSITORY / "stacks" / "Pulumi.demo.yaml"


def figures() -> list[Figure]:
    clusters = federated.clusters(DEMO)
    began = time.monotonic()
    names = [cluster.name for cluster in clusters]
    with TemporaryDirectory() as directory, sandbox_for_beds(Path(directory) / "sandbox", names) as sandbox:
        bed = Bed.up(sandbox, clusters, [*federated.gateways(DEMO), *BOOKINFO])
        report = calls.send(bed.caller("cluster1/productpage"), "http://reviews:9080/", number=1)
        seconds = time.monotonic() - began
        assert not report.failures, report.failures
        gigabytes = sum(map(_proportional_set_size, working_in(sandbox.directory))) / 1e9
    return [
        Figure("clusters, mesh and first answer", seconds, "s", aim=30.0),
        Figure("memory of all their processes", gigabytes, "GB", aim=4.0),
    ]


def _proportional_set_size(process: Path) -> int:
    """Bytes of memory; of what several processes share, each takes its part."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
