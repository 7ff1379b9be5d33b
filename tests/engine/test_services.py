"""A client cluster that does not run the service: its name is made there, after its routes, and goes before them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.given import pages
from tests.given.specs import Spec, bookinfo, rule, service
from tests.real.clusters import RESOURCES, Clusters, Record
from tests.real.rendering import mesh, rendered
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

SETTLE = 2
"""Seconds."""
SERVICE = "cluster1/Service/default/reviews"
ROUTE = "cluster1/VirtualService/default/reviews"
ON_CLUSTER2 = "reviews.default.svc.cluster2.global"
ELSEWHERE = {
    f"cluster1/DestinationRule/istio-system/{ON_CLUSTER2}",
    f"cluster1/DestinationRule/istio-system/v3.{ON_CLUSTER2}",
    f"cluster1/ServiceEntry/istio-system/{ON_CLUSTER2}",
    "cluster2/DestinationRule/default/v3.reviews",
    "cluster2/Gateway/istio-system/reviews-default-bdabf1b129",
}
"""What routes to reviews need."""


def test_the_name_and_its_routes_come_and_go_with_no_more_rights_than_the_documentation_asks_for(
    stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    stack.extra_environment["KUBECONFIG"] = str(kubeconfig_of_the_role(clusters, tmp_path / "kubeconfig"))
    stack.configure(elsewhere())
    record = clusters.record()

    stack.up()
    now = clusters.objects()
    assert now.keys() == {SERVICE, ROUTE, *ELSEWHERE}
    assert states(now[SERVICE], rendered(stack, tmp_path)[SERVICE])
    assert "selector" not in now[SERVICE]["spec"]
    assert order(record, "create", ROUTE, SERVICE) == [ROUTE, SERVICE]
    stack.preview("--expect-no-changes")
    stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--run-program")

    with_another_port = elsewhere()
    with_another_port["services"][0]["ports"].append({"name": "grpc", "number": 9070, "protocol": "GRPC"})
    stack.configure(with_another_port)
    stack.up()
    grown = clusters.objects()[SERVICE]
    assert grown["metadata"]["uid"] == now[SERVICE]["metadata"]["uid"]
    assert grown["spec"]["clusterIP"] == now[SERVICE]["spec"]["clusterIP"]
    assert [port["port"] for port in grown["spec"]["ports"]] == [9070, 9080]

    record = clusters.record()
    stack.configure({**elsewhere(), "traffic": []})
    stack.up()
    assert not clusters.objects()
    assert order(record, "delete", ROUTE, SERVICE) == [SERVICE, ROUTE]
    [route] = [write.time for write in record.changes() if write.key == ROUTE]
    assert min(write.time for write in record.changes() if write.key in ELSEWHERE) - route >= SETTLE


def test_a_service_without_pods_that_somebody_made_is_adopted_and_keeps_its_address(
    stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    by_hand = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "reviews", "namespace": "default"},
        "spec": {"ports": [{"name": "http", "port": 9080}]},
    }
    clusters.kubectl("cluster1", "apply", "-f", "-", given=json.dumps(by_hand))
    before = clusters.objects()[SERVICE]
    stack.configure(elsewhere())

    state, listing, document = (tmp_path / name for name in ("state.json", "cluster1.json", "import.json"))
    state.write_text(json.dumps(stack.export()))
    listing.write_text(clusters.kubectl("cluster1", "get", RESOURCES, "-A", "-o", "json"))
    options = ("--state", str(state), "--found", f"cluster1={listing}", "--out", str(document))
    mesh("adopt", str(stack.config_file), *options)
    stack.run("import", "--file", str(document), "--protect=false", "--generate-code=false", "--yes", "--skip-preview")
    stack.up()

    after = clusters.objects()[SERVICE]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["clusterIP"] == before["spec"]["clusterIP"]
    assert states(after, rendered(stack, tmp_path)[SERVICE])
    stack.preview("--expect-no-changes")


def test_a_name_that_is_called_is_handed_over_to_whoever_begins_to_run_the_service_there(
    stack: Stack, clusters: Clusters
) -> None:
    here = elsewhere()
    here["services"] = [service("reviews", cluster1=["v1"], cluster2=["v3"])]
    stack.configure(elsewhere())
    stack.up()
    before = clusters.objects()[SERVICE]

    stack.configure(here)
    record = clusters.record()
    refusals = [stack.preview(fails=True).output, stack.up(fails=True).output]
    for refusal in refusals:
        assert f"{SERVICE} is to go, and its name is still called; hand it over first" in " ".join(refusal.split())
    assert not record.writes()

    handing_over = elsewhere()
    handing_over["traffic"][0]["createService"] = "handOver"
    stack.configure(handing_over)
    stack.up()
    assert not record.writes()
    with_pods = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "reviews", "namespace": "default"},
        "spec": {"ports": [{"name": "http", "port": 9080}], "selector": {"app": "reviews"}},
    }
    clusters.kubectl("cluster1", "apply", "-f", "-", given=json.dumps(with_pods))
    stack.configure(here)
    stack.up()

    after = clusters.objects()[SERVICE]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == {"app": "reviews"}
    assert f"mesh/{SERVICE}" not in stack.resources()


def elsewhere() -> Spec:
    """The bookinfo example, but reviews runs on cluster2 alone."""
    spec = bookinfo(settle=SETTLE)
    spec["services"] = [service("reviews", cluster2=["v3"])]
    spec["traffic"] = [rule("reviews.default", ["cluster1"], ("cluster2", "v3", 1))]
    return spec


def kubeconfig_of_the_role(clusters: Clusters, path: Path) -> Path:
    """A kubeconfig that may do what the documentation's ClusterRole says, under the contexts of the clusters."""
    [role] = [yaml.safe_load(block.text) for block in pages.blocks("yaml") if "kind: ClusterRole\n" in block.text]
    name = role["metadata"]["name"]
    config: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": []}
    for cluster in clusters.sandbox.clusters:
        clusters.kubectl(cluster, "apply", "-f", "-", given=json.dumps(role))
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}
        clusters.kubectl(cluster, "apply", "-f", "-", given=json.dumps(account))
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
        }
        clusters.kubectl(cluster, "apply", "-f", "-", given=json.dumps(binding))
        admin = yaml.safe_load(clusters.sandbox.kubeconfig_of(cluster).read_text())
        config["clusters"] += admin["clusters"]
        config["contexts"].append({"name": cluster, "context": {"cluster": cluster, "user": cluster}})
        token = clusters.kubectl(cluster, "create", "token", name).strip()
        config["users"].append({"name": cluster, "user": {"token": token}})
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return path


def states(live: Any, manifest: Any) -> bool:
    """Whether the live object says all that the manifest says."""
    if isinstance(manifest, dict):
        return all(key in live and states(live[key], value) for key, value in manifest.items())
    if isinstance(manifest, list):
        return len(live) == len(manifest) and all(map(states, live, manifest))
    return bool(live == manifest)


def order(record: Record, verb: str, *keys: str) -> list[str]:
    """The objects, in the order in which they were changed."""
    return [write.key for write in record.changes() if write.verb == verb and write.key in keys]
