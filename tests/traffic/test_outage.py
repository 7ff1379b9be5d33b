"""A cluster with two gateway addresses loses one."""

import time

import pytest

from sandbox.mesh import calls
from sandbox.mesh.load import Report, Stall
from tests.given.specs import Spec, cluster
from tests.real.bed import GATEWAYS, reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

RATE = 100.0
OUTBOUND = "outbound|9080|v3|reviews.default.svc.cluster2.global"
SECOND = f"{GATEWAYS['cluster2'][1]}:15443"
CONNECT_TIMEOUT = 1.0


def over_two_gateways() -> Spec:
    spec = reviews(("cluster2", "v3", 1))
    spec["clusters"]["cluster2"] = cluster("cluster2", *GATEWAYS["cluster2"])
    return spec


def test_an_application_that_answers_only_500_gets_no_gateway_ejected(federation: LiveFederation) -> None:
    federation.become(over_two_gateways())
    caller = federation.bed.caller("cluster1/productpage")

    report = calls.at_pace(caller, f"{REVIEWS}status/500", rate=RATE, seconds=5)

    assert {failure.reason[:3] for failure in report.failures} == {"500"}
    assert len(report.failures) == report.requests
    assert federation.bed.proxy(caller.workload).ejected(OUTBOUND) == []
    assert federation.send(100).answers == {"v3 on cluster2": 100}


def test_a_gateway_that_dies_costs_a_request_for_each_open_connection_and_then_nobody_waits(
    federation: LiveFederation,
) -> None:
    """Those requests hang for as long as TCP repeats them: here until the load loses patience, after five seconds.

    Others wait for a connection, a second; then the first of them has the dead address ejected.
    """
    federation.become(over_two_gateways())
    caller = federation.bed.caller("cluster1/productpage")
    proxy = federation.bed.proxy(caller.workload)
    with calls.under_load(caller, REVIEWS, rate=RATE) as run:
        time.sleep(2.0)
        assert proxy.ejected(OUTBOUND) == []
        connections = proxy.connections(OUTBOUND)[SECOND]
        assert connections > 0
        with federation.without_address("cluster2", GATEWAYS["cluster2"][1]):
            died = time.time()
            time.sleep(6.0)
            ejected = proxy.ejected(OUTBOUND)
    report = run.report()
    federation.bed.settle()

    assert ejected == [SECOND]
    assert len(report.failures) <= connections + 2, "a busy machine may have opened some meanwhile"
    assert {failure.reason for failure in report.failures} == {"no answer within 5 s"}
    stalls = stalled(report)
    assert all(stall.seconds < 2.0 for stall in stalls), stalls
    sent = [*(failure.at for failure in report.failures), *(stall.at for stall in stalls)]
    assert max(sent) - died < 3.0


def test_a_dead_gateway_costs_one_stall_of_about_a_second_and_no_request(federation: LiveFederation) -> None:
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
    assert ejected == [SECOND]
    stalls = stalled(report)
    assert all(stall.seconds < 2.0 for stall in stalls), stalls
    sent = [stall.at for stall in stalls]
    assert not sent or max(sent) - min(sent) < 1.5, "more than one stall"


def stalled(report: Report) -> list[Stall]:
    """Answers that waited for a connection that did not come about; a busy machine delays others by less."""
    return [stall for stall in report.stalls if stall.seconds >= 0.9 * CONNECT_TIMEOUT]
