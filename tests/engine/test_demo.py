"""`make demo` in a fresh clone: what it shows at first and when it is run again, and that it leaves nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clusters import Sandbox
from tests.real.clusters import Clusters
from tests.real.installed import copy
from tests.real.processes import mentioning
from tests.real.stack import REPOSITORY, venv

pytestmark = pytest.mark.engine

CLONED = ("Pulumi.yaml", "__main__.py", "components", "sandbox", "stacks")
"""All that the demo is made of."""

SHOWN = """
On cluster1:
  DestinationRule  default/v1.reviews
  DestinationRule  default/v2.reviews
  DestinationRule  istio-system/reviews.default.svc.cluster2.global
  DestinationRule  istio-system/v3.reviews.default.svc.cluster2.global
  ServiceEntry     istio-system/reviews.default.svc.cluster2.global
  VirtualService   default/reviews
On cluster2:
  DestinationRule  default/v3.reviews
  Gateway          istio-system/reviews-default-bdabf1b129

Addresses:
  reviews.default.svc.cluster2.global      240.2.231.76

Traffic:
  cluster1 calls reviews.default:
     75.00 %  v3 on cluster2           ██████████████████████████████
     15.00 %  v1 here (cluster1)       ██████
     10.00 %  v2 here (cluster1)       ████
"""


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """As `git clone` and the first `make` leave it; no sandbox of it outlives the test."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in CLONED:
        copy(REPOSITORY / name, clone / name)
    (clone / ".venv").symlink_to(venv())
    yield clone
    Sandbox(clone / ".sandbox").down()


def test_the_demo_shows_what_it_made_changes_nothing_when_run_again_and_leaves_nothing_behind(clone: Path) -> None:
    cloned = contents(clone)

    first = sandbox(clone, "demo")
    assert SHOWN in first
    assert first.rpartition(SHOWN)[2].startswith("\nThe clusters now are what stacks/Pulumi.demo.yaml says.")

    record = Clusters(Sandbox(clone / ".sandbox")).record()
    second = sandbox(clone, "demo")
    assert SHOWN in second
    assert second.rpartition(SHOWN)[2].startswith("\nNo change: the clusters were what stacks/Pulumi.demo.yaml says.")
    assert not record.writes()

    assert mentioning(str(clone))
    sandbox(clone, "down")
    assert not mentioning(str(clone))
    assert contents(clone) == cloned


def sandbox(clone: Path, command: str) -> str:
    """What the command of a target in the Makefile prints."""
    run = subprocess.run(
        [sys.executable, "-m", "sandbox", command],
        cwd=clone,
        env={**os.environ, "MESH_SETTLE_SECONDS": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def contents(clone: Path) -> dict[str, bytes | None]:
    """Every file and folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in clone.rglob("*")}
