"""The `calls.yaml` of each scenario, judged by istiod and Envoy: which request of which caller gets which answer.

Neither runs a cluster: see tests/oracle. The objects are those of the golden files.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.given.scenarios import SCENARIOS, title
from tests.oracle import hops
from tests.oracle.judgement import Expectation, Judge
from tests.oracle.validation import validate
from tests.oracle.world import Caller

every_scenario = pytest.mark.parametrize("folder", SCENARIOS, ids=title)


@every_scenario
def test_calls_meet_what_the_scenario_says(folder: Path) -> None:
    judge = judge_of(folder)

    differences = [line for expected in expectations(folder) for line in judge.differences(expected)]

    assert differences == []


@every_scenario
def test_a_proxy_takes_all_that_istiod_sends_it(folder: Path) -> None:
    for configuration in judge_of(folder).world().configurations.values():
        validate(configuration)


@every_scenario
def test_every_way_to_another_cluster_ends_at_the_pods_of_its_version(folder: Path) -> None:
    judge = judge_of(folder)
    world = judge.world()

    crossing = [hop for cluster in world.stack.clusters for hop in hops.hops(world, stranger(cluster))]

    assert [fault for hop in crossing for fault in hops.faults(world, hop)] == []
    assert {(hop.client, hop.serving) for hop in crossing} == imports(folder)


@cache
def judge_of(folder: Path) -> Judge:
    config = yaml.safe_load((folder / "stack.yaml").read_text())["config"]
    strangers = [{"client": cluster, "from": {"namespace": "strangers"}} for cluster in config["mesh:clusters"]]
    return Judge(config, objects(folder), [*expectations(folder), *strangers])


def stranger(cluster: str) -> Caller:
    """A caller that no expectation speaks of."""
    return Caller(cluster, "strangers")


@cache
def objects(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Cluster → what the product makes for it."""
    files = {file.name.removesuffix(".golden.yaml"): file for file in folder.glob("*.golden.yaml")}
    return {
        name: [item for item in yaml.safe_load_all(file.read_text()) if item]
        for name, file in files.items()
        if name != "outputs"
    }


def imports(folder: Path) -> set[tuple[str, str]]:
    """Each client cluster with each cluster that it holds federated hosts of."""
    return {
        (client, endpoint["labels"]["cluster"])
        for client, items in objects(folder).items()
        for item in items
        if item["kind"] == "ServiceEntry"
        for endpoint in item["spec"]["endpoints"]
    }


def expectations(folder: Path) -> list[Expectation]:
    stated: list[Expectation] = yaml.safe_load((folder / "calls.yaml").read_text())
    return stated
