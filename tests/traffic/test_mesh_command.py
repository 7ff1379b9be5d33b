"""`python -m sandbox.mesh`, as `make mesh` and `make mesh-down` run it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import traces
from tests.real.processes import working_in
from tests.real.requirement import require_mesh
from tests.real.stack import REPOSITORY

pytestmark = pytest.mark.mesh

REQUEST = ("--from", "cluster1/productpage", "--to", "reviews:9080", "-n", "1")


def test_the_mesh_comes_up_once_answers_and_goes_without_a_trace(tmp_path: Path) -> None:
    require_mesh()
    directory = tmp_path / "sandbox"
    before = traces.of_directory(directory / "mesh")
    try:
        assert "clusters and mesh are up after" in run("sandbox.mesh", directory, "up")
        processes = set(working_in(directory))
        assert "0 failed" in run("sandbox.traffic", directory, *REQUEST)

        assert "clusters and mesh are up after" not in run("sandbox.mesh", directory, "up")
        assert set(working_in(directory)) == processes
    finally:
        run("sandbox.mesh", directory, "down")

    assert not directory.exists()
    assert traces.of_directory(directory / "mesh") == before
    assert working_in(directory) == []


def run(module: str, directory: Path, *arguments: str) -> str:
    """What the command prints, if it succeeds."""
    command = [sys.executable, "-m", module, "--directory", str(directory), *arguments]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout
