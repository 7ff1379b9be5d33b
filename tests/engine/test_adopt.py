"""Objects that somebody wrote by hand move into a stack that knows nothing yet."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.given.specs import bookinfo
from tests.real.clusters import RESOURCES, Clusters
from tests.real.rendering import mesh, rendered
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

HOST = "reviews.default.svc.cluster2.global"
ADDRESS = "253.124.25.94"
LOCAL = "reviews.default.svc.cluster.local"

ENTRY = {
    "addresses": [ADDRESS],
    "endpoints": [{"address": "172.18.0.230", "labels": {"cluster": "cluster2"}, "ports": {"http": 15443}}],
    "hosts": [HOST],
    "location": "MESH_INTERNAL",
    "ports": [{"name": "http", "number": 9080, "protocol": "TCP"}],
    "resolution": "DNS",
}
FEDERATED_RULE = {
    "host": HOST,
    "subsets": [{"labels": {"cluster": "cluster2"}, "name": f"version-{version}"} for version in ("v3", "v1", "v2")],
    "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}},
}
ROUTE = {
    "hosts": [LOCAL],
    "http": [
        {
            "route": [
                {"destination": {"host": HOST, "subset": "version-v3"}, "weight": 75},
                {"destination": {"host": LOCAL, "subset": "version-v1"}, "weight": 15},
                {"destination": {"host": LOCAL, "subset": "version-v2"}, "weight": 10},
            ]
        }
    ],
}
SERVING_RULE = {
    "host": LOCAL,
    "subsets": [{"labels": {"version": version}, "name": f"version-{version}"} for version in ("v3", "v1", "v2")],
    "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}},
}
"""What somebody wrote by hand for the bookinfo example."""


def test_what_somebody_wrote_by_hand_is_adopted_by_a_stack_without_state_and_nothing_is_made_again(
    stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    write(clusters, f"cluster1/ServiceEntry/istio-system/{HOST}", ENTRY)
    write(clusters, f"cluster1/DestinationRule/istio-system/{HOST}", FEDERATED_RULE)
    write(clusters, "cluster1/VirtualService/default/reviews", ROUTE)
    write(clusters, "cluster2/DestinationRule/default/reviews", SERVING_RULE)
    by_hand = clusters.uids()
    record = clusters.record()

    spec = bookinfo()
    spec["addresses"] = {"pool": "253.124.0.0/16", "pins": {HOST: ADDRESS}}
    stack.configure(spec)
    document = adopt(stack, clusters, tmp_path)
    assert {entry["name"] for entry in document["resources"] if "id" in entry} == {
        f"mesh/cluster1/ServiceEntry/istio-system/{HOST}",
        f"mesh/cluster1/DestinationRule/istio-system/{HOST}",
        "mesh/cluster1/VirtualService/default/reviews",
    }
    stack.run("import", "--file", str(tmp_path / "import.json"), "--protect=false", "--generate-code=false", "--yes")
    steps = stack.steps()
    assert {name: op for name, op in steps.items() if op not in ("create", "update")} == {}
    assert not record.writes(), "neither adopt nor import nor a preview writes"
    stack.up()

    now = clusters.objects()
    assert {key: uid for key, uid in clusters.uids().items() if key in by_hand} == by_hand
    written = {(write.verb, write.key) for write in record.writes()}
    assert not [key for verb, key in written if verb == "delete"]
    assert {key for verb, key in written if verb == "create"} == now.keys() - by_hand.keys()
    [address] = now[f"cluster1/ServiceEntry/istio-system/{HOST}"]["spec"]["addresses"]
    assert address == ADDRESS
    assert now["cluster2/DestinationRule/default/reviews"]["spec"] == SERVING_RULE, "it has no name of ours"
    says = rendered(stack, tmp_path)
    assert {key: now[key]["spec"] for key in says} == {key: manifest["spec"] for key, manifest in says.items()}
    stack.preview("--expect-no-changes")


def write(clusters: Clusters, key: str, spec: dict[str, Any]) -> None:
    cluster, kind, namespace, name = key.split("/")
    manifest = {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    clusters.kubectl(cluster, "apply", "-f", "-", given=json.dumps(manifest))


def adopt(stack: Stack, clusters: Clusters, directory: Path) -> dict[str, Any]:
    """What the README's recipe writes."""
    state = directory / "state.json"
    state.write_text(json.dumps(stack.export()))
    listings = []
    for cluster in ("cluster1", "cluster2"):
        listing = directory / f"{cluster}.json"
        listing.write_text(clusters.kubectl(cluster, "get", RESOURCES, "-A", "-o", "json"))
        listings += ["--found", f"{cluster}={listing}"]
    mesh("adopt", str(stack.config_file), "--state", str(state), *listings, "--out", str(directory / "import.json"))
    document: dict[str, Any] = json.loads((directory / "import.json").read_text())
    return document
