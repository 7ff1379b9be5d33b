"""Names and addresses stay with what they mean: a federation renamed, an address pinned, a pool without one to give."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.given.specs import Spec, bookinfo, rule, service
from tests.real.clusters import Clusters
from tests.real.stack import Stack, program

pytestmark = pytest.mark.engine

HOST = "reviews.default.svc.cluster2.global"
DETAILS = "details.default.svc.cluster2.global"
NAMED = """
import pulumi
from mesh_federation import MeshFederation, settings

federation = MeshFederation({name!r}, settings.read(), pulumi.ResourceOptions(aliases={aliases}))
pulumi.export("addresses", federation.addresses)
"""


def test_renaming_a_federation_with_an_alias_replaces_nothing(
    new_stack: Callable[..., Stack], clusters: Clusters, tmp_path: Path
) -> None:
    source = tmp_path / "program"
    stack = new_stack(program=program(source, NAMED.format(name="shop", aliases=[])))
    stack.configure(bookinfo())
    stack.up()
    before, addresses = clusters.uids(), stack.outputs()["addresses"]
    record = clusters.record()

    program(source, NAMED.format(name="bookshop", aliases="[pulumi.Alias(name='shop')]"))
    # the label `part-of` says the new name
    assert set(stack.steps().values()) == {"update"}
    stack.up()

    assert clusters.uids() == before
    assert {write.verb for write in record.writes()} == {"patch"}
    assert stack.outputs()["addresses"] == addresses
    assert not [name for name in stack.resources() if name.startswith("shop")]
    program(source, NAMED.format(name="bookshop", aliases=[]))
    stack.preview("--expect-no-changes")


def test_an_address_that_cannot_be_given_fails_in_preview_and_nothing_is_written(
    stack: Stack, clusters: Clusters
) -> None:
    spec = {**bookinfo(), "addresses": {"pool": "240.0.0.0/30"}}
    add("ratings", spec)
    stack.configure(spec)
    stack.up()
    assert set(stack.outputs()["addresses"].values()) == {"240.0.0.1", "240.0.0.2"}, "the pool is full"
    record = clusters.record()

    other = "reviews.default.svc.cluster1.global"
    twice = {HOST: "240.0.0.9", other: "240.0.0.9"}
    add("details", spec)
    for addresses, reason in (
        ({"pool": "240.0.0.0/30"}, f"no free address in 240.0.0.0/30 for {DETAILS}: widen the pool"),
        ({"pins": {HOST: "10.9.8.7"}}, f"addresses.pins.{HOST}: '10.9.8.7' of {HOST} is outside the pool 240.0.0.0/12"),
        ({"pins": twice}, f"addresses.pins.{HOST}: '240.0.0.9' of {HOST} is pinned to {other} as well"),
    ):
        stack.configure({**spec, "addresses": addresses})
        failure = stack.run("up", "--yes", fails=True).output
        assert reason in failure
        assert "Updating" not in failure, "it failed in the preview"
    assert not record.writes()


def test_a_pin_gives_a_host_the_address_that_clients_know_and_it_stays_when_the_pin_goes(
    stack: Stack, clusters: Clusters
) -> None:
    spec = bookinfo()
    stack.configure({**spec, "addresses": {"pins": {HOST: "240.0.0.9"}}})
    stack.up()
    assert address_of(clusters, HOST) == "240.0.0.9"

    stack.configure(spec)
    assert stack.steps() == {"mesh/addresses": "update"}
    stack.up()
    assert address_of(clusters, HOST) == "240.0.0.9"

    add("ratings", spec)
    newcomer = "ratings.default.svc.cluster2.global"
    stack.configure({**spec, "addresses": {"pins": {newcomer: "240.0.0.9"}}})
    assert f"240.0.0.9, pinned to {newcomer}, is held by {HOST}" in stack.preview(fails=True).output

    stack.configure({**spec, "addresses": {"pins": {HOST: "240.0.0.10", newcomer: "240.0.0.11"}}})
    stack.up()
    assert address_of(clusters, HOST) == "240.0.0.10"
    assert address_of(clusters, newcomer) == "240.0.0.11"


def add(name: str, spec: Spec) -> None:
    """A service that takes an address: cluster2 answers the calls of cluster1."""
    spec["services"].append(service(name, cluster1=["v1"], cluster2=["v1"]))
    spec["traffic"].append(rule(f"{name}.default", ["cluster1"], ("cluster2", "v1", 1)))


def address_of(clusters: Clusters, host: str) -> str:
    [address] = clusters.objects()[f"cluster1/ServiceEntry/istio-system/{host}"]["spec"]["addresses"]
    return str(address)
