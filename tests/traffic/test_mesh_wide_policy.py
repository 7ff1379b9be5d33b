"""A mesh whose own default traffic policy ejects whoever answers with errors, and calls that leave its cluster."""

from collections.abc import Iterator

import pytest

from sandbox.mesh import calls
from tests.given.specs import Spec
from tests.real.bed import reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

AT_HOME = "outbound|9080||details.default.svc.cluster.local"
ACROSS = "outbound|9080||reviews.default.svc.cluster2.global"
DEFAULT = {"outlierDetection": {"consecutive5xxErrors": 5, "maxEjectionPercent": 100}}


@pytest.fixture
def federation_in_a_strict_mesh(federation: LiveFederation) -> Iterator[LiveFederation]:
    istiod = federation.bed.istiod("cluster1")
    before = istiod.configuration()
    istiod.configure({**before, "defaultTrafficPolicy": DEFAULT})
    try:
        yield federation
    finally:
        istiod.configure(before)
        federation.bed.settle()


def test_an_application_that_answers_500_does_not_get_the_only_gateway_ejected(
    federation_in_a_strict_mesh: LiveFederation,
) -> None:
    federation = federation_in_a_strict_mesh
    federation.become(to_any_version())
    caller = federation.bed.caller("cluster1/productpage")
    proxy = federation.bed.proxy(caller.workload)
    assert proxy.clusters()[AT_HOME]["outlier_detection"]["consecutive_5xx"] == 5, "the mesh's default is in force"

    report = calls.at_pace(caller, f"{REVIEWS}status/500", rate=50, seconds=2)

    assert {failure.reason[:3] for failure in report.failures} == {"500"}
    assert len(report.failures) == report.requests
    assert proxy.ejected(ACROSS) == []
    assert sum(federation.send(100).answers.values()) == 100


def to_any_version() -> Spec:
    """All calls to reviews go to any pod on cluster2, by its only gateway; the host's policy counts, no subset's."""
    spec = reviews(("cluster2", "v3", 1))
    spec["traffic"][0]["http"][0]["route"] = [{"cluster": "cluster2"}]
    return spec
