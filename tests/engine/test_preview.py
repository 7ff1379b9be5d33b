"""The preview that the README begins with is what the engine prints."""

import re
from typing import Any

import pytest
import yaml

from tests.given.repository import REPOSITORY
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

README = (REPOSITORY / "README.md").read_text()


def test_the_readmes_preview_of_a_weight_edit_is_the_engines(stack: Stack) -> None:
    shown = block("console", "pulumi preview")
    edits = dict(re.findall(r"~ weight: (\d+) => (\d+)", shown))
    spec = first_spec()
    stack.configure(spec)
    stack.up()
    for destination in spec["traffic"][0]["http"][0]["route"]:
        destination["weight"] = int(edits.get(str(destination["weight"]), destination["weight"]))
    stack.configure(spec)

    printed = stack.preview("--diff").output

    parts = re.split(r"^…\n|^\$ .*\n", shown, flags=re.MULTILINE)
    for part in filter(None, parts):
        passed_over, found, printed = printed.partition(part)
        assert found, passed_over


def block(language: str, text: str = "") -> str:
    """The README's first block in a language that contains a text."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if text in block)


def first_spec() -> dict[str, Any]:
    config = yaml.safe_load(block("yaml"))["config"]
    return {key.removeprefix("mesh:"): value for key, value in config.items()}
