"""What can become of the bed's workloads: some stand at the edge of the mesh, some come and go, some die."""

from collections.abc import Iterator

import pytest

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from sandbox.mesh.topology import Workload, ingress_gateway

pytestmark = pytest.mark.mesh

INGRESS = "172.18.0.240"
RATINGS = "http://ratings:9080/"
FIRST, SECOND, THIRD = (Workload("cluster3", "ratings", replica=number) for number in range(3))

GATEWAY = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "public", "namespace": "istio-ingress"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"hosts": ["shop.example.com"], "port": {"name": "http", "number": 80, "protocol": "HTTP"}}],
    },
}
ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "shop", "namespace": "default"},
    "spec": {
        "gateways": ["istio-ingress/public"],
        "hosts": ["shop.example.com"],
        "http": [{"route": [{"destination": {"host": "reviews.default.svc.cluster.local", "port": {"number": 9080}}}]}],
    },
}


@pytest.fixture
def shop(bed: Bed) -> Iterator[str]:
    """The URL of an ingress gateway of cluster3, which leads calls for shop.example.com to reviews."""
    gateway = ingress_gateway("cluster3", INGRESS)
    bed.start(gateway)
    bed.objects("cluster3").apply(GATEWAY, ROUTE)
    bed.settle()
    yield f"http://{INGRESS}/"
    bed.objects("cluster3").delete(GATEWAY, ROUTE)
    bed.stop(gateway)


@pytest.fixture
def ratings(bed: Bed) -> Iterator[Workload]:
    """The first pod of a service that other tests do not have."""
    bed.start(FIRST)
    yield FIRST
    bed.stop(FIRST)


def test_a_client_outside_the_mesh_calls_a_service_through_an_ingress_gateway(bed: Bed, shop: str) -> None:
    report = calls.send(bed.outside, shop, number=20, headers=["host: shop.example.com"])

    assert report.failures == []
    assert report.answers == {"v5 on cluster3": 20}
    answer = report.samples["v5 on cluster3"]
    assert answer["caller"] == "spiffe://cluster3/ns/istio-ingress/sa/istio-ingressgateway"


def test_an_ingress_gateway_knows_no_other_host(bed: Bed, shop: str) -> None:
    report = calls.send(bed.outside, shop, headers=["host: other.example.com"])

    assert [failure.reason for failure in report.failures] == ["404"]


def test_a_client_outside_the_mesh_reaches_no_pod(bed: Bed) -> None:
    address = bed.caller("cluster3/reviews").address

    report = calls.send(bed.outside, f"http://{address}:9080/")

    assert [failure.reason for failure in report.failures] == ["OSError: [Errno 101] Network is unreachable"]


def test_pods_that_are_added_share_the_calls_and_those_that_are_removed_get_none(bed: Bed, ratings: Workload) -> None:
    caller = bed.caller("cluster3/reviews")

    bed.start(SECOND, THIRD)
    three = calls.send(caller, RATINGS, number=300)
    bed.stop(SECOND, THIRD)
    one = calls.send(caller, RATINGS, number=30)

    assert three.failures == one.failures == []
    assert three.pods.keys() == {f"cluster3/ratings-v1-{number}" for number in range(3)}
    assert one.pods == {f"cluster3/{ratings.pod}": 30}


def test_a_pod_that_is_killed_answers_nobody_until_it_is_revived(bed: Bed, ratings: Workload) -> None:
    caller = bed.caller("cluster3/reviews")

    bed.kill(ratings)
    dead = calls.send(caller, RATINGS, number=5)
    bed.revive(ratings)
    alive = calls.send(caller, RATINGS, number=5)

    assert {failure.reason[:3] for failure in dead.failures} == {"503"}
    assert dead.answers == {}
    assert alive.failures == []
    assert alive.pods == {f"cluster3/{ratings.pod}": 5}
