"""Several gateways of one cluster: what weights and choices do to the objects."""

import copy
from typing import Any

import pytest

from tests.given import core
from tests.given.scenarios import SCENARIOS_FOLDER, spec_of
from tests.given.specs import Spec

HOST = "reviews.default.svc.cluster2.global"
SHARING = spec_of(SCENARIOS_FOLDER / "gateways" / "two_gateways_that_share_90_10")


def policies(spec: Spec) -> list[dict[str, Any]]:
    """The policy for any version of reviews on cluster2, and those of its ports."""
    plan = core.new_stack(core.read(spec)).plan
    [whole] = [m.spec["trafficPolicy"] for m in plan if (m.kind, m.name) == ("DestinationRule", HOST)]
    return [whole, *whole["portLevelSettings"]]


def with_policy(policy: Spec) -> Spec:
    spec = copy.deepcopy(SHARING)
    spec["services"][0]["trafficPolicy"] = policy
    return spec


def test_calls_are_shared_by_weight_however_many_are_under_way() -> None:
    assert [policy["loadBalancer"] for policy in policies(SHARING)] == [{"simple": "ROUND_ROBIN"}] * 2


def test_without_weights_calls_are_spread_as_the_mesh_says() -> None:
    spec = copy.deepcopy(SHARING)
    for gateway in spec["clusters"]["cluster2"]["gateways"].values():
        del gateway["weight"]

    assert not any("loadBalancer" in policy for policy in policies(spec))


def test_the_weight_of_the_only_gateway_to_a_service_changes_no_policy() -> None:
    spec = copy.deepcopy(SHARING)
    spec["services"][0]["clusters"]["cluster2"]["gateways"] = ["next"]

    assert not any("loadBalancer" in policy for policy in policies(spec))


@pytest.mark.parametrize("balancer", [{"simple": "LEAST_REQUEST"}, {"consistentHash": {"httpHeaderName": "x-user"}}])
def test_the_user_may_spread_calls_in_another_way(balancer: Spec) -> None:
    assert [policy["loadBalancer"] for policy in policies(with_policy({"loadBalancer": balancer}))] == [balancer] * 2


def test_the_user_may_say_more_of_the_balancer() -> None:
    warmup = {"duration": "10s"}

    balancers = [policy["loadBalancer"] for policy in policies(with_policy({"loadBalancer": {"warmup": warmup}}))]

    assert balancers == [{"simple": "ROUND_ROBIN", "warmup": warmup}] * 2


def test_the_order_of_gateways_changes_nothing() -> None:
    spec = copy.deepcopy(SHARING)
    gateways = spec["clusters"]["cluster2"]["gateways"]
    spec["clusters"]["cluster2"]["gateways"] = dict(reversed(gateways.items()))

    assert objects(spec) == objects(SHARING)


def test_a_gateway_that_is_prepared_changes_no_endpoint_of_the_one_that_was_alone() -> None:
    prepared, alone = copy.deepcopy(SHARING), copy.deepcopy(SHARING)
    [old, new] = prepared["clusters"]["cluster2"]["gateways"].values()
    old["weight"], new["weight"] = 7, 0
    alone["clusters"]["cluster2"]["gateways"].pop("next")

    before, after = objects(alone), objects(prepared)

    assert [key for key in before if "/ServiceEntry/" in key and after[key] != before[key]] == []
    assert {key for key in after.keys() - before.keys() if "/Gateway/" not in key} == set()
    assert len(after) == len(before) + 1


def objects(spec: Spec) -> dict[str, Any]:
    return {manifest.key: manifest.object for manifest in core.new_stack(core.read(spec)).plan}
