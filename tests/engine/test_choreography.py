"""Every change reaches the clusters as create → wait → move routes → wait → delete: by the API servers' own record."""

from itertools import pairwise
from typing import Any

import pytest

from tests.given.specs import bookinfo, cluster, presence, rule, service
from tests.real.clusters import Clusters, Write
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

SETTLE = 2
"""Seconds."""

ON_CLUSTER2 = "reviews.default.svc.cluster2.global"
ON_CLUSTER3 = "reviews.default.svc.cluster3.global"
ROUTES = {"patch cluster1/VirtualService/default/reviews", "patch cluster2/VirtualService/default/reviews"}


def test_a_version_comes_before_any_clusters_routes_to_it_and_goes_after_all_of_them(
    stack: Stack, clusters: Clusters
) -> None:
    spec = bookinfo(settle=0)
    spec["traffic"][0]["clients"]["clusters"] = ["cluster1", "cluster2"]
    stack.configure(spec)
    stack.up()

    # a weight edit waits for nothing, nor does settleSeconds alone; it would take a minute otherwise
    route(spec, ("cluster2", "v3", 50), ("cluster1", "v1", 25), ("cluster1", "v2", 25))
    spec["settleSeconds"] = 60
    record = clusters.record()
    stack.configure(spec)
    assert stack.up().seconds < 60
    assert_steps(record.changes(), ROUTES)

    spec["settleSeconds"] = SETTLE
    versions(spec, "v3", "v4")
    route(spec, ("cluster2", "v3", 40), ("cluster2", "v4", 10), ("cluster1", "v1", 25), ("cluster1", "v2", 25))
    assert_steps(
        update(stack, clusters, spec),
        {
            f"create cluster1/DestinationRule/istio-system/v4.{ON_CLUSTER2}",
            "create cluster2/DestinationRule/default/v4.reviews",
        },
        ROUTES,
    )

    versions(spec, "v3", "v5")
    route(spec, ("cluster2", "v3", 40), ("cluster2", "v5", 10), ("cluster1", "v1", 25), ("cluster1", "v2", 25))
    assert_steps(
        update(stack, clusters, spec),
        {
            f"create cluster1/DestinationRule/istio-system/v5.{ON_CLUSTER2}",
            "create cluster2/DestinationRule/default/v5.reviews",
        },
        ROUTES,
        {
            f"delete cluster1/DestinationRule/istio-system/v4.{ON_CLUSTER2}",
            "delete cluster2/DestinationRule/default/v4.reviews",
        },
    )

    route(spec, ("cluster2", "v3", 50), ("cluster1", "v1", 50))
    assert_steps(
        update(stack, clusters, spec),
        ROUTES,
        {
            f"delete cluster1/DestinationRule/istio-system/v5.{ON_CLUSTER2}",
            "delete cluster2/DestinationRule/default/v5.reviews",
            "delete cluster1/DestinationRule/default/v2.reviews",
            "delete cluster2/DestinationRule/istio-system/v2.reviews.default.svc.cluster1.global",
        },
    )


def test_rules_and_serving_clusters_come_and_go_in_the_same_order_and_so_does_everything_on_destroy(
    stack: Stack, clusters: Clusters
) -> None:
    spec = bookinfo(settle=SETTLE)
    spec["services"].append(service("ratings", cluster1=["v1"], cluster2=["v1"]))
    spec["traffic"].append(rule("ratings.default", ["cluster1"], ("cluster2", "v1", 1)))
    ratings = {
        "cluster1/DestinationRule/istio-system/ratings.default.svc.cluster2.global",
        "cluster1/DestinationRule/istio-system/v1.ratings.default.svc.cluster2.global",
        "cluster1/ServiceEntry/istio-system/ratings.default.svc.cluster2.global",
        "cluster2/DestinationRule/default/v1.ratings",
        "cluster2/Gateway/istio-system/ratings-default-fb65334216",
    }
    reviews = {
        "cluster1/DestinationRule/default/v1.reviews",
        "cluster1/DestinationRule/default/v2.reviews",
        f"cluster1/DestinationRule/istio-system/{ON_CLUSTER2}",
        f"cluster1/DestinationRule/istio-system/v3.{ON_CLUSTER2}",
        f"cluster1/ServiceEntry/istio-system/{ON_CLUSTER2}",
        "cluster2/DestinationRule/default/v3.reviews",
        "cluster2/Gateway/istio-system/reviews-default-bdabf1b129",
    }
    assert_steps(
        update(stack, clusters, spec),
        all_of("create", ratings | reviews),
        {"create cluster1/VirtualService/default/ratings", "create cluster1/VirtualService/default/reviews"},
    )

    del spec["traffic"][1]
    assert_steps(
        update(stack, clusters, spec),
        {"delete cluster1/VirtualService/default/ratings"},
        all_of("delete", ratings),
    )

    on_cluster3 = {
        f"cluster1/DestinationRule/istio-system/{ON_CLUSTER3}",
        f"cluster1/DestinationRule/istio-system/v3.{ON_CLUSTER3}",
        f"cluster1/ServiceEntry/istio-system/{ON_CLUSTER3}",
        "cluster3/DestinationRule/default/v3.reviews",
        "cluster3/Gateway/istio-system/reviews-default-bdabf1b129",
    }
    before = bookinfo(settle=SETTLE)
    spec["clusters"]["cluster3"] = cluster("cluster3", "192.0.2.3")
    spec["services"][0]["clusters"]["cluster3"] = presence("reviews", "v3")
    spec["traffic"][0]["http"][0]["route"].append({"cluster": "cluster3", "version": "v3", "weight": 20})
    assert_steps(
        update(stack, clusters, spec),
        all_of("create", on_cluster3),
        {"patch cluster1/VirtualService/default/reviews"},
    )
    assert_steps(
        update(stack, clusters, before),
        {"patch cluster1/VirtualService/default/reviews"},
        all_of("delete", on_cluster3),
    )

    record = clusters.record()
    stack.destroy()
    assert_steps(
        record.changes(),
        {"delete cluster1/VirtualService/default/reviews"},
        all_of("delete", reviews),
    )


def test_a_preview_says_what_each_pair_of_clusters_will_wait_for_and_refuses_a_wait_that_a_delete_cannot_know(
    stack: Stack,
) -> None:
    spec = bookinfo(settle=SETTLE)
    spec["traffic"][0]["clients"]["clusters"] = ["cluster1", "cluster2"]
    stack.configure(spec)
    stack.extra_environment["MESH_SETTLE_SECONDS"] = "0"
    stack.up()
    del stack.extra_environment["MESH_SETTLE_SECONDS"]

    versions(spec, "v3", "v4")
    route(spec, ("cluster2", "v3", 40), ("cluster2", "v4", 10), ("cluster1", "v1", 25), ("cluster1", "v2", 25))
    stack.configure(spec)
    v4_there, v4_on_cluster1 = (
        "cluster2/DestinationRule/default/v4.reviews",
        f"cluster1/DestinationRule/istio-system/v4.{ON_CLUSTER2}",
    )
    assert announced(stack, "arrivals") == {
        "cluster1/Convergence/cluster2": ("update", f"2 s before routes use {v4_on_cluster1}, {v4_there}"),
        "cluster2/Convergence/cluster2": ("update", f"2 s before routes use {v4_there}"),
    }, "the pairs that lead to cluster1 do not change"
    assert {operation for operation, _ in announced(stack, "departures").values()} == {"update"}, "it waits for nothing"

    # v3 goes
    versions(spec, "v4")
    route(spec, ("cluster2", "v4", 50), ("cluster1", "v1", 25), ("cluster1", "v2", 25))
    v3_there, v3_on_cluster1 = v4_there.replace("v4", "v3"), v4_on_cluster1.replace("v4", "v3")
    stack.configure(spec)
    after = "2 s after routes have left what is gone from objects"
    assert announced(stack, "departures") == {
        "cluster1/Convergence/cluster2": ("replace", after),
        "cluster2/Convergence/cluster2": ("replace", after),
    }
    assert gone(stack) == {
        "cluster1/Convergence/cluster2": {v3_there, v3_on_cluster1},
        "cluster2/Convergence/cluster2": {v3_there},
    }

    stack.configure({**spec, "settleSeconds": 3})
    refusal = stack.preview(fails=True).output
    assert "raised from 2 to 3 together with the removal of" in refusal
    assert f"{v3_there}; raise it first, in an update of its own" in refusal


def update(stack: Stack, clusters: Clusters, spec: dict[str, Any]) -> list[Write]:
    """What the update to `spec` wrote."""
    record = clusters.record()
    stack.configure(spec)
    stack.up()
    return record.changes()


def assert_steps(writes: list[Write], *steps: set[str]) -> None:
    """`writes` are these, step by step, and between two steps all clusters had time to settle."""
    times: dict[str, list[float]] = {}
    for write in writes:
        times.setdefault(write.change, []).append(write.time)
    assert times.keys() == set().union(*steps)
    for earlier, later in pairwise(steps):
        last = max(times[step][-1] for step in earlier)
        first = min(times[step][0] for step in later)
        assert first - last >= SETTLE, f"{later} came {first - last:.1f} s after {earlier}"


def all_of(verb: str, keys: set[str]) -> set[str]:
    return {f"{verb} {key}" for key in keys}


def announced(stack: Stack, half: str) -> dict[str, tuple[str, str]]:
    """client/Convergence/serving → operation of a preview and what it says of the wait, where it changes at all."""
    return {
        pair: (step["op"], step["newState"]["inputs"]["waits"])
        for pair, step in pauses(stack, half).items()
        if step["op"] != "same"
    }


def gone(stack: Stack) -> dict[str, set[str]]:
    """What the preview shows to have left `objects`."""
    return {
        pair: set(step["oldState"]["inputs"]["objects"]) - set(step["newState"]["inputs"]["objects"])
        for pair, step in pauses(stack, "departures").items()
        if step["op"] == "replace"
    }


def pauses(stack: Stack, half: str) -> dict[str, dict[str, Any]]:
    return {
        name.removeprefix("mesh/").removesuffix(f"/{half}"): step
        for name, step in stack.preview_steps().items()
        if name.endswith(f"/{half}")
    }


def versions(spec: dict[str, Any], *names: str) -> None:
    """What runs of reviews on cluster2."""
    spec["services"][0]["clusters"]["cluster2"]["versions"] = list(names)


def route(spec: dict[str, Any], *destinations: tuple[str, str, int]) -> None:
    """Where calls to reviews go."""
    spec["traffic"][0] = rule("reviews.default", spec["traffic"][0]["clients"]["clusters"], *destinations)
