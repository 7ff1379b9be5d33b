"""What a stack tells about a federation: who answers whom, under which host, and which trust domains it takes."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from .errors import MeshError
from .manifest import Computed, is_late
from .requirements import Facts
from .requirements import requirements as sentences
from .routes import Destination, Entry, Route, Routes
from .shares import percentages
from .spec.cluster import Cluster
from .spec.service import Service

Shares = dict[str, str | Computed]
"""Destination → its part of the calls, in percent; that of copies may be late."""


def traffic(routes: Routes) -> dict[str, dict[str, Shares | dict[str, Shares]]]:
    """Client cluster → service → destination → share of the calls, so that a diff of it is the meaning of a change.

    Shares of one service add up to 100.00 %; copies come on top. Where calls are told apart by entries, these stand
    between service and destination, numbered in the order in which they are tried. A port whose calls may have other
    entries is listed as `<service>:<port>`, and callers who have a list of entries of their own are named behind it.
    Raises `UnknownError` if the name of an entry or the share of its copies is encrypted.
    """
    table: dict[str, dict[str, Shares | dict[str, Shares]]] = defaultdict(dict)
    for route in routes.routes:
        table[route.client.name][_heading(route)] = _entries(route)
    return {client: dict(sorted(table[client].items())) for client in sorted(table)}


def _heading(route: Route) -> str:
    """`reviews.default`, `reviews.default:9080 from shop`, `reviews.default at istio-ingress/public (shop.example)`"""
    callers = route.callers
    port = f":{route.port}" if route.narrowed and route.port is not None else ""
    namespace = f" from {callers.namespace}" if callers.namespace else ""
    gateways = f" at {', '.join(callers.gateways)} ({', '.join(route.hosts)})" if callers.gateways else ""
    return f"{route.service.reference}{port}{namespace}{gateways}"


def _entries(route: Route) -> Shares | dict[str, Shares]:
    [first, *others] = route.entries
    if not others and first.name is None and first.matches == ({},):
        return dict(_shares(first, route))
    width = len(str(len(route.entries)))
    return {
        f"{number:0{width}}. {entry.name or _calls(entry)}": dict(_shares(entry, route))
        for number, entry in enumerate(route.entries, 1)
    }


def _calls(entry: Entry) -> str:
    """`every other call`, or the conditions as compact JSON."""
    if {} in entry.matches:
        return "every other call"
    return " or ".join(json.dumps(match, sort_keys=True, default=lambda _: "(late)") for match in entry.matches)


def _shares(entry: Entry, route: Route) -> Iterator[tuple[str, str | Computed]]:
    if not entry.destinations:
        yield (
            f"the caller's proxy ({', '.join(sorted(entry.istio.keys() & {'directResponse', 'redirect'}))})",
            "100.00 %",
        )
        return
    weights = [1 if destination.weight is None else destination.weight for destination in entry.destinations]
    for destination, share in zip(entry.destinations, percentages(weights), strict=True):
        yield _described(destination, route), share
    for mirror in entry.mirrors:
        percentage = mirror.istio.get("percentage")
        # without a value, Istio takes it for 0
        value = 100 if percentage is None else percentage.get("value") or 0
        copied = Computed(_percent, (value,)) if is_late(value) else _percent(value)
        yield f"copy: {_described(mirror, route)}", copied


def _percent(value: Any) -> str:
    """Raises `MeshError` for what was late and is no percentage; it may be secret, so it is not shown."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise MeshError("the percentage of a mirror, which is an output, is not a number from 0 to 100")
    return f"{value:.2f} %"


def _described(destination: Destination, route: Route) -> str:
    """`v3 on cluster2`, `v1 here (cluster1)`, `v1 here (cluster1), else v3 on cluster2`"""
    words = destination.version or "any version"
    if destination.service is not route.service:
        words = f"{destination.service.reference} {words}"
    if destination.stated_port is not None:
        words = f"{words}, port {destination.stated_port},"
    words = f"{words} {_place(destination.serving, route)}"
    for substitute in destination.substitutes:
        words = f"{words}, else {substitute.version or 'any version'} {_place(substitute.serving, route)}"
    return words


def _place(serving: Cluster, route: Route) -> str:
    return f"here ({route.client.name})" if serving is route.client else f"on {serving.name}"


def hosts(routes: Routes) -> dict[str, dict[str, str]]:
    """Service → serving cluster → federated host, for every host that some cluster knows.

    `*` is the host that means the service on every cluster. Raises `UnknownError` if the template `hosts` is encrypted.
    """
    table: dict[str, dict[str, str]] = defaultdict(dict)
    for use in routes.crossings:
        if use.dialled:
            table[use.service.reference][use.serving.name] = routes.host_of(use)
    for failover in routes.failovers:
        if not failover.is_routed:
            table[failover.service.reference]["*"] = failover.host
    return {service: dict(sorted(table[service].items())) for service in sorted(table)}


def trust(routes: Routes) -> dict[str, dict[str, Any]]:
    """Per serving cluster that foreign trust domains call: the fragment its mesh configuration needs.

    Not `trustDomainAliases`: those would widen every AuthorizationPolicy of that mesh. Raises `UnknownError` if a trust
    domain is encrypted.
    """
    callers: dict[str, set[str]] = defaultdict(set)
    for use in routes.crossings:
        if use.client.trust_domain != use.serving.trust_domain:
            callers[use.serving.name].add(use.client.trust_domain)
    return {
        serving: {
            "caCertificates": [{"pem": "<the common root certificate>", "trustDomains": sorted(callers[serving])}]
        }
        for serving in sorted(callers)
    }


def requirements(routes: Routes) -> dict[str, dict[str, str]]:
    """Cluster → name → what must be true of it, in sentences that a person can check.

    Raises `UnknownError` where a sentence depends on a value that is encrypted.
    """
    return {name: sentences(_facts(name, routes)) for name in sorted(routes.federation.clusters)}


def _facts(name: str, routes: Routes) -> Facts:
    cluster = routes.federation.clusters[name]
    answering = [use for use in routes.crossings if use.serving is cluster]
    called = [route.service for route in routes.routes if route.client is cluster]
    failovers = [failover for failover in routes.failovers if failover.client is cluster]
    served = [use.service for use in answering]
    return Facts(
        cluster,
        called=_named_here(called, name),
        dialled=sorted(
            {use.service.reference for use in routes.crossings if use.client is cluster and use.is_imported}
            | {failover.service.reference for failover in failovers if not failover.is_routed}
        ),
        selected=_named_here((failover.service for failover in failovers if failover.at_home), name),
        served=_named_here(served, name),
        served_by={
            gateway: _named_here((service for service in served if gateway in service.gateways_on(cluster)), name)
            for gateway in cluster.gateway_of
        },
        trust_domains=sorted({use.client.trust_domain for use in answering} - {cluster.trust_domain}),
        own=sorted(
            f"{own}.{service.namespace_on(name)}"
            for service in {service.reference: service for service in (*called, *served)}.values()
            if name in service.clusters
            for own in service.clusters[name].version_services.values()
        ),
        absent=_named_here((service for service in called if name not in service.clusters), name),
        headless=_named_here((service for service in called if service.headless), name),
    )


def _named_here(services: Iterable[Service], cluster: str) -> list[str]:
    return sorted({f"{service.name_on(cluster)}.{service.namespace_on(cluster)}" for service in services})
