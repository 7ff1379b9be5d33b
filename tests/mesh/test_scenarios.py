"""The folders in tests/scenarios: a stack file, and what becomes of it.

`pytest --update-golden` rewrites the golden files; read `git diff` afterwards.
"""

from pathlib import Path

import pytest
import yaml
from mesh_federation.mesh.plan.plan import Plan

from tests.given import core
from tests.given.scenarios import SCENARIOS, title


@pytest.mark.parametrize("scenario", SCENARIOS, ids=title)
def test_scenario(scenario: Path, *, update_golden: bool) -> None:
    files = goldens(scenario)
    if update_golden:
        rewrite(scenario, files)

    expected = {path.name: path.read_text() for path in scenario.glob("*.golden.*")}

    assert expected, f"{scenario} has no golden file; run pytest --update-golden and read what it wrote"
    assert files == expected


def goldens(scenario: Path) -> dict[str, str]:
    """File name → text, of all that a stack file leads to."""
    federation = core.read_file(scenario / "stack.yaml")
    plan, addresses = core.new_stack(federation)
    outputs = {"addresses": addresses, **core.outputs_of(federation), "edges": edges(plan)}
    return {
        "outputs.golden.yaml": yaml.safe_dump(outputs, sort_keys=False, width=120),
        **{
            f"{cluster}.golden.yaml": yaml.safe_dump_all(
                [manifest.object for manifest in manifests], sort_keys=False, explicit_start=True, width=120
            )
            for cluster, manifests in plan.manifests.items()
        },
    }


def edges(plan: Plan) -> list[dict[str, object]]:
    """What must be in place before what, for each pair of clusters."""
    return [
        {"client": e.client, "serving": e.serving, "needs": sorted(e.needs), "routes": sorted(e.routes)}
        for e in plan.edges
    ]


def rewrite(scenario: Path, files: dict[str, str]) -> None:
    for stale in {path.name for path in scenario.glob("*.golden.*")} - files.keys():
        (scenario / stale).unlink()
    for name, text in files.items():
        (scenario / name).write_text(text)
