"""Addresses over a stack's life, in a pool so small that addresses come back."""

from collections.abc import Iterator

import pytest

from tests.given.specs import Spec, cluster, rule, service
from tests.real.clusters import Clusters
from tests.real.stack import Stack

pytestmark = pytest.mark.engine

EVERYWHERE = {"cluster1": ["v1"], "cluster2": ["v1"], "cluster3": ["v1"]}
USABLE = {f"240.0.0.{number}" for number in range(1, 12)}


def specs() -> Iterator[Spec]:
    """Ten states of one federation: services and clusters come, go, come back and change places."""
    yield federation("cluster1 cluster2", "a b")
    yield federation("cluster2 cluster1", "d c b a")
    yield federation("cluster1 cluster2", "e b c")
    yield federation("cluster3 cluster1 cluster2", "c b e")
    yield federation("cluster1 cluster3", "f c b e")
    # three go, and the four that come need all that is left and has rested; then the same again
    yield federation("cluster1 cluster3", "a f h i j")
    yield federation("cluster2 cluster3 cluster1", "f a h")
    yield federation("cluster1 cluster2 cluster3", "a f")
    # an update that changes nothing gives rest, too, and the next one needs it
    yield federation("cluster3 cluster2 cluster1", "f a")
    yield federation("cluster1 cluster2 cluster3", "a d g k")


def federation(clusters: str, services: str) -> Spec:
    """Each service runs on all the clusters, and calls from the first of them in alphabetical order are split."""
    names = clusters.split()
    client = min(names)
    share = [(name, "v1", 1) for name in names]
    return {
        "clusters": {name: cluster(name, f"192.0.2.{name[-1]}") for name in names},
        "services": [service(s, **{name: EVERYWHERE[name] for name in names}) for s in services.split()],
        "traffic": [rule(f"{s}.default", [client], *share) for s in reversed(services.split())],
        "addresses": {"pool": "240.0.0.0/28", "taken": ["240.0.0.12/30"]},
        "settleSeconds": 0,
    }


def test_over_ten_updates_no_address_moves_none_is_shared_and_none_is_reused_at_once_or_in_the_next(
    stack: Stack, clusters: Clusters
) -> None:
    earlier: dict[str, str] = {}
    before: dict[str, str] = {}
    ever: set[str] = set()
    for spec in specs():
        stack.configure(spec)
        stack.up()

        now = entries(clusters)
        assert len(now) == len(spec["services"]) * (len(spec["clusters"]) - 1)
        assert {host: now[host] for host in now.keys() & before.keys()} == {
            host: before[host] for host in now.keys() & before.keys()
        }, "an address moved"
        assert len(set(now.values())) == len(now), "an address is shared"
        given = {now[host] for host in now.keys() - before.keys()}
        assert not given & set(before.values()), "an address was given on in the update that freed it"
        assert not given & set(earlier.values()), "an address was given on in the update after the one that freed it"
        earlier, before = before, now
        ever |= given
    assert ever == USABLE, "so many came back"
    assert stack.outputs()["addresses"] == before

    # one is left that has rested; f gave up two in the last update, and k would in this one
    stack.configure(federation("cluster1 cluster2 cluster3", "a d g m"))
    refusal = stack.preview(fails=True).output
    assert "no free address in 240.0.0.0/28 for m.default.svc.cluster3.global" in refusal
    assert "4 given up by this update or the last can be used in the second after it" in refusal


def entries(clusters: Clusters) -> dict[str, str]:
    """Host → address, as the API servers tell it."""
    specs = [obj["spec"] for key, obj in clusters.objects().items() if "/ServiceEntry/" in key]
    return {spec["hosts"][0]: spec["addresses"][0] for spec in specs}
