"""A cluster that does not run a service: workloads there call it by its own name, whoever tells them the address."""

import json
from collections.abc import Iterator

import pytest

from sandbox.mesh import calls
from sandbox.mesh.topology import Port, Workload
from tests.given.specs import SPLIT
from tests.real.bed import RATINGS_PORTS, reviews, with_ratings
from tests.real.federation import Federation

pytestmark = pytest.mark.mesh

HTTP, GRPC, TCP = RATINGS_PORTS
ASKS_ITS_PROXY = "cluster1/productpage"
ASKS_THE_CLUSTER = "cluster1/console"
CONSOLE = Workload("cluster1", "console", captures_dns=False)

callers = pytest.mark.parametrize("caller", [ASKS_ITS_PROXY, ASKS_THE_CLUSTER])


@pytest.fixture(scope="module", autouse=True)
def elsewhere(federation: Federation) -> Iterator[None]:
    """Calls to ratings on cluster1 go to cluster2; the cluster's DNS knows the Service, as Kubernetes' own would."""
    federation.bed.start(CONSOLE)
    federation.become(with_ratings(reviews(*SPLIT)))
    (made,) = (
        service
        for service in federation.bed.objects("cluster1").all("v1", "Service")
        if service["metadata"]["name"] == "ratings"
    )
    federation.bed.names.write_text(json.dumps({"ratings.default.svc.cluster.local": [made["spec"]["clusterIP"]]}))
    yield
    federation.bed.names.write_text("{}")
    federation.bed.stop(CONSOLE)


@callers
@pytest.mark.parametrize("port", [HTTP, TCP], ids=lambda port: port.name)
def test_its_own_name_leads_to_the_other_cluster(port: Port, caller: str, federation: Federation) -> None:
    report = federation.send(50, f"http://ratings:{port.number}/", caller)

    assert report.failures == []
    assert report.answers == {"v1 on cluster2": 50}
    answer = report.samples["v1 on cluster2"]
    assert (answer["service"], answer["port"]) == ("ratings", port.number)


@callers
def test_its_own_name_serves_grpc(caller: str, federation: Federation) -> None:
    found = calls.grpc(federation.bed.caller(caller), f"ratings:{GRPC.number}", number=50)

    last = found["last"]
    assert found["answers"] == {"ratings-v1-0": 50}
    assert (last["cluster"], last["port"]) == ("cluster2", GRPC.number)
    assert last["caller"] == f"spiffe://cluster1/ns/default/sa/bookinfo-{caller.partition('/')[2]}"


def test_a_proxy_answers_no_question_of_a_workload_that_does_not_ask_it(federation: Federation) -> None:
    """Or the tests above would show less than they say: only the cluster's DNS tells the console of ratings."""
    stated = federation.bed.names.read_text()
    federation.bed.names.write_text("{}")
    try:
        [failure] = federation.send(1, f"http://ratings:{HTTP.number}/", ASKS_THE_CLUSTER).failures
    finally:
        federation.bed.names.write_text(stated)

    assert "Name or service not known" in failure.reason
