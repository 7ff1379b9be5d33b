"""The kinds of update that must lose no request: a spec before and a spec after, each for one `pulumi up`."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.mesh.admin import Proxy
from tests.given.specs import SPLIT, Spec, rule, service
from tests.real.bed import GATEWAYS, SETTLE, reviews, with_ratings
from tests.real.federation import Federation

NEW_GATEWAY = GATEWAYS["cluster2"][1]


@dataclass(frozen=True)
class Update:
    """One `pulumi up`, from a spec to another."""

    name: str
    before: Spec
    after: Spec


def updates(settle: int = SETTLE) -> list[Update]:
    """In an order in which many begin where the one before ended; what a gateway has to drain goes first."""
    bookinfo = reviews(*SPLIT, settle=settle)
    other_weights = reviews(("cluster2", "v3", 50), ("cluster1", "v1", 40), ("cluster1", "v2", 10), settle=settle)
    without_v2 = reviews(("cluster2", "v3", 60), ("cluster1", "v1", 40), settle=settle)
    with_v4 = reviews(*SPLIT, ("cluster2", "v4", 50), settle=settle)
    with_details = details_as_well(bookinfo)
    return [
        *hardest(settle),
        Update("add a version on the serving cluster", bookinfo, with_v4),
        Update("remove a version of the serving cluster", with_v4, bookinfo),
        Update("change weights", bookinfo, other_weights),
        Update("remove a version of the client cluster", other_weights, without_v2),
        Update("add a version on the client cluster", without_v2, bookinfo),
        Update("add a whole service next to it", bookinfo, with_details),
        Update("remove a whole service next to it", with_details, bookinfo),
        *of_the_language(bookinfo),
        Update("add a serving cluster", bookinfo, over_three(settle)),
    ]


def hardest(settle: int) -> list[Update]:
    """Those in which something that carries requests goes."""
    old = reviews(("cluster1", "v1", 50), ("cluster2", "v3", 50), settle=settle)
    new = reviews(("cluster1", "v2", 50), ("cluster2", "v4", 50), settle=settle)
    moved = reviews(("cluster1", "v2", 50), ("cluster2", "v4", 50), settle=settle, gateway=NEW_GATEWAY)
    return [
        Update("swap every version in one step", old, new),
        Update("move a gateway to a new address", new, moved),
        Update("take a serving cluster away", over_three(settle), reviews(*SPLIT, settle=settle)),
    ]


def of_the_language(bookinfo: Spec) -> list[Update]:
    """Entries, callers and names; all but the last two of each move the requests to another version."""
    canary = entry(AT_ROOT, ("cluster2", "v4"))
    with_entries = with_first(bookinfo, canary, entry(READS, ("cluster1", "v1")))
    reordered = with_first(bookinfo, entry(READS, ("cluster1", "v1")), canary)
    with_another_match = with_first(bookinfo, entry(WRITES, ("cluster1", "v1")), canary)
    with_namespace = for_namespace(bookinfo, "default", ("cluster2", "v4"))
    with_ingress = at_ingress(bookinfo)
    with_a_name = with_ratings(bookinfo)
    return [
        Update("add entries", bookinfo, with_entries),
        Update("reorder entries", with_entries, reordered),
        Update("change a match", reordered, with_another_match),
        Update("remove entries", with_another_match, bookinfo),
        Update("add a namespace of clients", bookinfo, with_namespace),
        Update("remove a namespace of clients", with_namespace, bookinfo),
        Update("add an ingress gateway to a rule", bookinfo, with_ingress),
        Update("take an ingress gateway from a rule", with_ingress, bookinfo),
        Update("make a Service where the service does not run", bookinfo, with_a_name),
        Update("take such a Service away", with_a_name, bookinfo),
    ]


AT_ROOT = [{"uri": {"exact": "/"}}]
READS = [{"method": {"exact": "GET"}}]
WRITES = [{"method": {"exact": "POST"}}]


def entry(match: list[Spec], destination: tuple[str, str]) -> Spec:
    """All calls that match go to (cluster, version)."""
    cluster, version = destination
    return {"match": match, "route": [{"cluster": cluster, "version": version}]}


def with_first(spec: Spec, *entries: Spec) -> Spec:
    """Calls to reviews are held against these entries before all others."""
    [of_reviews, *others] = spec["traffic"]
    return {**spec, "traffic": [{**of_reviews, "http": [*entries, *of_reviews["http"]]}, *others]}


def for_namespace(spec: Spec, namespace: str, destination: tuple[str, str]) -> Spec:
    """Callers in this namespace have a rule of their own, which sends all their calls to (cluster, version)."""
    cluster, version = destination
    own = rule("reviews.default", ["cluster1"], (cluster, version, 1))
    own["clients"]["namespaces"] = [namespace]
    return {**spec, "traffic": [{**own, "name": namespace}, *spec["traffic"]]}


def at_ingress(spec: Spec) -> Spec:
    """Calls to reviews from outside, too, are spread as `spec` says."""
    [of_reviews, *others] = spec["traffic"]
    clients = {**of_reviews["clients"], "gateways": ["mesh", "istio-ingress/public"]}
    return {**spec, "traffic": [{**of_reviews, "clients": clients, "hosts": ["shop.example.com"]}, *others]}


def over_three(settle: int) -> Spec:
    return reviews(*SPLIT, ("cluster3", "v5", 50), settle=settle)


def details_as_well(spec: Spec) -> Spec:
    return {
        **spec,
        "services": [*spec["services"], service("details", cluster1=["v1"], cluster2=["v2"])],
        "traffic": [
            *spec["traffic"],
            rule("details.default", ["cluster1"], ("cluster1", "v1", 50), ("cluster2", "v2", 50)),
        ],
    }


def await_ways(federation: Federation, spec: Spec, within: float) -> None:
    """Until the caller's proxy knows the ways to reviews that the spec has, and no others any more."""
    proxy = federation.bed.proxy(federation.bed.caller("cluster1/productpage").workload)
    wanted = set(_ways(spec))
    deadline = time.monotonic() + within
    while (found := set(_ways_of(proxy))) != wanted:
        assert time.monotonic() < deadline, f"{found} instead of {wanted}"
        time.sleep(0.1)


def _ways(spec: Spec) -> Iterator[tuple[str, str]]:
    """(Envoy's cluster, address of the gateway, if it leads to one), for each version that is called."""
    for place in spec["traffic"][0]["http"][0]["route"]:
        name, version = place["cluster"], place["version"]
        if name == "cluster1":
            yield f"outbound|9080|{version}|reviews.default.svc.cluster.local", ""
        else:
            for address in spec["clusters"][name]["gateway"]["addresses"]:
                yield f"outbound|9080|{version}|reviews.default.svc.{name}.global", address


def _ways_of(proxy: Proxy) -> Iterator[tuple[str, str]]:
    for name in proxy.clusters():
        if name.startswith("outbound|9080|v") and "|reviews." in name:
            for endpoint in proxy.endpoints(name):
                yield name, "" if name.endswith(".local") else endpoint.partition(":")[0]


def assert_answers(federation: Federation, spec: Spec) -> None:
    """Calls to reviews are answered by whom the spec says, all of them."""
    report = federation.send(200)
    assert report.failures == []
    matching = (stated for stated in spec["traffic"][0]["http"] if stated.get("match") in (None, AT_ROOT, READS))
    assert report.answers.keys() == {f"{place['version']} on {place['cluster']}" for place in next(matching)["route"]}
