"""The kinds of update that must lose no request: a spec before and a spec after, each for one `pulumi up`."""

from dataclasses import dataclass
from typing import Any

from tests.given.specs import SPLIT, Spec, rule, service
from tests.real.bed import GATEWAYS, SETTLE, reviews, with_ratings

NEW_GATEWAY = GATEWAYS["cluster2"][1]


@dataclass(frozen=True)
class Update:
    """One `pulumi up`, from a spec to another."""

    name: str
    before: Spec
    after: Spec


def updates(settle: int = SETTLE) -> list[Update]:
    """All kinds, in an order in which many begin where the one before ended."""
    return [*of_places(settle), *of_rules(settle)]


def of_places(settle: int = SETTLE) -> list[Update]:
    """What changes where calls may go; what a gateway has to drain goes first."""
    bookinfo = reviews(*SPLIT, settle=settle)
    other_weights = reviews(("cluster2", "v3", 50), ("cluster1", "v1", 40), ("cluster1", "v2", 10), settle=settle)
    without_v2 = reviews(("cluster2", "v3", 60), ("cluster1", "v1", 40), settle=settle)
    with_v4 = reviews(*SPLIT, ("cluster2", "v4", 50), settle=settle)
    with_details = details_as_well(bookinfo)
    return [
        *hardest(settle),
        *of_a_cluster(bookinfo),
        *of_a_presence(bookinfo),
        Update("add a version on the serving cluster", bookinfo, with_v4),
        Update("remove a version of the serving cluster", with_v4, bookinfo),
        Update("change weights", bookinfo, other_weights),
        Update("remove a version of the client cluster", other_weights, without_v2),
        Update("add a version on the client cluster", without_v2, bookinfo),
        Update("add a whole service next to it", bookinfo, with_details),
        Update("remove a whole service next to it", with_details, bookinfo),
        *of_substitutes(bookinfo),
        Update("add a serving cluster", bookinfo, over_three(settle)),
    ]


def of_rules(settle: int = SETTLE) -> list[Update]:
    """What changes which calls go where, and how."""
    bookinfo = reviews(*SPLIT, settle=settle)
    return [*of_policies(bookinfo), *of_the_language(bookinfo)]


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


def of_a_cluster(bookinfo: Spec) -> list[Update]:
    """What a serving cluster is to its callers."""
    draining, retired = (with_state(state, bookinfo, "cluster2") for state in ("draining", "retired"))
    divided = with_addresses(bookinfo, cluster3=GATEWAYS["cluster2"][0], cluster1=NEW_GATEWAY)
    return [
        Update("drain a cluster", bookinfo, draining),
        Update("take a drained cluster back", draining, bookinfo),
        Update("retire a cluster", bookinfo, retired),
        Update("take a retired cluster back", retired, bookinfo),
        Update("give some clients an address of their own", bookinfo, divided),
        Update("give all clients the same address", divided, bookinfo),
    ]


def of_a_presence(bookinfo: Spec) -> list[Update]:
    """What a service is on one of its clusters."""
    own_here = with_presence(bookinfo, "cluster1", versions=["v2"], versionServices={"v1": "reviews-v1"})
    own_there = calling(with_presence(bookinfo, "cluster2", versionServices={"next": "reviews-v3"}), "v3", "next")
    old_name = with_presence(bookinfo, "cluster2", versions=["v4"], versionServices={"v3": "reviews-v3"})
    renamed = with_presence(bookinfo, "cluster2", name="reviews-v3", versions=["v3"])
    another_number = with_presence(bookinfo, "cluster2", ports={"http": 9090})
    return [
        Update("make a version of the client cluster a Service", bookinfo, own_here),
        Update("make such a Service a version again", own_here, bookinfo),
        Update("make a version of the serving cluster a Service, under a new name", bookinfo, own_there),
        Update("give that Service the version's old name", own_there, old_name),
        Update("give it a new name again", old_name, own_there),
        Update("rename the service on the serving cluster to that Service's name", own_there, renamed),
        Update("make a version of the renamed service a Service, under a new name", renamed, own_there),
        Update("make such a Service of the serving cluster a version again", own_there, bookinfo),
        Update("change the number of a port on the serving cluster", bookinfo, another_number),
        Update("change that number back", another_number, bookinfo),
    ]


def of_policies(bookinfo: Spec) -> list[Update]:
    """What the calls to reviews get beside their destination."""
    with_policies, with_others = with_timeouts(bookinfo, 3, 4, 5), with_timeouts(bookinfo, 6, 7, 8)
    return [
        Update("add policies", bookinfo, with_policies),
        Update("change policies", with_policies, with_others),
        Update("remove policies", with_others, bookinfo),
    ]


def of_substitutes(bookinfo: Spec) -> list[Update]:
    """Clusters that stand in for each other."""
    known = with_selectors(bookinfo)
    with_one = failing_over(known, cluster1=["cluster2"], cluster2=["cluster1"])
    with_another = failing_over(known, cluster1=["cluster3"], cluster2=["cluster3", "cluster1"])
    everywhere = {**known, "globalHosts": "{service}.{namespace}.everywhere"}
    return [
        Update("add failover", bookinfo, with_one),
        Update("change failover", with_one, with_another),
        Update("remove failover", with_another, bookinfo),
        Update("add a global host", bookinfo, everywhere),
        Update("remove a global host", everywhere, bookinfo),
    ]


def with_selectors(spec: Spec) -> Spec:
    """The spec says how each cluster's Service finds the pods of reviews."""
    for cluster in spec["services"][0]["clusters"]:
        spec = with_presence(spec, cluster, selector={"app": "reviews"})
    return spec


def failing_over(spec: Spec, **substitutes_of: list[str]) -> Spec:
    """The destinations on a cluster have any version on others as their substitutes, in this order."""
    [of_reviews, *others] = spec["traffic"]
    [entry] = of_reviews["http"]
    route = [
        {**place, "failover": [{"cluster": name} for name in substitutes_of[place["cluster"]]]}
        for place in entry["route"]
    ]
    return {**spec, "traffic": [{**of_reviews, "http": [{**entry, "route": route}]}, *others]}


def with_state(state: str, spec: Spec, cluster: str) -> Spec:
    """The cluster is `draining` or `retired`."""
    return _with_cluster(spec, cluster, state=state)


def with_addresses(spec: Spec, **address_of: str) -> Spec:
    """Each client of cluster2 dials its gateway at an address of its own."""
    addresses = [{"address": address, "clients": [client]} for client, address in address_of.items()]
    return _with_cluster(spec, "cluster2", gateway={"addresses": addresses})


def _with_cluster(spec: Spec, cluster: str, **stated: Any) -> Spec:
    clusters = spec["clusters"]
    return {**spec, "clusters": {**clusters, cluster: {**clusters[cluster], **stated}}}


def with_presence(spec: Spec, cluster: str, **stated: Any) -> Spec:
    """Reviews on a cluster has these keys, too."""
    [of_reviews, *others] = spec["services"]
    clusters = of_reviews["clusters"]
    changed = {**clusters, cluster: {**clusters[cluster], **stated}}
    return {**spec, "services": [{**of_reviews, "clusters": changed}, *others]}


def calling(spec: Spec, old: str, new: str) -> Spec:
    """The rule for reviews names a version `new` where it named `old`."""
    [of_reviews, *others] = spec["traffic"]
    [entry] = of_reviews["http"]
    route = [{**place, "version": new} if place["version"] == old else place for place in entry["route"]]
    return {**spec, "traffic": [{**of_reviews, "http": [{**entry, "route": route}]}, *others]}


def with_timeouts(spec: Spec, of_service: int, of_cluster: int, of_version: int) -> Spec:
    """Calls to reviews wait for a connection for as many seconds: at most, on cluster2, and for v1 on cluster1."""
    of_cluster2 = with_presence(spec, "cluster2", trafficPolicy=connect_timeout(of_cluster))
    of_v1 = with_presence(of_cluster2, "cluster1", versionPolicies={"v1": connect_timeout(of_version)})
    [of_reviews, *others] = of_v1["services"]
    return {**of_v1, "services": [{**of_reviews, "trafficPolicy": connect_timeout(of_service)}, *others]}


def connect_timeout(seconds: int) -> Spec:
    """A policy."""
    return {"connectionPool": {"tcp": {"connectTimeout": f"{seconds}s"}}}


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


def over_three(settle: int = SETTLE) -> Spec:
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
