"""How istiod and the API servers read the objects of a translation."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.given.specs import Spec, gateways_of
from tests.given.translations import Object, Translation, of_kind


def local_host(spec: Spec, service: Spec, cluster: str) -> str:
    return f"{service['name']}.{service['namespace']}.svc.{spec['clusters'][cluster].get('domain', 'cluster.local')}"


def root_namespace(spec: Spec, cluster: str) -> str:
    return str(spec["clusters"][cluster].get("istio", {}).get("namespace", "istio-system"))


def gateway_namespaces(spec: Spec, cluster: str) -> set[str]:
    gateways = gateways_of(spec["clusters"][cluster]).values()
    return {str(gateway.get("namespace", root_namespace(spec, cluster))) for gateway in gateways}


def sni_chains(translation: Translation, cluster: str, settings: Spec) -> list[str]:
    """The server names of the filter chains that istiod gives an east-west gateway of the cluster."""
    pod_labels = settings.get("selector", {"istio": "eastwestgateway"}).items()
    namespace = settings.get("namespace", root_namespace(translation.spec, cluster))
    chains: list[str] = []
    admitted: Counter[str] = Counter()
    for gateway in of_kind(translation.objects[cluster], "Gateway"):
        # without PILOT_SCOPE_GATEWAY_TO_NAMESPACE any namespace would do; ours must not depend on it
        if gateway["metadata"]["namespace"] != namespace or not gateway["spec"]["selector"].items() <= pod_labels:
            continue
        for server in gateway["spec"]["servers"]:
            on_port = server["port"]["number"] == settings.get("listenerPort", 15443)
            if on_port and server["port"]["protocol"] == "TLS" and server["tls"] == {"mode": "AUTO_PASSTHROUGH"}:
                admitted.update(server["hosts"])
    assert all(count == 1 for count in admitted.values()), "istiod drops a server whose host is there already"
    for service in translation.spec["services"]:
        host = local_host(translation.spec, service, cluster)
        if cluster not in service["clusters"] or host not in admitted:
            continue
        visible = visible_rules(translation, cluster, namespace, host, home=service["namespace"])
        subsets = [subset["name"] for rule in visible for subset in rule["spec"].get("subsets", ())]
        chains += [f"outbound_.{p['number']}_.{s}_.{host}" for p in service["ports"] for s in ("", *subsets)]
    return chains


def visible_rules(translation: Translation, cluster: str, namespace: str, host: str, *, home: str) -> list[Object]:
    """The DestinationRules that a proxy in `namespace` merges for `host`: all in one namespace, all to everybody."""
    rules = [rule for rule in of_kind(translation.objects[cluster], "DestinationRule") if rule["spec"]["host"] == host]
    assert {rule["metadata"]["namespace"] for rule in rules} <= {home}, f"{namespace} would see only one namespace's"
    assert all(rule["spec"]["exportTo"] == ["*"] for rule in rules), "pieces with another exportTo are not merged"
    return rules


@dataclass
class OutgoingCall:
    """A call that leaves its cluster: what the client's proxy does with it."""

    client: str
    serving: str
    service: Spec
    port: int
    subset: str
    entry: Object
    tls: Object


def outgoing_calls(translation: Translation) -> Iterator[OutgoingCall]:
    """Every way a call can leave a cluster: routes of VirtualServices, and dialling a federated host."""
    for client, objects in translation.objects.items():
        for entry in of_kind(objects, "ServiceEntry"):
            serving, service = meaning(translation.spec, entry["spec"]["hosts"][0])
            dialled = [(port["number"], "") for port in entry["spec"]["ports"]]
            for port, subset in {*dialled, *routed(objects, entry["spec"]["hosts"][0])}:
                tls = client_tls(translation, client, entry["spec"]["hosts"][0], port, subset)
                yield OutgoingCall(client, serving, service, port, subset, entry, tls)


def meaning(spec: Spec, host: str) -> tuple[str, Spec]:
    """The serving cluster and the service that a federated host stands for."""
    template = spec.get("hosts", "{service}.{namespace}.svc.{cluster}.global")
    [(cluster, service)] = [
        (cluster, service)
        for service in spec["services"]
        for cluster in service["clusters"]
        if template.format(service=service["name"], namespace=service["namespace"], cluster=cluster) == host
    ]
    return cluster, service


def routed(objects: list[Object], host: str) -> set[tuple[int, str]]:
    return {
        (destination["port"]["number"], destination.get("subset", ""))
        for _, destination in destinations(objects)
        if destination["host"] == host
    }


def destinations(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """(VirtualService, destination), mirrors included"""
    for rule in of_kind(objects, "VirtualService"):
        for kind in ("http", "tcp", "tls"):
            for entry in rule["spec"].get(kind, ()):
                for target in (*entry.get("route", ()), *entry.get("mirrors", ())):
                    yield rule, target["destination"]


def client_tls(translation: Translation, client: str, host: str, port: int, subset: str) -> Object:
    """The TLS settings of a call: the subset's port level, its top level, or the host's, each in full."""
    rules = visible_rules(translation, client, "any", host, home=root_namespace(translation.spec, client))
    policies = [rule["spec"]["trafficPolicy"] for rule in rules if "trafficPolicy" in rule["spec"]]
    assert len(policies) == 1, f"{host} on {client} has {len(policies)} policies"
    if subset:
        subsets = [s for rule in rules for s in rule["spec"].get("subsets", ()) if s["name"] == subset]
        assert len(subsets) == 1, f"{host} on {client} has {len(subsets)} subsets {subset}"
        assert not subsets[0].get("labels"), "the endpoints are gateways: they carry no version's labels"
        policies = [subsets[0]["trafficPolicy"]]
    levels = [level for level in policies[0].get("portLevelSettings", ()) if level["port"]["number"] == port]
    assert len(levels) == 1
    tls: Object = levels[0]["tls"]
    return tls


def policies(manifest: Object) -> list[Object]:
    if manifest["kind"] != "DestinationRule":
        return []
    own = [manifest["spec"]["trafficPolicy"]] if "trafficPolicy" in manifest["spec"] else []
    return own + [s["trafficPolicy"] for s in manifest["spec"].get("subsets", ()) if "trafficPolicy" in s]
