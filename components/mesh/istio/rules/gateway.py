"""Gateway: its servers, each with a port, hosts and TLS settings that fit to each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..parts import inner, is_set, is_stated, messages, number, text
from ..values import is_late, quoted
from .endpoint import is_socket
from .hosts import is_label, is_wildcard_host
from .protocols import is_http, is_protocol, is_tls, not_a_protocol
from .server_tls import SERVER_TLS
from .sockets import not_a_bind
from .tree import Rules, each, each_of
from .tree import text as text_rules

Spec = Mapping[str, Any]
_PASSTHROUGH = (None, "PASSTHROUGH", "AUTO_PASSTHROUGH")


def _no_server(spec: Spec) -> Iterator[Problem]:
    if not is_set(spec, "servers"):
        yield Problem(("servers",), "missing-field", "'servers' is missing; state at least one")


def _port_names_twice(spec: Spec) -> Iterator[Problem]:
    before: set[str] = set()
    for index, server in messages(spec, "servers"):
        name = text(inner(server, "port"), "name")
        if name and name in before:
            message = f"{quoted(name)} is stated twice; each server needs a port name of its own"
            yield Problem(("servers", index, "port", "name"), "stated-twice", message)
        before.add(name)


def not_a_host_of_a_namespace(host: str) -> Iterator[Problem]:
    """`<namespace>/<host>`, or the host alone."""
    namespace, slash, name = host.rpartition("/") if host.count("/") == 1 else ("", "", host)
    if slash and namespace not in ("*", ".") and not is_label(namespace):
        message = f"{quoted(namespace)} is not a namespace; write its name, `*` or `.`"
        yield Problem((), "not-a-namespace", message)
    if name != "*" and not is_full_host(name):
        message = f"{quoted(name)} is not the whole name of a host; write for example www.example.com or *.example.com"
        yield Problem((), "not-a-host", message)


def is_full_host(name: str) -> bool:
    """Whether it has a dot, and no wildcard but a first label `*`; addresses are hosts, too."""
    partial = "*" in name and not name.startswith("*.")
    return "." in name and not partial and (is_wildcard_host(name) or is_ip_address(name))


def _no_hosts(server: Mapping[str, Any]) -> Iterator[Problem]:
    if server.get("hosts") == []:
        yield Problem(("hosts",), "empty", "'hosts' has no entry; state at least one")


def _port(server: Mapping[str, Any]) -> Iterator[Problem]:
    port, bind = inner(server, "port"), text(server, "bind")
    value = number(port, "number")
    if is_stated(port, "number") and not is_late(port["number"]):
        if is_socket(bind) and value:
            message = f"{quoted(value)} stands beside the socket {quoted(bind)}; 0 is right then"
            yield Problem(("port", "number"), "out-of-bounds", message)
        elif not is_socket(bind) and not 1 <= value <= 65535 and not is_late(server.get("bind")):
            yield Problem(("port", "number"), "out-of-bounds", f"{quoted(value)} is not a port; 1 to 65535 is right")
    if port.get("name") == "":
        yield Problem(("port", "name"), "empty", "'' is not the name of a port; state one")
    if is_set(port, "targetPort"):
        yield Problem(("port", "targetPort"), "no-effect", "'targetPort' has no effect here; leave it out")


def _tls_of_the_protocol(server: Mapping[str, Any]) -> Iterator[Problem]:
    protocol, tls = text(inner(server, "port"), "protocol"), inner(server, "tls")
    if not is_protocol(protocol) or is_late(server.get("tls")):
        return
    if is_tls(protocol) and not is_stated(server, "tls"):
        yield Problem(("tls",), "missing-field", f"'tls' is missing; protocol {protocol} needs it")
    if not is_tls(protocol) and is_stated(server, "tls") and not (is_http(protocol) and _only_redirects(tls)):
        message = f"'tls' stands beside protocol {protocol}, which is plain text; use HTTPS or TLS"
        yield Problem(("tls",), "one-of", message)


def _only_redirects(tls: Mapping[str, Any]) -> bool:
    certificates = ("caCertificates", "privateKey", "serverCertificate")
    return tls.get("mode") in _PASSTHROUGH and not any(is_set(tls, field) for field in certificates)


def of_its_name(_spec: Spec, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """What depends on the name of the object."""
    name = text(metadata, "name")
    if is_stated(metadata, "name") and not is_label(name):
        message = f"{quoted(name)} is not the name of a Gateway; it has letters, digits and -, at most 63"
        yield Problem(("metadata", "name"), "not-a-label", message)


GATEWAY = Rules(
    (_no_server, _port_names_twice),
    fields={
        "servers": each_of(
            Rules(
                (_no_hosts, _port, _tls_of_the_protocol),
                fields={
                    "hosts": each(not_a_host_of_a_namespace),
                    "bind": text_rules(not_a_bind),
                    "port": Rules(fields={"protocol": text_rules(not_a_protocol)}),
                    "tls": SERVER_TLS,
                },
            )
        )
    },
)
