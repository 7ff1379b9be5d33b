"""The `calls.yaml` of each scenario, judged by istiod and Envoy: which request of which caller gets which answer.

Neither runs a cluster: see tests/oracle. The objects are those of the golden files.
"""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
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
    for ways in hops.together(crossing):
        [(client, serving, service)] = {(way.client, way.serving, way.end.service) for way in ways if way.end}
        gateways = world.inventory.gateways_to(service, serving, world.inventory.clusters[client])
        addresses = {gateway.name: gateway.addresses_for(world.inventory.clusters[client]) for gateway in gateways}
        assert {(way.gateway, way.address) for way in ways} == {(g, a) for g in addresses for a in addresses[g]}
        stated = [(g.name, len(addresses[g.name]) if g.weight is None else g.weight) for g in gateways]
        assert shares((way.gateway, way.weight) for way in ways) == shares(stated)


def shares(weights: Iterable[tuple[str, int]]) -> dict[str, Fraction]:
    """Each name's part of the whole."""
    sums: dict[str, int] = defaultdict(int)
    for name, weight in weights:
        sums[name] += weight
    return {name: Fraction(weight, sum(sums.values())) for name, weight in sums.items()}


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
