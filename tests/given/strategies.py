"""Specs as plain data, valid by construction, and small enough that names and numbers meet."""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from tests.given.specs import Spec, gateways_of

Draw = st.DrawFn
T = TypeVar("T")

# joined by `-`, several of these would be one: names must not rely on that
WORDS = ("a", "a-b", "b", "b-c", "c", "reviews", "istio-system")
CLUSTERS = ("a", "a-b", "b", "east", "west")
VERSIONS = ("v1", "v2", "v3")
NUMBERS = (80, 443, 8080, 9080, 65535)
PROTOCOLS = ("HTTP", "HTTP2", "GRPC", "grpc-web", "http", "TCP", "TLS", "HTTPS", "MONGO")
ACCOUNTS = ("default", "reviews", "reviews.canary")
ALONE: list[list[int | None]] = [[None], [1], [100]]
HTTP = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB"})


def some(draw: Draw, values: Sequence[T], *, at_least: int = 0, at_most: int | None = None) -> list[T]:
    """Some of the values, each at most once, in any order."""
    if len(values) < max(at_least, 1):
        return []
    return draw(st.lists(st.sampled_from(values), unique=True, min_size=at_least, max_size=at_most))


def maybe(draw: Draw, key: str, strategy: st.SearchStrategy[Any]) -> Spec:
    """`{key: value}`, or nothing."""
    return {key: draw(strategy)} if draw(st.booleans()) else {}


@st.composite
def gateways(draw: Draw, number: int) -> Spec:
    """`number` keeps the gateways of two clusters apart."""
    kinds = [f"192.0.2.{number}", f"198.51.100.{number}", f"2001:db8::{number}", f"gw{number}.example.com"]
    return {
        "addresses": some(draw, kinds, at_least=1, at_most=3),
        **maybe(draw, "port", st.sampled_from([443, 15443, 31443])),
        **maybe(draw, "listenerPort", st.sampled_from([8443, 15443])),
        **maybe(draw, "selector", st.sampled_from([{"istio": "eastwestgateway"}, {"b": "2", "app": "gw"}])),
        **maybe(draw, "namespace", st.sampled_from(["gateways", "istio-system", "a"])),
        **maybe(draw, "manage", st.booleans()),
    }


@st.composite
def ways_in(draw: Draw, number: int) -> Spec:
    """A cluster's gateway, or several that share its calls."""
    gateway = draw(gateways(number))
    if draw(st.integers(0, 2)):
        return {"gateway": gateway}
    second = {**draw(gateways(number + 100)), "selector": {"istio": "other"}}
    several = {draw(st.sampled_from(["default", "a", "a-b"])): gateway, draw(st.sampled_from(["b", "b-c"])): second}
    weights = draw(st.sampled_from([None, (90, 10), (0, 1), (3, 3)]))
    for part, weight in zip(several.values(), weights or (), strict=False):
        part["weight"] = weight
    return {"gateways": several}


@st.composite
def clusters(draw: Draw, name: str, number: int) -> Spec:
    access = draw(
        st.sampled_from([{"context": name}, {"kubeconfig": f"kubeconfigs/{name}"}, {"renderTo": f"out/{name}"}])
    )
    has_gateway = draw(st.integers(0, 4)) > 0
    return {
        **access,
        **maybe(draw, "trustDomain", st.sampled_from(["cluster.local", name, f"{name}.example.com"])),
        **maybe(draw, "domain", st.sampled_from(["cluster.local", "corp.internal"])),
        **maybe(
            draw,
            "istio",
            st.fixed_dictionaries(
                {},
                optional={
                    "version": st.sampled_from(["1.27", "1.31", 1.29]),
                    "namespace": st.sampled_from(["istio-system", "mesh", "a"]),
                },
            ),
        ),
        **maybe(draw, "locality", st.just(f"region/{name}")),
        **maybe(draw, "identity", st.just(f"{name}-2")),
        **(draw(ways_in(number)) if has_gateway else {}),
    }


@st.composite
def presences(draw: Draw) -> Spec:
    labels = st.sampled_from([{"track": "canary"}, {"version": "1.2.3", "tier": "x"}])
    return {
        "serviceAccounts": some(draw, ACCOUNTS, at_least=1),
        **maybe(draw, "versions", st.lists(st.sampled_from(VERSIONS), unique=True)),
        **maybe(draw, "subsets", st.dictionaries(st.sampled_from(["canary", "old"]), labels)),
    }


@st.composite
def choices_among(draw: Draw, cluster: Spec) -> Spec:
    """The gateways that lead to a service; one of them takes calls."""
    gateways = gateways_of(cluster)
    with_calls = [name for name, gateway in gateways.items() if gateway.get("weight") != 0]
    if not gateways or draw(st.booleans()):
        return {}
    return {"gateways": [*{draw(st.sampled_from(with_calls)): None, **dict.fromkeys(some(draw, [*gateways]))}]}


@st.composite
def services(draw: Draw, name: str, namespace: str, cluster_of: Spec) -> Spec:
    numbers = some(draw, NUMBERS, at_least=1, at_most=3)
    ports = [{"name": f"p{n}", "number": n, "protocol": draw(st.sampled_from(PROTOCOLS))} for n in numbers]
    runs_on = some(draw, list(cluster_of), at_least=1)
    importers = [
        name
        for name in cluster_of
        if {*runs_on} - {name} and all(gateways_of(cluster_of[serving]) for serving in runs_on if serving != name)
    ]
    return {
        "name": name,
        "namespace": namespace,
        "ports": ports,
        "clusters": {cluster: {**draw(presences()), **draw(choices_among(cluster_of[cluster]))} for cluster in runs_on},
        **({"importedBy": some(draw, importers)} if draw(st.booleans()) else {}),
    }


class Calls(NamedTuple):
    """What one rule speaks for."""

    service: Spec
    clients: list[str]
    port: int | None


@st.composite
def rules(draw: Draw, calls: Calls, all_services: list[Spec], cluster_of: Spec) -> Spec | None:
    """None if nothing can answer: its own service may run on a cluster without a gateway only."""
    ports = {calls.port} if calls.port else set(http_ports(calls.service))
    own = reference(calls.service)
    choices = [
        {"cluster": cluster, **target, **version}
        for service in all_services
        for target in ([{}] if service is calls.service else [{"service": reference(service)}])
        for cluster, presence in service["clusters"].items()
        if gateways_of(cluster_of[cluster]) or {cluster} == set(calls.clients)
        for version in [{}, *({"version": version} for version in versions_of(presence))]
    ]
    destinations = some(draw, range(len(choices)), at_least=min(1, len(choices)), at_most=4)
    if not destinations:
        return None
    weight_of: st.SearchStrategy[int | None] = st.integers(0, 9)
    size = len(destinations)
    several = st.lists(weight_of, min_size=size, max_size=size).filter(any)
    weights = draw(several if size > 1 else st.sampled_from(ALONE))
    service_of = {reference(service): service for service in all_services}
    route: list[Spec] = []
    for index, weight in zip(destinations, weights, strict=True):
        choice = choices[index]
        offered = [port["number"] for port in service_of[choice.get("service", own)]["ports"]]
        needs_port = not ports <= set(offered)
        port = {"port": draw(st.sampled_from(offered))} if needs_port or draw(st.booleans()) else {}
        route.append({**choice, **port, **({} if weight is None else {"weight": weight})})
    narrowed = {} if calls.port is None else {"port": calls.port}
    return {"service": own, "clients": {"clusters": calls.clients}, **narrowed, "http": [{"route": route}]}


@st.composite
def traffic(draw: Draw, all_services: list[Spec], cluster_of: Spec) -> list[Spec]:
    all_rules: list[Spec] = []
    for service in all_services:
        ports = http_ports(service)
        clients = some(draw, list(service["clusters"]))
        if not (ports and clients):
            continue
        middle = draw(st.integers(0, len(clients)))
        for group in filter(None, (clients[:middle], clients[middle:])):
            narrowed: list[int | None] = [*some(draw, ports, at_least=1)] if draw(st.booleans()) else [None]
            drawn = [draw(rules(Calls(service, group, port), all_services, cluster_of)) for port in narrowed]
            all_rules += [rule for rule in drawn if rule]
    return all_rules


@st.composite
def specs(draw: Draw) -> Spec:
    """A valid spec: `parse` takes it."""
    names = some(draw, CLUSTERS, at_least=2)
    cluster_of = {name: draw(clusters(name, number)) for number, name in enumerate(names, start=1)}
    pairs = [(name, namespace) for name in WORDS[:6] for namespace in WORDS]
    all_services = [draw(services(*pair, cluster_of)) for pair in some(draw, pairs, at_most=6)]
    template = draw(
        st.sampled_from(["{service}.{namespace}.svc.{cluster}.global", "{service}.{cluster}.x-{namespace}"])
    )
    return {
        "clusters": cluster_of,
        "services": all_services,
        "traffic": draw(traffic(all_services, cluster_of)),
        **maybe(draw, "addresses", addresses(template, all_services)),
        **({"hosts": template} if "svc" not in template or draw(st.booleans()) else {}),
        **maybe(draw, "settleSeconds", st.integers(0, 60)),
    }


@st.composite
def addresses(draw: Draw, template: str, all_services: list[Spec]) -> Spec:
    hosts = [
        template.format(service=service["name"], namespace=service["namespace"], cluster=cluster)
        for service in all_services
        for cluster in service["clusters"]
    ]
    pinned = some(draw, hosts, at_most=3)
    return {
        "pool": "240.9.0.0/24",
        "pins": {host: f"240.9.0.{number}" for number, host in enumerate(pinned, start=1)},
        **maybe(draw, "taken", st.just(["240.9.0.128/25", "10.0.0.0/8"])),
    }


def reference(service: Spec) -> str:
    return f"{service['name']}.{service['namespace']}"


def http_ports(service: Spec) -> list[int]:
    return [port["number"] for port in service["ports"] if port["protocol"].upper() in HTTP]


def versions_of(presence: Spec) -> list[str]:
    return [*presence.get("versions", ()), *presence.get("subsets", ())]


def shuffled(value: Any, random: Random, *, keep: Sequence[str] = ("addresses",)) -> Any:
    """The same spec in another order. The order of a gateway's `addresses` is the user's: it stays."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: item if key in keep and isinstance(item, list) else shuffled(item, random) for key, item in items}
    if isinstance(value, list):
        items = [shuffled(item, random) for item in value]
        random.shuffle(items)
        return items
    return value
