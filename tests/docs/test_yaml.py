"""Every YAML block is a spec that can be planned, or says what the outputs and the objects of such a spec are."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml
from mesh_federation.mesh.istio import kinds

from tests.given import core, pages
from tests.given.pages import Block

OUTPUTS = {"addresses", "hosts", "requirements", "traffic", "trust"}


def kind_of(content: Mapping[str, Any]) -> str:
    """What a block is, by its keys."""
    if "config" in content or all(key.startswith("mesh:") for key in content):
        return "spec"
    if content.keys() <= OUTPUTS:
        return "outputs"
    if content.keys() == {"caCertificates"}:
        return "trust"
    return str(content.get("kind", "nothing that a test knows"))


def judged(*kinds_: str) -> list[Block]:
    """The blocks of these kinds, but for files that a command on the same page reads."""
    return [block for block in pages.blocks("yaml") if not block.file and kind_of(yaml.safe_load(block.text)) in kinds_]


EMITTED = [kind.name for kind in kinds.EMITTED]


def test_every_block_is_of_a_kind_that_a_test_judges() -> None:
    known = judged("spec", "outputs", "trust", "ClusterRole", *EMITTED)
    files = [block for block in pages.blocks("yaml") if block.file]

    assert [*map(str, pages.blocks("yaml"))] == sorted(map(str, [*known, *files]), key=position_of)


def position_of(block: str) -> int:
    return [*map(str, pages.blocks("yaml"))].index(block)


@pytest.mark.parametrize("block", [block for block in pages.blocks("yaml") if block.file], ids=str)
def test_a_file_is_read_by_a_command_on_its_page(block: Block) -> None:
    commands = [command for shown in pages.blocks("console", page=block.page) for command, _ in pages.dialogue(shown)]

    assert any(str(block.file) in command for command in commands)


@pytest.mark.parametrize("block", judged("spec"), ids=str)
def test_a_spec_has_objects_on_a_cluster(block: Block) -> None:
    plan = core.new_stack(core.read(pages.spec_at(block))).plan

    assert any(plan.manifests.values())


@pytest.mark.parametrize("block", judged("outputs"), ids=str)
def test_outputs_are_those_of_the_spec_before_them(block: Block) -> None:
    federation = core.read(pages.spec_at(block))
    outputs = {**core.outputs_of(federation), "addresses": core.new_stack(federation).addresses}

    for name, shown in yaml.safe_load(block.text).items():
        assert shown == outputs[name]


@pytest.mark.parametrize("block", judged("trust"), ids=str)
def test_a_trust_fragment_is_that_of_cluster2(block: Block) -> None:
    federation = core.read(pages.spec_at(block))

    assert yaml.safe_load(block.text) == core.outputs_of(federation)["trust"]["cluster2"]


@pytest.mark.parametrize("block", judged(*EMITTED), ids=str)
def test_an_object_is_part_of_one_that_the_spec_before_it_makes(block: Block) -> None:
    shown = yaml.safe_load(block.text)
    manifests = core.new_stack(core.read(pages.spec_at(block))).plan.manifests

    named = [
        manifest.object
        for ours in manifests.values()
        for manifest in ours
        if identity(manifest.object) == identity(shown)
    ]
    assert named, f"no object is {identity(shown)}"
    assert any(is_part(shown, manifest) for manifest in named)


def identity(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    return manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def is_part(shown: Any, whole: Any) -> bool:
    """Whether all that is shown is there; a list is shown whole."""
    if isinstance(shown, Mapping):
        return isinstance(whole, Mapping) and all(key in whole and is_part(shown[key], whole[key]) for key in shown)
    if isinstance(shown, Sequence) and not isinstance(shown, str):
        return len(shown) == len(whole) and all(map(is_part, shown, whole))
    return bool(shown == whole)


@pytest.mark.parametrize("block", judged("ClusterRole"), ids=str)
def test_a_role_covers_every_kind_that_we_make(block: Block) -> None:
    rules = yaml.safe_load(block.text)["rules"]

    resources = {
        f"{resource}.{group}".removesuffix(".")
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert resources == {kind.resource for kind in kinds.EMITTED}
