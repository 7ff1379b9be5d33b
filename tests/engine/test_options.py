"""What the engine's own options do to a federation, and a stack that changes its place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.given.specs import Spec, bookinfo, cluster, rule, service
from tests.real.clusters import Clusters
from tests.real.installed import home_of_package
from tests.real.stack import REPOSITORY, Stack, program

pytestmark = pytest.mark.engine

WITH_OPTIONS = """
import pulumi
from mesh_federation import MeshFederation, settings

MeshFederation("mesh", settings.read(), pulumi.ResourceOptions({options}))
"""

BESIDE_OTHERS = """
import asyncio

import pulumi
from mesh_federation import MeshFederation, settings
from pulumi_kubernetes.apiextensions import CustomResource

stated = settings.read()


def entry(name, host):
    return CustomResource(
        name,
        api_version="networking.istio.io/v1",
        kind="ServiceEntry",
        metadata={{"name": name, "namespace": "default"}},
        spec={{
            "hosts": [host],
            "ports": [{{"name": "http", "number": 80, "protocol": "HTTP"}}],
            "resolution": "DNS",
        }},
        opts=pulumi.ResourceOptions(provider=stated["clusters"]["cluster1"]["provider"]),
    )


async def a_second_after(resource):
    await resource.id.future()
    await asyncio.sleep(1)
    return "late.example"


if {there}:
    taken = entry("taken", "taken.example")
    late = entry("late", a_second_after(taken))
    MeshFederation("mesh", stated, pulumi.ResourceOptions(depends_on=[late], deleted_with=taken))
"""


def test_under_protect_additions_and_edits_work_and_a_removal_fails_in_preview(
    new_stack: Callable[..., Stack], clusters: Clusters, tmp_path: Path
) -> None:
    stack = new_stack(program=program(tmp_path / "program", WITH_OPTIONS.format(options="protect=True")))
    spec = bookinfo()
    stack.configure(spec)
    stack.up()

    spec["services"][0]["clusters"]["cluster2"]["versions"] = ["v3", "v4"]
    v3, *_ = spec["traffic"][0]["http"][0]["route"]
    spec["traffic"][0]["http"][0]["route"].append({**v3, "version": "v4", "weight": 5})
    v3["weight"] = 70
    stack.configure(spec)
    stack.up()
    before = clusters.objects()
    assert "cluster2/DestinationRule/default/v4.reviews" in before

    stack.configure(bookinfo())
    failure = stack.run("up", "--yes", fails=True).output
    assert "cannot be deleted" in failure
    assert "mesh/cluster2/DestinationRule/default/v4.reviews" in failure
    assert "Updating" not in failure, "it failed in the preview"
    assert clusters.objects() == before


def test_objects_under_retain_on_delete_outlive_their_version_and_their_stack(
    new_stack: Callable[..., Stack], clusters: Clusters, tmp_path: Path
) -> None:
    stack = new_stack(program=program(tmp_path / "program", WITH_OPTIONS.format(options="retain_on_delete=True")))
    stack.configure(bookinfo())
    stack.up()
    before = set(clusters.objects())

    without_v2 = bookinfo()
    without_v2["traffic"][0]["http"][0]["route"].pop()
    stack.configure(without_v2)
    stack.up()
    assert "mesh/cluster1/DestinationRule/default/v2.reviews" not in stack.resources()
    assert set(clusters.objects()) == before

    stack.destroy()
    assert not stack.resources()
    assert set(clusters.objects()) == before


def test_objects_come_after_what_they_depend_on_and_stay_when_what_they_are_deleted_with_goes(
    new_stack: Callable[..., Stack], clusters: Clusters, tmp_path: Path
) -> None:
    source = tmp_path / "program"
    stack = new_stack(program=program(source, BESIDE_OTHERS.format(there=True)))
    stack.configure(bookinfo())
    record = clusters.record()
    stack.up()
    others = {"cluster1/ServiceEntry/default/taken", "cluster1/ServiceEntry/default/late"}
    ours = {key: obj for key, obj in clusters.objects().items() if key not in others}
    assert len(ours) == 8
    written = [write.key for write in record.writes()]
    assert set(written[:2]) == others
    assert set(written[2:]) == ours.keys()

    program(source, BESIDE_OTHERS.format(there=False))
    stack.up()
    assert not {f"mesh/{key}" for key in ours} & stack.resources().keys()
    assert clusters.objects() == ours


def test_a_target_that_needs_a_new_address_fails_with_the_flag_to_add_and_then_works(
    stack: Stack, clusters: Clusters
) -> None:
    stack.configure(bookinfo())
    stack.up()
    spec = bookinfo()
    spec["services"].append(service("ratings", cluster1=["v1"], cluster2=["v1"]))
    spec["traffic"].append(rule("ratings.default", ["cluster1"], ("cluster2", "v1", 1)))
    stack.configure(spec)
    pool = "urn:pulumi:test::mesh::mesh:index:MeshFederation$pulumi-python:dynamic/mesh:AddressPool::mesh/addresses"
    entry = "mesh/cluster1/ServiceEntry/istio-system/ratings.default.svc.cluster2.global"
    targets = [f"--target=**::{entry}", "--target=**::mesh/cluster1/DestinationRule/istio-system/ratings.**"]

    failure = stack.run("up", "--yes", *targets, fails=True).output
    assert "ratings.default.svc.cluster2.global has no address yet" in failure
    assert f"add --target '{pool}'" in failure
    assert "Updating" not in failure, "it failed in the preview"

    stack.up(*targets, "--target", pool)
    assert clusters.objects()[entry.removeprefix("mesh/")]["spec"]["addresses"]


def test_a_stack_made_from_a_checkout_goes_on_from_the_installed_distribution(
    stack: Stack, clusters: Clusters, installed: Path, tmp_path: Path
) -> None:
    stack.configure(bookinfo())
    stack.up()
    entry = "cluster1/ServiceEntry/istio-system/reviews.default.svc.cluster2.global"
    before = clusters.objects()[entry]

    stack.program = tmp_path / "elsewhere"
    stack.program.mkdir()
    for name in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(REPOSITORY / name, stack.program)
    (stack.program / ".venv").symlink_to(installed)
    assert home_of_package(stack.program, ".venv").is_relative_to(installed)

    stack.hosts = None
    stack.run("refresh", "--yes", "--skip-preview", "--run-program")
    without_v2 = bookinfo()
    without_v2["traffic"][0]["http"][0]["route"].pop()
    stack.configure(without_v2)
    stack.up()
    assert "cluster1/DestinationRule/default/v2.reviews" not in clusters.objects()
    assert clusters.objects()[entry] == before
    stack.destroy()
    assert not clusters.objects()


def test_nine_pairs_of_clusters_settle_in_the_time_of_one(stack: Stack, clusters: Clusters) -> None:
    stack.hosts = None  # it is about processes of their own
    settle = 5
    stack.configure(all_to_all(settle))
    record = clusters.record()

    stack.up("--parallel", "32")

    pairs = [name for name, state in stack.resources().items() if state["type"].endswith(":Arrivals")]
    written = record.writes()
    needs = [write.time for write in written if write.kind != "VirtualService"]
    routes = [write.time for write in written if write.kind == "VirtualService"]
    assert len(pairs) == 9
    assert len(routes) == 3
    assert settle <= min(routes) - max(needs)
    assert max(routes) - max(needs) < 2 * settle


def all_to_all(settle: int) -> Spec:
    """Calls on each of three clusters are answered by all three."""
    names = ["cluster1", "cluster2", "cluster3"]
    return {
        "clusters": {name: cluster(name, f"192.0.2.{name[-1]}") for name in names},
        "services": [service("reviews", cluster1=["v1"], cluster2=["v1"], cluster3=["v1"])],
        "traffic": [rule("reviews.default", names, *((name, "v1", 1) for name in names))],
        "settleSeconds": settle,
    }
