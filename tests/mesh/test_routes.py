"""For every spec, every route leads to a filter chain, a subset and pods: checked on the objects alone."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given

from tests.mesh.reading import (
    Built,
    Object,
    built,
    destinations,
    hops,
    local_host,
    of_kind,
    policies,
    root_namespace,
    sni_chains,
    visible_rules,
)
from tests.strategies import HTTP, Spec, reference

# -- every destination of every route exists ---------------------------------------------------------------------


@given(built)
def test_every_call_that_leaves_a_cluster_finds_its_filter_chain(made: Built) -> None:
    for hop in hops(made):
        if made.spec["clusters"][hop.serving]["gateway"].get("manage", True):
            assert hop.tls["sni"] in sni_chains(made, hop.serving)


@given(built)
def test_a_gateway_that_is_not_managed_is_asked_for_the_same_names_and_gets_no_object(made: Built) -> None:
    for hop in hops(made):
        if not made.spec["clusters"][hop.serving]["gateway"].get("manage", True):
            host = local_host(made.spec, hop.service, hop.serving)
            assert hop.tls["sni"] == f"outbound_.{hop.port}_.{hop.subset}_.{host}"
            assert not of_kind(made.objects[hop.serving], "Gateway")


@given(built)
def test_no_gateway_has_two_equal_filter_chains(made: Built) -> None:
    for cluster, settings in made.spec["clusters"].items():
        if "gateway" in settings:
            chains = sni_chains(made, cluster)
            assert len(chains) == len({chain.lower() for chain in chains})


@given(built)
def test_a_subset_selects_the_pods_that_the_spec_says(made: Built) -> None:
    for hop in hops(made):
        if hop.subset:
            assert labels_of_subset(made, hop.service, hop.serving, hop.subset) == stated_labels(
                hop.service["clusters"][hop.serving], hop.subset
            )
    for client, objects in made.objects.items():
        for rule, destination in destinations(objects):
            if destination["host"].endswith(".svc." + made.spec["clusters"][client].get("domain", "cluster.local")):
                name, namespace = destination["host"].split(".")[:2]
                [service] = [s for s in made.spec["services"] if reference(s) == f"{name}.{namespace}"]
                assert destination["port"]["number"] in {port["number"] for port in service["ports"]}
                if "subset" in destination:
                    found = labels_of_subset(made, service, client, destination["subset"])
                    assert found == stated_labels(service["clusters"][client], destination["subset"]), rule


def labels_of_subset(made: Built, service: Spec, cluster: str, subset: str) -> Object:
    host = local_host(made.spec, service, cluster)
    rules = visible_rules(made, cluster, "any", host, home=service["namespace"])
    [found] = [s for rule in rules for s in rule["spec"].get("subsets", ()) if s["name"] == subset]
    labels: Object = found["labels"]
    return labels


def stated_labels(presence: Spec, version: str) -> Object:
    labels: Object = presence.get("subsets", {}).get(version) or {"version": version}
    return labels


@given(built)
def test_every_destination_is_the_service_itself_or_has_a_service_entry_with_that_port(made: Built) -> None:
    for client, objects in made.objects.items():
        at_home = {local_host(made.spec, s, client) for s in made.spec["services"] if client in s["clusters"]}
        imported = {
            entry["spec"]["hosts"][0]: {port["number"] for port in entry["spec"]["ports"]}
            for entry in of_kind(objects, "ServiceEntry")
        }
        for _, destination in destinations(objects):
            known = destination["host"] in at_home or destination["port"]["number"] in imported[destination["host"]]
            assert known


@given(built)
def test_every_route_is_what_the_rule_says(made: Built) -> None:
    spec = made.spec
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
                assert shares(made, client, service, port) in (expected, dict.fromkeys(expected))


def shares(made: Built, client: str, service: Spec, port: int) -> dict[tuple[Any, ...], Any]:
    """(host, subset, port) → weight, of calls on a port."""
    host = local_host(made.spec, service, client)
    [rule] = [r for r in of_kind(made.objects[client], "VirtualService") if host in r["spec"]["hosts"]]
    assert (rule["metadata"]["namespace"], rule["metadata"]["name"]) == (service["namespace"], service["name"])
    [http] = [http for http in rule["spec"]["http"] if {"port": port} in http["match"]]
    found = {
        (r["destination"]["host"], r["destination"].get("subset"), r["destination"]["port"]["number"]): r.get("weight")
        for r in http["route"]
    }
    assert len(found) == len(http["route"])
    assert len(found) == 1 or None not in found.values()
    return found


# -- the way there -----------------------------------------------------------------------------------------------


@given(built)
def test_endpoints_are_the_serving_clusters_gateway(made: Built) -> None:
    for hop in hops(made):
        gateway = made.spec["clusters"][hop.serving]["gateway"]
        spec = hop.entry["spec"]
        assert sorted(endpoint["address"] for endpoint in spec["endpoints"]) == sorted(gateway["addresses"])
        by_name = any(address.endswith(".example.com") for address in gateway["addresses"])
        assert spec["resolution"] == ("DNS" if by_name else "STATIC")
        for endpoint in spec["endpoints"]:
            assert set(endpoint["ports"]) == {port["name"] for port in spec["ports"]}
            assert set(endpoint["ports"].values()) == {gateway.get("port", 15443)}
            assert endpoint["labels"] == {"cluster": hop.serving}
            assert endpoint.get("locality") == made.spec["clusters"][hop.serving].get("locality")
        assert spec["location"] == "MESH_INTERNAL"


@given(built)
def test_a_service_entry_offers_the_ports_of_its_service(made: Built) -> None:
    for hop in hops(made):
        stated = [(p["name"], p["number"], p["protocol"].upper()) for p in hop.service["ports"]]
        listed = [(p["name"], p["number"], p["protocol"]) for p in hop.entry["spec"]["ports"]]
        assert sorted(listed) == sorted(stated)


@given(built)
def test_at_every_level_a_gateway_that_cannot_be_reached_is_left_out_but_never_the_last(made: Built) -> None:
    for level in levels(made):
        detection = level["outlierDetection"]
        for gateways in range(1, 101):  # a DNS name may stand for any number
            assert left_out(detection["maxEjectionPercent"], gateways) == gateways - 1
        assert detection["splitExternalLocalOriginErrors"] is True
        assert detection["consecutiveLocalOriginFailures"] == 1
        assert detection["consecutive5xxErrors"] == detection["consecutiveGatewayErrors"] == 0


def left_out(percent: int, gateways: int) -> int:
    """How many of so many gateways Envoy ejects, one after the other, as far as `maxEjectionPercent` lets it."""
    ejected = 0
    while ejected < gateways and 100 * (ejected + 1) / gateways <= percent:
        ejected += 1
    return ejected


@given(built)
def test_at_every_level_connections_are_kept_alive_and_none_is_waited_for_longer_than_a_second(made: Built) -> None:
    for level in levels(made):
        assert level["connectionPool"]["tcp"] == {
            "connectTimeout": "1s",
            "tcpKeepalive": {"time": "30s", "interval": "10s", "probes": 3},
        }


def levels(made: Built) -> Iterator[Object]:
    """What Istio may take the policy of a call between clusters from: the top of a policy, and each of its ports."""
    for _, found in made.everything:
        for policy in policies(found):
            yield policy
            yield from policy["portLevelSettings"]


@given(built)
def test_connections_that_carry_http_are_recycled_and_no_others(made: Built) -> None:
    for hop in hops(made):
        speaks_http = {port["number"] for port in hop.service["ports"] if port["protocol"].upper() in HTTP}
        host = hop.entry["spec"]["hosts"][0]
        rules = visible_rules(made, hop.client, "any", host, home=root_namespace(made.spec, hop.client))
        for policy in (policy for rule in rules for policy in policies(rule)):
            recycled = {
                level["port"]["number"]: level["connectionPool"]["http"]
                for level in policy["portLevelSettings"]
                if "http" in level["connectionPool"]
            }
            assert recycled == {number: {"maxRequestsPerConnection": 100} for number in speaks_http}
            assert "http" not in policy["connectionPool"], "nobody knows what a port that is not listed speaks"
