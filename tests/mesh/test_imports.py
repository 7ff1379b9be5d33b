"""The pure core runs without Pulumi: seen in a fresh interpreter."""

import subprocess
import sys

import pytest

from tests.given.repository import REPOSITORY


def loaded_after(statement: str) -> set[str]:
    """The top-level packages that are loaded after the statement."""
    program = f"import sys; {statement}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(process.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import components.mesh.commands.main",
        "import mesh_federation",
        "import mesh_federation.mesh.commands.main, mesh_federation.mesh.adopt",
    ],
)
def test_the_core_does_not_load_pulumi(statement: str) -> None:
    assert not loaded_after(statement) & {"pulumi", "pulumi_kubernetes", "grpc"}


def test_public_names_load_what_they_need() -> None:
    assert {"pulumi", "pulumi_kubernetes"} <= loaded_after("from mesh_federation import MeshFederation")


def test_there_is_nothing_else_to_import() -> None:
    statement = "import mesh_federation; assert not hasattr(mesh_federation, 'Nothing')"
    assert "mesh_federation" in loaded_after(statement)


def test_the_module_is_a_command() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "components.mesh", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0
    assert {"check", "render", "adopt"} <= {*process.stdout.split()}
