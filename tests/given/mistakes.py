"""Mistakes that can be made in a valid spec: where, how, and which problem each must cause, whatever else is wrong."""

import copy
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mesh_federation.mesh.errors import Path

from tests.given.specs import Spec
from tests.given.strategies import http_ports, reference

REMOVED = object()
"""In place of a value: the key is taken out."""


class Edit(NamedTuple):
    """What a mistake writes, and where; one past the end of a list is a new entry."""

    path: Path
    value: Any


class Mistake(NamedTuple):
    """Edits of a valid spec that cause the problem `name` at `path`."""

    name: str
    path: Path
    text: str
    """Part of the message."""
    edits: tuple[Edit, ...]
    needs: tuple[Path, ...] = ()
    """What else must stay as it is, or nobody could see the mistake."""

    def __repr__(self) -> str:
        return f"{self.name} at {'.'.join(map(str, self.path))}"


def independent(one: Mistake, other: Mistake) -> bool:
    """Whether neither touches what the other writes or needs."""
    return not (_touches(one, other) or _touches(other, one))


def _touches(one: Mistake, other: Mistake) -> bool:
    theirs = (*other.needs, *(edit.path for edit in other.edits))
    return any(related(edit.path, path) for edit in one.edits for path in theirs)


def related(one: Path, other: Path) -> bool:
    """Whether one of two places lies in the other."""
    return one[: len(other)] == other[: len(one)]


def with_mistakes(spec: Spec, mistakes: Iterable[Mistake]) -> Spec:
    """The spec in which the mistakes are made."""
    wrong: Spec = json.loads(json.dumps(spec))  # no part is in two places
    for mistake in mistakes:
        for path, value in mistake.edits:
            part: Any = wrong
            for step in path[:-1]:
                part = part.setdefault(step, {}) if isinstance(part, dict) else part[step]
            if value is REMOVED:
                del part[path[-1]]
            elif isinstance(part, list) and path[-1] == len(part):
                part.append(copy.deepcopy(value))
            else:
                part[path[-1]] = copy.deepcopy(value)
    return wrong


def mistakes(spec: Spec) -> list[Mistake]:
    """Every mistake of the list, in every place where it can be made in a valid spec."""
    kinds = (_values, _keys, _clusters, _services, _rules, _destinations, _crossings, _addresses)
    return [mistake for kind in kinds for mistake in kind(spec)]


# -- what one value can be -----------------------------------------------------------------------------------------

VALUES: tuple[tuple[str, Any, str, str], ...] = (
    ("services", 0, "not-a-list", "0 is not a list"),
    ("traffic", {}, "not-a-list", "{} is not a list"),
    ("addresses", "240.0.0.0/12", "not-a-mapping", "'240.0.0.0/12' is not a mapping"),
    ("clusters.*", [], "not-a-mapping", "[] is not a mapping"),
    ("clusters.*.trustDomain", "Trust", "not-dns-labels", "'Trust'"),
    ("clusters.*.domain", "one", "not-a-dns-name", "'one'"),
    ("clusters.*.locality", 7, "not-text", "7 is not text"),
    ("clusters.*.identity", True, "not-text", "true is not text"),
    ("clusters.*.state", "draining", "not-supported-yet", "'draining'"),
    ("clusters.*.istio", "1.31", "not-a-mapping", "'1.31' is not a mapping"),
    ("clusters.*.istio.version", "1.2", "not-a-choice", "'1.2'"),
    ("clusters.*.istio.namespace", "N S", "not-a-dns-label", "'N S'"),
    ("clusters.*.gateway", [1], "not-a-mapping", "[1] is not a mapping"),
    ("clusters.*.gateway.addresses", [], "empty", "[] is empty"),
    ("clusters.*.gateway.addresses", "192.0.2.99", "not-a-list", "'192.0.2.99' is not a list"),
    ("clusters.*.gateway.addresses.*", "192.0.2.256", "not-a-gateway-address", "'192.0.2.256'"),
    ("clusters.*.gateway.addresses.*", 192.5, "not-text", "192.5 is not text"),
    ("clusters.*.gateway.port", 0, "too-small", "0 is too small"),
    ("clusters.*.gateway.listenerPort", 70000, "too-large", "70000 is too large"),
    ("clusters.*.gateway.selector", {}, "empty", "{} is empty"),
    ("clusters.*.gateway.selector", ["a"], "not-a-mapping", "['a'] is not a mapping"),
    ("clusters.*.gateway.selector", {"a b": "c"}, "not-a-label-key", "'a b'"),
    ("clusters.*.gateway.selector.*", "no / value", "not-a-label-value", "'no / value'"),
    ("clusters.*.gateway.namespace", "Gateways", "not-a-dns-label", "'Gateways'"),
    ("clusters.*.gateway.manage", "perhaps", "not-a-boolean", "'perhaps'"),
    ("services.*", None, "not-a-mapping", "null is not a mapping"),
    ("services.*.name", "Reviews", "not-a-dns-label", "'Reviews'"),
    ("services.*.name", REMOVED, "missing-key", "is missing"),
    ("services.*.namespace", 5, "not-text", "5 is not text"),
    ("services.*.ports", [], "empty", "[] is empty"),
    ("services.*.ports.*", "http", "not-a-mapping", "'http' is not a mapping"),
    ("services.*.ports.*.name", "-", "not-a-dns-label", "'-'"),
    ("services.*.ports.*.number", "x", "not-an-integer", "'x' is not an integer"),
    ("services.*.ports.*.protocol", "UDP", "not-a-choice", "'UDP'"),
    ("services.*.ports", {}, "not-a-list", "{} is not a list"),
    ("services.*.clusters", {}, "empty", "{} is empty"),
    ("services.*.clusters", ["a"], "not-a-mapping", "['a'] is not a mapping"),
    ("services.*.clusters.*.versions", "v1", "not-a-list", "'v1' is not a list"),
    ("services.*.clusters.*.subsets", "v1", "not-a-mapping", "'v1' is not a mapping"),
    ("services.*.clusters.*", "v1", "not-a-mapping", "'v1' is not a mapping"),
    ("services.*.clusters.*.versions.*", "V1", "not-a-dns-label", "'V1'"),
    ("services.*.clusters.*.subsets.*", {}, "empty", "{} is empty"),
    ("services.*.clusters.*.subsets.*.*", ".", "not-a-label-value", "'.'"),
    ("services.*.clusters.*.serviceAccounts", [], "empty", "[] is empty"),
    ("services.*.clusters.*.serviceAccounts", REMOVED, "missing-identity", "is missing"),
    ("services.*.clusters.*.serviceAccounts.*", "A", "not-dns-labels", "'A'"),
    ("services.*.importedBy", "a", "not-a-list", "'a' is not a list"),
    ("services.*.importedBy.*", "East", "not-a-dns-label", "'East'"),
    ("traffic.*", 1, "not-a-mapping", "1 is not a mapping"),
    ("traffic.*.service", "reviews", "not-a-service-reference", "'reviews'"),
    ("traffic.*.clients", ["a"], "not-a-mapping", "['a'] is not a mapping"),
    ("traffic.*.clients", REMOVED, "missing-key", "is missing"),
    ("traffic.*.clients.clusters", [], "empty", "[] is empty"),
    ("traffic.*.clients.clusters", "a", "not-a-list", "'a' is not a list"),
    ("traffic.*.clients.clusters.*", "East", "not-a-dns-label", "'East'"),
    ("traffic.*.port", True, "not-an-integer", "true is not an integer"),
    ("traffic.*", {"service": "a.b", "clients": {"clusters": ["a"]}}, "no-entries", "has neither http nor tcp nor tls"),
    ("traffic.*.otherwise", "local", "not-a-choice", "'local'"),
    ("traffic.*.name", "A", "not-a-dns-label", "'A'"),
    ("traffic.*.http", {}, "not-a-list", "{} is not a list"),
    ("traffic.*.http.*", ["a"], "not-a-mapping", "['a'] is not a mapping"),
    ("traffic.*.http.*.route", [], "missing-field", "'route' is missing"),
    ("traffic.*.http.*.timeout", "soon", "not-a-duration", "'soon'"),
    (
        "traffic.*.http.*.route",
        {"cluster": "a"},
        "not-a-list",
        "{cluster: 'a'} is not a list; write `- ` before each entry",
    ),
    ("traffic.*.http.*.route.*", "a", "not-a-mapping", "'a' is not a mapping"),
    ("traffic.*.http.*.route.*.cluster", "East", "not-a-dns-label", "'East'"),
    ("traffic.*.http.*.route.*.cluster", REMOVED, "missing-key", "is missing"),
    ("traffic.*.http.*.route.*.service", "a.b.c", "not-a-service-reference", "'a.b.c'"),
    ("traffic.*.http.*.route.*.version", "V1", "not-a-dns-label", "'V1'"),
    ("traffic.*.http.*.route.*.port", 10**6, "too-large", "1000000 is too large"),
    ("traffic.*.http.*.route.*.weight", "heavy", "not-an-integer", "'heavy'"),
    ("addresses.pool", "240.0.0.1/12", "not-a-network", "'240.0.0.1/12'"),
    ("addresses.pins", [], "not-a-mapping", "[] is not a mapping"),
    ("addresses.taken", "10.0.0.0/8", "not-a-list", "'10.0.0.0/8' is not a list"),
    ("addresses.pins.*", "240.0.0.256", "not-an-ip-address", "'240.0.0.256'"),
    ("addresses.taken.*", "everything", "not-a-network", "'everything'"),
    ("hosts", "{service}.{namespace}", "incomplete-template", "'{service}.{namespace}'"),
    ("hosts", "{service}{namespace}.{cluster}.global", "ambiguous-template", "'{service}{namespace}.{cluster}.global'"),
    ("settleSeconds", -1, "too-small", "-1 is too small"),
)
"""Place, what is written there, and the name and the text of the problem."""


def _values(spec: Spec) -> Iterator[Mistake]:
    for pattern, value, name, text in VALUES:
        for path in _places(spec, pattern.split(".")):
            at = (*path, "a b") if name == "not-a-label-key" else path
            yield Mistake(name, at, text, (Edit(path, value),))


def _places(value: Any, pattern: Sequence[str], path: Path = ()) -> Iterator[Path]:
    if not pattern:
        yield path
    elif isinstance(value, dict):
        for key in value if pattern[0] == "*" else {pattern[0]} & value.keys():
            yield from _places(value[key], pattern[1:], (*path, key))
    elif isinstance(value, list) and pattern[0] == "*":
        for index, item in enumerate(value):
            yield from _places(item, pattern[1:], (*path, index))


def _keys(spec: Spec) -> Iterator[Mistake]:
    """Keys that nobody knows, that say the same twice, and that are no text."""
    parts = (
        "clusters.*",
        "clusters.*.gateway",
        "clusters.*.gateways.*",
        "services.*",
        "services.*.ports.*",
        "services.*.clusters.*",
    )
    rules = ("traffic.*", "traffic.*.clients", "traffic.*.http.*", "traffic.*.http.*.route.*", "addresses")
    for pattern in (*parts, *rules):
        for path in _places(spec, pattern.split(".")):
            here = (*path, "zzz")
            yield Mistake("unknown-key", here, "'zzz' is not a known key", (Edit(here, 1),))
    for path in _places(spec, ["services", "*", "importedBy"]):
        here = (*path[:-1], "imported_by")
        yield Mistake("stated-twice", here, "'imported_by' and 'importedBy' are one key", (Edit(here, []),), (path,))


# -- clusters ------------------------------------------------------------------------------------------------------


def _clusters(spec: Spec) -> Iterator[Mistake]:
    names = list(spec["clusters"])
    for name, cluster in spec["clusters"].items():
        path: Path = ("clusters", name)
        ways = tuple((*path, key) for key in ("context", "kubeconfig", "renderTo"))
        way = next(key for key in ("renderTo", "context") if key not in cluster)
        yield Mistake("not-one-way", path, "needs exactly one of", (Edit((*path, way), "another"),), ways)
        here = (*path, "provider")
        yield Mistake("provider-in-a-stack-file", here, "is for programs", (Edit(here, "mine"),))
        if "kubeconfig" in cluster:
            here = (*path, "kubeconfig")
            yield Mistake("plain-kubeconfig", here, "stands in plain text", (Edit(here, "{users: []}"),))
            yield Mistake("not-a-kubeconfig", here, "is neither", (Edit(here, 5),))
        if "gateway" in cluster:
            addresses = cluster["gateway"]["addresses"]
            here = (*path, "gateway", "addresses", len(addresses))
            first = (*here[:-1], 0)
            yield Mistake("stated-twice", here, f"{addresses[0]!r}", (Edit(here, addresses[0]),), (first,))
        yield from _shared(spec, names, name)


def _shared(spec: Spec, names: list[str], name: str) -> Iterator[Mistake]:
    """What a cluster has in common with one before it."""
    cluster, path = spec["clusters"][name], ("clusters", name)
    for owner in names[: names.index(name)]:
        other, there = spec["clusters"][owner], ("clusters", owner)
        identity = other.get("identity", owner)
        here = (*path, "identity")
        yield Mistake("shared-identity", here, f"{identity!r}", (Edit(here, identity),), ((*there, "identity"),))
        if "context" in cluster and "context" in other and _root(cluster) == _root(other):
            here = (*path, "context")
            needs = ((*there, "context"), (*path, "istio"), (*there, "istio"))
            yield Mistake("shared-cluster", here, f"{other['context']!r}", (Edit(here, other["context"]),), needs)
        if "gateway" in other:
            address = other["gateway"]["addresses"][0]
            here = (*path, "gateway")
            gateway = {"addresses": [address], "port": other["gateway"].get("port", 15443)}
            edit = (Edit(here, gateway),)
            yield Mistake("shared-gateway", (*here, "addresses", 0), address, edit, ((*there, "gateway"),))


def _root(cluster: Spec) -> str:
    return str(cluster.get("istio", {}).get("namespace", "istio-system"))


# -- services ------------------------------------------------------------------------------------------------------


def _services(spec: Spec) -> Iterator[Mistake]:
    for index, service in enumerate(spec["services"]):
        path: Path = ("services", index)
        here = (*path, "clusters", "nowhere")
        presence = {"serviceAccounts": ["default"]}
        yield Mistake("unknown-cluster", here, "no cluster 'nowhere'", (Edit(here, presence),))
        for port in range(1, len(service["ports"])):
            for field in ("name", "number"):
                here, first = (*path, "ports", port, field), (*path, "ports", 0, field)
                value = service["ports"][0][field]
                yield Mistake("stated-twice", here, f"{value!r} is stated twice", (Edit(here, value),), (first,))
        for cluster, presence in service["clusters"].items():
            yield from _presence((*path, "clusters", cluster), presence)
        importers = service.get("importedBy", [])
        if "importedBy" in service:
            here = (*path, "importedBy", len(importers))
            yield Mistake("unknown-cluster", here, "no cluster 'nowhere'", (Edit(here, "nowhere"),))
            if len(service["clusters"]) == 1:
                [only] = service["clusters"]
                edit = (Edit(here, only),)
                where = ((*path, "clusters"), ("clusters", only))
                yield Mistake("imported-from-nowhere", here, f"{only!r} itself", edit, where)
        if index == 0:
            here = ("services", len(spec["services"]))
            again = {key: value for key, value in service.items() if key != "importedBy"}
            needs = ((*path, "name"), (*path, "namespace"))
            yield Mistake("service-stated-twice", here, f"{reference(service)!r}", (Edit(here, again),), needs)


def _presence(path: Path, presence: Spec) -> Iterator[Mistake]:
    for key in ("versions", "serviceAccounts"):
        for value in presence.get(key, ())[:1]:
            here = (*path, key, len(presence[key]))
            yield Mistake("stated-twice", here, f"{value!r} is stated twice", (Edit(here, value),), ((*path, key, 0),))
    for version in presence.get("versions", ()):
        here = (*path, "subsets", version)
        yield Mistake("version-stated-twice", here, f"{version!r}", (Edit(here, {"x": "y"}),), ((*path, "versions"),))


# -- rules ---------------------------------------------------------------------------------------------------------


def _service_of(spec: Spec, name: str) -> tuple[int, Spec]:
    return next((i, service) for i, service in enumerate(spec["services"]) if reference(service) == name)


def _identity(index: int) -> tuple[Path, ...]:
    return (("services", index, "name"), ("services", index, "namespace"))


def _every_service(spec: Spec) -> tuple[Path, ...]:
    """A service whose name nobody can read could be the one that is looked for."""
    return tuple(path for index in range(len(spec["services"])) for path in _identity(index))


def _rules(spec: Spec) -> Iterator[Mistake]:
    for index, rule in enumerate(spec["traffic"]):
        path: Path = ("traffic", index)
        number, service = _service_of(spec, rule["service"])
        to_service = ((*path, "service"), *_identity(number))
        here = (*path, "service")
        edit = (Edit(here, "nobody.nowhere"),)
        yield Mistake("unknown-service", here, "no service 'nobody.nowhere'", edit, _every_service(spec))
        here = (*path, "port")
        needs = (*to_service, ("services", number, "ports"))
        yield Mistake("unknown-rule-port", here, "no port 1;", (Edit(here, 1),), needs)
        clients = rule["clients"]["clusters"]
        here = (*path, "clients", "clusters", len(clients))
        yield Mistake("unknown-cluster", here, "no cluster 'nowhere'", (Edit(here, "nowhere"),))
        twice = (Edit(here, clients[0]),)
        yield Mistake("stated-twice", here, f"{clients[0]!r} is stated twice", twice, ((*here[:-1], 0),))
        for cluster in spec["clusters"].keys() - service["clusters"].keys():
            needs = (*to_service, ("services", number, "clusters"), ("clusters", cluster))
            needs = (*needs, (*path, "http"))
            some = Edit((*path, "http", 0, "match"), [{"method": {"exact": "GET"}}])
            edits = (Edit(here, cluster), Edit((*path, "otherwise"), "clientCluster"), some)
            yield Mistake("unanswered-calls", here, f"does not run on {cluster!r}", edits, needs)
        here = (*path, "http", 1)
        needs = (*to_service, ("services", number, "ports"), path)
        first = rule["http"][0]["route"][0]
        entry = {"route": [{key: value for key, value in first.items() if key != "weight"}]}
        yield Mistake("hidden-entry", here, "http[1] never takes a call", (Edit(here, entry),), needs)
        if index == 0:
            here = ("traffic", len(spec["traffic"]))
            needs = (*to_service, ("services", number, "ports"), (*path, "port"), (*path, "clients", "clusters", 0))
            yield Mistake("second-rule", here, f"'{rule['service']}:", (Edit(here, rule),), needs)


def _destinations(spec: Spec) -> Iterator[Mistake]:
    for index, rule in enumerate(spec["traffic"]):
        route = rule["http"][0]["route"]
        path: Path = ("traffic", index, "http", 0, "route")
        weights = tuple(Edit((*path, i, "weight"), 0) for i in range(len(route)))
        yield Mistake("no-weight-above-zero", path, "add up to 0", weights)
        if len(route) > 1:
            for position in range(len(route)):
                here = (*path, position, "weight")
                yield Mistake("missing-weight", here, "is missing", (Edit(here, REMOVED),))
        here = (*path, len(route))
        again = {**route[0], "weight": 1}
        needs = ((*path, 0), ("traffic", index, "service"))
        yield Mistake("destination-stated-twice", here, f"{route[0]['cluster']}", (Edit(here, again),), needs)
        for position, destination in enumerate(route):
            yield from _destination(spec, index, rule, (*path, position), destination)


def _destination(spec: Spec, index: int, rule: Spec, path: Path, destination: Spec) -> Iterator[Mistake]:
    number, target = _service_of(spec, str(destination.get("service", rule["service"])))
    own, service = _service_of(spec, rule["service"])
    to_target: tuple[Path, ...] = (("traffic", index, "service"), (*path, "service"), *_identity(number))
    here = (*path, "cluster")
    yield Mistake("unknown-cluster", here, "no cluster 'nowhere'", (Edit(here, "nowhere"),))
    for cluster in spec["clusters"].keys() - target["clusters"].keys():
        needs = (*to_target, ("services", number, "clusters"), ("clusters", cluster))
        yield Mistake("service-not-on-cluster", here, f"{cluster!r}", (Edit(here, cluster),), needs)
    here = (*path, "service")
    edit = (Edit(here, "nobody.nowhere"),)
    yield Mistake("unknown-service", here, "no service 'nobody.nowhere'", edit, _every_service(spec))
    here = (*path, "version")
    needs = (*to_target, (*path, "cluster"), ("services", number, "clusters", destination["cluster"]))
    yield Mistake("unknown-version", here, "no version 'v99'", (Edit(here, "v99"),), needs)
    here = (*path, "port")
    ports = ("services", number, "ports")
    yield Mistake("unknown-port", here, "no port 1;", (Edit(here, 1),), (*to_target, ports))
    numbers = {port["number"] for port in target["ports"]}
    if "port" in destination and rule.get("port", 0) in {*http_ports(service)} - numbers:
        needs = (*to_target, ports, *_identity(own), ("services", own, "ports"), ("traffic", index, "port"))
        yield Mistake("missing-port", here, "is missing; callers use port", (Edit(here, REMOVED),), needs)


# -- from one cluster to another -----------------------------------------------------------------------------------

LONG_DOMAIN = ".".join(["d" * 60] * 4)


def _crossings(spec: Spec) -> Iterator[Mistake]:
    """Calls that leave their cluster need its gateway, a server name and a federated host."""
    for index, rule in enumerate(spec["traffic"]):
        for position, destination in enumerate(rule["http"][0]["route"]):
            serving = destination["cluster"]
            others = [client for client in rule["clients"]["clusters"] if client != serving]
            if not others:
                continue
            number, target = _service_of(spec, str(destination.get("service", rule["service"])))
            path: Path = ("traffic", index, "http", 0, "route", position)
            here = (*path, "cluster")
            needs: tuple[Path, ...] = (
                *(("traffic", index, "service"), ("traffic", index, "clients"), (*path, "service"), (*path, "version")),
                *(here, *_identity(number), ("services", number, "clusters"), ("services", number, "ports")),
                *(("clusters", serving), ("hosts",)),
            )
            [key] = spec["clusters"][serving].keys() & {"gateway", "gateways"}
            gateway = Edit(("clusters", serving, key), REMOVED)
            yield Mistake("no-gateway", here, f"{serving!r} has no gateway", (gateway,), needs)
            domain = Edit(("clusters", serving, "domain"), LONG_DOMAIN)
            yield Mistake("server-name-too-long", here, f".svc.{LONG_DOMAIN}'", (domain,), needs)
            whole = (*needs, ("services",), ("clusters",), ("traffic",), ("addresses",))
            under_local = Edit(("hosts",), "{service}.{namespace}.{cluster}.local")
            yield Mistake("federated-host-under-local", ("hosts",), f".{serving}.local'", (under_local,), whole)
            if len(target["name"]) > 1:
                long_label = "x" * 61
                too_long = Edit(("hosts",), f"{{service}}-{long_label}.{{namespace}}.{{cluster}}.global")
                yield Mistake("federated-host-too-long", here, f"{long_label}", (too_long,), whole)
            home = spec["clusters"][others[0]].get("domain", "cluster.local")
            if home != "cluster.local":
                of_the_client = Edit(("hosts",), f"{{service}}.{{namespace}}.{{cluster}}.svc.{home}")
                yield Mistake("federated-host-of-the-client", ("hosts",), f"{home!r}", (of_the_client,), whole)


# -- addresses -----------------------------------------------------------------------------------------------------


def _addresses(spec: Spec) -> Iterator[Mistake]:
    pins = spec.get("addresses", {}).get("pins", {})
    if "addresses" not in spec:
        return
    path: Path = ("addresses", "pins")
    pool: Path = ("addresses", "pool")
    here = (*path, "nobody.default.svc.a.global")
    needs = (("services",), ("hosts",))
    yield Mistake("unknown-host", here, "'nobody.default.svc.a.global'", (Edit(here, "240.9.0.99"),), needs)
    for number, (host, address) in enumerate(pins.items()):
        here = (*path, host)
        yield Mistake("pin-outside-the-pool", here, "'10.0.0.1'", (Edit(here, "10.0.0.1"),), (pool,))
        taken = Edit(("addresses", "taken"), [f"{address}/32"])
        yield Mistake("pin-taken", here, f"{address!r}", (taken,), (pool, here))
        for other in [*pins][:number]:
            edit = Edit(here, pins[other])
            yield Mistake("address-pinned-twice", here, f"{pins[other]!r}", (edit,), ((*path, other),))
