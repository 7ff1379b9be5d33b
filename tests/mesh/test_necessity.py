"""For every spec, what is needed is there once, and nothing else is touched."""

from collections import Counter

from hypothesis import given
from mesh_federation.mesh import outputs
from mesh_federation.mesh.parse import parse

from tests.given.strategies import HTTP, Spec, reference
from tests.oracle.reading import Built, built, gateway_namespace, local_host, meaning, of_kind, policies, root_namespace

# -- one entry and address per host, none too many ---------------------------------------------------------------


def needed(spec: Spec) -> set[tuple[str, str, str]]:
    """(client cluster, service, serving cluster) that some route or `importedBy` asks for."""
    by_routes = {
        (client, route.get("service", rule["service"]), route["cluster"])
        for rule in spec["traffic"]
        for client in rule["clients"]["clusters"]
        for route in rule["http"][0]["route"]
    }
    dialled = {
        (client, reference(service), serving)
        for service in spec["services"]
        for client in service.get("importedBy", ())
        for serving in service["clusters"]
    }
    return {(client, service, serving) for client, service, serving in by_routes | dialled if client != serving}


@given(built)
def test_one_service_entry_for_each_federated_host_and_client_cluster_that_needs_it(made: Built) -> None:
    entries = [
        (client, reference(service), serving)
        for client, objects in made.objects.items()
        for entry in of_kind(objects, "ServiceEntry")
        for host in entry["spec"]["hosts"]
        for serving, service in [meaning(made.spec, host)]
    ]
    assert Counter(entries) == Counter(needed(made.spec))


@given(built)
def test_one_address_for_each_federated_host_and_no_other(made: Built) -> None:
    carried: dict[str, set[str]] = {}
    for _, entry in made.everything:
        if entry["kind"] == "ServiceEntry":
            [address], [host] = entry["spec"]["addresses"], entry["spec"]["hosts"]
            carried.setdefault(host, set()).add(address)
    assert carried == {host: {address} for host, address in made.addresses.items()}
    assert len(set(made.addresses.values())) == len(made.addresses)


@given(built)
def test_outputs_tell_of_each_host_that_exists(made: Built) -> None:
    federation = parse(made.spec)
    told = [host for of_service in outputs.hosts(federation).values() for host in of_service.values()]
    assert sorted(told) == sorted(made.addresses)


@given(built)
def test_only_what_is_called_from_elsewhere_is_admitted(made: Built) -> None:
    called = {
        (serving, local_host(made.spec, service, serving))
        for _, name, serving in needed(made.spec)
        for service in made.spec["services"]
        if reference(service) == name and made.spec["clusters"][serving]["gateway"].get("manage", True)
    }
    admitted = [
        (cluster, host)
        for cluster, gateway in made.everything
        if gateway["kind"] == "Gateway"
        for server in gateway["spec"]["servers"]
        for host in server["hosts"]
    ]
    assert Counter(admitted) == Counter(called)


@given(built)
def test_every_subset_is_used_by_a_route(made: Built) -> None:
    used = {
        (serving, route.get("service", rule["service"]), route["version"])
        for rule in made.spec["traffic"]
        for client in rule["clients"]["clusters"]
        for route in rule["http"][0]["route"]
        if "version" in route
        for serving in (client, route["cluster"])
    }
    for cluster, rule in made.everything:
        for subset in rule["spec"].get("subsets", ()) if rule["kind"] == "DestinationRule" else ():
            host = rule["spec"]["host"]
            at_home = {local_host(made.spec, s, cluster): s for s in made.spec["services"]}
            service = at_home[host] if host in at_home else meaning(made.spec, host)[1]
            assert (cluster, reference(service), subset["name"]) in used


# -- what is not listed is not touched ---------------------------------------------------------------------------


@given(built)
def test_every_http_entry_matches_exactly_one_port_and_only_ports_of_rules(made: Built) -> None:
    for client, objects in made.objects.items():
        for rule in of_kind(objects, "VirtualService"):
            matched = [match["port"] for http in rule["spec"]["http"] for match in http["match"]]
            assert len(matched) == len(rule["spec"]["http"]) == len(set(matched))
            [host] = rule["spec"]["hosts"]
            [service] = [s for s in made.spec["services"] if local_host(made.spec, s, client) == host]
            rules = [
                r
                for r in made.spec["traffic"]
                if r["service"] == reference(service) and client in r["clients"]["clusters"]
            ]
            speaks = {p["number"] for p in service["ports"] if p["protocol"].upper() in HTTP}
            assert set(matched) == {port for r in rules for port in ({r["port"]} if "port" in r else speaks)}


@given(built)
def test_virtual_services_exist_only_where_a_rule_has_clients(made: Built) -> None:
    ruled = {(client, r["service"]) for r in made.spec["traffic"] for client in r["clients"]["clusters"]}
    found = [
        (cluster, f"{rule['metadata']['name']}.{rule['metadata']['namespace']}")
        for cluster, rule in made.everything
        if rule["kind"] == "VirtualService"
    ]
    assert Counter(found) == Counter(ruled)


@given(built)
def test_each_object_lives_where_the_design_says(made: Built) -> None:
    for cluster, found in made.everything:
        namespace = found["metadata"]["namespace"]
        match found["kind"]:
            case "ServiceEntry":
                assert namespace == root_namespace(made.spec, cluster)
            case "Gateway":
                assert namespace == gateway_namespace(made.spec, cluster)
            case "DestinationRule" if policies(found):
                assert namespace == root_namespace(made.spec, cluster)
            case _:
                hosts = found["spec"].get("hosts") or [found["spec"]["host"]]
                assert namespace == hosts[0].split(".")[1]
