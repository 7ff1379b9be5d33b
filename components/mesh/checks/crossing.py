"""What a call from another cluster needs of the serving one, and of the federated host that callers dial."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .. import names
from ..errors import Path, Problem
from ..shares import spread
from ..spec.cluster import Cluster
from ..spec.federation import Federation
from ..spec.service import Service
from ..wording import joined
from .saying import each, is_retired, not_retired


class Crossing(NamedTuple):
    """Calls from `clients` to a version of `service` on the cluster `serving`; `""` is any version."""

    clients: Sequence[str]
    service: Service
    serving: str
    version: str

    @property
    def callers(self) -> str:
        """As messages name the clients."""
        return joined([repr(client) for client in self.clients])


def crossing(path: Path, call: Crossing, federation: Federation) -> Iterator[Problem]:
    """`path` is where the user says that the clients call the other cluster. Nobody calls one that is retired."""
    call = call._replace(clients=not_retired(call.clients, federation))
    if call.clients and call.serving in federation.clusters and not is_retired(call.serving, federation):
        yield from each(
            no_gateway(path, call, federation),
            *(
                check(path, call, client, federation)
                for client in _known_clients(call, federation)
                for check in (no_address_for_client, weights_too_large, no_pool_of_the_family)
            ),
            server_name_too_long(path, call, federation),
            federated_host_too_long(path, call, federation),
            federated_host_under_local(call.service, call.serving, federation),
        )


def no_gateway(path: Path, call: Crossing, federation: Federation) -> Iterator[Problem]:
    if not federation.clusters[call.serving].gateway_of:
        message = f"{call.serving!r} has no gateway, so {call.callers} cannot call the service there; state one"
        yield Problem(path, "no-gateway", message)


def no_address_for_client(path: Path, call: Crossing, client: Cluster, federation: Federation) -> Iterator[Problem]:
    serving = federation.clusters[call.serving]
    takes_calls = any(gateway.share != 0 for gateway in call.service.gateways_on(serving).values())
    if takes_calls and not call.service.gateways_dialled(serving, client):
        of_any_family = client.model_copy(update={"ip_families": None})
        is_by_family = call.service.gateways_dialled(serving, of_any_family)
        why = f", by its `ipFamilies`, {joined(client.ip_families or [])}" if is_by_family else ""
        message = f"{call.serving!r} has no gateway address that {client.name!r} can dial{why}; add one for it"
        yield Problem(path, "no-address-for-client", message)


def weights_too_large(_path: Path, call: Crossing, client: Cluster, federation: Federation) -> Iterator[Problem]:
    """Envoy adds up the weights of all addresses, in 32 bits."""
    serving = federation.clusters[call.serving]
    if all(gateway.share is None for gateway in serving.gateway_of.values()):
        return
    groups = [gateway.group for gateway in call.service.gateways_dialled(serving, client)]
    total = sum(weight * size for weight, (_, size) in zip(spread(groups), groups, strict=True))
    if total > MAX_TOTAL:
        message = (
            f"spread over the addresses that {client.name!r} dials, the weights add up to {total}; "
            f"Envoy takes at most {MAX_TOTAL}"
        )
        yield Problem(("clusters", call.serving, "gateways"), "weights-too-large", message)


MAX_TOTAL = 2**32 - 1


def no_pool_of_the_family(_path: Path, _call: Crossing, client: Cluster, federation: Federation) -> Iterator[Problem]:
    """A federated host without an address of the caller's family has none that the caller could dial."""
    networks = federation.addresses.networks
    if client.ip_families is not None and not any(client.has_family(network.version) for network in networks):
        families = joined(client.ip_families)
        message = (
            f"{client.name!r} has {families} alone, and no federated host has an address of it; "
            f"add a network of {families} to `addresses.pools`"
        )
        yield Problem(("clusters", client.name, "ipFamilies"), "no-pool-of-the-family", message)


def _known_clients(call: Crossing, federation: Federation) -> list[Cluster]:
    return [federation.clusters[client] for client in call.clients if client in federation.clusters]


def server_name_too_long(path: Path, call: Crossing, federation: Federation) -> Iterator[Problem]:
    longest = longest_server_name(call.service, call.serving, call.version, None, federation)
    if len(longest) > names.MAX_SNI:
        what = f"the server name {longest!r}, which {call.callers} would ask {call.serving!r} for,"
        message = f"{what} has {len(longest)} bytes; Envoy takes at most {names.MAX_SNI}"
        yield Problem(path, "server-name-too-long", message)


def longest_server_name(service: Service, serving: str, version: str, alias: str | None, federation: Federation) -> str:
    """Of those for the ports of a version on the serving cluster; an `alias` stands there in place of the version."""
    host = service.host_behind(federation.clusters[serving], version)
    subset = service.subset_behind(serving, version) if alias is None else alias
    numbers = (service.number_on(serving, port.number) for port in service.ports)
    return max((names.server_name(number, subset, host) for number in numbers), key=len, default="")


def federated_host_too_long(path: Path, call: Crossing, federation: Federation) -> Iterator[Problem]:
    host = federation.host_of(call.service, call.serving)
    what = f"the federated host {host!r} of {call.serving!r}, which {call.callers} would dial,"
    if not names.HOST.fullmatch(host):
        message = f"{what} is not a DNS name; `hosts` and the names in it give too long a label"
        yield Problem(path, "federated-host-too-long", message)
    if len(name := names.subset_name(call.version, host)) > names.MAX_HOST:
        message = (
            f"{what} needs an object {name!r} of {len(name)} characters; the name of an object has at most "
            f"{names.MAX_HOST}"
        )
        yield Problem(path, "federated-host-too-long", message)


def federated_host_under_local(service: Service, serving: str, federation: Federation) -> Iterator[Problem]:
    """The gateway that Istio's multi-network guide installs admits `*.local`, and would expose it."""
    host = federation.host_of(service, serving)
    if host.endswith(".local"):
        gives = f"{federation.hosts!r} gives {host!r} on {serving}"
        message = f"{gives}, which ends in .local; gateways that admit *.local would expose it"
        yield Problem(("hosts",), "federated-host-under-local", message)


def federated_host_of_the_client(
    service: Service, client: str, serving: str, federation: Federation
) -> Iterator[Problem]:
    """Calls to it would stay on the client cluster."""
    if client not in federation.clusters or serving not in federation.clusters:
        return
    if is_retired(client, federation) or is_retired(serving, federation):
        return
    host = federation.host_of(service, serving)
    domain = federation.clusters[client].domain
    # the second is how a Service is called in short
    if host.endswith((f".svc.{domain}", ".svc")) and not host.endswith(".local"):
        gives = f"{federation.hosts!r} gives {host!r} on {serving}"
        message = f"{gives}, a name of {client}'s own Services (domain {domain!r}); choose another"
        yield Problem(("hosts",), "federated-host-of-the-client", message)
