"""Calls from outside every mesh: an ingress gateway is a client like the workloads."""

import time
from collections.abc import Iterator

import pytest

from sandbox.mesh import calls
from sandbox.mesh.load import Report
from sandbox.mesh.topology import ingress_gateway
from tests.given.specs import SPLIT, Spec, service
from tests.real.bed import reviews
from tests.real.federation import LiveFederation
from tests.real.noise import RATE
from tests.real.shares import assert_split

pytestmark = pytest.mark.mesh

INGRESS = ingress_gateway("cluster1", "172.18.0.241")
[ADDRESS] = INGRESS.wan
SHOP = "shop.example.com"
TEAM = "team.example.com"
PUBLIC = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "public", "namespace": "istio-ingress"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"hosts": [SHOP, TEAM], "port": {"name": "http", "number": 80, "protocol": "HTTP"}}],
    },
}
OF_THE_TEAM = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "team", "namespace": "default"},
    "spec": {
        "gateways": ["istio-ingress/public"],
        "hosts": [TEAM],
        "http": [{"route": [{"destination": {"host": "details.default.svc.cluster.local", "port": {"number": 9080}}}]}],
    },
}
"""What somebody made who knows nothing of federations."""


@pytest.fixture(scope="module", autouse=True)
def ingress(federation: LiveFederation) -> Iterator[None]:
    """A gateway of cluster1, with the Gateway that admits both hosts and the team's own VirtualService."""
    federation.bed.start(INGRESS)
    federation.bed.objects("cluster1").apply(PUBLIC, OF_THE_TEAM)
    federation.become(shop())
    yield
    federation.bed.objects("cluster1").delete(PUBLIC, OF_THE_TEAM)
    federation.bed.stop(INGRESS)


def shop(*shares: tuple[str, str, int]) -> Spec:
    """Calls from outside are spread as calls to reviews in the bookinfo example, but for one path."""
    spec = reviews(*(shares or SPLIT))
    [rule] = spec["traffic"]
    to_details = {
        "match": [{"uri": {"prefix": "/details"}}],
        "route": [{"cluster": "cluster2", "service": "details.default", "version": "v2"}],
    }
    return {
        **spec,
        "services": [*spec["services"], service("details", cluster1=["v1"], cluster2=["v2"])],
        "traffic": [
            {
                **rule,
                "hosts": [SHOP],
                "clients": {"clusters": ["cluster1"], "gateways": ["istio-ingress/public"]},
                "http": [to_details, *rule["http"]],
            }
        ],
    }


def test_calls_from_outside_are_split_over_two_clusters(federation: LiveFederation) -> None:
    assert_split(
        lambda number: send(federation, SHOP, number=number),
        {"v3 on cluster2": 0.75, "v1 on cluster1": 0.15, "v2 on cluster1": 0.10},
    )


def test_a_path_leads_to_another_service_on_the_other_cluster(federation: LiveFederation) -> None:
    report = send(federation, SHOP, "/details/7", number=20)

    assert report.failures == []
    assert report.answers == {"v2 on cluster2": 20}
    answer = report.samples["v2 on cluster2"]
    assert (answer["service"], answer["path"]) == ("details", "/details/7")
    assert answer["caller"] == "spiffe://cluster1/ns/istio-ingress/sa/istio-ingressgateway"


def test_a_host_of_the_team_s_own_virtual_service_at_the_same_gateway_stays_as_it_is(
    federation: LiveFederation,
) -> None:
    report = send(federation, TEAM, "/details/7", number=20)

    assert report.failures == []
    assert report.answers == {"v1 on cluster1": 20}
    assert report.samples["v1 on cluster1"]["service"] == "details"


def test_workloads_are_no_clients_of_a_rule_for_a_gateway(federation: LiveFederation) -> None:
    assert federation.send(100).answers.keys() == {"v1 on cluster1", "v2 on cluster1"}


def test_no_request_from_outside_is_lost_when_versions_are_swapped_and_the_rule_is_renamed(
    federation: LiveFederation,
) -> None:
    swapped = shop(("cluster1", "v1", 50), ("cluster2", "v4", 50))
    swapped["traffic"][0]["name"] = "public"
    outside = federation.bed.outside

    with calls.under_load(outside, f"http://{ADDRESS}/", rate=RATE, headers=[f"host: {SHOP}"]) as run:
        time.sleep(1.0)
        federation.update(swapped)
        federation.bed.settle()

    assert run.report().failures == []
    assert send(federation, SHOP, number=100).answers.keys() == {"v1 on cluster1", "v4 on cluster2"}


def send(federation: LiveFederation, host: str, path: str = "/", *, number: int) -> Report:
    return calls.send(federation.bed.outside, f"http://{ADDRESS}{path}", number=number, headers=[f"host: {host}"])
