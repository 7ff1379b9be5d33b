"""For every spec, every route leads to a filter chain, a subset and pods: checked on the objects alone."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import given

from tests.given.specs import Spec, gateways_of, gateways_to
from tests.given.strategies import HTTP, reference
from tests.given.translations import Object, Translation, of_kind, plain_translations, translations
from tests.oracle.reading import (
    destinations,
    local_host,
    outgoing_calls,
    policies,
    root_namespace,
    sni_chains,
    visible_rules,
)

# -- every destination of every route exists ---------------------------------------------------------------------


@given(translations)
def test_every_call_that_leaves_a_cluster_finds_its_filter_chain(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        for gateway in gateways_to(translation.spec, call.service, call.serving).values():
            if gateway.get("manage", True):
                assert call.tls["sni"] in sni_chains(translation, call.serving, gateway)


@given(translations)
def test_a_gateway_that_is_not_managed_is_asked_for_the_same_names_and_gets_no_object(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        gateways = gateways_of(translation.spec["clusters"][call.serving]).values()
        if not any(gateway.get("manage", True) for gateway in gateways):
            host = local_host(translation.spec, call.service, call.serving)
            assert call.tls["sni"] == f"outbound_.{call.port}_.{call.subset}_.{host}"
            assert not of_kind(translation.objects[call.serving], "Gateway")


@given(translations)
def test_no_gateway_has_two_equal_filter_chains(translation: Translation) -> None:
    for cluster, settings in translation.spec["clusters"].items():
        for gateway in gateways_of(settings).values():
            chains = sni_chains(translation, cluster, gateway)
            assert len(chains) == len({chain.lower() for chain in chains})


@given(translations)
def test_a_subset_selects_the_pods_that_the_spec_says(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        if call.subset:
            assert labels_of_subset(translation, call.service, call.serving, call.subset) == stated_labels(
                call.service["clusters"][call.serving], call.subset
            )
    for client, objects in translation.objects.items():
        for rule, destination in destinations(objects):
            if destination["host"].endswith(
                ".svc." + translation.spec["clusters"][client].get("domain", "cluster.local")
            ):
                name, namespace = destination["host"].split(".")[:2]
                [service] = [s for s in translation.spec["services"] if reference(s) == f"{name}.{namespace}"]
                assert destination["port"]["number"] in {port["number"] for port in service["ports"]}
                if "subset" in destination:
                    labels = labels_of_subset(translation, service, client, destination["subset"])
                    assert labels == stated_labels(service["clusters"][client], destination["subset"]), rule


def labels_of_subset(translation: Translation, service: Spec, cluster: str, subset: str) -> Object:
    host = local_host(translation.spec, service, cluster)
    rules = visible_rules(translation, cluster, "any", host, home=service["namespace"])
    [definition] = [s for rule in rules for s in rule["spec"].get("subsets", ()) if s["name"] == subset]
    labels: Object = definition["labels"]
    return labels


def stated_labels(presence: Spec, version: str) -> Object:
    labels: Object = presence.get("subsets", {}).get(version) or {"version": version}
    return labels


@given(translations)
def test_every_destination_is_the_service_itself_or_has_a_service_entry_with_that_port(
    translation: Translation,
) -> None:
    for client, objects in translation.objects.items():
        at_home = {
            local_host(translation.spec, s, client) for s in translation.spec["services"] if client in s["clusters"]
        }
        imported = {
            entry["spec"]["hosts"][0]: {port["number"] for port in entry["spec"]["ports"]}
            for entry in of_kind(objects, "ServiceEntry")
        }
        for _, destination in destinations(objects):
            known = destination["host"] in at_home or destination["port"]["number"] in imported[destination["host"]]
            assert known


@given(plain_translations)
def test_every_route_is_what_the_rule_says(translation: Translation) -> None:
    spec = translation.spec
    template = spec.get("hosts", "{service}.{namespace}.svc.{cluster}.global")
    service_of = {reference(service): service for service in spec["services"]}
    for rule in spec["traffic"]:
        for client in rule["clients"]["clusters"]:
            service = service_of[rule["service"]]
            ports = {p["number"] for p in service["ports"] if p["protocol"].upper() in HTTP}
            for port in {rule["port"]} if "port" in rule else ports:
                expected: dict[tuple[Any, ...], Any] = {}
                for stated in rule["http"][0]["route"]:
                    target = service_of[stated.get("service", rule["service"])]
                    federated = template.format(
                        service=target["name"], namespace=target["namespace"], cluster=stated["cluster"]
                    )
                    host = local_host(spec, target, client) if stated["cluster"] == client else federated
                    expected[host, stated.get("version"), stated.get("port", port)] = stated.get("weight")
                # a destination alone takes every call, and says no weight
                if len(expected) == 1:
                    expected = dict.fromkeys(expected)
                assert shares(translation, client, service, port) == expected


def shares(translation: Translation, client: str, service: Spec, port: int) -> dict[tuple[Any, ...], Any]:
    """(host, subset, port) → weight, of calls on a port."""
    host = local_host(translation.spec, service, client)
    [rule] = [r for r in of_kind(translation.objects[client], "VirtualService") if host in r["spec"]["hosts"]]
    assert (rule["metadata"]["namespace"], rule["metadata"]["name"]) == (service["namespace"], service["name"])
    [http] = [http for http in rule["spec"]["http"] if {"port": port} in http["match"]]
    weights = {
        (r["destination"]["host"], r["destination"].get("subset"), r["destination"]["port"]["number"]): r.get("weight")
        for r in http["route"]
    }
    assert len(weights) == len(http["route"])
    assert len(weights) == 1 or None not in weights.values()
    return weights


# -- the way there -----------------------------------------------------------------------------------------------


@given(translations)
def test_endpoints_are_the_serving_clusters_gateways(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        spec = call.entry["spec"]
        gateways = gateways_to(translation.spec, call.service, call.serving).values()
        port_at = {a: g.get("port", 15443) for g in gateways if g.get("weight") != 0 for a in g["addresses"]}
        assert Counter(endpoint["address"] for endpoint in spec["endpoints"]) == Counter(port_at.keys())
        by_name = any(address.endswith(".example.com") for address in port_at)
        assert spec["resolution"] == ("DNS" if by_name else "STATIC")
        for endpoint in spec["endpoints"]:
            assert endpoint["ports"] == {port["name"]: port_at[endpoint["address"]] for port in spec["ports"]}
            assert endpoint["labels"] == {"cluster": call.serving}
            assert endpoint.get("locality") == translation.spec["clusters"][call.serving].get("locality")
        assert spec["location"] == "MESH_INTERNAL"


@given(translations)
def test_gateways_share_calls_in_proportion_to_their_weights(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        weight_of = {e["address"]: e.get("weight", 1) for e in call.entry["spec"]["endpoints"]}
        gateways = [
            gateway
            for gateway in gateways_to(translation.spec, call.service, call.serving).values()
            if gateway.get("weight") != 0
        ]
        stated = [gateway.get("weight", len(gateway["addresses"])) for gateway in gateways]
        given_ = [sum(weight_of[address] for address in gateway["addresses"]) for gateway in gateways]
        assert [weight * sum(stated) for weight in given_] == [weight * sum(given_) for weight in stated]
        for gateway in gateways:
            assert len({weight_of[address] for address in gateway["addresses"]}) == 1


@given(translations)
def test_a_service_entry_offers_the_ports_of_its_service(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        stated = [(p["name"], p["number"], p["protocol"].upper()) for p in call.service["ports"]]
        listed = [(p["name"], p["number"], p["protocol"]) for p in call.entry["spec"]["ports"]]
        assert sorted(listed) == sorted(stated)


@given(translations)
def test_at_every_level_a_gateway_that_cannot_be_reached_is_left_out_but_never_the_last(
    translation: Translation,
) -> None:
    for level in levels(translation):
        detection = level["outlierDetection"]
        for gateways in range(1, 101):  # a DNS name may stand for any number
            assert left_out(detection["maxEjectionPercent"], gateways) == gateways - 1
        assert detection["splitExternalLocalOriginErrors"] is True
        assert detection["consecutiveLocalOriginFailures"] in {1, 2}, "2 where an entry ends calls after a time"
        assert detection["consecutive5xxErrors"] == detection["consecutiveGatewayErrors"] == 0


def left_out(percent: int, gateways: int) -> int:
    """How many of so many gateways Envoy ejects, one after the other, as far as `maxEjectionPercent` lets it."""
    ejected = 0
    while ejected < gateways and 100 * (ejected + 1) / gateways <= percent:
        ejected += 1
    return ejected


@given(translations)
def test_at_every_level_connections_are_kept_alive_and_none_is_waited_for_longer_than_a_second(
    translation: Translation,
) -> None:
    for level in levels(translation):
        assert level["connectionPool"]["tcp"] == {
            "connectTimeout": "1s",
            "tcpKeepalive": {"time": "30s", "interval": "10s", "probes": 3},
        }


def levels(translation: Translation) -> Iterator[Object]:
    """What Istio may take the policy of a call between clusters from: the top of a policy, and each of its ports."""
    for _, manifest in translation.everything:
        for policy in policies(manifest):
            yield policy
            yield from policy["portLevelSettings"]


@given(translations)
def test_connections_that_carry_http_are_recycled_and_no_others(translation: Translation) -> None:
    for call in outgoing_calls(translation):
        speaks_http = {port["number"] for port in call.service["ports"] if port["protocol"].upper() in HTTP}
        host = call.entry["spec"]["hosts"][0]
        rules = visible_rules(translation, call.client, "any", host, home=root_namespace(translation.spec, call.client))
        for policy in (policy for rule in rules for policy in policies(rule)):
            recycled = {
                level["port"]["number"]: level["connectionPool"]["http"]
                for level in policy["portLevelSettings"]
                if "http" in level["connectionPool"]
            }
            assert recycled == {number: {"maxRequestsPerConnection": 100} for number in speaks_http}
            assert "http" not in policy["connectionPool"], "nobody knows what a port that is not listed speaks"
