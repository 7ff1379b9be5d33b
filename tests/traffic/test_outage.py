"""A cluster with two gateway addresses loses one."""

import time

import pytest

from sandbox.mesh import calls

from .federation import REVIEWS, Federation
from .specs import GATEWAYS, Spec, cluster, reviews

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

RATE = 100.0
OUTBOUND = "outbound|9080|v3|reviews.default.svc.cluster2.global"


def over_two_gateways() -> Spec:
    spec = reviews(("cluster2", "v3", 1))
    spec["clusters"]["cluster2"] = cluster("cluster2", *GATEWAYS["cluster2"])
    return spec


def test_an_application_that_answers_only_500_gets_no_gateway_ejected(federation: Federation) -> None:
    federation.become(over_two_gateways())
    caller = federation.bed.caller("cluster1/productpage")

    report = calls.at_pace(caller, f"{REVIEWS}status/500", rate=RATE, seconds=5)

    assert {failure.reason[:3] for failure in report.failures} == {"500"}
    assert len(report.failures) == report.requests
    assert federation.bed.proxy(caller.workload).ejected(OUTBOUND) == []
    assert federation.send(100).answers == {"v3 on cluster2": 100}


def test_a_dead_gateway_costs_one_stall_of_about_a_second_and_no_request(federation: Federation) -> None:
    federation.become(reviews(("cluster2", "v3", 1)))
    with federation.without_address("cluster2", GATEWAYS["cluster2"][1]):
        caller = federation.bed.caller("cluster1/productpage")
        with calls.under_load(caller, REVIEWS, rate=RATE) as run:
            federation.become(over_two_gateways())
            time.sleep(5.0)
        report = run.report()
        ejected = federation.bed.proxy(caller.workload).ejected(OUTBOUND)
    federation.bed.settle()

    assert report.failures == []
    assert ejected == [f"{GATEWAYS['cluster2'][1]}:15443"]
    assert all(stall.seconds < 2.0 for stall in report.stalls), report.stalls
    sent = [stall.at for stall in report.stalls]
    assert not sent or max(sent) - min(sent) < 1.5, "more than one stall"


def test_a_gateway_that_dies_keeps_nobody_waiting_who_asks_afterwards(federation: Federation) -> None:
    """Requests on its connections hang for as long as TCP repeats them: until it is back, or for many minutes."""
    federation.become(over_two_gateways())
    caller = federation.bed.caller("cluster1/productpage")
    with calls.under_load(caller, REVIEWS, rate=RATE) as run:
        time.sleep(2.0)
        died = time.time()
        with federation.without_address("cluster2", GATEWAYS["cluster2"][1]):
            time.sleep(8.0)
            ejected = federation.bed.proxy(caller.workload).ejected(OUTBOUND)
    report = run.report()
    federation.bed.settle()

    assert ejected == [f"{GATEWAYS['cluster2'][1]}:15443"]
    assert all(failure.at - died < 0.5 for failure in report.failures), report.failures
    assert len(report.failures) <= 5
    assert all(stall.seconds < 2.0 for stall in report.stalls), report.stalls
