"""The folders in tests/scenarios: a stack file, and what becomes of it.

`pytest --update-golden` rewrites the golden files; read `git diff` afterwards.
"""

from pathlib import Path

import pytest
import yaml
from mesh_federation.mesh import outputs, stack_file
from mesh_federation.mesh.addresses import Ledger, allocate
from mesh_federation.mesh.errors import SpecError
from mesh_federation.mesh.parse import parse
from mesh_federation.mesh.plan import Plan, federated_hosts, plan
from mesh_federation.mesh.spec import Federation

from tests.given.scenarios import SCENARIOS, title


@pytest.mark.parametrize("scenario", SCENARIOS, ids=title)
def test_scenario(scenario: Path, *, update_golden: bool) -> None:
    found = goldens(scenario)
    if update_golden:
        rewrite(scenario, found)

    expected = {path.name: path.read_text() for path in scenario.glob("*.golden.*")}

    assert expected, f"{scenario} has no golden file; run pytest --update-golden and read what it wrote"
    assert found == expected


def goldens(scenario: Path) -> dict[str, str]:
    """File name → text, of all that a stack file leads to."""
    try:
        federation = parse(stack_file.read(scenario / "stack.yaml"))
    except SpecError as error:
        return {"problems.golden.txt": "".join(f"{problem}\n" for problem in error.problems)}
    settings = federation.addresses
    hosts = federated_hosts(federation)
    addresses = allocate(hosts, settings.pool, Ledger(), pins=settings.pins, taken=settings.taken).addresses
    planned = plan(federation, addresses, "mesh")
    objects = {
        f"{cluster}.golden.yaml": yaml.safe_dump_all(
            [manifest.object for manifest in manifests], sort_keys=False, explicit_start=True, width=120
        )
        for cluster, manifests in planned.manifests.items()
    }
    return {**objects, "outputs.golden.yaml": told(federation, planned, dict(addresses))}


def told(federation: Federation, planned: Plan, addresses: dict[str, str]) -> str:
    content = {
        "addresses": addresses,
        "hosts": outputs.hosts(federation),
        "traffic": outputs.traffic(federation),
        "trust": outputs.trust(federation),
        "edges": [
            {"client": e.client, "serving": e.serving, "needs": sorted(e.needs), "routes": sorted(e.routes)}
            for e in planned.edges
        ],
    }
    return yaml.safe_dump(content, sort_keys=False, width=120)


def rewrite(scenario: Path, found: dict[str, str]) -> None:
    for stale in {path.name for path in scenario.glob("*.golden.*")} - found.keys():
        (scenario / stale).unlink()
    for name, text in found.items():
        (scenario / name).write_text(text)
