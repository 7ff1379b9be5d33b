"""Where objects are not what they should be, the oracle says where a call is lost, or who refuses them."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from tests.given.hand_written import (
    ANYBODY,
    AT_V1,
    AT_V2,
    CONFIG,
    FEDERATED_HOST,
    SERVICE_HOST,
    V1,
    V2,
    Object,
    expected,
    federation,
)
from tests.oracle import hops
from tests.oracle.configuration import Endpoint
from tests.oracle.istiod import RefusalError
from tests.oracle.judgement import Judge, SpelledProblem, refusals
from tests.oracle.spreading import spread
from tests.oracle.validation import RefusedByEnvoyError, validate
from tests.oracle.world import Caller


def without_gateway(objects: dict[str, list[Object]]) -> None:
    objects["west"] = [item for item in objects["west"] if item["kind"] != "Gateway"]


def without_serving_subset(objects: dict[str, list[Object]]) -> None:
    objects["west"] = [item for item in objects["west"] if item["kind"] != "DestinationRule"]


def with_another_account(objects: dict[str, list[Object]]) -> None:
    away(objects)["subsets"][0]["trafficPolicy"]["tls"]["subjectAltNames"] = ["spiffe://west/ns/shop/sa/basket"]


def in_plain_text(objects: dict[str, list[Object]]) -> None:
    away(objects)["subsets"][0]["trafficPolicy"]["tls"] = {"mode": "DISABLE"}


def without_subset(objects: dict[str, list[Object]]) -> None:
    away(objects)["subsets"] = []


def to_another_address(objects: dict[str, list[Object]]) -> None:
    objects["east"][1]["spec"]["endpoints"][0]["address"] = "203.0.113.99"


def away(objects: dict[str, list[Object]]) -> Object:
    spec: Object = objects["east"][2]["spec"]
    return spec


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (without_gateway, "the gateway of west does not listen on 15443"),
        (without_serving_subset, f"the gateway of west has no filter chain for 'outbound_.8080_.v2_.{SERVICE_HOST}'"),
        (with_another_account, f"cart-v2 behind 'outbound_.8080_.v2_.{SERVICE_HOST}' may not answer"),
        (in_plain_text, "the gateway of west gets plain text"),
        (without_subset, f"no cluster 'outbound|8080|v2|{FEDERATED_HOST}'"),
        (to_another_address, "nobody is at 203.0.113.99:15443"),
    ],
)
def test_a_call_that_is_lost_says_where(fault: Callable[[dict[str, list[Object]]], None], reason: str) -> None:
    call = expected({"destinations": [AT_V2]})
    objects = deepcopy(federation({"route": [V2]}))
    fault(objects)

    differences = Judge(CONFIG, objects, [call]).differences(call)

    assert any(reason in line for line in differences), differences
    lost = expected({"destinations": [], "lost": 100})
    assert Judge(CONFIG, objects, [lost]).differences(lost) == []


def test_a_way_that_accepts_more_accounts_than_there_are_is_a_fault() -> None:
    objects = federation({"route": [V2]})
    away(objects)["trafficPolicy"]["tls"]["subjectAltNames"].append("spiffe://west/ns/shop/sa/more")
    caller = Caller("east", "shop")
    world = Judge(CONFIG, objects, [{"client": "east", "from": {"namespace": "shop"}}]).world()

    faults = [fault for hop in hops.hops(world, caller) for fault in hops.faults(world, hop)]

    accounts = ["spiffe://west/ns/shop/sa/cart", "spiffe://west/ns/shop/sa/more"]
    assert faults == [f"outbound|8080||{FEDERATED_HOST} on east accepts {accounts}"]


def test_what_the_mesh_does_not_know_is_closed_where_it_says_so() -> None:
    closed = expected({"closed": True}, protocol="tcp", host="198.51.100.1", port=5432)
    registry_only = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
    objects = federation({"route": [V1]})

    assert Judge(CONFIG, objects, [closed], registry_only).differences(closed) == []
    assert "a call: closed: False instead of True" in Judge(CONFIG, objects, [closed]).differences(closed)


def test_a_server_name_is_passed_on_or_not() -> None:
    tls_port = deepcopy(CONFIG)
    tls_port["mesh:services"][0]["ports"][1] = {"name": "tls", "number": 9000, "protocol": "TLS"}  # type: ignore[index]
    route = {"match": [{"port": 9000, "sniHosts": [SERVICE_HOST]}], "route": [V1]}
    objects = federation({"route": [V1]})
    objects["east"][3]["spec"]["tls"] = [{**route, "route": [{"destination": {"host": SERVICE_HOST, "subset": "v1"}}]}]
    request = {"protocol": "tls", "port": 9000}
    taken = expected(
        {"destinations": [{**AT_V1, "port": 9000}], "seen": {"sni": SERVICE_HOST}}, **request, sni=SERVICE_HOST
    )
    passed_by = expected({"destinations": [{**ANYBODY, "port": 9000}]}, **request, sni="other.example")

    judge = Judge(tls_port, objects, [taken, passed_by])

    assert judge.differences(taken) == []
    assert judge.differences(passed_by) == []


def test_a_share_is_lost_while_its_only_pods_are_down() -> None:
    http = {"route": [{**V1, "weight": 40}, {**V2, "weight": 60}]}
    call = expected({"destinations": [{**AT_V1, "share": 40}], "lost": 60})
    call["given"] = {"down": [{"cluster": "west", "service": "cart.shop", "version": "v2"}]}

    assert Judge(CONFIG, federation(http), [call]).differences(call) == []


def test_any_version_is_any_that_is_not_down() -> None:
    call = expected({"destinations": [ANYBODY], "lost": 0})
    call["given"] = {"down": [{"cluster": "east", "service": "cart.shop", "version": "v1"}]}
    anybody = {"destination": {"host": SERVICE_HOST, "port": {"number": 8080}}}

    assert Judge(CONFIG, federation({"route": [anybody]}), [call]).differences(call) == []


def test_pods_that_are_not_ready_get_no_connection_but_count() -> None:
    ready, unready, spare = (
        Endpoint(f"10.1.0.{number}", 8080, priority, 1, None, is_ready=number != 2)
        for number, priority in ((1, 0), (2, 0), (3, 1))
    )

    assert spread({}, {ready: True, unready: False}) == {ready: 100.0}
    assert spread({}, {ready: True, unready: False, spare: True}) == {ready: 70.0, spare: 30.0}


def test_a_host_that_a_rule_adds_has_an_address_outside() -> None:
    config = {**CONFIG, "mesh:traffic": [{"hosts": ["shop.example.com"]}]}
    objects = federation({"route": [V1]})
    objects["east"][3]["spec"]["hosts"].append("shop.example.com")
    known = expected({"destinations": [AT_V1], "lost": 0}, host="shop.example.com")
    unknown = expected({"destinations": [], "lost": 100}, host="blog.example.com")

    judge = Judge(config, objects, [known, unknown])

    assert judge.differences(known) == []
    assert judge.differences(unknown) == []


def test_an_object_that_istio_refuses_is_told() -> None:
    call = expected({"status": 404})

    with pytest.raises(RefusalError, match="error parsing regexp"):
        Judge(CONFIG, federation({"match": [{"uri": {"regex": "("}}], "route": [V1]}), [call]).differences(call)


def test_overlapping_hosts_of_a_gateway_are_refused_by_envoy() -> None:
    objects = federation({"route": [V1]})
    everything = deepcopy(objects["west"][1])
    everything["metadata"]["name"] = "everything"
    everything["spec"]["servers"][0]["hosts"] = ["*.local"]
    objects["west"].append(everything)
    world = Judge(CONFIG, objects, []).world()
    (gateway,) = world.inventory.clusters["west"].gateways

    with pytest.raises(RefusedByEnvoyError, match="has the same matching rules"):
        validate(world.of_gateway(gateway))


def test_refusals_are_found_by_place_and_words() -> None:
    problems = [
        SpelledProblem("traffic[0].http[1].match[0]", "can never match; http[0] takes all of it"),
        SpelledProblem("traffic[0].http[10]", "another one"),
    ]
    errors = [{"path": "traffic[0].http[1]", "mentions": ["http[0]"]}]

    assert refusals({"errors": errors, "fine": ["traffic[0].http[2]"]}, problems) == []
    assert refusals({"errors": [{"path": "traffic[0].http[2]", "mentions": []}]}, problems)
    assert refusals({"errors": [{"path": "traffic[0].http[1]", "mentions": ["http[3]"]}]}, problems)
    assert refusals({"fine": ["traffic[0].http[10]"]}, problems)
