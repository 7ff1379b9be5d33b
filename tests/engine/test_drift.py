"""What others did to our objects is seen and repaired, a rebuilt cluster is filled again, and nothing stays behind."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.given.specs import bookinfo
from tests.real.clusters import Clusters
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

VIRTUAL_SERVICE = "VirtualService/default/reviews"


def test_edits_by_hand_are_seen_by_refresh_and_repaired_by_up_and_destroy_leaves_nothing(
    stack: Stack, clusters: Clusters
) -> None:
    spec = bookinfo()
    spec["traffic"][0]["clients"]["clusters"] = ["cluster1", "cluster2"]
    stack.configure(spec)
    stack.up()
    ours = specs_of(clusters)

    edited = clusters.objects("cluster1")[f"cluster1/{VIRTUAL_SERVICE}"]["spec"]
    edited["http"][0]["route"][0]["weight"] = 1
    clusters.kubectl(
        "cluster1", "patch", "virtualservice", "reviews", "--type=merge", "-p", json.dumps({"spec": edited})
    )
    take_over(clusters, "cluster2", {"hosts": ["elsewhere.default.svc.cluster.local"]})
    assert changed(ours, specs_of(clusters)) == {f"{name}/{VIRTUAL_SERVICE}" for name in ("cluster1", "cluster2")}

    stack.preview("--expect-no-changes")
    seen = stack.run("refresh", "--yes", "--skip-preview", "--diff", "--run-program").output
    assert "weight: 15 => 1" in seen
    assert '"reviews.default.svc.cluster.local" => "elsewhere.default.svc.cluster.local"' in seen
    assert stack.steps() == {
        f"mesh/cluster1/{VIRTUAL_SERVICE}": "update",
        f"mesh/cluster2/{VIRTUAL_SERVICE}": "update",
    }
    record = clusters.record()
    stack.up()
    assert specs_of(clusters) == ours
    assert {write.name for write in record.writes()} == {"default/reviews"}

    stack.destroy()
    assert not clusters.objects()


def test_a_cluster_that_was_rebuilt_is_filled_by_up_with_refresh_or_under_another_identity(
    stack: Stack, clusters: Clusters
) -> None:
    spec = bookinfo()
    stack.configure(spec)
    stack.up()
    ours = specs_of(clusters)
    others = clusters.uids("cluster1")

    clusters.sandbox.rebuild("cluster2")
    assert not clusters.objects("cluster2")
    stack.up("--refresh")
    assert specs_of(clusters) == ours

    clusters.sandbox.rebuild("cluster2")
    spec["clusters"]["cluster2"]["identity"] = "cluster2-of-may"
    stack.configure(spec)
    stack.up()
    assert specs_of(clusters) == ours
    assert clusters.uids("cluster1") == others
    stack.preview("--expect-no-changes")


def take_over(clusters: Clusters, cluster: str, spec: dict[str, Any]) -> None:
    """As another tool that applies objects, and means it, would."""
    manifest = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "reviews", "namespace": "default"},
        "spec": spec,
    }
    how = ("apply", "--server-side", "--field-manager=gitops", "--force-conflicts", "-f", "-")
    clusters.kubectl(cluster, *how, given=json.dumps(manifest))


def specs_of(clusters: Clusters) -> dict[str, Any]:
    return {key: obj["spec"] for key, obj in clusters.objects().items()}


def changed(before: dict[str, Any], after: dict[str, Any]) -> Iterable[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
