"""Names: what Istio and Kubernetes take, and no two things with one name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh import names

label = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
# few letters: names that meet when they are joined by `-`
crowded = st.from_regex(r"[ab]([-ab]{0,3}[ab])?", fullmatch=True)
long = st.integers(50, 63).flatmap(lambda size: st.from_regex(rf"a{{{size - 2}}}[ab]{{2}}", fullmatch=True))


@given(label, label, label)
def test_a_gateways_name_is_a_dns_label(service: str, namespace: str, gateway: str) -> None:
    name = names.gateway_name(service, namespace, gateway)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 63


@pytest.mark.parametrize("part", [crowded, long], ids=["crowded", "long"])
def test_two_services_never_share_a_gateways_name(part: st.SearchStrategy[str]) -> None:
    gateway = st.one_of(st.just("default"), part)

    @given(st.lists(st.tuples(part, part, gateway), unique=True, min_size=2, max_size=20))
    def holds(parts: list[tuple[str, str, str]]) -> None:
        assert len({names.gateway_name(*own) for own in parts}) == len(parts)

    holds()


def test_a_gateways_name_never_changes() -> None:
    assert names.gateway_name("reviews", "default") == "reviews-default-bdabf1b129"
    assert names.gateway_name("reviews", "default", "next") == "next-reviews-default-02d2060503"


def test_the_server_name_is_the_one_that_istiod_listens_for() -> None:
    host = "reviews.default.svc.cluster.local"
    assert names.server_name(9080, "v3", host) == "outbound_.9080_.v3_.reviews.default.svc.cluster.local"
    assert names.server_name(9080, "", host) == "outbound_.9080_._.reviews.default.svc.cluster.local"


def test_a_local_host_ends_in_the_clusters_domain() -> None:
    assert names.local_host("reviews", "default", "corp.internal") == "reviews.default.svc.corp.internal"


def test_an_identity_is_a_spiffe_id() -> None:
    assert names.identity("cluster2", "default", "bookinfo") == "spiffe://cluster2/ns/default/sa/bookinfo"


def test_a_federated_host_fills_the_template_in() -> None:
    host = names.federated_host("{service}.{namespace}.svc.{cluster}.x", service="a", namespace="b", cluster="c")
    assert host == "a.b.svc.c.x"


@given(st.lists(st.tuples(crowded, crowded, crowded), unique=True, min_size=2, max_size=20))
def test_two_services_never_share_a_federated_host(triples: list[tuple[str, str, str]]) -> None:
    template = "{service}.x-{cluster}-y.{namespace}.z"
    hosts = {names.federated_host(template, service=s, namespace=n, cluster=c) for s, n, c in triples}
    assert len(hosts) == len(triples)
