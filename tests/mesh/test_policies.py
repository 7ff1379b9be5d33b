"""What traffic policies of a service, its cluster and a version become together."""

from typing import Any

import pytest
from mesh_federation.mesh.policies import defaults, merged

from tests.given import core
from tests.given.specs import Spec, bookinfo

HASH: dict[str, Any] = {"httpHeaderName": "x-user"}
COOKIE: dict[str, Any] = {"httpCookie": {"name": "user"}}


def balancer(**fields: Any) -> dict[str, Any]:
    return {"loadBalancer": fields}


def http(**fields: Any) -> dict[str, Any]:
    return {"connectionPool": {"http": fields}}


@pytest.mark.parametrize(
    ("wide", "narrow", "together"),
    [
        (balancer(simple="RANDOM"), balancer(consistentHash=HASH), balancer(consistentHash=HASH)),
        (balancer(consistentHash=HASH), balancer(simple="RANDOM"), balancer(simple="RANDOM")),
        (balancer(consistentHash=HASH), balancer(consistentHash=COOKIE), balancer(consistentHash=COOKIE)),
        (
            balancer(consistentHash={**HASH, "ringHash": {"minimumRingSize": 9}}),
            balancer(consistentHash={"maglev": {"tableSize": 5}}),
            balancer(consistentHash={**HASH, "maglev": {"tableSize": 5}}),
        ),
        (
            balancer(consistentHash={**HASH, "minimumRingSize": 9}),
            balancer(consistentHash={"maglev": {}}),
            balancer(consistentHash={**HASH, "maglev": {}}),
        ),
        (
            balancer(localityLbSetting={"enabled": True, "distribute": [{"from": "a", "to": {"b": 100}}]}),
            balancer(localityLbSetting={"failover": [{"from": "a", "to": "b"}]}),
            balancer(localityLbSetting={"enabled": True, "failover": [{"from": "a", "to": "b"}]}),
        ),
        (
            balancer(localityLbSetting={"distribute": [{"from": "a", "to": {"b": 100}}]}),
            balancer(localityLbSetting={"failoverPriority": ["rack"]}),
            balancer(localityLbSetting={"failoverPriority": ["rack"]}),
        ),
        (
            balancer(localityLbSetting={"failoverPriority": ["rack"]}),
            balancer(localityLbSetting={"failover": [{"from": "a", "to": "b"}]}),
            balancer(localityLbSetting={"failover": [{"from": "a", "to": "b"}], "failoverPriority": ["rack"]}),
        ),
        (balancer(localityLbSetting={}), balancer(zoneAwareLbSetting={}), balancer(zoneAwareLbSetting={})),
        (http(h2UpgradePolicy="UPGRADE"), http(useClientProtocol=True), http(useClientProtocol=True)),
        (http(useClientProtocol=True), http(h2UpgradePolicy="UPGRADE"), http(h2UpgradePolicy="UPGRADE")),
        (
            http(h2UpgradePolicy="UPGRADE"),
            http(useClientProtocol=False),
            http(h2UpgradePolicy="UPGRADE", useClientProtocol=False),
        ),
        ({"tunnel": {"targetPort": 1}}, {"proxyProtocol": {}}, {"proxyProtocol": {}}),
    ],
)
def test_of_fields_of_which_istio_takes_one_the_narrower_policy_s_stays(wide: Any, narrow: Any, together: Any) -> None:
    assert merged(wide, narrow) == together


def test_errors_that_are_not_split_need_no_count_of_ours() -> None:
    stated: list[Spec] = [{"outlierDetection": {"consecutive5xxErrors": 5}}, {"outlierDetection": NOT_SPLIT}]

    outliers = merged(defaults(stated), *stated)["outlierDetection"]

    assert "consecutiveLocalOriginFailures" not in outliers
    assert outliers["consecutive5xxErrors"] == 5


NOT_SPLIT = {"splitExternalLocalOriginErrors": False}


def with_policy(cluster: str, policy: Spec) -> Spec:
    """The example, in which reviews has a policy on one of its clusters."""
    spec = bookinfo()
    spec["services"][0]["clusters"][cluster]["trafficPolicy"] = policy
    return spec


def test_a_policy_may_rely_on_our_defaults_where_they_are() -> None:
    counted = {"outlierDetection": {"consecutiveLocalOriginFailures": 3}}

    assert core.read_stated(with_policy("cluster2", counted)).warnings == ()
    (message,) = core.messages(with_policy("cluster1", counted))
    assert message.startswith("services[0].clusters.cluster1.trafficPolicy.outlierDetection.")
    assert "'consecutiveLocalOriginFailures' needs 'splitExternalLocalOriginErrors: true'" in message


def test_a_hash_on_a_cluster_that_nobody_else_calls_is_no_reason_to_warn() -> None:
    by_header = balancer(consistentHash=HASH)

    assert core.read_stated(with_policy("cluster1", by_header)).warnings == ()
    assert len(core.read_stated(with_policy("cluster2", by_header)).warnings) == 1
