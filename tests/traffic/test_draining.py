"""A cluster that is drained or retired: calls leave it, none is lost, and nothing waits for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from sandbox.mesh.calls import Run
from tests.given.specs import SPLIT
from tests.real.bed import DEBOUNCE, reviews
from tests.real.federation import REVIEWS, LiveFederation
from tests.real.shares import assert_split
from tests.real.updates import over_three, with_selectors, with_state
from tests.real.ways import assert_answers, await_ways

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

RATE = 150.0
EVERYWHERE = "http://reviews.default.everywhere:9080/"
FLUSH = 1.5
"""Seconds after which a proxy has written what it logs."""


@pytest.fixture
def load(federation: LiveFederation) -> Iterator[Run]:
    """Requests to reviews all the time, which are spread over two clusters at first."""
    federation.become(reviews(*SPLIT))
    with calls.under_load(federation.bed.caller("cluster1/productpage"), REVIEWS, rate=RATE) as run:
        yield run


def test_no_call_reaches_a_drained_cluster_and_its_share_returns(federation: LiveFederation, load: Run) -> None:
    """Also where the callers are on the drained cluster themselves."""
    assert calls_that_reach(federation, "cluster2", "v3") > 0

    federation.update(with_state("draining", reviews(*SPLIT), "cluster2"))
    assert calls_that_reach(federation, "cluster2", "v3") == 0
    assert federation.send(1000).answers.keys() == {"v1 on cluster1", "v2 on cluster1"}

    federation.update(with_state("draining", reviews(*SPLIT), "cluster1"))
    assert calls_that_reach(federation, "cluster1", "v1", "v2") == 0
    assert federation.send(1000).answers == {"v3 on cluster2": 1000}

    federation.move_to(reviews(*SPLIT))
    assert load.end().failures == []
    assert_split(federation.send, {"v3 on cluster2": 0.75, "v1 on cluster1": 0.15, "v2 on cluster1": 0.10})


def test_nothing_waits_for_a_retired_cluster_whose_api_server_is_gone(federation: LiveFederation, load: Run) -> None:
    """Neither the update that retires it nor a later update of the others."""
    federation.move_to(over_three())
    with without_api_server(federation.bed, "cluster3"):
        for shares in (SPLIT, (("cluster2", "v4", 50), ("cluster1", "v2", 40))):
            spec = with_state("retired", reviews(*shares, ("cluster3", "v5", 50)), "cluster3")
            federation.update(spec)
            await_ways(federation, spec, within=5.0)
            assert_answers(federation, spec)
    assert load.end().failures == []


def test_a_name_that_means_the_service_everywhere_loses_no_call_while_a_cluster_drains(
    federation: LiveFederation,
) -> None:
    """First the callers' own cluster, whose pods answer unless it drains, then the next; and both come back."""
    spec = {**with_selectors(reviews(*SPLIT)), "traffic": [], "globalHosts": "{service}.{namespace}.everywhere"}
    own_drains = with_state("draining", spec, "cluster1")
    only_cluster3 = with_state("draining", own_drains, "cluster2")
    federation.become(spec)

    with calls.under_load(federation.bed.caller("cluster1/productpage"), EVERYWHERE, rate=RATE) as run:
        for state, answering in (
            (own_drains, {"cluster2", "cluster3"}),
            (only_cluster3, {"cluster3"}),
            (own_drains, {"cluster2", "cluster3"}),
            (spec, {"cluster1"}),
        ):
            federation.update(state)
            federation.bed.settle()
            answers = federation.send(200, EVERYWHERE).answers
            assert {who.rpartition(" on ")[2] for who in answers} <= answering
            assert run.failures == []


def calls_that_reach(federation: LiveFederation, cluster: str, *versions: str) -> int:
    """How many requests the proxies of some versions of reviews receive in the next few seconds."""
    workloads = [pod.workload for pod in federation.bed.pods() if pod.workload.service == "reviews"]
    called = [workload for workload in workloads if workload.cluster == cluster and workload.version in versions]

    def so_far() -> int:
        return sum(federation.bed.proxy_log(workload).count('"GET / ') for workload in called)

    assert len(called) == len(versions)
    time.sleep(FLUSH)
    before = so_far()
    time.sleep(2 * FLUSH)
    return so_far() - before


@contextmanager
def without_api_server(bed: Bed, cluster: str) -> Iterator[None]:
    """The cluster's API server does not answer; its workloads go on. Afterwards nothing of ours is on it."""
    bed.sandbox.stop(cluster)
    try:
        yield
    finally:
        bed.sandbox.start(cluster)
        # an istiod may look only after a minute whether its API server is back
        bed.restart_istiods(DEBOUNCE)
        remove_what_was_forgotten(bed, cluster)


def remove_what_was_forgotten(bed: Bed, cluster: str) -> None:
    """The stack forgot these objects, since the cluster did not answer."""
    objects = bed.objects(cluster)
    for kind in ("DestinationRule", "Gateway"):
        objects.delete(*objects.all("networking.istio.io/v1", kind))
    bed.settle()
