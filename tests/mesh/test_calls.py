"""The `calls.yaml` of each scenario, judged by istiod and Envoy: which request of which caller gets which answer.

Neither runs a cluster: see tests/oracle. The objects are those of the golden files.
"""

from functools import cache
from pathlib import Path

import pytest

from tests.given.goldens import calls, config, everything, objects
from tests.given.scenarios import SCENARIOS, title
from tests.oracle import hops
from tests.oracle.judgement import Judge
from tests.oracle.validation import validate

every_scenario = pytest.mark.parametrize("folder", SCENARIOS, ids=title)


@every_scenario
def test_calls_meet_what_the_scenario_says(folder: Path) -> None:
    judge = judge_of(folder)

    differences = [line for call in calls(folder) for line in judge.differences(call)]

    assert differences == []


@every_scenario
def test_a_proxy_takes_all_that_istiod_sends_it(folder: Path) -> None:
    validate(*judge_of(folder).world().configurations)


@every_scenario
def test_every_way_to_another_cluster_ends_at_the_pods_of_its_version(folder: Path) -> None:
    judge = judge_of(folder)
    world = judge.world()

    crossing = [hop for caller in judge.callers for hop in hops.hops(world, caller)]

    assert [fault for hop in crossing for fault in hops.faults(world, hop)] == []
    assert {(hop.client, hop.serving) for hop in crossing} == imports(folder)
    for (client, _, serving), dialled in hops.addresses(crossing).items():
        (gateway,) = world.stack.clusters[serving].gateways
        assert dialled == gateway.addresses_for(client)


@cache
def judge_of(folder: Path) -> Judge:
    return Judge(config(folder), everything(folder), calls(folder))


def imports(folder: Path) -> set[tuple[str, str]]:
    """Each client cluster with each cluster that it holds federated hosts of."""
    return {
        (client, endpoint["labels"]["cluster"])
        for client, items in objects(folder).items()
        for item in items
        if item["kind"] == "ServiceEntry"
        for endpoint in item["spec"].get("endpoints", ())
    }
