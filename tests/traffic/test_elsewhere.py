"""A cluster that does not run a service: workloads there call it by its own name, whoever tells them the address."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from sandbox.mesh import calls
from sandbox.mesh.topology import Port, Workload
from tests.given.specs import SPLIT, Spec, presence, rule
from tests.real.bed import RATINGS_PORTS, reviews, with_ratings
from tests.real.federation import LiveFederation

pytestmark = pytest.mark.mesh

HTTP, GRPC, TCP = RATINGS_PORTS
ASKS_ITS_PROXY = "cluster1/productpage"
ASKS_THE_CLUSTER = "cluster1/console"
CONSOLE = Workload("cluster1", "console", captures_dns=False)
HERE = Workload("cluster1", "ratings", ports=RATINGS_PORTS)

callers = pytest.mark.parametrize("caller", [ASKS_ITS_PROXY, ASKS_THE_CLUSTER])


@pytest.fixture(scope="module", autouse=True)
def elsewhere(federation: LiveFederation) -> Iterator[None]:
    """Calls to ratings on cluster1 go to cluster2; the cluster's DNS knows the Service, as Kubernetes' own would."""
    federation.bed.start(CONSOLE)
    federation.become(with_ratings(reviews(*SPLIT)))
    (ratings,) = (
        service
        for service in federation.bed.objects("cluster1").all("v1", "Service")
        if service["metadata"]["name"] == "ratings"
    )
    federation.bed.names.write_text(json.dumps({"ratings.default.svc.cluster.local": [ratings["spec"]["clusterIP"]]}))
    yield
    federation.bed.names.write_text("{}")
    federation.bed.stop(CONSOLE)


@callers
@pytest.mark.parametrize("port", [HTTP, TCP], ids=lambda port: port.name)
def test_its_own_name_leads_to_the_other_cluster(port: Port, caller: str, federation: LiveFederation) -> None:
    report = federation.send(50, f"http://ratings:{port.number}/", caller)

    assert report.failures == []
    assert report.answers == {"v1 on cluster2": 50}
    answer = report.samples["v1 on cluster2"]
    assert (answer["service"], answer["port"]) == ("ratings", port.number)


@callers
def test_its_own_name_serves_grpc(caller: str, federation: LiveFederation) -> None:
    report = calls.grpc(federation.bed.caller(caller), f"ratings:{GRPC.number}", number=50)

    last = report["last"]
    assert report["answers"] == {"ratings-v1-0": 50}
    assert (last["cluster"], last["port"]) == ("cluster2", GRPC.number)
    assert last["caller"] == f"spiffe://cluster1/ns/default/sa/bookinfo-{caller.partition('/')[2]}"


def test_the_console_s_proxy_answers_none_of_its_questions(federation: LiveFederation) -> None:
    """Or the tests above would show less than they say: only the cluster's DNS tells the console of ratings."""
    stated = federation.bed.names.read_text()
    federation.bed.names.write_text("{}")
    try:
        [failure] = federation.send(1, f"http://ratings:{HTTP.number}/", ASKS_THE_CLUSTER).failures
    finally:
        federation.bed.names.write_text(stated)

    assert "Name or service not known" in failure.reason


def test_a_name_that_is_made_answers_every_call_once_it_has_answered_the_first(federation: LiveFederation) -> None:
    """Until then nobody knows the name, or the caller's proxy knows the name and no route yet.

    One push brings both. Pilot-agent tells the address as soon as the push has arrived; Envoy still has to read it, and
    meanwhile passes the call on to that address, where nobody is.
    """
    federation.bed.names.write_text("{}")
    federation.become(reviews(*SPLIT))
    caller = federation.bed.caller(ASKS_ITS_PROXY).workload
    before = len(federation.bed.proxy_log(caller))

    with asking(federation) as run:
        federation.update(with_ratings(reviews(*SPLIT)))
        federation.bed.settle()
    report = run.report()

    assert report.answers.keys() == {"v1 on cluster2"}
    assert report.first_answer
    assert [failure for failure in report.failures if failure.at >= report.first_answer] == []
    log = federation.bed.proxy_log(caller)[before:]
    logged = [line for line in log.splitlines() if f'"ratings:{HTTP.number}"' in line]
    assert logged
    assert [line for line in logged if '" 200 ' not in line and " PassthroughCluster " not in line] == []


def test_no_call_is_lost_when_the_service_begins_to_run_here(federation: LiveFederation) -> None:
    """The name is handed over to the Service of the pods that come."""
    federation.become(with_ratings(reviews(*SPLIT)))

    with asking(federation) as run:
        federation.update(with_ratings(reviews(*SPLIT), createService="handOver"))
        federation.bed.start(HERE)
        federation.update(here())
        federation.bed.settle()
    report = run.report()
    after = federation.send(100, f"http://ratings:{HTTP.number}/")
    federation.become(reviews(*SPLIT))
    federation.bed.stop(HERE)

    assert report.failures == after.failures == []
    assert after.answers.keys() == {"v1 on cluster1", "v1 on cluster2"}


def here() -> Spec:
    """Calls to ratings on cluster1, which runs it by now, are split."""
    spec = with_ratings(reviews(*SPLIT))
    [of_reviews, ratings] = spec["services"]
    shares = (("cluster1", "v1", 50), ("cluster2", "v1", 50))
    return {
        **spec,
        "services": [
            of_reviews,
            {**ratings, "clusters": {**ratings["clusters"], "cluster1": presence("ratings", "v1")}},
        ],
        "traffic": [spec["traffic"][0], rule("ratings.default", ["cluster1"], *shares)],
    }


def asking(federation: LiveFederation) -> AbstractContextManager[calls.Run]:
    """Calls to ratings from a workload whose proxy tells it the address."""
    caller = federation.bed.caller(ASKS_ITS_PROXY)
    return calls.under_load(caller, f"http://ratings:{HTTP.number}/", rate=50.0)
