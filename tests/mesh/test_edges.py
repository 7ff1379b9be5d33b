"""For every spec, what must be in place before what."""

from hypothesis import given

from tests.given import specs
from tests.given.translations import Object, Translation, key, translate, translations
from tests.oracle.reading import destinations, local_host, meaning


@given(translations)
def test_an_edge_needs_exactly_what_its_routes_use(translation: Translation) -> None:
    uses: dict[tuple[str, str], set[str]] = {}
    routes: dict[tuple[str, str], set[str]] = {}
    keys = translation.keys()
    for client, objects in translation.objects.items():
        at_home = {
            local_host(translation.spec, s, client): s for s in translation.spec["services"] if client in s["clusters"]
        }
        for rule, destination in destinations(objects):
            host, subset = destination["host"], destination.get("subset")
            serving, service = (client, at_home[host]) if host in at_home else meaning(translation.spec, host)
            used = uses.setdefault((client, serving), set())
            routes.setdefault((client, serving), set()).add(key(client, rule))
            used |= {k for k, o in keys.items() if k.startswith(f"{client}/") and dialled(o, host, subset)}
            if serving != client:
                there = local_host(translation.spec, service, serving)
                used |= {k for k, o in keys.items() if k.startswith(f"{serving}/") and admits(o, there)}
                used |= {k for k, o in keys.items() if k.startswith(f"{serving}/") and dialled(o, there, subset)}

    assert {(edge.client, edge.serving): edge.needs for edge in translation.plan.edges} == uses
    assert {(edge.client, edge.serving): edge.routes for edge in translation.plan.edges} == routes


def test_a_service_that_is_a_version_of_another_one_is_waited_for_by_the_routes_of_both() -> None:
    policy = {"loadBalancer": {"simple": "RANDOM"}}
    spec = specs.bookinfo()
    spec["services"] = [specs.service(name, cluster1=[]) for name in ("web", "web-next")]
    web, web_next = (stated["clusters"]["cluster1"] for stated in spec["services"])
    web |= {"versionServices": {"next": "web-next"}, "versionPolicies": {"next": policy}}
    web_next["trafficPolicy"] = policy
    spec["traffic"] = [specs.rule("web.default", ["cluster1"], ("cluster1", "next", 1))]
    spec["traffic"] += [
        {
            "service": "web-next.default",
            "clients": {"clusters": ["cluster1"]},
            "http": [{"route": [{"cluster": "cluster1"}]}],
        }
    ]

    (edge,) = translate(spec).plan.edges

    assert edge.needs == {"cluster1/DestinationRule/default/web-next"}
    assert edge.routes == {f"cluster1/VirtualService/default/{name}" for name in ("web", "web-next")}


def dialled(manifest: Object, host: str, subset: str | None) -> bool:
    """Whether a call to `host`, `subset` uses the object."""
    if manifest["kind"] == "ServiceEntry":
        return host in manifest["spec"]["hosts"]
    if manifest["kind"] != "DestinationRule" or manifest["spec"]["host"] != host:
        return False
    return "trafficPolicy" in manifest["spec"] or any(s["name"] == subset for s in manifest["spec"].get("subsets", ()))


def admits(manifest: Object, host: str) -> bool:
    return manifest["kind"] == "Gateway" and any(host in server["hosts"] for server in manifest["spec"]["servers"])


@given(translations)
def test_every_key_in_an_edge_is_an_object(translation: Translation) -> None:
    for edge in translation.plan.edges:
        assert edge.needs | edge.routes <= translation.keys().keys()
