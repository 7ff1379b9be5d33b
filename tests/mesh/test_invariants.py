"""What holds for every spec: checked on the objects alone, as istiod and the API server read them."""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh import outputs
from mesh_federation.mesh.addresses import Ledger, allocate
from mesh_federation.mesh.parse import parse
from mesh_federation.mesh.plan import Plan, federated_hosts, plan

from tests.strategies import HTTP, Spec, reference, shuffled, specs

Object = dict[str, Any]


@dataclass
class Built:
    """A spec and all that comes of it."""

    spec: Spec
    objects: dict[str, list[Object]]
    plan: Plan
    addresses: dict[str, str]

    @property
    def everything(self) -> list[tuple[str, Object]]:
        return [(cluster, found) for cluster, objects in self.objects.items() for found in objects]

    def keys(self) -> dict[str, Object]:
        return {key(cluster, found): found for cluster, found in self.everything}


def build(spec: Spec) -> Built:
    federation = parse(spec)
    settings = federation.addresses
    hosts = federated_hosts(federation)
    addresses = dict(allocate(hosts, settings.pool, Ledger(), pins=settings.pins, taken=settings.taken).addresses)
    planned = plan(federation, addresses, "mesh")
    objects = {cluster: [m.object for m in manifests] for cluster, manifests in planned.manifests.items()}
    return Built(spec, objects, planned, addresses)


def key(cluster: str, found: Object) -> str:
    metadata = found["metadata"]
    return f"{cluster}/{found['kind']}/{metadata['namespace']}/{metadata['name']}"


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [found for found in objects if found["kind"] == kind]


built = specs().map(build)


# -- how a cluster is read ---------------------------------------------------------------------------------------


def local_host(spec: Spec, service: Spec, cluster: str) -> str:
    return f"{service['name']}.{service['namespace']}.svc.{spec['clusters'][cluster].get('domain', 'cluster.local')}"


def root_namespace(spec: Spec, cluster: str) -> str:
    return str(spec["clusters"][cluster].get("istio", {}).get("namespace", "istio-system"))


def gateway_namespace(spec: Spec, cluster: str) -> str:
    gateway = spec["clusters"][cluster]["gateway"]
    return str(gateway.get("namespace", root_namespace(spec, cluster)))


def sni_chains(made: Built, cluster: str) -> list[str]:
    """The server names of the filter chains that istiod gives the cluster's east-west gateway."""
    settings = made.spec["clusters"][cluster]["gateway"]
    pod_labels = settings.get("selector", {"istio": "eastwestgateway"}).items()
    namespace = gateway_namespace(made.spec, cluster)
    chains: list[str] = []
    admitted: Counter[str] = Counter()
    for gateway in of_kind(made.objects[cluster], "Gateway"):
        # without PILOT_SCOPE_GATEWAY_TO_NAMESPACE any namespace would do; ours must not depend on it
        if gateway["metadata"]["namespace"] != namespace or not gateway["spec"]["selector"].items() <= pod_labels:
            continue
        for server in gateway["spec"]["servers"]:
            on_port = server["port"]["number"] == settings.get("listenerPort", 15443)
            if on_port and server["port"]["protocol"] == "TLS" and server["tls"] == {"mode": "AUTO_PASSTHROUGH"}:
                admitted.update(server["hosts"])
    assert all(count == 1 for count in admitted.values()), "istiod drops a server whose host is there already"
    for service in made.spec["services"]:
        host = local_host(made.spec, service, cluster)
        if cluster not in service["clusters"] or host not in admitted:
            continue
        visible = visible_rules(made, cluster, namespace, host, home=service["namespace"])
        subsets = [subset["name"] for rule in visible for subset in rule["spec"].get("subsets", ())]
        chains += [f"outbound_.{p['number']}_.{s}_.{host}" for p in service["ports"] for s in ("", *subsets)]
    return chains


def visible_rules(made: Built, cluster: str, namespace: str, host: str, *, home: str) -> list[Object]:
    """The DestinationRules that a proxy in `namespace` merges for `host`: all in one namespace, all to everybody."""
    rules = [rule for rule in of_kind(made.objects[cluster], "DestinationRule") if rule["spec"]["host"] == host]
    assert {rule["metadata"]["namespace"] for rule in rules} <= {home}, f"{namespace} would see only one namespace's"
    assert all(rule["spec"]["exportTo"] == ["*"] for rule in rules), "pieces with another exportTo are not merged"
    return rules


@dataclass
class Hop:
    """A call that leaves its cluster: what the client's proxy does with it."""

    client: str
    serving: str
    service: Spec
    port: int
    subset: str
    entry: Object
    tls: Object


def hops(made: Built) -> Iterator[Hop]:
    """Every way a call can leave a cluster: routes of VirtualServices, and dialling a federated host."""
    for client, objects in made.objects.items():
        for entry in of_kind(objects, "ServiceEntry"):
            serving, service = meaning(made.spec, entry["spec"]["hosts"][0])
            dialled = [(port["number"], "") for port in entry["spec"]["ports"]]
            for port, subset in {*dialled, *routed(objects, entry["spec"]["hosts"][0])}:
                tls = client_tls(made, client, entry["spec"]["hosts"][0], port, subset)
                yield Hop(client, serving, service, port, subset, entry, tls)


def meaning(spec: Spec, host: str) -> tuple[str, Spec]:
    """The serving cluster and the service that a federated host stands for."""
    template = spec.get("hosts", "{service}.{namespace}.svc.{cluster}.global")
    [found] = [
        (cluster, service)
        for service in spec["services"]
        for cluster in service["clusters"]
        if template.format(service=service["name"], namespace=service["namespace"], cluster=cluster) == host
    ]
    return found


def routed(objects: list[Object], host: str) -> set[tuple[int, str]]:
    return {
        (destination["port"]["number"], destination.get("subset", ""))
        for _, destination in destinations(objects)
        if destination["host"] == host
    }


def destinations(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """(VirtualService, destination)"""
    for rule in of_kind(objects, "VirtualService"):
        for http in rule["spec"]["http"]:
            for route in http["route"]:
                yield rule, route["destination"]


def client_tls(made: Built, client: str, host: str, port: int, subset: str) -> Object:
    """The TLS settings of a call: the subset's port level, its top level, or the host's, each in full."""
    rules = visible_rules(made, client, "any", host, home=root_namespace(made.spec, client))
    policies = [rule["spec"]["trafficPolicy"] for rule in rules if "trafficPolicy" in rule["spec"]]
    assert len(policies) == 1, f"{host} on {client} has {len(policies)} policies"
    if subset:
        found = [s for rule in rules for s in rule["spec"].get("subsets", ()) if s["name"] == subset]
        assert len(found) == 1, f"{host} on {client} has {len(found)} subsets {subset}"
        assert not found[0].get("labels"), "the endpoints are gateways: they carry no version's labels"
        policies = [found[0]["trafficPolicy"]]
    levels = [level for level in policies[0].get("portLevelSettings", ()) if level["port"]["number"] == port]
    assert len(levels) == 1
    tls: Object = levels[0]["tls"]
    return tls


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
def test_several_gateways_are_left_one_by_one_but_never_the_last(made: Built) -> None:
    for _, found in made.everything:
        for policy in policies(found):
            for level in policy.get("portLevelSettings", ()):
                assert level["connectionPool"]["tcp"] == {"connectTimeout": "1s"}
                detection = level.get("outlierDetection")
                count = len(made.spec["clusters"][crossing(made, found)]["gateway"]["addresses"])
                assert (detection is None) == (count == 1)
                if detection:
                    assert count * detection["maxEjectionPercent"] < 100 * count
                    assert (count - 1) * 100 - count < count * detection["maxEjectionPercent"] <= (count - 1) * 100
                    assert detection["splitExternalLocalOriginErrors"] is True
                    assert detection["consecutive5xxErrors"] == detection["consecutiveGatewayErrors"] == 0


def crossing(made: Built, rule: Object) -> str:
    return meaning(made.spec, rule["spec"]["host"])[0]


def policies(found: Object) -> list[Object]:
    if found["kind"] != "DestinationRule":
        return []
    own = [found["spec"]["trafficPolicy"]] if "trafficPolicy" in found["spec"] else []
    return own + [s["trafficPolicy"] for s in found["spec"].get("subsets", ()) if "trafficPolicy" in s]


@given(built)
def test_http2_connections_are_recycled_and_no_others(made: Built) -> None:
    for hop in hops(made):
        protocol_of = {port["number"]: port["protocol"] for port in hop.service["ports"]}
        rules = visible_rules(
            made, hop.client, "any", hop.entry["spec"]["hosts"][0], home=root_namespace(made.spec, hop.client)
        )
        for policy in (policy for rule in rules for policy in policies(rule)):
            recycled = {
                level["port"]["number"] for level in policy["portLevelSettings"] if "http" in level["connectionPool"]
            }
            assert recycled == {number for number, protocol in protocol_of.items() if protocol in ("HTTP2", "GRPC")}


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


# -- mutual TLS --------------------------------------------------------------------------------------------------


@given(built)
def test_no_federated_host_without_its_mutual_tls_rule(made: Built) -> None:
    for client, objects in made.objects.items():
        for entry in of_kind(objects, "ServiceEntry"):
            [host] = entry["spec"]["hosts"]
            entry_key = key(client, entry)
            policy = made.keys()[made.plan.policy_of[entry_key]]
            assert policy["spec"]["host"] == host
            assert policy["spec"]["trafficPolicy"]["tls"]["mode"] == "ISTIO_MUTUAL"
            assert policy["metadata"]["namespace"] == entry["metadata"]["namespace"]
            listed = {level["port"]["number"] for level in policy["spec"]["trafficPolicy"]["portLevelSettings"]}
            assert listed == {port["number"] for port in entry["spec"]["ports"]}


@given(built)
def test_mutual_tls_at_every_level_with_the_identities_of_the_serving_cluster(made: Built) -> None:
    for _, found in made.everything:
        for policy in policies(found):
            serving, service = meaning(made.spec, found["spec"]["host"])
            trust_domain = made.spec["clusters"][serving].get("trustDomain", "cluster.local")
            expected = {
                f"spiffe://{trust_domain}/ns/{service['namespace']}/sa/{account}"
                for account in service["clusters"][serving]["serviceAccounts"]
            }
            for level in (policy, *policy["portLevelSettings"]):
                assert level["tls"]["mode"] == "ISTIO_MUTUAL"
                assert set(level["tls"]["subjectAltNames"]) == expected
                assert len(level["tls"]["subjectAltNames"]) == len(expected)
            assert "sni" not in policy["tls"], "a port that is not listed must find no filter chain"


@given(built)
def test_a_cluster_that_runs_a_service_gets_no_traffic_policy_for_it(made: Built) -> None:
    for cluster, rule in made.everything:
        if rule["kind"] == "DestinationRule" and ".svc." in rule["spec"]["host"]:
            domain = made.spec["clusters"][cluster].get("domain", "cluster.local")
            if rule["spec"]["host"].endswith(f".svc.{domain}"):
                assert not policies(rule)


# -- names -------------------------------------------------------------------------------------------------------

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@given(built)
def test_names_are_valid_and_told_apart(made: Built) -> None:
    keys = [key(cluster, found) for cluster, found in made.everything]
    assert len(keys) == len(set(keys))
    for _, found in made.everything:
        name, namespace = found["metadata"]["name"], found["metadata"]["namespace"]
        assert LABEL.fullmatch(namespace)
        assert len(name) <= 253
        assert all(LABEL.fullmatch(part) for part in name.split("."))
        assert found["kind"] != "Gateway" or LABEL.fullmatch(name)
        for subset in found["spec"].get("subsets", ()):
            assert LABEL.fullmatch(subset["name"])
        for policy in policies(found):
            for level in policy["portLevelSettings"]:
                assert len(level["tls"]["sni"].encode()) <= 255
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "mesh-federation"
        assert labels["app.kubernetes.io/part-of"] == "mesh"


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


# -- order, nulls, independence ----------------------------------------------------------------------------------


def everything_told(spec: Spec) -> str:
    """All that a spec leads to, to the byte; keys in the order in which they would be written."""
    made = build(spec)
    federation = parse(spec)
    edges = [(e.client, e.serving, sorted(e.needs), sorted(e.routes)) for e in made.plan.edges]
    told = [outputs.traffic(federation), outputs.hosts(federation), outputs.trust(federation), made.addresses]
    return json.dumps([made.objects, edges, told])


@given(specs(), st.integers())
def test_the_order_of_the_input_never_shows(spec: Spec, seed: int) -> None:
    assert everything_told(shuffled(spec, Random(seed))) == everything_told(spec)


@given(specs(), st.integers())
def test_of_a_gateways_addresses_only_the_order_of_endpoints_shows(spec: Spec, seed: int) -> None:
    other = shuffled(spec, Random(seed), keep=())

    before, after = build(spec), build(other)

    for made in (before, after):
        for _, found in made.everything:
            found["spec"].get("endpoints", []).sort(key=lambda endpoint: str(endpoint["address"]))
    assert json.dumps(after.objects) == json.dumps(before.objects)


@given(specs())
def test_parsing_and_planning_leave_the_input_as_it_was(spec: Spec) -> None:
    before = copy.deepcopy(spec)

    build(spec)

    assert spec == before


def parts(value: Any) -> Iterator[Any]:
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(item)


@given(built)
def test_no_null_and_nothing_empty(made: Built) -> None:
    for _, found in made.everything:
        for part in parts(found):
            assert part is not None
            assert part not in ({}, [], "")


@given(built)
def test_no_two_manifests_share_a_part(made: Built) -> None:
    mutable = [part for _, found in made.everything for part in parts(found) if isinstance(part, dict | list)]
    assert len({id(part) for part in mutable}) == len(mutable)
    text = yaml.safe_dump_all([found for _, found in made.everything])
    assert "&id" not in text


@given(built)
def test_objects_hold_no_part_of_the_input(made: Built) -> None:
    given_parts = {id(part) for part in parts(made.spec) if isinstance(part, dict | list)}
    assert not any(id(part) in given_parts for _, found in made.everything for part in parts(found))


# -- adding and removing -----------------------------------------------------------------------------------------


def new_cluster_in(spec: Spec, index: int) -> Spec:
    """The same spec, and a cluster `fresh` that runs the service of the rule `index` and takes some of its calls."""
    larger = copy.deepcopy(spec)
    larger["clusters"]["fresh"] = {"context": "fresh", "gateway": {"addresses": ["203.0.113.99"]}}
    rule = larger["traffic"][index]
    [service] = [s for s in larger["services"] if reference(s) == rule["service"]]
    service["clusters"]["fresh"] = {"versions": ["v1"], "serviceAccounts": ["default"]}
    add_destination(rule, {"cluster": "fresh", "version": "v1"})
    return larger


def new_service_in(spec: Spec, index: int) -> Spec:
    """The same spec, and a service `fresh.fresh`: with a rule of its own, and a share of the calls of rule `index`."""
    larger = copy.deepcopy(spec)
    rule = larger["traffic"][index]
    runs_on = rule["clients"]["clusters"][0]
    larger["clusters"][runs_on].setdefault("gateway", {"addresses": ["203.0.113.99"]})
    larger["services"].append(
        {
            "name": "fresh",
            "namespace": "fresh",
            "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
            "clusters": {runs_on: {"versions": ["v1"], "serviceAccounts": ["default"]}},
            "importedBy": [cluster for cluster in larger["clusters"] if cluster != runs_on],
        }
    )
    route = [{"cluster": runs_on, "version": "v1"}]
    larger["traffic"].append({"service": "fresh.fresh", "clients": {"clusters": [runs_on]}, "http": [{"route": route}]})
    add_destination(rule, {"cluster": runs_on, "service": "fresh.fresh", "version": "v1", "port": 80})
    return larger


def add_destination(rule: Spec, destination: Spec) -> None:
    route = rule["http"][0]["route"]
    if len(route) == 1:
        route[0]["weight"] = 1
    route.append({**destination, "weight": 1})


def differences(smaller: Spec, larger: Spec) -> tuple[dict[str, Object], dict[str, Object]]:
    """(objects that only the larger spec has, objects that differ, as the larger has them); none may be missing."""
    before, after = build(smaller).keys(), build(larger).keys()
    assert before.keys() <= after.keys()
    added = {k: found for k, found in after.items() if k not in before}
    changed = {k: found for k, found in after.items() if k in before and found != before[k]}
    return added, changed


# an address that a host holds never moves, and test_addresses.py says so: here every host has one by its name alone
with_rules = specs().filter(lambda spec: bool(spec["traffic"])).map(lambda spec: {**spec, "addresses": {}})


@given(with_rules, st.data())
def test_a_cluster_adds_and_changes_only_objects_that_mention_it(spec: Spec, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(spec["traffic"]) - 1))
    rule = spec["traffic"][index]

    added, changed = differences(spec, new_cluster_in(spec, index))

    mentions = re.compile(r"\.fresh\.(global|x-)")
    assert all(k.startswith("fresh/") or mentions.search(k) for k in added)
    name, namespace = rule["service"].split(".")
    assert set(changed) == {f"{client}/VirtualService/{namespace}/{name}" for client in rule["clients"]["clusters"]}
    assert all(mentions.search(json.dumps(found)) for found in changed.values())
    assert "fresh" not in json.dumps(build(spec).objects)


@given(with_rules, st.data())
def test_a_service_adds_and_changes_only_objects_that_mention_it(spec: Spec, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(spec["traffic"]) - 1))
    rule = spec["traffic"][index]

    added, changed = differences(spec, new_service_in(spec, index))

    assert all("fresh" in k for k in added)
    name, namespace = rule["service"].split(".")
    assert set(changed) == {f"{client}/VirtualService/{namespace}/{name}" for client in rule["clients"]["clusters"]}
    assert all("fresh" in json.dumps(found) for found in changed.values())


@given(with_rules, st.data())
def test_weights_change_nothing_but_the_virtual_services_of_their_rule(spec: Spec, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(spec["traffic"]) - 1))
    edited = copy.deepcopy(spec)
    rule = edited["traffic"][index]
    for destination in rule["http"][0]["route"]:
        destination["weight"] = destination.get("weight", 0) + 1

    added, changed = differences(spec, edited)

    name, namespace = rule["service"].split(".")
    assert not added
    assert {f"{client}/VirtualService/{namespace}/{name}" for client in rule["clients"]["clusters"]} >= set(changed)
    assert len(rule["http"][0]["route"]) == 1 or changed


# -- what must be in place before what ---------------------------------------------------------------------------


@given(built)
def test_an_edge_needs_exactly_what_its_routes_use(made: Built) -> None:
    uses: dict[tuple[str, str], set[str]] = {}
    routes: dict[tuple[str, str], set[str]] = {}
    keys = made.keys()
    for client, objects in made.objects.items():
        at_home = {local_host(made.spec, s, client): s for s in made.spec["services"] if client in s["clusters"]}
        for rule, destination in destinations(objects):
            host, subset = destination["host"], destination.get("subset")
            serving, service = (client, at_home[host]) if host in at_home else meaning(made.spec, host)
            used = uses.setdefault((client, serving), set())
            routes.setdefault((client, serving), set()).add(key(client, rule))
            used |= {k for k, o in keys.items() if k.startswith(f"{client}/") and dialled(o, host, subset)}
            if serving != client:
                there = local_host(made.spec, service, serving)
                used |= {k for k, o in keys.items() if k.startswith(f"{serving}/") and admits(o, there)}
                used |= {k for k, o in keys.items() if k.startswith(f"{serving}/") and dialled(o, there, subset)}

    assert {(edge.client, edge.serving): edge.needs for edge in made.plan.edges} == uses
    assert {(edge.client, edge.serving): edge.routes for edge in made.plan.edges} == routes


def dialled(found: Object, host: str, subset: str | None) -> bool:
    """Whether a call to `host`, `subset` uses the object."""
    if found["kind"] == "ServiceEntry":
        return host in found["spec"]["hosts"]
    if found["kind"] != "DestinationRule" or found["spec"]["host"] != host:
        return False
    return "trafficPolicy" in found["spec"] or any(s["name"] == subset for s in found["spec"].get("subsets", ()))


def admits(found: Object, host: str) -> bool:
    return found["kind"] == "Gateway" and any(host in server["hosts"] for server in found["spec"]["servers"])


@given(built)
def test_every_key_in_an_edge_is_an_object(made: Built) -> None:
    for edge in made.plan.edges:
        assert edge.needs | edge.routes <= made.keys().keys()
