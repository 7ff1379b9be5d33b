"""Specs of the whole route language as plain data, valid by construction: all conditions, actions and callers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.given.specs import Spec, gateways_of
from tests.given.strategies import Draw, maybe, reference, some, specs, versions_of

KINDS = {"http": ("HTTP", "HTTP2", "GRPC", "GRPC-WEB"), "tcp": ("TCP", "MONGO"), "tls": ("TLS", "HTTPS")}
WHO: tuple[Spec, ...] = (
    {"labels": {"tier": "gold"}, "namespaces": ["shop"]},
    {"labels": {"app": "web"}},
    {"namespaces": ["web", "a"]},
    {"namespaces": ["shop"]},
    {"gateways": ["mesh", "ingress/public"]},
    {},
    {"gateways": ["ingress/public"]},
    {"gateways": ["ingress/internal", "ingress/public"]},
)
"""Callers, the narrower ones first, so that no rule hides another. `EVERYBODY` are alike for rules."""
EVERYBODY = WHO[4:6]


@st.composite
def federations(draw: Draw) -> Spec:
    """A spec with rules of all kinds: `read` takes it, perhaps with warnings."""
    spec = draw(specs())
    for service in spec["services"]:
        _import_versions(draw, service)
    numbers = count()
    return {**spec, "traffic": [rule for service in spec["services"] for rule in _rules(draw, service, spec, numbers)]}


@st.composite
def standing_in(draw: Draw) -> Spec:
    """Such a spec, in which clusters stand in for each other."""
    spec = draw(federations())
    for service in spec["services"]:
        for presence in service["clusters"].values():
            presence["selector"] = {"app": service["name"]}
    for rule in spec["traffic"]:
        for entry in (entry for kind in KINDS for entry in rule.get(kind, ())):
            for destination in entry.get("route", ()):
                destination.update(_failover(draw, spec, rule, destination))
    template = st.just("{service}.{namespace}.everywhere")
    return {**spec, **(maybe(draw, "globalHosts", template) if _can_be_everywhere(spec) else {})}


@st.composite
def narrowed(draw: Draw) -> Spec:
    """Such a spec, with policies at all levels, of which Istio would refuse some side by side."""
    spec: Spec = draw(st.one_of(federations(), standing_in()))
    # what stands in for others is ranked by us
    balancers = BALANCERS if "failover" in str(spec["traffic"]) else (*BALANCERS, *LOCALITIES)
    for service in spec["services"]:
        service["trafficPolicy"] = _policy(draw, balancers)
        for presence in service["clusters"].values():
            presence["trafficPolicy"] = _policy(draw, balancers)
            presence["versionPolicies"] = {version: _policy(draw, balancers) for version in versions_of(presence)}
    return spec


BALANCERS: tuple[Spec, ...] = (
    {"simple": "RANDOM"},
    {"consistentHash": {"httpHeaderName": "x-user", "minimumRingSize": 512}},
    {"consistentHash": {"httpCookie": {"name": "user"}, "ringHash": {"minimumRingSize": 512}}},
    {"consistentHash": {"useSourceIp": True, "maglev": {"tableSize": 65537}}},
)
LOCALITIES: tuple[Spec, ...] = (
    {"localityLbSetting": {"enabled": True, "distribute": [{"from": "a", "to": {"b": 100}}]}},
    {"localityLbSetting": {"failover": [{"from": "a", "to": "b"}]}},
    {"localityLbSetting": {"failoverPriority": ["rack"]}},
)


def _policy(draw: Draw, balancers: Sequence[Spec]) -> Spec:
    of_http = [{"h2UpgradePolicy": "UPGRADE"}, {"useClientProtocol": True}, {"http1MaxPendingRequests": 64}]
    # without the split, what stands in for others answers only where another kind of error counts
    without_split = {"splitExternalLocalOriginErrors": False, "consecutiveGatewayErrors": 3}
    outliers: list[Spec] = [without_split, {"baseEjectionTime": "10s"}]
    return {
        **maybe(draw, "loadBalancer", st.sampled_from(balancers)),
        **maybe(draw, "connectionPool", st.sampled_from(of_http).map(lambda http: {"http": http})),
        **maybe(draw, "outlierDetection", st.sampled_from(outliers)),
    }


def _can_be_everywhere(spec: Spec) -> bool:
    """Whether each service has one name wherever it runs, and can be reached there."""
    of = spec["clusters"]
    return all(
        all(gateways_of(of[name]) or {*of} == {name} for name in service["clusters"])
        and len({_domain(of[name]) for name in service["clusters"]}) == 1
        for service in spec["services"]
    )


def _import_versions(draw: Draw, service: Spec) -> None:
    for index, cluster in enumerate(service.get("importedBy", ())):
        others = [part for name, part in service["clusters"].items() if name != cluster]
        versions = sorted({version for part in others for version in versions_of(part)})
        if draw(st.booleans()) and versions:
            service["importedBy"][index] = {"cluster": cluster, "versions": some(draw, versions, at_least=1)}


@dataclass
class Rule:
    """What the entries of a rule are drawn from."""

    spec: Spec
    service: Spec
    clients: list[str]
    who: Spec
    port: int | None
    numbers: Iterator[int]
    """None is used twice, so no entry hides another."""

    @property
    def is_ingress_alone(self) -> bool:
        return "mesh" not in self.who.get("gateways", ["mesh"])

    def ports(self, kind: str) -> list[int]:
        stated = [port["number"] for port in self.service["ports"] if port["protocol"].upper() in KINDS[kind]]
        return [number for number in stated if self.port in (None, number)]

    def choices(self, kind: str) -> list[Spec]:
        """Destinations without a weight, to which every client cluster can send the rule's calls."""
        return [
            {"cluster": cluster, **target, **version, **self._port(kind, service)}
            for service in self.spec["services"]
            for target in ([{}] if service is self.service else [{"service": reference(service)}])
            for cluster, presence in service["clusters"].items()
            if gateways_of(self.spec["clusters"][cluster]) or {cluster} == set(self.clients)
            for version in [{}, *({"version": version} for version in versions_of(presence))]
        ]

    def _port(self, kind: str, target: Spec) -> Spec:
        offered = [port["number"] for port in target["ports"]]
        return {} if set(self.ports(kind)) <= set(offered) else {"port": offered[0]}


def _rules(draw: Draw, service: Spec, spec: Spec, numbers: Iterator[int]) -> Iterator[Spec]:
    drawn = some(draw, range(len(WHO)), at_most=4)
    states_create_service = True
    for position in sorted(drawn):
        if WHO[position] == {} and drawn.count(4):
            continue  # the same callers as those of the one before
        clients = some(draw, list(spec["clusters"]), at_least=1)
        http = [port["number"] for port in service["ports"] if port["protocol"].upper() in KINDS["http"]]
        is_at_gateway = "gateways" in WHO[position]
        port = draw(st.sampled_from(http)) if http and (is_at_gateway or draw(st.booleans())) else None
        rule = Rule(spec, service, clients, WHO[position], port, numbers)
        stated = _rule(draw, rule, states_create_service=states_create_service)
        if stated:
            states_create_service &= "createService" not in stated
            yield stated


def _rule(draw: Draw, rule: Rule, *, states_create_service: bool) -> Spec | None:
    fitting = [kind for kind in KINDS if rule.ports(kind) and rule.choices(kind)]
    if "gateways" in rule.who:
        fitting = [kind for kind in fitting if kind == "http"]
    kinds = some(draw, fitting, at_least=1)
    if not kinds:
        return None
    is_absent = not set(rule.clients) <= rule.service["clusters"].keys()
    needs_all = is_absent and not rule.is_ingress_alone
    otherwise = _otherwise(draw, kinds, is_absent=is_absent)
    hosts = [f"h{next(rule.numbers)}.example.com" for _ in range(draw(st.integers(0, 2)))]
    if "gateways" in rule.who or "tls" in kinds:
        hosts.append(f"h{next(rule.numbers)}.example.com")
    entries = {
        "http": lambda: _http(draw, rule, ends=needs_all and not otherwise, may_end=not otherwise),
        "tcp": lambda: _tcp(draw, rule, ends=needs_all),
        "tls": lambda: _tls(draw, rule, hosts),
    }
    states_it = states_create_service and needs_all and draw(st.booleans())
    return {
        **({"name": f"r{next(rule.numbers)}"} if "gateways" in rule.who or draw(st.booleans()) else {}),
        "service": reference(rule.service),
        **({"hosts": hosts} if hosts else {}),
        "clients": {"clusters": rule.clients, **rule.who},
        **({} if rule.port is None else {"port": rule.port}),
        **({"otherwise": otherwise} if otherwise else {}),
        **({"createService": draw(st.booleans())} if states_it else {}),
        **{kind: entries[kind]() for kind in kinds},
    }


def _otherwise(draw: Draw, kinds: list[str], *, is_absent: bool) -> str | None:
    if kinds != ["http"]:
        return None
    return draw(st.sampled_from([None, "notFound"] if is_absent else [None, "notFound", "clientCluster"]))


def _route(draw: Draw, rule: Rule, kind: str) -> list[Spec]:
    choices = rule.choices(kind)
    targets = [choices[index] for index in some(draw, range(len(choices)), at_least=1, at_most=3)]
    weights = draw(st.lists(st.integers(0, 9), min_size=len(targets), max_size=len(targets)).filter(any))
    headers = st.just({"request": {"set": {"x-to": "here"}}, "response": {"remove": ["server"]}})
    return [
        {
            **target,
            **({"weight": weight} if len(targets) > 1 else {}),
            **(maybe(draw, "headers", headers) if kind == "http" else {}),
        }
        for target, weight in zip(targets, weights, strict=True)
    ]


def _failover(draw: Draw, spec: Spec, rule: Spec, destination: Spec) -> Spec:
    """Other clusters that run the destination's service under the same name, and that all clients can reach."""
    clusters = spec["clusters"]
    wanted = destination.get("service", rule["service"])
    (service,) = (service for service in spec["services"] if reference(service) == wanted)
    fitting = [
        name
        for name in service["clusters"]
        if name != destination["cluster"]
        and (gateways_of(clusters[name]) or {name} == set(rule["clients"]["clusters"]))
        and _domain(clusters[name]) == _domain(clusters[destination["cluster"]])
    ]
    if {destination["cluster"], *fitting} & set(rule["clients"]["clusters"]):
        # Istio cannot rank names beside pods as freely
        if _has_names(clusters[destination["cluster"]]):
            return {}
        fitting = [name for name in fitting if not _has_names(clusters[name])]
    substitutes = [
        {"cluster": name, **maybe(draw, "version", st.sampled_from(versions))} if versions else {"cluster": name}
        for name in some(draw, fitting, at_most=3)
        for versions in [versions_of(service["clusters"][name])]
    ]
    return maybe(draw, "failover", st.just(substitutes)) if substitutes else {}


def _has_names(cluster: Spec) -> bool:
    return any("example.com" in str(gateway["addresses"]) for gateway in gateways_of(cluster).values())


def _domain(cluster: Spec) -> str:
    stated: str = cluster.get("domain", "cluster.local")
    return stated


def _http(draw: Draw, rule: Rule, *, ends: bool, may_end: bool) -> list[Spec]:
    stated = [_http_entry(draw, rule, has_match=True) for _ in range(draw(st.integers(0, 3)))]
    if ends or not stated or (may_end and draw(st.booleans())):
        last = _http_entry(draw, rule, has_match=not (ends or may_end))
        stated.append(last)
    return stated


def _http_entry(draw: Draw, rule: Rule, *, has_match: bool) -> Spec:
    matches = [_match(draw, rule) for _ in range(draw(st.integers(1, 2)))] if has_match else []
    headers = st.just({"request": {"add": {"x-by": "mesh"}}, "response": {"set": {"x-by": "mesh"}}})
    return {
        **({"name": f"e{next(rule.numbers)}"} if draw(st.booleans()) else {}),
        **({"match": matches} if matches else {}),
        **maybe(draw, "headers", headers),
        **draw(st.sampled_from([_forwarded, _forwarded, _forwarded, _redirected, _answered]))(draw, rule),
    }


def _redirected(draw: Draw, _rule: Rule) -> Spec:
    return {
        "redirect": {
            "uri": "/elsewhere",
            **maybe(draw, "authority", st.just("www.example.com")),
            **maybe(draw, "redirectCode", st.sampled_from([302, 307])),
            **maybe(draw, "scheme", st.just("https")),
        }
    }


def _answered(draw: Draw, _rule: Rule) -> Spec:
    return {"directResponse": {"status": 410, **maybe(draw, "body", st.sampled_from([{"string": "gone"}]))}}


def _forwarded(draw: Draw, rule: Rule) -> Spec:
    delay = {"fixedDelay": "2s", "percentage": {"value": 12.5}}
    origins = [{"exact": "https://shop.example.com"}, {"regex": "https://.*"}]
    mirrors = [
        {**rule.choices("http")[index], **maybe(draw, "percentage", st.just({"value": 12.5}))}
        for index in some(draw, range(len(rule.choices("http"))), at_most=2)
    ]
    retries = [{"attempts": 0}, {"attempts": 3, "perTryTimeout": "250ms", "retryOn": "connect-failure,503"}]
    rewrites = [
        {"uri": "/new"},
        {"authority": "new.example.com"},
        {"uriRegexRewrite": {"match": "/a(.*)", "rewrite": r"/b\1"}},
    ]
    return {
        **maybe(draw, "timeout", st.sampled_from(["1s", "1m30s"])),
        **maybe(draw, "retries", st.sampled_from(retries)),
        **maybe(draw, "fault", st.sampled_from([{"delay": delay}, {"abort": {"httpStatus": 503}, "delay": delay}])),
        **maybe(draw, "corsPolicy", st.just({"allowOrigins": origins, "allowMethods": ["GET"], "maxAge": "10m"})),
        **maybe(draw, "rewrite", st.sampled_from(rewrites)),
        **({"mirrors": mirrors} if mirrors else {}),
        "route": _route(draw, rule, "http"),
    }


def _match(draw: Draw, rule: Rule) -> Spec:
    n = next(rule.numbers)
    text = st.sampled_from([{"exact": f"/e{n}/"}, {"prefix": f"/e{n}/"}, {"regex": f"/e{n}/.*"}])
    conditions = [
        {"uri": draw(text), **maybe(draw, "ignoreUriCase", st.just(True))},
        {"headers": {f"x-e{n}": draw(st.one_of(text, st.just({})))}},
        {"queryParams": {f"e{n}": draw(text)}},
        {"authority": draw(text)},
        {"method": {"exact": f"METHOD{n}"}},
    ]
    return {
        **draw(st.sampled_from(conditions)),
        **maybe(draw, "withoutHeaders", st.just({"x-skip": {"exact": "y"}})),
        **maybe(draw, "scheme", st.just({"exact": "https"})),
        **maybe(draw, "name", st.just(f"m{n}")),
        **({} if rule.is_ingress_alone else _callers(draw, rule, "http")),
    }


def _callers(draw: Draw, rule: Rule, kind: str) -> Spec:
    """Conditions on who calls, and which port."""
    namespace = rule.who.get("namespaces", ["x"])[0]
    return {
        **maybe(draw, "sourceLabels", st.just({"ring": "inner"})),
        **maybe(draw, "sourceNamespace", st.just(namespace)),
        **maybe(draw, "port", st.sampled_from(rule.ports(kind))),
        **({} if "gateways" in rule.who else maybe(draw, "gateways", st.just(["mesh"]))),
    }


def _tcp(draw: Draw, rule: Rule, *, ends: bool) -> list[Spec]:
    stated: list[Spec] = []
    for _ in range(draw(st.integers(0, 2))):
        n = next(rule.numbers)
        conditions: list[Spec] = [
            {"destinationSubnets": [f"10.{n // 256}.{n % 256}.0/24"]},
            {"sourceLabels": {"from": f"n{n}"}},
        ]
        only = draw(st.sampled_from(conditions))
        stated.append({"match": [{**_callers(draw, rule, "tcp"), **only}], "route": _route(draw, rule, "tcp")})
    if ends or not stated or draw(st.booleans()):
        stated.append({"route": _route(draw, rule, "tcp")})
    return stated


def _tls(draw: Draw, rule: Rule, hosts: list[str]) -> list[Spec]:
    return [
        {"match": [{"sniHosts": [host], **_callers(draw, rule, "tls")}], "route": _route(draw, rule, "tls")}
        for host in some(draw, hosts, at_least=1)
    ]


ORDERED = frozenset({"failover", "addresses", "traffic", "http", "tcp", "tls", "match", "mirrors"})
"""Lists whose order means something: it decides who comes first, or is shown as the user has it."""
VERBATIM = frozenset({"headers", "fault", "corsPolicy", "sniHosts", "destinationSubnets"})
"""Lists below are Istio's own."""


def reordered(value: Any, random: Random, *, key: str = "", is_ours: bool = True) -> Any:
    """The same spec in another order, but for lists whose order means something."""
    is_ours = is_ours and key not in VERBATIM
    if isinstance(value, dict):
        items = [(name, reordered(item, random, key=name, is_ours=is_ours)) for name, item in value.items()]
        random.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [reordered(item, random, is_ours=is_ours) for item in value]
        if is_ours and key not in ORDERED:
            random.shuffle(items)
        return items
    return value


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in plain data that holds nothing else."""
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    if not items:
        yield path
    for key, item in items:
        yield from leaves(item, (*path, key))
