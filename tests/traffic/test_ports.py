"""Several ports of one service, and the ports that the spec does not speak of."""

import pytest

from sandbox.mesh import calls
from tests.given.specs import SPLIT
from tests.real.bed import SEVERAL_PORTS, details, reviews
from tests.real.federation import LiveFederation

pytestmark = pytest.mark.mesh

HTTP, ADMIN, GRPC = SEVERAL_PORTS


@pytest.mark.parametrize("port", [9080, 9090])
def test_each_http_port_reaches_its_own_port_on_the_other_cluster(port: int, federation: LiveFederation) -> None:
    federation.become(details(*SEVERAL_PORTS))

    seen = federation.answer(f"http://details:{port}/")

    assert (seen["cluster"], seen["version"], seen["port"]) == ("cluster2", "v2", port)


def test_grpc_calls_over_one_connection_reach_the_grpc_port_of_every_pod_behind_the_gateway(
    federation: LiveFederation,
) -> None:
    federation.become(details(*SEVERAL_PORTS))

    report = calls.grpc(federation.bed.caller("cluster1/productpage"), f"details:{GRPC.number}", number=2000)

    assert (report["last"]["cluster"], report["last"]["port"]) == ("cluster2", GRPC.number)
    assert report["answers"].keys() == {"details-v2-0", "details-v2-1"}
    # each connection leads to one pod, and is renewed after 100 calls: of 20, fewer than two lead to one of the pods
    # once in 25,000 times
    assert min(report["answers"].values()) > 100


def test_a_port_that_the_spec_does_not_list_stays_where_it_was(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))
    before = federation.answer(f"http://details:{ADMIN.number}/")
    federation.become(details(HTTP))

    assert federation.answer(f"http://details:{HTTP.number}/")["cluster"] == "cluster2"
    after = federation.answer(f"http://details:{ADMIN.number}/")

    assert (before["cluster"], after["cluster"], after["port"]) == ("cluster1", "cluster1", ADMIN.number)
