"""The preview that the README begins with is what the engine prints."""

import re

import pytest

from tests.given import pages
from tests.real.stack import Stack

pytestmark = pytest.mark.engine


def test_the_readmes_preview_of_a_weight_edit_is_the_engines(stack: Stack) -> None:
    (shown,) = (block.text for block in pages.blocks("console") if "pulumi preview" in block.text)
    edits = dict(re.findall(r"~ weight: (\d+) => (\d+)", shown))
    spec = pages.first_spec()
    stack.configure(spec)
    stack.up()
    for destination in spec["traffic"][0]["http"][0]["route"]:
        destination["weight"] = int(edits.get(str(destination["weight"]), destination["weight"]))
    stack.configure(spec)

    printed = stack.preview("--diff").output

    parts = re.split(r"^…\n|^\$ .*\n", shown, flags=re.MULTILINE)
    for part in filter(None, parts):
        passed_over, match, printed = printed.partition(part)
        assert match, passed_over
