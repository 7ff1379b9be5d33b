"""Two gateways of one cluster, with pods of their own: their shares of the calls, and the way from one to the other."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.mesh import calls
from sandbox.mesh.topology import GATEWAY_PORT, GATEWAY_SERVICE, gateway
from tests.given.specs import Spec
from tests.real.bed import GATEWAYS, SETTLE, reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

OUTBOUND = "outbound|9080|v3|reviews.default.svc.cluster2.global"
OLD_ADDRESS, NEW_ADDRESS = GATEWAYS["cluster2"][0], "172.18.0.241"
NEW = replace(gateway("cluster2", NEW_ADDRESS, istio="next"), service=f"{GATEWAY_SERVICE}-next")


@pytest.fixture(scope="module")
def two(federation: LiveFederation) -> Iterator[LiveFederation]:
    """The bed has one more gateway on cluster2."""
    federation.bed.start(NEW)
    yield federation
    federation.become(reviews(("cluster2", "v3", 1)))
    federation.bed.stop(NEW)


def test_gateways_get_calls_in_proportion_to_their_weights(two: LiveFederation) -> None:
    two.become(over(old=90, new=10))
    proxy = two.bed.proxy(two.bed.caller("cluster1/productpage").workload)
    before = proxy.requests(OUTBOUND)

    report = two.send(4000)

    assert report.answers == {"v3 on cluster2": 4000}
    sent = {address: number - before[address] for address, number in proxy.requests(OUTBOUND).items()}
    assert sent.keys() == {f"{OLD_ADDRESS}:{GATEWAY_PORT}", f"{NEW_ADDRESS}:{GATEWAY_PORT}"}
    assert sum(sent.values()) == 4000
    assert 340 <= sent[f"{NEW_ADDRESS}:{GATEWAY_PORT}"] <= 460, sent


def test_a_gateway_joins_takes_all_calls_and_replaces_another_and_no_request_is_lost(two: LiveFederation) -> None:
    caller = two.bed.caller("cluster1/productpage")
    proxy = two.bed.proxy(caller.workload)
    two.become(reviews(("cluster2", "v3", 1)))
    with calls.under_load(caller, REVIEWS, rate=100, at_most=600) as run:
        for spec in (over(old=1, new=0), over(old=50, new=50), over(old=0, new=1), over(new=1)):
            two.update(spec)
            time.sleep(2 * SETTLE)
    report = run.report()

    assert report.failures == []
    assert report.answers.keys() == {"v3 on cluster2"}
    assert proxy.endpoints(OUTBOUND) == [f"{NEW_ADDRESS}:{GATEWAY_PORT}"]
    gateways = two.bed.objects("cluster2").all("networking.istio.io/v1", "Gateway")
    assert [gateway["spec"]["selector"] for gateway in gateways] == [{"istio": "next"}]


def over(**weights: int) -> Spec:
    """All calls to reviews go to cluster2, by its gateways with these weights."""
    stated: dict[str, Any] = {
        "old": {"addresses": [OLD_ADDRESS]},
        "new": {"addresses": [NEW_ADDRESS], "selector": dict(NEW.labels)},
    }
    names = {"old": "default", "new": "next"}
    spec = reviews(("cluster2", "v3", 1))
    cluster = {key: value for key, value in spec["clusters"]["cluster2"].items() if key != "gateway"}
    gateways = {names[name]: {**stated[name], "weight": weight} for name, weight in weights.items()}
    spec["clusters"]["cluster2"] = {**cluster, "gateways": gateways}
    return spec
