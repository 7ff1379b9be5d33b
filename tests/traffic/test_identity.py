"""Who answers, and who may ask: the wrong identity on either side gets nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from sandbox.mesh.bed import Bed
from sandbox.mesh.topology import Workload
from tests.given.specs import SPLIT
from tests.real.bed import TWO_NUMBERS, reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = pytest.mark.mesh

SAN = "SAN_matcher"
IMPOSTOR = Workload("cluster2", "reviews", "v6", account="somebody-else", ports=TWO_NUMBERS)
TO_CLUSTER2 = reviews(("cluster2", "v3", 1))


def test_a_workload_with_another_service_account_is_refused(federation: LiveFederation) -> None:
    spec = reviews(("cluster2", "v6", 1))
    spec["services"][0]["clusters"]["cluster2"]["versions"].append("v6")
    federation.bed.start(IMPOSTOR)
    try:
        federation.become(spec)

        assert_refused(federation, SAN)
    finally:
        federation.bed.stop(IMPOSTOR)


def test_a_service_account_that_is_stated_wrong_gives_503_and_nobody_else_s_answer(federation: LiveFederation) -> None:
    spec = reviews(("cluster2", "v3", 1))
    spec["services"][0]["clusters"]["cluster2"]["serviceAccounts"] = ["bookinfo-details"]
    federation.become(spec)

    assert_refused(federation, SAN)


def test_a_certificate_from_another_trust_domain_than_the_spec_s_is_refused(federation: LiveFederation) -> None:
    spec = reviews(("cluster2", "v3", 1))
    spec["clusters"]["cluster2"]["trustDomain"] = "elsewhere"
    federation.become(spec)

    assert_refused(federation, SAN)


def test_a_caller_is_refused_whose_trust_domain_the_serving_mesh_does_not_accept(federation: LiveFederation) -> None:
    federation.become(TO_CLUSTER2)
    assert federation.answer()["version"] == "v3"

    with mesh_configuration(federation.bed, "cluster2", caCertificates=[]):
        federation.send(50)  # a connection that was open may carry one more request
        assert_refused(federation, "connection_termination")

    assert federation.answer()["version"] == "v3"


def test_an_accepted_trust_domain_leaves_authorization_exact_where_an_alias_would_widen_it(
    federation: LiveFederation,
) -> None:
    bed = federation.bed
    federation.become(TO_CLUSTER2)
    only_cluster1 = allow("cluster1/ns/default/sa/bookinfo-productpage")
    bed.objects("cluster2").apply(only_cluster1)
    try:
        bed.settle()
        assert federation.answer()["caller"] == "spiffe://cluster1/ns/default/sa/bookinfo-productpage"
        assert reasons(federation, "cluster2/productpage") == {"403 RBAC: access denied"}

        with mesh_configuration(bed, "cluster2", caCertificates=[], trustDomainAliases=["cluster1"]):
            assert federation.answer()["version"] == "v3"
            assert federation.answer(caller="cluster2/productpage")["version"] in {"v3", "v4"}
    finally:
        bed.objects("cluster2").delete(only_cluster1)
        bed.settle()
    federation.become(reviews(*SPLIT))


def assert_refused(federation: LiveFederation, why: str) -> None:
    """No request is answered by anybody, and the caller's proxy says why."""
    path = uuid4().hex

    report = federation.send(20, f"{REVIEWS}{path}")

    assert report.answers == {}
    assert {failure.reason[:4] for failure in report.failures} == {"503 "}
    assert any(why in line for line in logged(federation, path))


def logged(federation: LiveFederation, path: str) -> list[str]:
    """What the caller's proxy has logged of the requests for `path`."""
    caller = federation.bed.caller("cluster1/productpage").workload
    deadline = time.monotonic() + 10  # Envoy writes its log every second
    while not (lines := [line for line in federation.bed.proxy_log(caller).splitlines() if f"/{path} " in line]):
        assert time.monotonic() < deadline, f"nothing about {path} in the log"
        time.sleep(0.1)
    return lines


def reasons(federation: LiveFederation, caller: str) -> set[str]:
    return {failure.reason for failure in federation.send(5, caller=caller).failures}


@contextmanager
def mesh_configuration(bed: Bed, cluster: str, **settings: Any) -> Iterator[None]:
    """The cluster's mesh configuration with some settings replaced."""
    istiod = bed.istiod(cluster)
    before = istiod.configuration()
    try:
        istiod.configure({**before, **settings})
        bed.settle()
        yield
    finally:
        istiod.configure(before)
        bed.settle()


def allow(principal: str) -> dict[str, Any]:
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "reviews", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "reviews"}},
            "action": "ALLOW",
            "rules": [{"from": [{"source": {"principals": [principal]}}]}],
        },
    }
