"""Entries: what a request says decides who answers it, how long it may take, and how often it is tried."""

import pytest

from sandbox.mesh import calls
from sandbox.mesh.load import Report
from tests.given.specs import Spec
from tests.real.bed import reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = pytest.mark.mesh

V3 = [{"cluster": "cluster2", "version": "v3"}]


def told_apart() -> Spec:
    """Testers reach v4; two paths reach v3, each on its own terms; everybody else reaches v1 here."""
    spec = reviews(("cluster1", "v1", 1))
    [rule] = spec["traffic"]
    testers = {
        "name": "testers",
        "match": [{"headers": {"x-canary": {"exact": "true"}}}],
        "route": [{"cluster": "cluster2", "version": "v4"}],
    }
    patient = {
        "name": "patient",
        "match": [{"uri": {"prefix": "/fails/"}}],
        "timeout": "9s",
        "retries": {"attempts": 2, "perTryTimeout": "3s", "retryOn": "5xx"},
        "route": V3,
    }
    hasty = {"name": "hasty", "match": [{"uri": {"prefix": "/after/"}}], "timeout": "1s", "route": V3}
    return {**spec, "traffic": [{**rule, "http": [testers, patient, hasty, *rule["http"]]}]}


def test_a_header_decides_who_answers(federation: LiveFederation) -> None:
    federation.become(told_apart())

    assert send(federation, "", "x-canary: true").answers == {"v4 on cluster2": 1}
    assert send(federation, "", "x-canary: false").answers == {"v1 on cluster1": 1}
    assert send(federation, "").answers == {"v1 on cluster1": 1}


def test_a_path_decides_how_often_a_request_is_tried(federation: LiveFederation) -> None:
    federation.become(told_apart())

    assert send(federation, "fails/2/twice").answers == {"v3 on cluster2": 1}
    [failure] = send(federation, "fails/3/thrice").failures
    assert failure.reason.startswith("503")
    assert send(federation, "fails/3/thrice").answers == {"v3 on cluster2": 1}, "three tries are behind us, and no more"


def test_a_path_decides_how_long_an_answer_may_take(federation: LiveFederation) -> None:
    federation.become(told_apart())

    assert send(federation, "after/0").answers == {"v3 on cluster2": 1}
    [failure] = send(federation, "after/3").failures
    assert failure.reason.startswith("504")
    assert 0.9 < failure.seconds < 2.5


def send(federation: LiveFederation, path: str, *headers: str) -> Report:
    """One request."""
    return calls.send(federation.bed.caller("cluster1/productpage"), f"{REVIEWS}{path}", headers=headers)
