"""One cluster's API server is down: it holds up the routes that need it, and nothing else."""

import re
from typing import Any

import pytest

from tests.given.specs import BOOKINFO_OBJECTS, bookinfo, cluster, presence, rule, service
from tests.real.clusters import Clusters
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

V2_OF_RATINGS = (
    "cluster1/DestinationRule/istio-system/v2.ratings.default.svc.cluster3.global",
    "cluster3/DestinationRule/default/v2.ratings",
)


def test_an_outage_holds_up_only_the_routes_that_need_the_cluster_and_one_more_update_finishes(
    stack: Stack, clusters: Clusters
) -> None:
    spec = with_ratings_on_cluster3()
    reviews, ratings = (rule["http"][0]["route"] for rule in spec["traffic"])
    stack.configure(spec)
    stack.up()
    clusters.sandbox.stop("cluster3")

    # an emergency: weights between two other clusters, with the preview that users see first
    reviews[0]["weight"] = 1
    record = clusters.record()
    stack.configure(spec)
    stack.run("up", "--yes")
    assert {write.change for write in record.changes()} == {"patch cluster1/VirtualService/default/reviews"}

    # additions and edits, some of which need the cluster
    spec["services"][0]["clusters"]["cluster2"]["versions"] = ["v3", "v4"]
    reviews.append({"cluster": "cluster2", "version": "v4", "weight": 5})
    spec["services"][1]["clusters"]["cluster3"]["versions"] = ["v1", "v2"]
    ratings.append({"cluster": "cluster3", "version": "v2", "weight": 5})
    record = clusters.record()
    stack.configure(spec)
    run = stack.up("--continue-on-error", fails=True)
    assert run.code == 1
    assert unreachable(run.output) == {"mesh/cluster3/DestinationRule/default/v2.ratings"}
    assert {write.change for write in record.changes()} == {
        "create cluster1/DestinationRule/istio-system/v2.ratings.default.svc.cluster3.global",
        "create cluster1/DestinationRule/istio-system/v4.reviews.default.svc.cluster2.global",
        "create cluster2/DestinationRule/default/v4.reviews",
        "patch cluster1/VirtualService/default/reviews",
    }

    clusters.sandbox.start("cluster3")
    assert update(stack, clusters, spec) == {
        "create cluster3/DestinationRule/default/v2.ratings",
        "patch cluster1/VirtualService/default/ratings",
    }


def test_a_swap_and_a_removal_that_the_outage_interrupts_delete_nothing_and_finish_afterwards(
    stack: Stack, clusters: Clusters
) -> None:
    spec = with_ratings_on_cluster3()
    # a client on the cluster, too
    spec["services"][0]["clusters"]["cluster3"] = presence("reviews")
    spec["traffic"][0]["clients"]["clusters"] = ["cluster1", "cluster3"]
    reviews, ratings = (rule["http"][0]["route"] for rule in spec["traffic"])
    stack.configure(spec)
    stack.up()
    clusters.sandbox.stop("cluster3")

    # a swap whose new version cannot be prepared
    spec["services"][1]["clusters"]["cluster3"]["versions"] = ["v2"]
    ratings[0]["version"] = "v2"
    assert interrupted(stack, clusters, spec) <= {
        "create cluster1/DestinationRule/istio-system/v2.ratings.default.svc.cluster3.global"
    }

    # and a removal of which one of two clients cannot be told
    del reviews[0]
    assert interrupted(stack, clusters, spec) <= {
        "create cluster1/DestinationRule/istio-system/v2.ratings.default.svc.cluster3.global",
        "patch cluster1/VirtualService/default/reviews",
    }

    clusters.sandbox.start("cluster3")
    finished = update(stack, clusters, spec)
    assert {step for step in finished if step.startswith("delete")} == {
        "delete cluster1/DestinationRule/istio-system/v1.ratings.default.svc.cluster3.global",
        "delete cluster3/DestinationRule/default/v1.ratings",
        *(
            f"delete {client}/{kind}/istio-system/{name}reviews.default.svc.cluster2.global"
            for client in ("cluster1", "cluster3")
            for kind, name in (("ServiceEntry", ""), ("DestinationRule", ""), ("DestinationRule", "v3."))
        ),
        "delete cluster2/DestinationRule/default/v3.reviews",
        "delete cluster2/Gateway/istio-system/reviews-default-bdabf1b129",
    }

    # a removal of which every client can be told
    clusters.sandbox.stop("cluster3")
    del ratings[0]
    assert interrupted(stack, clusters, spec) == {"patch cluster1/VirtualService/default/ratings"}
    clusters.sandbox.start("cluster3")
    update(stack, clusters, spec)
    assert not [key for key in clusters.objects("cluster3") if "ratings" in key]
    stack.preview("--expect-no-changes")


def test_a_removal_deletes_nothing_anywhere_while_any_cluster_that_loses_something_is_down(
    stack: Stack, clusters: Clusters
) -> None:
    """Also of a whole rule between two other clusters, whose objects the engine would delete first."""
    spec = with_ratings_on_cluster3()
    stack.configure(spec)
    stack.up()
    spec["services"][1]["clusters"]["cluster3"]["versions"] = ["v1", "v2"]
    spec["traffic"][1]["http"][0]["route"].append({"cluster": "cluster3", "version": "v2", "weight": 5})
    stack.configure(spec)
    assert "mesh/removals" not in stack.steps(), "what is added is no removal"
    stack.up()
    stack.run("refresh", "--yes", "--skip-preview")
    clusters.sandbox.stop("cluster3")

    del spec["traffic"][0]
    del spec["traffic"][0]["http"][0]["route"][-1]
    stack.configure(spec)
    assert stack.preview_steps()["mesh/removals"]["newState"]["inputs"]["losing"] == sorted(
        {*BOOKINFO_OBJECTS, *V2_OF_RATINGS}
    )
    for _ in range(2):
        record = clusters.record()
        run = stack.up(fails=True)
        assert run.code == 1
        assert "cluster3 ([Errno 111] Connection refused), to lose DestinationRule/default/v2.ratings\n" in run.output
        assert {write.change for write in record.changes()} <= {"patch cluster1/VirtualService/default/ratings"}

    clusters.sandbox.start("cluster3")
    assert update(stack, clusters, spec) == {f"delete {key}" for key in (*BOOKINFO_OBJECTS, *V2_OF_RATINGS)}
    stack.preview("--expect-no-changes")


def test_a_cluster_that_does_not_come_back_is_forgotten_with_what_is_on_it(stack: Stack, clusters: Clusters) -> None:
    spec = with_ratings_on_cluster3()
    stack.configure(spec)
    stack.up()
    clusters.sandbox.stop("cluster3")

    del spec["clusters"]["cluster3"]
    del spec["services"][1]["clusters"]["cluster3"]
    del spec["traffic"][1]["http"][0]["route"][0]
    assert interrupted(stack, clusters, spec) == {"patch cluster1/VirtualService/default/ratings"}

    stack.extra_environment["PULUMI_K8S_DELETE_UNREACHABLE"] = "true"
    assert update(stack, clusters, spec) == {
        f"delete cluster1/{key}.default.svc.cluster3.global"
        for key in (
            "DestinationRule/istio-system/ratings",
            "DestinationRule/istio-system/v1.ratings",
            "ServiceEntry/istio-system/ratings",
        )
    }
    stack.preview("--expect-no-changes")


def test_a_retired_cluster_is_forgotten_with_what_is_on_it_in_one_update(stack: Stack, clusters: Clusters) -> None:
    spec = with_ratings_on_cluster3()
    stack.configure(spec)
    stack.up()
    clusters.sandbox.stop("cluster3")

    spec["clusters"]["cluster3"]["state"] = "draining"
    assert interrupted(stack, clusters, spec) == {"patch cluster1/VirtualService/default/ratings"}

    spec["clusters"]["cluster3"]["state"] = "retired"
    assert update(stack, clusters, spec) == {
        f"delete cluster1/{key}.default.svc.cluster3.global"
        for key in (
            "DestinationRule/istio-system/ratings",
            "DestinationRule/istio-system/v1.ratings",
            "ServiceEntry/istio-system/ratings",
        )
    }
    stack.preview("--expect-no-changes")


def with_ratings_on_cluster3() -> dict[str, Any]:
    """The bookinfo example, and on its client cluster a rule that goes to a third cluster."""
    spec = bookinfo()
    spec["clusters"]["cluster3"] = cluster("cluster3", "192.0.2.3")
    spec["services"].append(service("ratings", cluster1=["v1"], cluster3=["v1"]))
    spec["traffic"].append(rule("ratings.default", ["cluster1"], ("cluster3", "v1", 75), ("cluster1", "v1", 25)))
    return spec


def update(stack: Stack, clusters: Clusters, spec: dict[str, Any]) -> set[str]:
    """What the update to `spec` changed."""
    record = clusters.record()
    stack.configure(spec)
    stack.up()
    return {write.change for write in record.changes()}


def interrupted(stack: Stack, clusters: Clusters, spec: dict[str, Any]) -> set[str]:
    """What an update to `spec` changed before it failed."""
    record = clusters.record()
    stack.configure(spec)
    run = stack.up(fails=True)
    assert run.code == 1
    assert unreachable(run.output) or "  cluster3 ([Errno 111] Connection refused), to lose " in run.output
    assert all(name.startswith("mesh/cluster3/") for name in unreachable(run.output))
    return {write.change for write in record.changes()}


def unreachable(output: str) -> set[str]:
    """The resources that failed because their cluster did not answer; they begin with its name."""
    return set(
        re.findall(r"\((mesh/\S+)\):\n +(?:error|warning): configured Kubernetes cluster is unreachable", output)
    )
