"""What a call from another cluster needs of the serving one, and of the federated host that callers dial."""

from collections.abc import Iterator

from .. import names
from ..errors import Path, Problem
from ..spec.federation import Federation
from ..spec.service import Service
from .saying import each


def crossing(path: Path, service: Service, serving: str, version: str, federation: Federation) -> Iterator[Problem]:
    """`path` is where the user says that other clusters call `service` on `serving`."""
    if serving in federation.clusters:
        yield from each(
            no_gateway(path, service, serving, federation),
            server_name_too_long(path, service, serving, version, federation),
            federated_host_too_long(path, service, serving, version, federation),
            federated_host_under_local(service, serving, federation),
        )


def no_gateway(path: Path, service: Service, serving: str, federation: Federation) -> Iterator[Problem]:
    if federation.clusters[serving].gateway is None:
        message = f"{serving!r} has no gateway, so no other cluster can call {service.reference} there; state one"
        yield Problem(path, "no-gateway", message)


def server_name_too_long(
    path: Path, service: Service, serving: str, version: str, federation: Federation
) -> Iterator[Problem]:
    host = federation.local_host_of(service, serving)
    longest = max((names.server_name(port.number, version, host) for port in service.ports), key=len)
    if len(longest) > names.MAX_SNI:
        message = f"the server name {longest!r} has {len(longest)} bytes; Envoy takes at most {names.MAX_SNI}"
        yield Problem(path, "server-name-too-long", message)


def federated_host_too_long(
    path: Path, service: Service, serving: str, version: str, federation: Federation
) -> Iterator[Problem]:
    host = federation.host_of(service, serving)
    if not names.HOST.fullmatch(host):
        message = f"the federated host {host!r} is not a DNS name; `hosts` and the names in it give too long a label"
        yield Problem(path, "federated-host-too-long", message)
    if len(name := names.subset_name(version, host)) > names.MAX_HOST:
        message = f"{name!r} has {len(name)} characters; the name of an object has at most {names.MAX_HOST}"
        yield Problem(path, "federated-host-too-long", message)


def federated_host_under_local(service: Service, serving: str, federation: Federation) -> Iterator[Problem]:
    """The gateway that Istio's multi-network guide installs admits `*.local`, and would expose it."""
    host = federation.host_of(service, serving)
    if host.endswith(".local"):
        message = f"gives {host!r} on {serving}, which ends in .local; gateways that admit *.local would expose it"
        yield Problem(("hosts",), "federated-host-under-local", message)


def federated_host_of_the_client(
    service: Service, client: str, serving: str, federation: Federation
) -> Iterator[Problem]:
    """Calls to it would stay on the client cluster."""
    if client not in federation.clusters or serving not in federation.clusters:
        return
    host = federation.host_of(service, serving)
    domain = federation.clusters[client].domain
    if host.endswith(f".svc.{domain}") and not host.endswith(".local"):
        message = f"gives {host!r} on {serving}, a name of {client}'s own Services (domain {domain!r}); choose another"
        yield Problem(("hosts",), "federated-host-of-the-client", message)
