"""A stack goes on when it gets a pool of the other IP family: no address moves, and nothing is replaced."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.given import core
from tests.given.specs import Spec, cluster, rule, service
from tests.real.clusters import Clusters
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

IPV4, IPV6 = "240.16.0.0/16", "fd00:240::/64"
HOSTS = ["a.default.svc.cluster2.global", "b.default.svc.cluster2.global"]


@pytest.mark.parametrize("first", [IPV4, IPV6])
def test_a_second_pool_moves_no_address_and_neither_does_the_order_of_the_two(
    first: str, stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    stack.configure(federation({"pool": first}))
    stack.up()
    before = stack.outputs()["addresses"]
    assert [*before] == HOSTS

    stack.configure(federation({"pools": [first]}))
    stack.preview("--expect-no-changes")
    stack.configure(federation({"pools": [IPV4, IPV6]}))
    assert {step["op"] for step in stack.preview_steps().values()} <= {"same", "update"}
    identities = clusters.uids()
    stack.up()

    both = stack.outputs()["addresses"]
    assert clusters.uids() == identities
    assert {host: own[first == IPV6] for host, own in both.items()} == before
    assert all(":" not in own[0] and own[1].startswith("fd00:240::") for own in both.values())
    assert entries(clusters) == both
    assert rendered(stack, both, tmp_path) == both

    stack.configure(federation({"pools": [IPV6, IPV4]}))
    stack.preview("--expect-no-changes")

    stack.configure(federation({"pools": [IPV6, IPV4], "pins": {HOSTS[0]: "fd00:240::9"}}, ipFamilies=["IPv6"]))
    stack.up()

    assert entries(clusters) == {HOSTS[0]: ["fd00:240::9"], HOSTS[1]: [both[HOSTS[1]][1]]}
    assert stack.outputs()["addresses"] == {**both, HOSTS[0]: [both[HOSTS[0]][0], "fd00:240::9"]}

    stack.configure(federation({"pool": IPV4}))
    stack.up()

    assert stack.outputs()["addresses"] == {host: own[0] for host, own in both.items()}


def federation(addresses: Spec, **of_the_client: Any) -> Spec:
    """Two services on cluster2, which cluster1 calls."""
    return {
        "clusters": {
            "cluster1": {**cluster("cluster1", "192.0.2.1"), **of_the_client},
            "cluster2": cluster("cluster2", "192.0.2.2", "2001:db8::2"),
        },
        "services": [service(name, cluster1=["v1"], cluster2=["v1"]) for name in ("a", "b")],
        "traffic": [rule(f"{name}.default", ["cluster1"], ("cluster2", "v1", 1)) for name in ("a", "b")],
        "addresses": addresses,
        "settleSeconds": 0,
    }


def entries(clusters: Clusters) -> dict[str, list[str]]:
    """Host → addresses, as the API servers tell it."""
    specs = [obj["spec"] for key, obj in clusters.objects().items() if "/ServiceEntry/" in key]
    return {spec["hosts"][0]: spec["addresses"] for spec in specs}


def rendered(stack: Stack, addresses: Spec, directory: Path) -> dict[str, list[str]]:
    """The same, as `render` writes it with the stack's output."""
    (directory / "addresses.json").write_text(json.dumps(addresses))
    out = directory / "out"
    arguments = (stack.config_file, "--out", out, "--addresses", directory / "addresses.json")
    assert core.run("render", *arguments) == 0
    specs = [yaml.safe_load(file.read_text())["spec"] for file in out.glob("cluster1/serviceentry-*.yaml")]
    return {spec["hosts"][0]: spec["addresses"] for spec in specs}
