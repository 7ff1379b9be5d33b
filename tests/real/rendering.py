"""The pure core as a command beside a stack: what it renders, and what the clusters hold, in the same shape."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.real.stack import REPOSITORY, Stack


def mesh(*arguments: str) -> None:
    """`python -m components.mesh`, which has to succeed."""
    subprocess.run([sys.executable, "-m", "components.mesh", *arguments], cwd=REPOSITORY, check=True)


def stated(objects: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Objects without what the API server adds to every object of any kind."""
    added = {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"}
    return {
        key: {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k not in added}}
        for key, obj in objects.items()
    }


def rendered(stack: Stack, directory: Path) -> dict[str, dict[str, Any]]:
    """What `render` says that the stack's clusters hold, with the addresses that the stack gave."""
    addresses = directory / "addresses.json"
    addresses.write_text(json.dumps(stack.outputs()["addresses"]))
    mesh("render", str(stack.config_file), "--out", str(directory / "r"), "--addresses", str(addresses))
    manifests = {}
    for file in (directory / "r").glob("*/*.yaml"):
        for manifest in yaml.safe_load_all(file.read_text()):
            metadata = manifest["metadata"]
            manifests[f"{file.parent.name}/{manifest['kind']}/{metadata['namespace']}/{metadata['name']}"] = manifest
    return manifests
