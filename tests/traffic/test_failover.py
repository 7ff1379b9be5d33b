"""Substitutes: who answers while pods or gateways are dead, under load, and that everything comes back."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.mesh import calls
from sandbox.mesh.load import Report
from sandbox.mesh.topology import Workload, gateway
from tests.given.specs import Spec
from tests.real.bed import GATEWAYS, reviews
from tests.real.federation import REVIEWS, LiveFederation
from tests.real.updates import with_selectors

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

RATE = 200.0
CALLER = Workload("cluster1", "productpage")
GLOBAL = "http://reviews.default.everywhere:9080/"
PODS = {
    "cluster1": Workload("cluster1", "reviews", "v1"),
    "cluster2": Workload("cluster2", "reviews", "v3"),
    "cluster3": Workload("cluster3", "reviews", "v5"),
}
GATEWAYS_OF = {name: gateway(name, *addresses) for name, addresses in GATEWAYS.items()}
DIES = {"cluster1": PODS["cluster1"], "cluster2": GATEWAYS_OF["cluster2"], "cluster3": PODS["cluster3"]}
VERSIONS = {cluster: pod.version for cluster, pod in PODS.items()}
RETRIES = {"attempts": 5, "retryOn": "gateway-error,connect-failure,refused-stream", "retryRemoteLocalities": True}
"""Two tries for each of three, whatever the proxy has noticed by then."""


def in_order(*clusters: str) -> Spec:
    """Calls to reviews go to the first of the clusters that can answer."""
    spec = reviews((clusters[0], VERSIONS[clusters[0]], 1))
    [entry] = spec["traffic"][0]["http"]
    entry["retries"] = RETRIES
    entry["route"][0]["failover"] = [{"cluster": name, "version": VERSIONS[name]} for name in clusters[1:]]
    return with_selectors(spec)


def test_local_pods_die_and_come_back_and_no_call_is_lost(federation: LiveFederation) -> None:
    federation.become(in_order("cluster1", "cluster2", "cluster3"))

    with calls.under_load(federation.bed.pod(CALLER), REVIEWS, rate=RATE) as run:
        with dead(federation, pods=["cluster1"]):
            time.sleep(1.0)
            meanwhile = ask(federation, 200)
        await_answers(federation, {"v1 on cluster1"})
    report = run.report()

    assert report.failures == []
    assert meanwhile.answers == {"v3 on cluster2": 200}
    assert report.answers.keys() == {"v1 on cluster1", "v3 on cluster2"}
    assert report.requests / report.seconds > RATE / 2


def test_then_its_gateway_dies_and_the_next_substitute_answers(federation: LiveFederation) -> None:
    federation.become(soon_forgiven(in_order("cluster1", "cluster2", "cluster3")))

    with dead(federation, pods=["cluster1"]):
        await_answers(federation, {"v3 on cluster2"})
        with calls.under_load(federation.bed.pod(CALLER), REVIEWS, rate=RATE) as run:
            with dead(federation, gateways=["cluster2"]):
                time.sleep(1.0)
                meanwhile = ask(federation, 200)
            await_answers(federation, {"v3 on cluster2"})
        report = run.report()
    await_answers(federation, {"v1 on cluster1"})

    assert report.failures == []
    assert meanwhile.answers == {"v5 on cluster3": 200}
    assert report.answers.keys() == {"v3 on cluster2", "v5 on cluster3"}


def test_the_share_is_drawn_first(federation: LiveFederation) -> None:
    """With one of two destinations down and no substitute, exactly its share fails; the other keeps its own."""
    spec = soon_forgiven(in_order("cluster1", "cluster3"))
    [entry] = spec["traffic"][0]["http"]
    entry["route"][0]["weight"] = 60
    entry["route"].append({"cluster": "cluster2", "version": "v3", "weight": 40})
    federation.become(spec)

    with dead(federation, gateways=["cluster2"], pods=["cluster1"]):
        await_answers(federation, {"v5 on cluster3"}, none_fails=False)
        report = ask(federation, 1000)
    await_answers(federation, {"v1 on cluster1", "v3 on cluster2"})

    assert report.answers.keys() == {"v5 on cluster3"}
    # four standard deviations of a thousand draws
    assert 338 < len(report.failures) < 462


def test_whatever_is_down_the_first_that_can_answers_and_no_call_comes_back(federation: LiveFederation) -> None:
    """All combinations of three clusters. None of the calls comes in by the gateway of the cluster that made them."""
    order = ("cluster2", "cluster1", "cluster3")
    federation.become(soon_forgiven(in_order(*order)))
    before = arrived(federation)

    down: set[str] = set()
    # one dies or comes back at a time, and so every combination is there once
    for name in ("cluster1", "cluster2", "cluster1", "cluster3", "cluster1", "cluster2", "cluster1", "cluster3"):
        (federation.bed.revive if name in down else federation.bed.kill)(DIES[name])
        down ^= {name}
        first = next((name for name in order if name not in down), None)
        await_answers(federation, {f"{VERSIONS[first]} on {first}"} if first else set())
    assert not down
    assert arrived(federation) == before


def soon_forgiven(spec: Spec) -> Spec:
    """Who could not be reached is tried again after seconds."""
    spec["services"][0]["trafficPolicy"] = {"outlierDetection": {"baseEjectionTime": "1s"}}
    return spec


def test_a_name_that_means_the_service_everywhere_fails_over(federation: LiveFederation) -> None:
    """Without a rule, a call stays at home while somebody there can answer."""
    spec = with_selectors(reviews(("cluster2", "v3", 1)))
    [service] = spec["services"]
    # one version a cluster, or any of them may answer
    service["clusters"] = {name: {**service["clusters"][name], "versions": [VERSIONS[name]]} for name in PODS}
    localities = {"cluster1": "eu/1", "cluster2": "us/1", "cluster3": "eu/2"}
    clusters = {name: {**cluster, "locality": localities[name]} for name, cluster in spec["clusters"].items()}
    federation.become({**spec, "clusters": clusters, "traffic": [], "globalHosts": "{service}.{namespace}.everywhere"})
    own = [PODS["cluster1"], Workload("cluster1", "reviews", "v2")]

    with calls.under_load(federation.bed.pod(CALLER), GLOBAL, rate=RATE) as run:
        time.sleep(1.0)
        with federation.bed.unready(*own):
            meanwhile = ask(federation, 200, GLOBAL)
    report = run.report()

    assert report.failures == []
    assert meanwhile.answers == {"v5 on cluster3": 200}
    assert report.answers.keys() == {"v1 on cluster1", "v2 on cluster1", "v5 on cluster3"}
    assert ask(federation, 50, GLOBAL).answers.keys() == {"v1 on cluster1", "v2 on cluster1"}
    assert federation.answer(GLOBAL, "cluster2/productpage")["cluster"] == "cluster2"


@contextmanager
def dead(federation: LiveFederation, *, pods: Iterable[str] = (), gateways: Iterable[str] = ()) -> Iterator[None]:
    """The pods of reviews and the gateways on these clusters have died, and nobody has told."""
    killed = [*(PODS[name] for name in pods), *(GATEWAYS_OF[name] for name in gateways)]
    federation.bed.kill(*killed)
    try:
        yield
    finally:
        federation.bed.revive(*killed)


def await_answers(federation: LiveFederation, expected: set[str], *, none_fails: bool = True) -> None:
    """Until all of fifty calls are answered by these alone, or fail if there are none: an ejection has to end first."""
    deadline = time.monotonic() + 60.0
    while (report := ask(federation, 50)).answers.keys() != expected or (expected and none_fails and report.failures):
        assert time.monotonic() < deadline, f"{report.answers}, {report.failures[:1]} instead of {expected}"
        time.sleep(0.5)


def ask(federation: LiveFederation, number: int, url: str = REVIEWS) -> Report:
    """Calls from a bed some of whose programs are dead."""
    return calls.send(federation.bed.pod(CALLER), url, number=number)


def arrived(federation: LiveFederation) -> int:
    """How many connections the gateway of cluster1 has taken."""
    log = federation.bed.proxy_log(GATEWAYS_OF["cluster1"])
    return sum("outbound_" in line for line in log.splitlines())
