"""Sidecar: what a workload sees, and where its proxy listens."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Path, Problem
from ...ip_addresses import is_ip_address
from ..parts import entries, inner, is_set, is_stated, messages, number, text
from ..values import is_late, quoted
from .destination import DESTINATION
from .endpoint import is_socket
from .gateway import is_full_host
from .hosts import is_host, is_label, is_wildcard_host, not_a_label
from .protocols import is_protocol, is_tls, neither_empty_nor_a_protocol
from .selector import SELECTOR_WITH_LABELS
from .server_tls import SERVER_TLS
from .sockets import not_a_socket
from .traffic_policy import CONNECTION_POOL
from .tree import Rules, each, each_of
from .tree import text as text_rules

Spec = Mapping[str, Any]
_LOOPBACK = ("", "127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104 - words of Istio's, nothing listens here
_ENDPOINT = re.compile(r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<plain>[^:\[\]]*)):(?P<port>[^:\[\]]*)")
_NOT_HERE = ("subjectAltNames", "httpsRedirect", "credentialName", "credentialNames", "tlsCertificates")


def _nothing(spec: Spec) -> Iterator[Problem]:
    lists = ("egress", "ingress")
    parts = ("outboundTrafficPolicy", "inboundConnectionPool")
    if not any(is_set(spec, field) for field in lists) and not any(is_stated(spec, field) for field in parts):
        yield Problem((), "empty", f"'Sidecar' says nothing; state one of {', '.join((*lists, *parts))}")


def _ports_twice(spec: Spec) -> Iterator[Problem]:
    for field in ("ingress", "egress"):
        before: set[Any] = set()
        for index, listener in messages(spec, field):
            port = number(inner(listener, "port"), "number")
            here: Path = (field, index, "port", "number")
            if field == "egress" and is_stated(listener, "port") and not port:
                key: Any = text(listener, "bind")
                here = (field, index, "bind")
            elif is_stated(listener, "port"):
                key = port
            else:
                continue
            if key in before:
                yield Problem(
                    here, "stated-twice", f"{quoted(key)} is stated twice; each listener needs a port of its own"
                )
            before.add(key)


def _without_port_before_the_last(spec: Spec) -> Iterator[Problem]:
    last = len(entries(spec, "egress")) - 1
    for index, listener in messages(spec, "egress"):
        if not is_stated(listener, "port") and index != last:
            message = "'port' is missing; only the last listener, which takes the rest, has none"
            yield Problem(("egress", index, "port"), "missing-field", message)


def _not_a_port_name(name: str) -> Iterator[Problem]:
    if name:
        yield from not_a_label(name)


def _target_port(port: Mapping[str, Any]) -> Iterator[Problem]:
    if is_set(port, "targetPort"):
        yield Problem(("targetPort",), "no-effect", "'targetPort' has no effect here; leave it out")


def _no_hosts(listener: Mapping[str, Any]) -> Iterator[Problem]:
    if listener.get("hosts") == []:
        yield Problem(("hosts",), "empty", "'hosts' has no entry; state at least one")


def _not_a_host_of_a_namespace(host: str) -> Iterator[Problem]:
    namespace, slash, name = host.partition("/")
    bare = namespace.removeprefix("~")
    if not slash or not namespace or (bare not in ("", "*", ".") and not is_label(bare)):
        yield Problem(
            (), "not-a-namespace", f"{quoted(host)} has no namespace; write <namespace>/<host>, ./<host> or */<host>"
        )
    elif name != "*" and not (is_full_host(name) and is_wildcard_host(name)):
        message = f"{quoted(name)} is not the whole name of a host; write for example www.example.com or *.example.com"
        yield Problem((), "not-a-host", message)


def _egress_listener(listener: Mapping[str, Any]) -> Iterator[Problem]:
    port, bind = inner(listener, "port"), text(listener, "bind")
    late = map(is_late, (listener.get("port"), listener.get("bind"), port.get("number")))
    if not is_stated(listener, "port") or any(late):
        return
    value = number(port, "number")
    if value:
        yield from _listening(value, bind)
        return
    if not is_socket(bind):
        message = f"{quoted(bind)} is not a socket; port 0 needs unix:///path or unix://@name"
        yield Problem(("bind",), "not-a-socket", message)
    else:
        yield from (problem._replace(path=("bind",)) for problem in not_a_socket(bind))
    mode = listener.get("captureMode")
    if isinstance(mode, str) and mode not in ("DEFAULT", "NONE"):
        yield Problem(("captureMode",), "not-in-enum", f"{quoted(mode)} is not for a socket; it takes DEFAULT, NONE")


def _ingress_listener(listener: Mapping[str, Any]) -> Iterator[Problem]:
    port = inner(listener, "port")
    if is_stated(listener, "port") and not is_late(listener["port"]) and not is_late(port.get("number")):
        yield from _listening(number(port, "number"), text(listener, "bind"))


def _listening(port: float, bind: str) -> Iterator[Problem]:
    if not 1 <= port <= 65535:
        yield Problem(("port", "number"), "out-of-bounds", f"{quoted(port)} is not a port; 1 to 65535 is right")
    if bind and not is_ip_address(bind):
        yield Problem(("bind",), "not-an-address", f"{quoted(bind)} is not an IP address; write for example 127.0.0.1")


def _not_the_application(endpoint: str) -> Iterator[Problem]:
    if is_socket(endpoint):
        yield from not_a_socket(endpoint)
    elif endpoint:
        parts = _ENDPOINT.fullmatch(endpoint)
        host = (parts["bracketed"] or parts["plain"] or "") if parts else "?"
        port = parts["port"] if parts else ""
        if host not in _LOOPBACK or not re.fullmatch(r"[+]?[0-9]{1,99}", port) or not 1 <= int(port) <= 65535:
            message = f"{quoted(endpoint)} is not where an application listens; write for example 127.0.0.1:8080"
            yield Problem((), "not-an-endpoint", message)


def _tls_of_ingress(listener: Mapping[str, Any]) -> Iterator[Problem]:
    tls = inner(listener, "tls")
    for field in _NOT_HERE:
        if is_set(tls, field):
            yield Problem(("tls", field), "no-effect", f"'{field}' has no effect in a Sidecar; leave it out")
    if (mode := tls.get("mode")) in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH"):
        yield Problem(("tls", "mode"), "not-in-enum", f"{quoted(mode)} is not for a Sidecar; use SIMPLE or MUTUAL")
    port = inner(listener, "port")
    protocol = text(port, "protocol")
    any_is_late = any(map(is_late, (listener.get("port"), listener.get("tls"), port.get("protocol"))))
    if is_stated(listener, "tls") and not any_is_late and not is_tls(protocol):
        named = protocol if is_protocol(protocol) else quoted(protocol)
        message = f"'tls' stands beside protocol {named}, which is plain text; use HTTPS or TLS"
        yield Problem(("tls",), "one-of", message)


def _egress_proxy(policy: Mapping[str, Any]) -> Iterator[Problem]:
    proxy = inner(policy, "egressProxy")
    if not is_stated(policy, "egressProxy") or is_late(policy["egressProxy"]):
        return
    if policy.get("mode") != "ALLOW_ANY" and not is_late(policy.get("mode")):
        message = "'egressProxy' needs mode ALLOW_ANY; state it"
        yield Problem(("egressProxy",), "one-of", message)
    if isinstance(proxy.get("host"), str) and not is_host(proxy["host"]):
        message = f"{quoted(proxy['host'])} is not a DNS name; write for example egress.istio-system.svc.cluster.local"
        yield Problem(("egressProxy", "host"), "not-a-host", message)
    if not is_stated(proxy, "port"):
        yield Problem(("egressProxy", "port"), "missing-field", "'port' is missing; state the port of the proxy")


_PORT = Rules(
    (_target_port,),
    fields={"name": text_rules(_not_a_port_name), "protocol": text_rules(neither_empty_nor_a_protocol)},
)

SIDECAR = Rules(
    (_nothing, _ports_twice, _without_port_before_the_last),
    fields={
        "workloadSelector": SELECTOR_WITH_LABELS,
        "ingress": each_of(
            Rules(
                (_ingress_listener, _tls_of_ingress),
                fields={
                    "port": _PORT,
                    "defaultEndpoint": text_rules(_not_the_application),
                    "tls": SERVER_TLS,
                    "connectionPool": CONNECTION_POOL,
                },
            )
        ),
        "egress": each_of(
            Rules((_egress_listener, _no_hosts), fields={"port": _PORT, "hosts": each(_not_a_host_of_a_namespace)})
        ),
        "inboundConnectionPool": CONNECTION_POOL,
        "outboundTrafficPolicy": Rules((_egress_proxy,), fields={"egressProxy": DESTINATION}),
    },
)
