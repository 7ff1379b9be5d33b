"""For every spec, what is needed is there once, and nothing else is touched."""

from collections import Counter
from collections.abc import Iterator

from hypothesis import given

from tests.given import core
from tests.given.language import KINDS
from tests.given.specs import Spec, destinations_of, gateways_to
from tests.given.strategies import HTTP, reference
from tests.given.translations import Translation, of_kind, plain_translations, translations
from tests.oracle.reading import gateway_namespaces, local_host, meaning, policies, root_namespace

# -- one entry and address per host, none too many ---------------------------------------------------------------


def needed(spec: Spec) -> set[tuple[str, str, str]]:
    """(client cluster, service, serving cluster) that some route or `importedBy` asks for."""
    by_routes = {
        (client, route.get("service", rule["service"]), route["cluster"])
        for rule in spec["traffic"]
        for client in rule["clients"]["clusters"]
        for route in destinations_of(rule)
    }
    dialled = {
        (client if isinstance(client, str) else client["cluster"], reference(service), serving)
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
    needed_there = {(name, serving) for _, name, serving in needed(translation.spec)}
    called = [
        (serving, local_host(translation.spec, service, serving))
        for name, serving in needed_there
        for service in translation.spec["services"]
        if reference(service) == name
        for gateway in gateways_to(translation.spec, service, serving).values()
        if gateway.get("manage", True)
    ]
    admitted = [
        (cluster, host)
        for cluster, gateway in translation.everything
        if gateway["kind"] == "Gateway"
        for server in gateway["spec"]["servers"]
        for host in server["hosts"]
    ]
    assert Counter(admitted) == Counter(called)


@given(translations)
def test_every_subset_is_used_by_a_route_or_imported(translation: Translation) -> None:
    routed = {
        (cluster, route.get("service", rule["service"]), route["version"])
        for rule in translation.spec["traffic"]
        for client in rule["clients"]["clusters"]
        for route in destinations_of(rule)
        if "version" in route
        for cluster in (client, route["cluster"])
    }
    imported = {
        (cluster, reference(service), version)
        for service in translation.spec["services"]
        for client in service.get("importedBy", ())
        if not isinstance(client, str)
        for version in client["versions"]
        for cluster in (client["cluster"], *service["clusters"])
    }
    used = routed | imported
    for cluster, rule in translation.everything:
        for subset in rule["spec"].get("subsets", ()) if rule["kind"] == "DestinationRule" else ():
            host = rule["spec"]["host"]
            at_home = {local_host(translation.spec, s, cluster): s for s in translation.spec["services"]}
            service = at_home[host] if host in at_home else meaning(translation.spec, host)[1]
            assert (cluster, reference(service), subset["name"]) in used


# -- what is not listed is not touched ---------------------------------------------------------------------------


@given(translations)
def test_every_match_of_workloads_asks_for_a_port_of_a_rule(translation: Translation) -> None:
    """A match without one would take calls to ports that the rules do not speak for."""
    for client, objects in translation.objects.items():
        for manifest in of_kind(objects, "VirtualService"):
            if "gateways" not in manifest["spec"]:
                service = f"{manifest['metadata']['name'].rpartition('.')[2]}.{manifest['metadata']['namespace']}"
                for kind in KINDS:
                    matches = [match for entry in manifest["spec"].get(kind, ()) for match in entry["match"]]
                    assert {match["port"] for match in matches} <= ports(translation.spec, client, service, kind)


def ports(spec: Spec, client: str, service: str, kind: str) -> set[int]:
    """The ports for which the rules of a service speak on a client cluster."""
    [stated] = [s["ports"] for s in spec["services"] if reference(s) == service]
    return {
        port["number"]
        for rule in spec["traffic"]
        if rule["service"] == service and client in rule["clients"]["clusters"] and kind in rule
        for port in stated
        if port["protocol"].upper() in KINDS[kind] and rule.get("port", port["number"]) == port["number"]
    }


@given(plain_translations)
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
    ruled = {
        (client, f"{callers}{rule['service']}")
        for rule in translation.spec["traffic"]
        for client in rule["clients"]["clusters"]
        for callers in callers_of(rule)
    }
    virtual_services = [
        (cluster, f"{rule['metadata']['name']}.{rule['metadata']['namespace']}")
        for cluster, rule in translation.everything
        if rule["kind"] == "VirtualService"
    ]
    assert Counter(virtual_services) == Counter(ruled)


def callers_of(rule: Spec) -> Iterator[str]:
    """The beginnings of the names of the VirtualServices to which the rule gives entries."""
    clients = rule["clients"]
    if "mesh" in clients.get("gateways", ["mesh"]):
        yield from (f"{namespace}." for namespace in clients.get("namespaces", ()))
        if "namespaces" not in clients:
            yield ""
    if set(clients.get("gateways", ())) - {"mesh"}:
        yield f"{rule['name']}.ingress."


@given(translations)
def test_services_are_made_only_where_a_rule_has_clients_and_the_service_does_not_run(
    translation: Translation,
) -> None:
    absent = {
        (client, rule["service"])
        for rule in translation.spec["traffic"]
        if "mesh" in rule["clients"].get("gateways", ["mesh"])
        for client in rule["clients"]["clusters"]
        for service in translation.spec["services"]
        if reference(service) == rule["service"] and client not in service["clusters"]
    }
    left_to_users = {
        (client, rule["service"])
        for rule in translation.spec["traffic"]
        if not rule.get("createService", True)
        for client in rule["clients"]["clusters"]
    }
    services = [
        (cluster, f"{manifest['metadata']['name']}.{manifest['metadata']['namespace']}")
        for cluster, manifest in translation.everything
        if manifest["kind"] == "Service"
    ]
    assert Counter(services) == Counter(absent - left_to_users)


@given(translations)
def test_each_object_lives_where_the_design_says(translation: Translation) -> None:
    for cluster, manifest in translation.everything:
        namespace = manifest["metadata"]["namespace"]
        match manifest["kind"]:
            case "ServiceEntry":
                assert namespace == root_namespace(translation.spec, cluster)
            case "Gateway":
                assert namespace in gateway_namespaces(translation.spec, cluster)
            case "DestinationRule" if policies(manifest):
                assert namespace == root_namespace(translation.spec, cluster)
            case "Service" | "VirtualService":
                service = manifest["metadata"]["name"].rpartition(".")[2]
                assert f"{service}.{namespace}" in map(reference, translation.spec["services"])
            case _:
                hosts = manifest["spec"].get("hosts") or [manifest["spec"]["host"]]
                assert namespace == hosts[0].split(".")[1]
