"""`istioctl analyze` finds no error in a scenario's objects, each cluster by itself."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import tools
from tests.given.goldens import Object, config, everything
from tests.given.scenarios import SCENARIOS, title
from tests.oracle.inventory import Inventory
from tests.oracle.surroundings import surroundings

NO_SUBSET = re.compile(
    r'Referenced (?:host|mirror)\+subset in destinationrule not found: "(?P<host>[^+]+)\+(?P<subset>.+)"'
)


@pytest.mark.parametrize("folder", SCENARIOS, ids=title)
def test_analyze_finds_no_error(folder: Path, tmp_path: Path) -> None:
    inventory = Inventory(config(folder))
    for name, cluster in inventory.clusters.items():
        objects = everything(folder)[name]
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump_all([*surroundings(inventory, name), *objects]))

        errors = [message for message in analyzed(file) if message["level"] == "Error"]

        unexpected = [
            error for error in errors if not is_in_root_namespace(error["message"], objects, cluster.root_namespace)
        ]
        assert [error for error in unexpected if not is_for_other_callers(error, objects)] == []


def analyzed(file: Path) -> list[dict[str, Any]]:
    command = [str(tools.program(tools.ISTIO, "istioctl")), "analyze", "--use-kube=false", "--all-namespaces"]
    run = subprocess.run([*command, "--output", "json", str(file)], capture_output=True, text=True, check=True)
    messages: list[dict[str, Any]] = json.loads(run.stdout or "[]")
    return messages


def is_in_root_namespace(message: str, objects: list[Object], root: str) -> bool:
    """Whether the message misses a subset that a rule in the root namespace has.

    The analyzer looks in the VirtualService's own namespace alone. istiod looks in the root namespace, too, and
    test_calls.py sees what it finds there.
    """
    match = NO_SUBSET.fullmatch(message)
    return match is not None and any(
        item["spec"]["host"] == match["host"]
        and match["subset"] in {s["name"] for s in item["spec"].get("subsets", ())}
        for item in objects
        if item["kind"] == "DestinationRule" and item["metadata"]["namespace"] == root
    )


def is_for_other_callers(error: dict[str, Any], objects: list[Object]) -> bool:
    """Whether VirtualServices have one host, and no two of them are exported to the same namespaces.

    The analyzer does not ask who sees them. istiod prefers the one that is exported to the caller's namespace, and
    test_calls.py sees which entries these callers get.
    """
    if error["code"] != "IST0109":
        return False
    exports = [str(item["spec"]["exportTo"]) for item in objects if item["kind"] == "VirtualService"]
    return len(exports) == len(set(exports))
