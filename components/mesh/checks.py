"""What no single part of a spec can see by itself: references, overlaps, lengths. Part by part, in the spec's order."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import ip_address

from . import names
from .addresses import is_usable
from .errors import Path, Problem
from .names import MAX_HOST, MAX_SNI
from .spec import (
    HTTP_PROTOCOLS,
    Addresses,
    Broken,
    Cluster,
    Destination,
    Federation,
    HttpRoute,
    Presence,
    Rule,
    Service,
)


def check(federation: Federation) -> list[Problem]:
    """Every problem that reading the parts one by one cannot find.

    Takes parts that are `Broken`, and says nothing of what depends on them.
    """
    spec = _Checks(federation)
    return [*spec.clusters(), *spec.services(), *spec.traffic(), *spec.addresses()]


class _Checks:
    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.service_of = {s.reference: s for s in federation.services if not isinstance(s, Broken)}
        self.has_broken_services = any(isinstance(service, Broken) for service in federation.services)

    def clusters(self) -> Iterator[Problem]:
        owners: dict[object, str] = {}
        for name, cluster in self.federation.clusters.items():
            if isinstance(cluster, Broken):
                continue
            path: Path = ("clusters", name)
            yield from _access(path, cluster)
            for where, what, meaning in _unshared(name, cluster):
                if (owner := owners.setdefault(what, name)) != name:
                    yield Problem((*path, *where), f"{meaning} of {owner}; each cluster has its own")
            if cluster.gateway is not None:
                # two that are late may yet differ
                known = [address if isinstance(address, str) else object() for address in cluster.gateway.addresses]
                yield from _twice((*path, "gateway", "addresses"), known)

    def services(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, service in enumerate(self.federation.services):
            path: Path = ("services", index)
            if isinstance(service, Broken):
                continue
            if service.reference in seen:
                yield Problem(path, f"{service.reference} is stated twice; put its clusters into one entry")
            seen.add(service.reference)
            yield from _twice((*path, "ports"), [port.name for port in service.ports], "name")
            yield from _twice((*path, "ports"), [port.number for port in service.ports], "number")
            for cluster, presence in service.clusters.items():
                yield from self._cluster((*path, "clusters", cluster), cluster)
                if not isinstance(presence, Broken):
                    yield from _twice((*path, "clusters", cluster, "versions"), presence.all_versions)
                    yield from _twice((*path, "clusters", cluster, "serviceAccounts"), presence.service_accounts)
            yield from _twice((*path, "importedBy"), service.imported_by)
            for position, client in enumerate(service.imported_by):
                here = (*path, "importedBy", position)
                yield from self._cluster(here, client)
                if client in self.federation.clusters and not service.clusters.keys() - {client}:
                    yield Problem(here, f"{service.reference} runs nowhere but on {client} itself")
                for serving in sorted(service.clusters.keys() - {client}):
                    yield from self._crossing(here, service, serving, "")

    def traffic(self) -> Iterator[Problem]:
        spoken_for: dict[tuple[str, str, int], Path] = {}
        for index, rule in enumerate(self.federation.traffic):
            if isinstance(rule, Broken):
                continue
            path: Path = ("traffic", index)
            yield from self._clients(path, rule)
            service = self.service_of.get(rule.service)
            if service is None:
                yield from self._unknown_service((*path, "service"), rule.service)
                continue
            ports = ports_of(rule, service)
            if not ports:
                yield _no_port(path, rule, service)
            yield from _overlaps(path, rule, ports, spoken_for)
            yield from self._http((*path, "http"), rule, ports)

    def addresses(self) -> Iterator[Problem]:
        settings = self.federation.addresses
        if isinstance(settings, Broken) or isinstance(self.federation.hosts, Broken):
            return
        holders: dict[str, str] = {}
        hosts = {self.federation.host_of(s, c) for s in self.service_of.values() for c in s.clusters}
        for host, address in settings.pins.items():
            path: Path = ("addresses", "pins", host)
            if host not in hosts and not self.has_broken_services:
                yield Problem(path, f"no such federated host; there are {_choices(hosts)}")
            yield from _pin(path, address, settings)
            if (other := holders.setdefault(address, host)) != host:
                yield Problem(path, f"{address} is pinned to {other} as well; two hosts never share an address")

    def _clients(self, path: Path, rule: Rule) -> Iterator[Problem]:
        yield from _twice((*path, "clients", "clusters"), rule.clients.clusters)
        service = self.service_of.get(rule.service)
        for position, client in enumerate(rule.clients.clusters):
            here = (*path, "clients", "clusters", position)
            yield from self._cluster(here, client)
            if service and client in self.federation.clusters and client not in service.clusters:
                yield Problem(
                    here,
                    f"{rule.service} does not run on {client}, so its name does not exist there; "
                    f"it runs on {_choices(service.clusters)}; other clients dial a federated host (importedBy)",
                )

    def _http(self, path: Path, rule: Rule, ports: Sequence[int]) -> Iterator[Problem]:
        if len(rule.http) > 1:
            yield Problem((*path, 1), "is never reached: http[0] takes every call")
        for position, http in enumerate(rule.http):
            if not isinstance(http, Broken):
                yield from self._route((*path, position, "route"), http, rule, ports)

    def _route(self, path: Path, http: HttpRoute, rule: Rule, ports: Sequence[int]) -> Iterator[Problem]:
        stated = [destination for destination in http.route if not isinstance(destination, Broken)]
        yield from _weights(path, stated, complete=len(stated) == len(http.route))
        seen: set[tuple[object, ...]] = set()
        for index, destination in enumerate(http.route):
            if isinstance(destination, Broken):
                continue
            here: Path = (*path, index)
            target_name = destination.service or rule.service
            what = (destination.cluster, target_name, destination.version, destination.port)
            if what in seen:
                yield Problem(here, "is stated twice; add the weights up")
            seen.add(what)
            yield from self._cluster((*here, "cluster"), destination.cluster)
            target = self.service_of.get(target_name)
            if target is None:
                yield from self._unknown_service((*here, "service"), target_name)
            elif destination.cluster in self.federation.clusters:
                yield from self._destination(here, destination, target, ports, rule.clients.clusters)

    def _destination(
        self, path: Path, destination: Destination, target: Service, ports: Sequence[int], clients: Sequence[str]
    ) -> Iterator[Problem]:
        cluster = destination.cluster
        presence = target.clusters.get(cluster)
        if presence is None:
            yield Problem(
                (*path, "cluster"),
                f"{target.reference} does not run on {cluster}; it runs on {_choices(target.clusters)}",
            )
            return
        if isinstance(presence, Presence) and destination.version and presence.labels_of(destination.version) is None:
            yield Problem(
                (*path, "version"),
                f"{target.name} on {cluster} has no version {destination.version!r}; "
                f"it has {_choices(presence.all_versions)}",
            )
        offered = [port.number for port in target.ports]
        if destination.port is not None and destination.port not in offered:
            yield Problem(
                (*path, "port"), f"{target.reference} has no port {destination.port}; it has {_choices(offered)}"
            )
        elif destination.port is None and (lacking := [port for port in ports if port not in offered]):
            yield Problem(
                (*path, "port"),
                f"is missing: callers use port {lacking[0]}, which {target.reference} does not have; "
                f"it has {_choices(offered)}",
            )
        if any(client != cluster for client in clients):
            yield from self._crossing((*path, "cluster"), target, cluster, destination.version or "")

    def _crossing(self, path: Path, service: Service, serving: str, version: str) -> Iterator[Problem]:
        """What a call from another cluster needs of the serving one."""
        cluster = self.federation.clusters.get(serving)
        if not isinstance(cluster, Cluster):
            return
        if cluster.gateway is None:
            yield Problem(path, f"{serving} has no gateway, so no other cluster can call {service.reference} there")
        host = names.local_host(service.name, service.namespace, cluster.domain)
        length = max(len(names.server_name(port.number, version, host)) for port in service.ports)
        if length > MAX_SNI:
            yield Problem(path, f"the server name for {host} has {length} bytes; Envoy takes at most {MAX_SNI}")
        if not isinstance(self.federation.hosts, Broken):
            federated = self.federation.host_of(service, serving)
            if not names.HOST.fullmatch(federated):
                yield Problem(path, f"{federated} is no DNS name: `hosts` and the names in it give too long a label")
            if len(f"{version}.{federated}") > MAX_HOST:
                yield Problem(
                    path, f"{version}.{federated} is longer than {MAX_HOST}, the most an object's name may have"
                )

    def _cluster(self, path: Path, name: str) -> Iterator[Problem]:
        if name not in self.federation.clusters:
            yield Problem(path, f"no cluster {name!r}; the federation has {_choices(self.federation.clusters)}")

    def _unknown_service(self, path: Path, reference: str) -> Iterator[Problem]:
        if not self.has_broken_services:
            yield Problem(path, f"no service {reference!r}; the federation has {_choices(self.service_of)}")


def ports_of(rule: Rule, service: Service) -> list[int]:
    """The ports that an `http` rule speaks for, ascending."""
    fitting = sorted(port.number for port in service.ports if port.protocol in HTTP_PROTOCOLS)
    return fitting if rule.port is None else [number for number in fitting if number == rule.port]


def _no_port(path: Path, rule: Rule, service: Service) -> Problem:
    fitting = [port.number for port in service.ports if port.protocol in HTTP_PROTOCOLS]
    if rule.port is None:
        return Problem((*path, "http"), f"{rule.service} has no port that speaks HTTP, HTTP2 or GRPC")
    return Problem(
        (*path, "port"), f"{rule.service} has no HTTP, HTTP2 or GRPC port {rule.port}; it has {_choices(fitting)}"
    )


def _overlaps(
    path: Path, rule: Rule, ports: Sequence[int], spoken_for: dict[tuple[str, str, int], Path]
) -> Iterator[Problem]:
    for client in dict.fromkeys(rule.clients.clusters):
        for port in ports:
            other = spoken_for.setdefault((client, rule.service, port), path)
            if other != path:
                yield Problem(path, f"{rule.service}:{port} on {client} has a rule already: traffic[{other[1]}]")


def _access(path: Path, cluster: Cluster) -> Iterator[Problem]:
    stated = {
        "context": cluster.context,
        "kubeconfig": cluster.kubeconfig,
        "renderTo": cluster.render_to,
        "provider": cluster.provider,
    }
    ways = [key for key, value in stated.items() if value is not None]
    # a program that hands over a provider which renders says so, too
    if len(ways) != 1 and ways != ["renderTo", "provider"]:
        found = f"it has {' and '.join(ways)}" if ways else "it has none"
        yield Problem(path, f"needs exactly one of context, kubeconfig, renderTo, provider; {found}")
    if cluster.provider is not None and cluster.identity is not None:
        yield Problem((*path, "identity"), "is for stack files; here it is the provider's `cluster_identifier`")


def _unshared(name: str, cluster: Cluster) -> Iterator[tuple[Path, object, str]]:
    """What no two clusters have in common: where it stands, what it is, and what it would be of another cluster."""
    identity = cluster.identity or name
    yield ("identity",), ("identity", identity), f"{identity!r} is also the identity"
    if cluster.context is not None:
        yield ("context",), ("context", cluster.context), f"{cluster.context!r} is also the context"
    if cluster.provider is not None:
        yield ("provider",), ("provider", id(cluster.provider)), "is also the provider"
    if cluster.gateway is None:
        return
    for index, address in enumerate(cluster.gateway.addresses):
        if isinstance(address, str):
            place = f"{address}:{cluster.gateway.port}"
            yield ("gateway", "addresses", index), place, f"{place} is also the gateway"


def _weights(path: Path, route: Sequence[Destination], *, complete: bool) -> Iterator[Problem]:
    if not complete:
        return
    for index, destination in enumerate(route):
        if destination.weight is None and len(route) > 1:
            yield Problem((*path, index, "weight"), "is missing; of several destinations each needs one")
    if not any(destination.weight is None or destination.weight for destination in route):
        yield Problem(path, "the weights add up to 0; at least one must be more")


def _pin(path: Path, address: str, settings: Addresses) -> Iterator[Problem]:
    pinned = ip_address(address)
    if pinned not in settings.pool:
        yield Problem(path, f"{address} is outside the pool {settings.pool}; pin inside it or widen `addresses.pool`")
    elif not is_usable(address, settings.pool):
        yield Problem(path, f"{address} is the first or the last of {settings.pool}, which nobody gets; pin another")
    elif any(pinned in network for network in settings.taken):
        yield Problem(path, f"{address} is in `addresses.taken`; pin another or take it off that list")


def _twice(path: Path, values: Sequence[object], *field: str) -> Iterator[Problem]:
    """`path` is where the list of `values` stands, or of what has them as its `field`."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Problem((*path, index, *field), f"{value} is stated twice")
        seen.add(value)


def _choices(values: Iterable[object] | Collection[object]) -> str:
    return ", ".join(sorted(set(map(str, values)))) or "none"
