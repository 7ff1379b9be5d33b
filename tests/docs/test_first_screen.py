"""The README begins with a picture, a spec and a preview that say the same."""

import re
from xml.etree import ElementTree as ET

import yaml

from tests.given import core, pages
from tests.given.specs import spec_of_config

TEXT = pages.README.read_text()


def test_the_first_spec_is_the_demos() -> None:
    demo = yaml.safe_load((pages.REPOSITORY / "stacks/Pulumi.demo.yaml").read_text())["config"]

    assert pages.first_spec() == spec_of_config(demo)


def test_the_picture_shows_the_first_spec() -> None:
    (file,) = re.findall(r"!\[[^]]+\]\(([^)]+\.svg)\)", TEXT)

    picture = " ".join(ET.parse(pages.REPOSITORY / file).getroot().itertext())

    for text in ("cluster1", "cluster2", "172.18.0.230:15443", "v3", "v1", "v2", "75 %", "15 %", "10 %"):
        assert text in picture


def test_the_preview_of_a_weight_edit_says_what_the_outputs_would() -> None:
    (block,) = [block for block in pages.blocks("console", page=pages.README) if "pulumi preview" in block.text]
    edits = dict(re.findall(r"~ weight: (\d+) => (\d+)", block.text))
    before, after = pages.first_spec(), pages.first_spec()
    for destination in after["traffic"][0]["http"][0]["route"]:
        destination["weight"] = int(edits.get(str(destination["weight"]), destination["weight"]))
    old, new = (core.outputs_of(core.read(spec))["traffic"]["cluster1"]["reviews.default"] for spec in (before, after))

    assert edits
    for destination, share in old.items():
        change = f'"{share}" => "{new[destination]}"' if new[destination] != share else f'"{share}"'
        assert re.search(rf"{re.escape(destination)} *: {re.escape(change)}$", block.text, re.MULTILINE), change
