"""One mesh of three clusters for the tests of this folder, and one stack that they move from spec to spec."""

from collections.abc import Iterator

import pytest

from sandbox.mesh.bed import Bed, sandbox_for_beds
from sandbox.mesh.topology import BedCluster
from tests.real.bed import CALLERS, DEBOUNCE, GATEWAYS, WORKLOADS
from tests.real.federation import LiveFederation
from tests.real.language_host import LanguageHosts
from tests.real.requirement import require_mesh
from tests.real.stack import Stack


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    require_mesh()
    clusters = [BedCluster(name, accepts=CALLERS[name]) for name in GATEWAYS]
    with sandbox_for_beds(tmp_path_factory.mktemp("traffic") / "sandbox", GATEWAYS) as sandbox:
        yield Bed.up(sandbox, clusters, WORKLOADS, DEBOUNCE)


@pytest.fixture(scope="package")
def federation(bed: Bed, tmp_path_factory: pytest.TempPathFactory, language_hosts: LanguageHosts) -> LiveFederation:
    """The federation that `pulumi up` keeps on the bed's clusters."""
    directory = tmp_path_factory.mktemp("stack") / "traffic"
    stack = Stack(directory, bed.sandbox.environment(), hosts=language_hosts)
    return LiveFederation(bed, stack)
