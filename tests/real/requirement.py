"""Whether this machine can hold a mesh."""

import os

import pytest

from sandbox.mesh import network


def require_mesh() -> None:
    """Skips where it cannot, with the reason; a failure where MESH_REQUIRED=1."""
    if reason := network.obstacle():
        message = f"no mesh on this machine: {reason}"
        if os.environ.get("MESH_REQUIRED") == "1":
            pytest.fail(message)
        pytest.skip(message)
