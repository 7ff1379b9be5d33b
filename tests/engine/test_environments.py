"""The tracked environments, previewed as in a pull request: with neither clusters nor credentials at hand."""

import os
from collections.abc import Callable

import pytest
import yaml

from tests.given.specs import spec_of_config
from tests.real.stack import REPOSITORY, Stack

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_environment_passes_preview_without_any_cluster(name: str, new_stack: Callable[..., Stack]) -> None:
    stack = new_stack(name)
    config = yaml.safe_load((REPOSITORY / "stacks" / f"Pulumi.{name}.yaml").read_text())["config"]
    stack.configure(spec_of_config(config))
    stack.extra_environment["KUBECONFIG"] = os.devnull

    steps = stack.preview_steps()

    assert {step["op"] for step in steps.values()} == {"create"}
    kinds = {step["newState"]["type"].rpartition(":")[2] for step in steps.values()}
    assert {
        "AddressPool",
        "Arrivals",
        "Departures",
        "Removals",
        "ServiceEntry",
        "DestinationRule",
        "VirtualService",
        "Gateway",
    } <= kinds
    clusters = set(config["mesh:clusters"])
    assert {name.split("/")[1] for name in steps if name.count("/") == 1} - {"addresses", "removals"} == clusters
