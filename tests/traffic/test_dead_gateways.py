"""A cluster some of whose gateways do not answer, and the calls that go there."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.mesh import calls
from sandbox.mesh.load import Report, Stall
from sandbox.mesh.topology import GATEWAY_PORT, GATEWAY_SERVICE
from tests.given.specs import Spec, cluster
from tests.real.bed import GATEWAYS, reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

NAME = "gateways.cluster2.example.com"
OUTBOUND = "outbound|9080|v3|reviews.default.svc.cluster2.global"
LIVE, ALSO_LIVE = GATEWAYS["cluster2"]
SILENT = "172.18.0.240"
REFUSING = "172.18.1.2"
"""The router of cluster2: no program listens there."""
CONNECT_TIMEOUT = 1.0


def test_of_three_gateways_two_are_dead_and_after_three_seconds_no_call_notices(federation: LiveFederation) -> None:
    caller = federation.bed.caller("cluster1/productpage")
    with black_hole(federation, SILENT):
        federation.become(over(LIVE, SILENT, REFUSING))
        began = time.time()
        with calls.under_load(caller, REVIEWS, rate=100) as run:
            time.sleep(6.0)
            ejected = federation.bed.proxy(caller.workload).ejected(OUTBOUND)
        report = run.report()

    assert ejected == sorted(f"{address}:{GATEWAY_PORT}" for address in (SILENT, REFUSING))
    assert report.answers.keys() == {"v3 on cluster2"}
    noticed = [*(failure.at for failure in report.failures), *(stall.at for stall in waited(report))]
    assert all(at < began + 3.0 for at in noticed), report


def test_a_name_stands_for_three_gateways_of_which_one_never_answers_and_one_call_waits(
    federation: LiveFederation,
) -> None:
    federation.bed.names.write_text(json.dumps({NAME: [LIVE, ALSO_LIVE, SILENT]}))
    caller = federation.bed.caller("cluster1/productpage")
    with black_hole(federation, SILENT):
        federation.become(over(NAME))
        report = calls.Run(caller, REVIEWS, ["--number", "100", "--at-once", "1"]).report()
        ejected = federation.bed.proxy(caller.workload).ejected(OUTBOUND)

    assert report.answers == {"v3 on cluster2": 100}
    assert len(waited(report)) <= 1
    assert ejected == [f"{SILENT}:{GATEWAY_PORT}"]


def over(*gateways: str) -> Spec:
    """All calls to reviews go to cluster2."""
    spec = reviews(("cluster2", "v3", 1))
    spec["clusters"]["cluster2"] = cluster("cluster2", *gateways)
    return spec


@contextmanager
def black_hole(federation: LiveFederation, address: str) -> Iterator[None]:
    """The gateway of cluster2 has one more address, and drops whatever arrives there."""
    namespace = federation.bed.caller(f"cluster2/{GATEWAY_SERVICE}").namespace
    rule = ("INPUT", "--destination", address, "--jump", "DROP")
    namespace.configure(f"address add {address}/16 dev wan")
    namespace.run("iptables", "--append", *rule)
    try:
        yield
    finally:
        namespace.run("iptables", "--delete", *rule)
        namespace.configure(f"address delete {address}/16 dev wan")


def waited(report: Report) -> list[Stall]:
    """Answers that waited for a connection that did not come about; a busy machine delays others by less."""
    return [stall for stall in report.stalls if stall.seconds >= 0.9 * CONNECT_TIMEOUT]
