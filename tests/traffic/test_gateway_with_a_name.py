"""A gateway that is known by a DNS name."""

import json

import pytest

from tests.real.bed import GATEWAYS, reviews
from tests.real.federation import LiveFederation

pytestmark = pytest.mark.mesh

NAME = "gateway.cluster2.example.com"


def test_a_gateway_with_a_dns_name_is_reached_at_the_address_of_that_name(federation: LiveFederation) -> None:
    federation.bed.names.write_text(json.dumps({NAME: [GATEWAYS["cluster2"][1]]}))
    federation.become(reviews(("cluster2", "v3", 1), gateway=NAME))

    assert federation.send(100).answers == {"v3 on cluster2": 100}
    proxy = federation.bed.proxy(federation.bed.caller("cluster1/productpage").workload)
    endpoints = proxy.endpoints("outbound|9080|v3|reviews.default.svc.cluster2.global")
    assert endpoints == [f"{GATEWAYS['cluster2'][1]}:15443"]
