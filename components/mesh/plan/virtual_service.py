"""VirtualService: how a client cluster spreads the calls to one of its services."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from .. import names
from ..istio.kinds import VIRTUAL_SERVICE
from ..manifest import Manifest, copied
from ..routes import Destination, Entry, Route, Routes, Use
from ..spec.callers import Callers
from ..spec.federation import Federation
from .planned import Planned
from .tls_match import told_apart


def virtual_services(routes: Routes) -> Iterator[Planned]:
    """One for each service and all callers that share its entries, in the service's namespace on the client cluster."""
    for (client, _, callers), group in groupby(routes.routes, key=_identity):
        of_callers = list(group)
        service = of_callers[0].service
        name = names.virtual_service_name(
            service.name_on(client), namespace=callers.namespace, ingress=bool(callers.gateways), rule=callers.rule
        )
        spec = virtual_service(of_callers, routes.federation)
        yield Planned(
            Manifest.of(VIRTUAL_SERVICE, client, service.namespace_on(client), name, spec),
            leads=tuple(sorted({(client, serving) for route in of_callers for serving in _serving(route)})),
        )


def _identity(route: Route) -> tuple[str, str, Callers]:
    return route.client.name, route.service.reference, route.callers


def _serving(route: Route) -> Iterator[str]:
    for entry in route.entries:
        for destination in (*entry.destinations, *entry.mirrors):
            for member in destination.members:
                yield member.serving.name


def virtual_service(of_callers: Sequence[Route], federation: Federation) -> dict[str, Any]:
    """The spec that spreads the calls to one service, port by port; ports without a route stay as they are."""
    first = of_callers[0]
    callers = first.callers
    own_hosts = federation.own_hosts_of(first.service, first.client.name)
    hosts = sorted({host for route in of_callers for host in route.hosts})
    entries = {
        kind: [entry for route in of_callers if route.kind == kind for entry in _entries(route, federation)]
        for kind in ("http", "tcp", "tls")
    }
    return {
        "exportTo": [callers.namespace or "*"],
        **({"gateways": list(callers.gateways)} if callers.gateways else {}),
        # a user may state a name that the service has anyway
        "hosts": hosts if callers.gateways else list(dict.fromkeys([*own_hosts, *hosts])),
        **{kind: list_ for kind, list_ in entries.items() if list_},
    }


def _entries(route: Route, federation: Federation) -> list[dict[str, Any]]:
    entries = [_entry(entry, route, federation) for entry in route.entries]
    return told_apart(entries) if route.kind == "tls" else entries


def _entry(entry: Entry, route: Route, federation: Federation) -> dict[str, Any]:
    port = {} if route.port is None else {"port": route.service.number_on(route.client.name, route.port)}
    matches = [{**port, **copied(match)} for match in entry.matches]
    destinations = [_weighted(destination, route, federation) for destination in entry.destinations]
    mirrors = [_mirror(mirror, route, federation) for mirror in entry.mirrors]
    return {
        **({"name": entry.name} if entry.name else {}),
        # without any condition, the entry is for every call
        **({"match": matches} if all(matches) else {}),
        **{field: copied(entry.istio[field]) for field in sorted(entry.istio)},
        **({"mirrors": mirrors} if mirrors else {}),
        **({"route": destinations} if destinations else {}),
    }


def _weighted(destination: Destination, route: Route, federation: Federation) -> dict[str, Any]:
    # a single destination takes every call; a weight would only be one more thing to read
    weight = {} if destination.weight is None else {"weight": destination.weight}
    return {"destination": _target(destination, route, federation), **_copied(destination.istio), **weight}


def _mirror(mirror: Destination, route: Route, federation: Federation) -> dict[str, Any]:
    return {"destination": _target(mirror, route, federation), **_copied(mirror.istio)}


def _target(destination: Destination, route: Route, federation: Federation) -> dict[str, Any]:
    service, serving = destination.service, destination.serving
    if destination.substitutes:
        members = [(member.serving.name, member.version) for member in destination.members]
        host, subset, number = federation.failover_host_of(service, members), "", destination.port
    elif serving is route.client:
        use = Use(route.client, service, serving)
        host, subset = use.host_behind(destination.version), use.subset_behind(destination.version)
        number = service.number_on(serving.name, destination.port)
    else:
        host, subset, number = federation.host_of(service, serving.name), destination.version, destination.port
    # without a port, HTTP would take the listener's
    target: dict[str, Any] = {"host": host, "port": {"number": number}}
    return {**target, "subset": subset} if subset else target


def _copied(istio: Mapping[str, Any]) -> dict[str, Any]:
    return {field: copied(value) for field, value in istio.items()}
