"""The bookinfo example from the first preview to the last weight: what the engine shows and what the clusters hold."""

from pathlib import Path

import pytest

from tests.given.specs import BOOKINFO_OBJECTS, bookinfo
from tests.real.clusters import Clusters
from tests.real.rendering import rendered, stated
from tests.real.stack import Stack

pytestmark = pytest.mark.engine


@pytest.fixture
def stack(stack: Stack) -> Stack:
    """The CLI starts all that it needs, as it does for users."""
    stack.hosts = None
    return stack


def test_the_first_preview_shows_every_object_and_address_and_the_clusters_then_hold_what_render_says(
    stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    stack.configure(bookinfo())

    preview = stack.preview_steps()
    planned = {name: step["newState"] for name, step in preview.items() if step["op"] == "create"}
    assert {f"mesh/{key}" for key in BOOKINFO_OBJECTS} <= planned.keys()
    address = planned["mesh/addresses"]["inputs"]["addresses"]["reviews.default.svc.cluster2.global"]
    entry = planned["mesh/cluster1/ServiceEntry/istio-system/reviews.default.svc.cluster2.global"]
    assert entry["inputs"]["spec"]["addresses"] == [address]
    assert not clusters.objects(), "a preview writes nothing"

    stack.up()
    assert stack.outputs()["addresses"] == {"reviews.default.svc.cluster2.global": address}
    assert stated(clusters.objects()) == rendered(stack, tmp_path)
    stack.preview("--expect-no-changes")


def test_a_weight_edit_changes_one_virtual_service_and_the_traffic_output_says_what_it_means(
    stack: Stack, clusters: Clusters
) -> None:
    spec = bookinfo()
    spec["traffic"][0]["clients"]["clusters"] = ["cluster1", "cluster2"]
    stack.configure(spec)
    stack.up()
    assert shares(stack)["v3 on cluster2"] == "75.00 %"
    record = clusters.record()

    first, second, third = spec["traffic"][0]["http"][0]["route"]
    first["weight"], second["weight"], third["weight"] = 1, 1, 1
    stack.configure(spec)
    routes = {f"mesh/{cluster}/VirtualService/default/reviews": "update" for cluster in ("cluster1", "cluster2")}
    assert {name: op for name, op in stack.steps().items() if name != "mesh-test"} == routes
    stack.up()

    assert {f"mesh/{write.key}" for write in record.writes()} == routes.keys()
    assert shares(stack) == {
        "v1 here (cluster1)": "33.34 %",
        "v2 here (cluster1)": "33.33 %",
        "v3 on cluster2": "33.33 %",
    }


def shares(stack: Stack) -> dict[str, str]:
    shares: dict[str, str] = stack.outputs()["traffic"]["cluster1"]["reviews.default"]
    return shares
