"""For every spec, what is needed is there once, and nothing else is touched."""

from collections import Counter

from hypothesis import given

from tests.given import core
from tests.given.specs import Spec
from tests.given.strategies import HTTP, reference
from tests.given.translations import Translation, of_kind, translations
from tests.oracle.reading import gateway_namespace, local_host, meaning, policies, root_namespace

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


@given(translations)
def test_one_service_entry_for_each_federated_host_and_client_cluster_that_needs_it(translation: Translation) -> None:
    entries = [
        (client, reference(service), serving)
        for client, objects in translation.objects.items()
        for entry in of_kind(objects, "ServiceEntry")
        for host in entry["spec"]["hosts"]
        for serving, service in [meaning(translation.spec, host)]
    ]
    assert Counter(entries) == Counter(needed(translation.spec))


@given(translations)
def test_one_address_for_each_federated_host_and_no_other(translation: Translation) -> None:
    carried: dict[str, set[str]] = {}
    for _, entry in translation.everything:
        if entry["kind"] == "ServiceEntry":
            [address], [host] = entry["spec"]["addresses"], entry["spec"]["hosts"]
            carried.setdefault(host, set()).add(address)
    assert carried == {host: {address} for host, address in translation.addresses.items()}
    assert len(set(translation.addresses.values())) == len(translation.addresses)


@given(translations)
def test_outputs_tell_of_each_host_that_exists(translation: Translation) -> None:
    hosts_of = core.outputs_of(core.read(translation.spec))["hosts"]
    hosts = [host for hosts_of_service in hosts_of.values() for host in hosts_of_service.values()]
    assert sorted(hosts) == sorted(translation.addresses)


@given(translations)
def test_only_what_is_called_from_elsewhere_is_admitted(translation: Translation) -> None:
    called = {
        (serving, local_host(translation.spec, service, serving))
        for _, name, serving in needed(translation.spec)
        for service in translation.spec["services"]
        if reference(service) == name and translation.spec["clusters"][serving]["gateway"].get("manage", True)
    }
    admitted = [
        (cluster, host)
        for cluster, gateway in translation.everything
        if gateway["kind"] == "Gateway"
        for server in gateway["spec"]["servers"]
        for host in server["hosts"]
    ]
    assert Counter(admitted) == Counter(called)


@given(translations)
def test_every_subset_is_used_by_a_route(translation: Translation) -> None:
    used = {
        (serving, route.get("service", rule["service"]), route["version"])
        for rule in translation.spec["traffic"]
        for client in rule["clients"]["clusters"]
        for route in rule["http"][0]["route"]
        if "version" in route
        for serving in (client, route["cluster"])
    }
    for cluster, rule in translation.everything:
        for subset in rule["spec"].get("subsets", ()) if rule["kind"] == "DestinationRule" else ():
            host = rule["spec"]["host"]
            at_home = {local_host(translation.spec, s, cluster): s for s in translation.spec["services"]}
            service = at_home[host] if host in at_home else meaning(translation.spec, host)[1]
            assert (cluster, reference(service), subset["name"]) in used


# -- what is not listed is not touched ---------------------------------------------------------------------------


@given(translations)
def test_every_http_entry_matches_exactly_one_port_and_only_ports_of_rules(translation: Translation) -> None:
    for client, objects in translation.objects.items():
        for rule in of_kind(objects, "VirtualService"):
            matched = [match["port"] for http in rule["spec"]["http"] for match in http["match"]]
            assert len(matched) == len(rule["spec"]["http"]) == len(set(matched))
            [host] = rule["spec"]["hosts"]
            [service] = [s for s in translation.spec["services"] if local_host(translation.spec, s, client) == host]
            rules = [
                r
                for r in translation.spec["traffic"]
                if r["service"] == reference(service) and client in r["clients"]["clusters"]
            ]
            speaks = {p["number"] for p in service["ports"] if p["protocol"].upper() in HTTP}
            assert set(matched) == {port for r in rules for port in ({r["port"]} if "port" in r else speaks)}


@given(translations)
def test_virtual_services_exist_only_where_a_rule_has_clients(translation: Translation) -> None:
    ruled = {(client, r["service"]) for r in translation.spec["traffic"] for client in r["clients"]["clusters"]}
    found = [
        (cluster, f"{rule['metadata']['name']}.{rule['metadata']['namespace']}")
        for cluster, rule in translation.everything
        if rule["kind"] == "VirtualService"
    ]
    assert Counter(found) == Counter(ruled)


@given(translations)
def test_each_object_lives_where_the_design_says(translation: Translation) -> None:
    for cluster, found in translation.everything:
        namespace = found["metadata"]["namespace"]
        match found["kind"]:
            case "ServiceEntry":
                assert namespace == root_namespace(translation.spec, cluster)
            case "Gateway":
                assert namespace == gateway_namespace(translation.spec, cluster)
            case "DestinationRule" if policies(found):
                assert namespace == root_namespace(translation.spec, cluster)
            case _:
                hosts = found["spec"].get("hosts") or [found["spec"]["host"]]
                assert namespace == hosts[0].split(".")[1]
