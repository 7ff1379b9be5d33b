"""ServiceEntry: hosts, ports and endpoints that fit to each other and to the resolution."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..parts import any_is_late, entries, inner, is_set, messages, text, texts
from ..values import is_late, quoted
from .endpoint import ENDPOINT, is_socket, nowhere
from .exports import not_exported
from .hosts import LABEL, RANGES, is_host, not_a_wildcard_host
from .protocols import is_http, is_tls, neither_empty_nor_a_protocol
from .selector import SELECTOR_WITH_LABELS
from .tree import Rules, each, each_of
from .tree import text as text_rules

Spec = Mapping[str, Any]
_LOOKED_UP = ("DNS", "DNS_ROUND_ROBIN")
_DYNAMIC = "DYNAMIC_DNS"
_DYNAMIC_PROTOCOLS = ("http", "http2", "grpc", "tls")
_WAYPOINT = "istio.io/use-waypoint"


def _endpoints_by_resolution(spec: Spec) -> Iterator[Problem]:
    resolution = spec.get("resolution")
    for index, endpoint in messages(spec, "endpoints"):
        address, here = text(endpoint, "address"), ("endpoints", index, "address")
        if is_late(endpoint.get("address")):
            continue
        if resolution == "STATIC":
            yield from (problem._replace(path=(*here[:2], *problem.path)) for problem in nowhere(endpoint))
        if resolution == "STATIC" and address and not (is_socket(address) or is_ip_address(address)):
            message = f"{quoted(address)} is not an IP address; with resolution STATIC it should be one"
            yield Problem(here, "not-an-address", message)
        if resolution in _LOOKED_UP and not (is_ip_address(address) or is_host(address)):
            message = f"{quoted(address)} is neither an IP address nor a DNS name; write for example www.example.com"
            yield Problem(here, "not-an-address", message)


def _sockets(spec: Spec) -> Iterator[Problem]:
    if spec.get("resolution") == "STATIC" and not any_is_late(spec, "ports") and len(entries(spec, "ports")) != 1:
        for index, endpoint in messages(spec, "endpoints"):
            if is_socket(address := text(endpoint, "address")):
                message = f"{quoted(address)} is a socket, which serves one port; state exactly one in 'ports'"
                yield Problem(("endpoints", index, "address"), "needs-one-port", message)


def _ports_of_endpoints(spec: Spec) -> Iterator[Problem]:
    if spec.get("resolution") not in ("STATIC", *_LOOKED_UP) or any_is_late(spec, "ports"):
        return
    names = [port.get("name") for _, port in messages(spec, "ports")]
    for index, endpoint in messages(spec, "endpoints"):
        for name in map(str, inner(endpoint, "ports")):
            if name not in names and not any(map(is_late, names)):
                right = ", ".join(known for known in names if isinstance(known, str)) or "them"
                message = f"{quoted(name)} is none of the ports; it should be one of {right}"
                yield Problem(("endpoints", index, "ports", name), "not-one-of-the-ports", message)


def _hosts_that_cannot_be_looked_up(spec: Spec) -> Iterator[Problem]:
    if spec.get("resolution") in _LOOKED_UP and not is_set(spec, "endpoints"):
        for index, host in texts(spec, "hosts"):
            if not is_host(host):
                message = f"{quoted(host)} cannot be looked up; state whole names, or 'endpoints'"
                yield Problem(("hosts", index), "needs-other-resolution", message)


def _dynamic(spec: Spec) -> Iterator[Problem]:
    if spec.get("resolution") != _DYNAMIC:
        return
    for index, host in texts(spec, "hosts"):
        if not host.startswith("*"):
            message = f"{quoted(host)} has no wildcard; with resolution {_DYNAMIC} it should have one"
            yield Problem(("hosts", index), "needs-other-resolution", message)
    for field in ("addresses", "endpoints"):
        if is_set(spec, field):
            message = f"'{field}' have no effect with resolution {_DYNAMIC}; leave them out"
            yield Problem((field,), "needs-other-resolution", message)
    for index, port in messages(spec, "ports"):
        if not is_late(port.get("protocol")) and text(port, "protocol").lower() not in _DYNAMIC_PROTOCOLS:
            message = f"{quoted(text(port, 'protocol'))} has no name to look up; it takes HTTP, HTTP2, GRPC, TLS"
            yield Problem(("ports", index, "protocol"), "needs-other-resolution", message)


def _hosts_that_share_a_port(spec: Spec) -> Iterator[Problem]:
    if spec.get("resolution") in (None, "NONE") or len(entries(spec, "hosts")) < 2:
        return
    for index, port in messages(spec, "ports"):
        protocol = text(port, "protocol")
        if not (is_late(port.get("protocol")) or is_http(protocol) or is_tls(protocol)):
            message = f"{quoted(protocol)} tells no hosts apart; state one host, or a kind of HTTP or TLS"
            yield Problem(("ports", index, "protocol"), "hosts-that-share-a-port", message)


def in_its_namespace(spec: Spec, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """What depends on the namespace and the labels of the object."""
    yield from not_exported(spec, text(metadata, "namespace"), to_nobody=True)
    waypoint = text(inner(metadata, "labels"), _WAYPOINT)
    is_dynamic_here = spec.get("resolution") == _DYNAMIC and spec.get("location") == "MESH_INTERNAL"
    if is_dynamic_here and waypoint.lower() not in ("", "none"):
        message = f"'MESH_INTERNAL' is not for resolution {_DYNAMIC} with a waypoint; use MESH_EXTERNAL"
        yield Problem(("spec", "location"), "needs-other-resolution", message)


SERVICE_ENTRY = Rules(
    (
        _endpoints_by_resolution,
        _sockets,
        _ports_of_endpoints,
        _hosts_that_cannot_be_looked_up,
        _dynamic,
        _hosts_that_share_a_port,
    ),
    fields={
        "hosts": each(not_a_wildcard_host),
        "addresses": RANGES,
        "ports": each_of(Rules(fields={"name": LABEL, "protocol": text_rules(neither_empty_nor_a_protocol)})),
        "endpoints": each_of(ENDPOINT),
        "workloadSelector": SELECTOR_WITH_LABELS,
    },
)
