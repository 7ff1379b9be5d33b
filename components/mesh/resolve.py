"""From a spec to routes: rules are merged for the callers that they share, and expanded by port."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import cycle_collector
from .istio.match import covers, is_catch_all, narrowed
from .manifest import is_late
from .routes import Absent, Destination, Entry, Member, Route, Routes
from .spec.callers import MESH, Callers, callers_of
from .spec.cluster import Cluster
from .spec.federation import Federation
from .spec.rule import Destination as SpecDestination
from .spec.rule import HttpEntry, Mirror, Rule, TcpEntry, TlsEntry
from .spec.service import Service
from .spec.values import PROTOCOLS_OF
from .uses import Uses

NOT_FOUND = {"directResponse": {"status": 404}}


def resolve(federation: Federation) -> Routes:
    """Who answers each call of a federation that has passed `read`.

    Raises `UnknownError` where an answer depends on a value that is encrypted.
    """
    with cycle_collector.paused():
        resolver = _Resolver(federation)
        routes = tuple(resolver.routes())
        uses = Uses(federation)
        for route in routes:
            uses.by_route(route)
        uses.by_imports()
        uses.by_global_hosts()
        return Routes(federation, routes, uses.uses, uses.failovers, tuple(resolver.absent()))


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls to one port of a service, by its number; None at ingress gateways."""

    client: Cluster
    service: Service
    kind: str
    port: int | None
    gateways: tuple[str, ...]
    """Where they enter the mesh, in Istio's words."""


class _Resolver:
    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.service_of = {service.reference: service for service in federation.services}
        self.rules: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        """(client cluster, service) → the rules for it, in the order of the text."""
        for rule in federation.traffic:
            for client in rule.clients.clusters:
                if federation.clusters[client].state != "retired":
                    self.rules[client, rule.service].append(rule)

    def routes(self) -> Iterator[Route]:
        for (client, reference), rules in sorted(self.rules.items(), key=lambda item: item[0]):
            cluster, service = self.federation.clusters[client], self.service_of[reference]
            for callers, shared in _by_callers(rules):
                for kind in PROTOCOLS_OF:
                    yield from self._of_kind(cluster, service, callers, kind, shared)

    def _of_kind(
        self, client: Cluster, service: Service, callers: Callers, kind: str, rules: Sequence[Rule]
    ) -> Iterator[Route]:
        speaking = [rule for rule in rules if getattr(rule, kind)]
        hosts = tuple(sorted({host for rule in speaking for host in rule.hosts}))
        kinds = [other for other in PROTOCOLS_OF if any(getattr(rule, other) for rule in rules)]
        ports = {port for rule in speaking for port in _ports_told_apart(rule, kind)}
        numbers = sorted({number for rule in speaking for number in service.ports_for(kind, rule.port)})
        for port in [None] if callers.gateways and speaking else numbers:
            calls = _Calls(client, service, kind, port, callers.entrances)
            fitting = [rule for rule in speaking if port is None or rule.port in (None, port)]
            narrowed = ports != {None} or len(kinds) > 1
            if entries := tuple(self._entries(calls, fitting)):
                yield Route(client, service, callers, kind, port, entries, narrowed, hosts)

    def _entries(self, calls: _Calls, rules: Sequence[Rule]) -> Iterator[Entry]:
        before: list[Mapping[str, Any]] = []
        speaking: list[Rule] = []
        for rule, entry in self._of_rules(calls, rules):
            yield entry
            if any(map(is_catch_all, entry.matches)):
                return
            before += entry.matches
            speaking.append(rule)
        # for `tcp` and `tls` istiod itself sends the rest to the service
        if calls.kind == "http" and _runs_at_home(calls):
            # where a rule is for everybody, nobody is without one; else istiod sends the others as if there were none
            for rule in [rule for rule in speaking if not rule.clients.labels][:1] or speaking:
                match = rule.clients.match
                if not any(covers(one, match) for one in before):
                    yield self._at_home(calls, rule)
                    before.append(match)

    def _of_rules(self, calls: _Calls, rules: Sequence[Rule]) -> Iterator[tuple[Rule, Entry]]:
        for rule in rules:
            for spec_entry in getattr(rule, calls.kind):
                entry = self._entry(spec_entry, calls, rule)
                if entry.matches:
                    yield rule, entry
            # where the service does not run, entries take every call before that (`checks.entry_order`)
            if rule.takes_the_rest(calls.kind) and (rule.otherwise == "notFound" or _runs_at_home(calls)):
                yield rule, self._otherwise(rule, calls)

    def _otherwise(self, rule: Rule, calls: _Calls) -> Entry:
        if rule.otherwise == "notFound":
            return Entry((), matches=(rule.clients.match,), istio=NOT_FOUND)
        return self._at_home(calls, rule)

    def _at_home(self, calls: _Calls, rule: Rule) -> Entry:
        port = calls.port or _only_port(calls.service, rule)
        return Entry((Destination(calls.service, calls.client, "", port),), matches=(rule.clients.match,))

    def _entry(self, entry: HttpEntry | TcpEntry | TlsEntry, calls: _Calls, rule: Rule) -> Entry:
        destinations = tuple(
            self._destination(one, calls, rule, weight=weight) for one, weight in self._weighted(entry.route)
        )
        matches = tuple(_matches(entry.match, calls, rule.clients.labels))
        if isinstance(entry, TlsEntry):
            hosts = {*rule.hosts, *self.federation.own_hosts_of(calls.service, calls.client.name)}
            matches = tuple(_with_names_of(hosts, matches))
        if not isinstance(entry, HttpEntry):
            return Entry(destinations, matches=matches)
        mirrors = tuple(
            self._destination(mirror, calls, rule) for mirror in entry.mirrors if self._takes_calls(mirror.cluster)
        )
        return Entry(destinations, entry.name, matches, mirrors, entry.istio)

    def _weighted(self, destinations: Sequence[SpecDestination]) -> list[tuple[SpecDestination, int | None]]:
        """Those on clusters that take calls. Their weights stay, so they share in proportion what the others would get.

        Where none of them has a share, substitutes take the place of the others.
        """
        left = [destination for destination in destinations if self._takes_calls(destination.cluster)]
        if not any(destination.weight != 0 for destination in left):
            left = _added_up([*left, *(one for each in destinations if (one := self._substituted(each)))])
        left.sort(key=lambda d: (d.cluster, d.service or "", d.version or "", d.port or 0))
        if len(left) == 1:
            return [(left[0], None)]
        return [(destination, destination.weight or 0) for destination in left]

    def _substituted(self, destination: SpecDestination) -> SpecDestination | None:
        """The first substitute that takes calls, in the place of a destination that does not."""
        substitutes = [one for one in destination.failover if self._takes_calls(one.cluster)]
        if self._takes_calls(destination.cluster) or not substitutes:
            return None
        first, *others = substitutes
        return destination.model_copy(update={"cluster": first.cluster, "version": first.version, "failover": others})

    def _takes_calls(self, cluster: str) -> bool:
        return self.federation.clusters[cluster].state == "active"

    def _destination(
        self, destination: SpecDestination | Mirror, calls: _Calls, rule: Rule, *, weight: int | None = None
    ) -> Destination:
        service = calls.service if destination.service is None else self.service_of[destination.service]
        own = (
            {"percentage": destination.percentage}
            if isinstance(destination, Mirror)
            else {"headers": destination.headers}
        )
        return Destination(
            service,
            self.federation.clusters[destination.cluster],
            destination.version or "",
            destination.port or calls.port or _only_port(calls.service, rule),
            destination.port,
            weight,
            {key: value for key, value in own.items() if value is not None},
            tuple(
                Member(self.federation.clusters[one.cluster], one.version or "")
                for one in (() if isinstance(destination, Mirror) else destination.failover)
                if self._takes_calls(one.cluster)
            ),
        )

    def absent(self) -> Iterator[Absent]:
        for (client, reference), rules in sorted(self.rules.items(), key=lambda item: item[0]):
            service = self.service_of[reference]
            wanted = {rule.create_service for rule in rules if MESH in rule.clients.gateways}
            if client not in service.clusters and wanted and False not in wanted:
                yield Absent(self.federation.clusters[client], service, stays="handOver" in wanted)


def _runs_at_home(calls: _Calls) -> bool:
    return calls.client.name in calls.service.clusters


def _added_up(destinations: Iterable[SpecDestination]) -> list[SpecDestination]:
    """Those that are alike but for their weights are one."""
    whole: list[SpecDestination] = []
    for one in destinations:
        twin = next((other for other in whole if other.model_copy(update={"weight": one.weight}) == one), None)
        if twin:
            whole.remove(twin)
        whole.append(one.model_copy(update={"weight": (twin.weight or 0) + (one.weight or 0)}) if twin else one)
    return whole


def _by_callers(rules: Sequence[Rule]) -> Iterator[tuple[Callers, list[Rule]]]:
    for callers, indices in callers_of(rules):
        speaking = [rules[index] for index in indices]
        yield replace(callers, rule=speaking[0].name or "") if callers.gateways else callers, speaking


def _matches(spec_matches: Any, calls: _Calls, labels: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The conditions that can hold for these calls; what always holds for them is left out."""
    for match in spec_matches or [{}]:
        rest = narrowed(match, calls.port, calls.gateways)
        if rest is not None:
            if labels or rest.get("sourceLabels"):
                rest["sourceLabels"] = dict(sorted({**labels, **rest.get("sourceLabels", {})}.items()))
            yield rest


def _with_names_of(hosts: Collection[str], matches: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The matches with those of their server names that the client cluster has."""
    for match in matches:
        names = match["sniHosts"]
        fitting = names if is_late(names) else [name for name in names if is_late(name) or name in hosts]
        if is_late(fitting) or fitting:
            yield {**match, "sniHosts": fitting}


def _ports_told_apart(rule: Rule, kind: str) -> Iterator[int | None]:
    """The ports that the rule or a match of it names; None is any other."""
    yield rule.port
    for entry in getattr(rule, kind):
        yield from (match["port"] for match in entry.match or () if match.get("port"))


def _only_port(service: Service, rule: Rule) -> int:
    """The port that an ingress gateway's calls go to (`checks.rule`: there is just one)."""
    return rule.port or service.ports_for("http", None)[0]
