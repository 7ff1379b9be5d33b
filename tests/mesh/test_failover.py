"""Whatever the spec, clusters stand in for each other in its order, and no call comes back the way it went."""

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given

from tests.given.specs import Spec, rule
from tests.given.translations import Object, Translation, of_kind, translate, translations_with_substitutes

Ranks = list[set[str]]
"""The clusters of each priority, the first first."""


@given(translations_with_substitutes)
def test_endpoints_have_the_order_of_the_spec(translation: Translation) -> None:
    stated = {
        (client, *(member["cluster"] for member in (destination, *destination["failover"])))
        for client, destination in routed(translation.spec)
    }

    orders = {
        (client, *(name for tier in ranks_of(translation.objects[client], host, client) for name in sorted(tier)))
        for client, host in hosts_of_routes(translation)
    }

    assert orders == stated


@given(translations_with_substitutes)
def test_no_gateway_knows_a_host_at_which_several_answer(translation: Translation) -> None:
    several = {host for _, host in hosts_of_routes(translation)}
    several |= {host for host in translation.addresses if host.endswith(".everywhere")}

    admitted = {
        host
        for _, gateway in translation.everything
        if gateway["kind"] == "Gateway"
        for server in gateway["spec"]["servers"]
        for host in server["hosts"]
    }

    assert not several & admitted


@given(translations_with_substitutes)
def test_a_route_waits_for_all_that_its_substitutes_need(translation: Translation) -> None:
    known = translation.keys()
    assert all(key in known for edge in translation.plan.edges for key in edge.needs)
    for client, host in hosts_of_routes(translation):
        own = {key for key, manifest in known.items() if key.startswith(f"{client}/") and speaks_of(manifest, host)}
        needing = [edge for edge in translation.plan.edges if edge.client == client and edge.needs & own]
        members = {name for tier in ranks_of(translation.objects[client], host, client) for name in tier}
        assert {edge.serving for edge in needing} == members
        assert all(edge.needs >= own for edge in needing)


@given(translations_with_substitutes)
def test_a_name_for_everywhere_is_known_everywhere_and_home_is_first(translation: Translation) -> None:
    hosts = {host for host in translation.addresses if host.endswith(".everywhere")}
    for client, objects in translation.objects.items():
        for host in hosts:
            first, *others = ranks_of(objects, host, client)
            serving = {name for tier in (first, *others) for name in tier}
            assert first == {client} or client not in serving


def test_other_members_mean_another_host_and_nothing_of_the_old_one_changes() -> None:
    """So an update makes the new host ready before it takes the old one away."""
    before = translate(failing_over("cluster2")).keys()
    after = translate(failing_over("cluster2", "cluster3")).keys()

    assert all(before[key] == after[key] for key in before.keys() & after.keys() if "VirtualService" not in key)
    gone = {key for key in before.keys() - after.keys() if "ServiceEntry" in key}
    assert len(gone) == 2


def failing_over(*substitutes: str) -> Spec:
    """Calls to reviews stay on cluster1, while somebody there can answer."""
    names = ("cluster1", "cluster2", "cluster3")
    stated = rule("reviews.default", ["cluster1"], ("cluster1", "v1", 1))
    stated["http"][0]["route"][0]["failover"] = [{"cluster": name, "version": "v1"} for name in substitutes]
    presence = {"versions": ["v1"], "serviceAccounts": ["reviews"], "selector": {"app": "reviews"}}
    ports = [{"name": "http", "number": 9080, "protocol": "HTTP"}]
    return {
        "clusters": {
            name: {"context": name, "gateway": {"addresses": [f"192.0.2.{number}"]}}
            for number, name in enumerate(names)
        },
        "services": [
            {"name": "reviews", "namespace": "default", "ports": ports, "clusters": dict.fromkeys(names, presence)}
        ],
        "traffic": [stated],
    }


def routed(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Each client cluster with each destination that has substitutes."""
    for stated in spec["traffic"]:
        for entry in (entry for kind in ("http", "tcp", "tls") for entry in stated.get(kind, ())):
            for destination in entry.get("route", ()):
                if "failover" in destination:
                    yield from ((client, destination) for client in stated["clients"]["clusters"])


def hosts_of_routes(translation: Translation) -> set[tuple[str, str]]:
    """Each client cluster with each host that its routes lead to, and at which several clusters answer."""
    several = {
        (client, rule_["spec"]["host"])
        for client, objects in translation.objects.items()
        for rule_ in of_kind(objects, "DestinationRule")
        if priorities_of(rule_) is not None
    }
    called = {
        (client, target["destination"]["host"])
        for client, objects in translation.objects.items()
        for route in of_kind(objects, "VirtualService")
        for kind in ("http", "tcp", "tls")
        for entry in route["spec"].get(kind, ())
        for target in entry.get("route", ())
    }
    return several & called


def ranks_of(objects: list[Object], host: str, client: str) -> Ranks:
    """As istiod ranks endpoints: by the first label of `failoverPriority` that is not as it should be, or by region."""
    (policy,) = (rule_ for rule_ in of_kind(objects, "DestinationRule") if rule_["spec"]["host"] == host)
    wanted = dict(text.partition("=")[::2] for text in priorities_of(policy) or ())
    nearer = {direction["to"] for direction in order_of(policy).get("failover", ())}
    ranks: dict[int, set[str]] = {}
    for entry in of_kind(objects, "ServiceEntry"):
        if host in entry["spec"]["hosts"]:
            for cluster, labels in labelled(entry, client):
                fitting = [labels.get(label, "") == value for label, value in wanted.items()]
                by_label = len(fitting) - fitting.index(False) if False in fitting else 0
                region = labels.get("region", "")
                by_region = 0 if not region else 4 if nearer and region not in nearer else 3
                rank = by_label or by_region
                ranks.setdefault(rank, set()).add(cluster)
    return [ranks[rank] for rank in sorted(ranks)]


def labelled(entry: Object, client: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The cluster of each endpoint, with its labels; pods have none of ours."""
    if "workloadSelector" in entry["spec"]:
        yield client, {}
    for endpoint in entry["spec"].get("endpoints", ()):
        yield endpoint["labels"]["cluster"], {**endpoint["labels"], "region": endpoint.get("locality", "")}


def priorities_of(policy: Object) -> list[str] | None:
    stated = order_of(policy)
    return stated.get("failoverPriority", []) if stated else None


def order_of(policy: Object) -> dict[str, Any]:
    balancer: dict[str, Any] = policy["spec"].get("trafficPolicy", {}).get("loadBalancer", {})
    stated: dict[str, Any] = balancer.get("localityLbSetting", {})
    return stated


def speaks_of(manifest: Object, host: str) -> bool:
    spec = manifest["spec"]
    return manifest["kind"] in ("ServiceEntry", "DestinationRule") and (
        spec.get("host") == host or host in spec.get("hosts", ())
    )
