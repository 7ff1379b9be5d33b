"""A stack that an earlier release made goes on: an update moves nothing, and changes what it says it changes.

`states/` holds what `pulumi stack export --show-secrets` gave for the stack file beside it, without the machine in it.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.given.specs import spec_of_config
from tests.real.clusters import Clusters
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

STATE = Path(__file__).parent / "states" / "three_clusters"
CREATOR = "pulumi-kubernetes"
"""The field manager of every object that pulumi-kubernetes creates."""


def test_an_update_brings_the_defaults_in_place_and_replaces_renames_and_moves_nothing(
    stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    state = json.loads((STATE / "state.json").read_text())
    create_objects(state, clusters)
    config = yaml.safe_load((STATE / "stack.yaml").read_text())["config"]
    stack.configure(spec_of_config(config))
    import_state(state, stack, tmp_path)
    identities, resources, record = clusters.uids(), ids(stack), clusters.record()

    expected = yaml.safe_load((STATE / "changes.yaml").read_text())
    steps = {name: step for name, step in stack.preview_steps().items() if step["op"] != "same"}
    assert {step["op"] for step in steps.values()} == {"update"}
    assert {name: changes(step) for name, step in steps.items()} == expected
    stack.extra_environment["MESH_SETTLE_SECONDS"] = "0"
    stack.up()

    assert clusters.uids() == identities
    assert ids(stack) == resources
    contexts = contexts_of(state)
    objects = {place_of(name, contexts) for name in expected if "/DestinationRule/" in name}
    assert {(write.verb, write.key) for write in record.writes()} == {("patch", key) for key in objects}
    assert stack.outputs()["addresses"] == state["deployment"]["resources"][0]["outputs"]["addresses"]
    stack.preview("--expect-no-changes")


def changes(step: Mapping[str, Any]) -> dict[str, str]:
    """Property path → what becomes of it."""
    return {path: change["kind"] for path, change in (step.get("detailedDiff") or {}).items()}


def ids(stack: Stack) -> dict[str, str]:
    """URN of each resource → its id, which a replacement would change."""
    return {state["urn"]: state.get("id", "") for state in stack.export()["deployment"]["resources"]}


def contexts_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Cluster of the stack → cluster of the sandbox."""
    resources = state["deployment"]["resources"]
    providers = [resource for resource in resources if resource["type"] == "pulumi:providers:kubernetes"]
    return {name_of(provider): provider["inputs"]["context"] for provider in providers}


def create_objects(state: Mapping[str, Any], clusters: Clusters) -> None:
    """What the stack had made, where it had made it."""
    contexts = contexts_of(state)
    manifests = defaultdict(list)
    for resource in state["deployment"]["resources"]:
        if resource["type"].startswith("kubernetes:"):
            context, _, _ = place_of(name_of(resource), contexts).partition("/")
            manifests[context].append(resource["inputs"])
    for context, items in manifests.items():
        listing = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        clusters.kubectl(context, "create", "--field-manager", CREATOR, "-f", "-", given=listing)


def place_of(name: str, contexts: Mapping[str, str]) -> str:
    """`cluster/kind/namespace/name` of the object behind a resource, with the sandbox's name of the cluster."""
    _, cluster, identity = name.split("/", 2)
    return f"{contexts[cluster]}/{identity}"


def name_of(resource: Mapping[str, Any]) -> str:
    name: str = resource["urn"].rpartition("::")[2]
    return name


def import_state(state: Mapping[str, Any], stack: Stack, directory: Path) -> None:
    """Make `state` the stack's own; its secrets are encrypted with the stack's passphrase."""
    salt = yaml.safe_load(stack.config_file.read_text())["encryptionsalt"]
    secrets = {"secrets_providers": {"type": "passphrase", "state": {"salt": salt}}}
    file = directory / "state.json"
    file.write_text(json.dumps({**state, "deployment": {**state["deployment"], **secrets}}))
    stack.run("stack", "import", "--file", str(file))
