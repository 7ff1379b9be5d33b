"""The CEL rules of Istio's definitions, each as a function: the text of a rule → what breaks it.

Rules that the compact form of the schemas has a word for are not here. A test holds that all others are.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import Problem
from .values import quoted

Rule = Callable[[Any], Iterator[Problem]]
"""What breaks the rule in a value; the paths of the problems begin at the value."""

_PORT_NAME = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_LONGEST_PORT_NAME = 62
_UNIX = "unix://"


def _has(value: Mapping[str, Any], field: str) -> bool:
    return value.get(field) is not None


def _text(value: Mapping[str, Any], field: str) -> str:
    text = value.get(field)
    return text if isinstance(text, str) else ""


def _entries(value: Mapping[str, Any], field: str) -> Sequence[Any]:
    entries = value.get(field)
    return entries if isinstance(entries, list) else ()


def _accounts_beside_names(source: Any) -> Iterator[Problem]:
    accounts = [field for field in ("serviceAccounts", "notServiceAccounts") if _has(source, field)]
    for field in ("principals", "notPrincipals", "namespaces", "notNamespaces"):
        if accounts and _has(source, field):
            yield Problem((field,), "one-of", f"'{field}' stands beside '{accounts[0]}'; use one of them")


def _ports_without_selector(policy: Any) -> Iterator[Problem]:
    selector = policy.get("selector")
    labels = selector.get("matchLabels") if isinstance(selector, dict) else selector
    has_labels = any(value is not None for value in labels.values()) if isinstance(labels, dict) else labels is not None
    if _has(policy, "portLevelMtls") and not has_labels:
        message = "'portLevelMtls' needs the workload's labels; state 'selector.matchLabels'"
        yield Problem(("portLevelMtls",), "missing-field", message)


def _workload_ports(ports: Any) -> Iterator[Problem]:
    for port in ports:
        if not re.fullmatch(r"[-+]?[0-9]{1,99}", str(port)) or not 1 <= int(port) <= 65535:
            yield Problem((port,), "out-of-bounds", f"{quoted(port)} is not a port; 1 to 65535 is right")


def _wildcard_in_key(labels: Any) -> Iterator[Problem]:
    for key in labels:
        if "*" in str(key):
            yield Problem((key,), "wildcard", f"{quoted(key)} has a wildcard; write the whole key of the label")


def _empty_key(labels: Any) -> Iterator[Problem]:
    if "" in labels:
        yield Problem(("",), "empty", "'' is not a key of a label; write its name")


def _wildcard_in_value(value: Any) -> Iterator[Problem]:
    if isinstance(value, str) and "*" in value:
        yield Problem((), "wildcard", f"{quoted(value)} has a wildcard; write the whole value of the label")


def _ranges_that_are_looked_up(entry: Any) -> Iterator[Problem]:
    resolution = entry.get("resolution", "NONE")
    if isinstance(resolution, str) and resolution not in ("STATIC", "NONE"):
        for index, address in enumerate(_entries(entry, "addresses")):
            if isinstance(address, str) and "/" in address:
                message = f"{quoted(address)} is a range; with resolution {resolution} an address is right"
                yield Problem(("addresses", index), "needs-other-resolution", message)


def _endpoints_without_resolution(entry: Any) -> Iterator[Problem]:
    if entry.get("resolution") in (None, "NONE") and _has(entry, "endpoints"):
        message = "'endpoints' have no effect with resolution NONE; state 'resolution: STATIC' or DNS"
        yield Problem(("endpoints",), "needs-other-resolution", message)


def _endpoints_in_turn(entry: Any) -> Iterator[Problem]:
    if entry.get("resolution") == "DNS_ROUND_ROBIN":
        for index, _ in enumerate(_entries(entry, "endpoints")[1:], 1):
            message = "'DNS_ROUND_ROBIN' takes one endpoint; use 'resolution: DNS' for several"
            yield Problem(("endpoints", index), "needs-other-resolution", message)


def _host_for_everything(host: Any) -> Iterator[Problem]:
    if host == "*":
        yield Problem((), "wildcard", "'*' is not a host here; write a name, or a wildcard such as '*.example.com'")


def _neither_address_nor_network(entry: Any) -> Iterator[Problem]:
    if not _has(entry, "address") and not _has(entry, "network"):
        yield Problem((), "missing-field", "'address' is missing; state it, or 'network'")


def _ports_of_a_socket(entry: Any) -> Iterator[Problem]:
    address = _text(entry, "address")
    if address.startswith(_UNIX) and _has(entry, "ports"):
        yield Problem(("ports",), "one-of", f"'ports' stand beside the socket {quoted(address)}; leave them out")


def _relative_socket(address: Any) -> Iterator[Problem]:
    if isinstance(address, str) and address.startswith(_UNIX) and address[7:8] not in ("/", "@"):
        message = f"{quoted(address)} is not an absolute path; write unix:///path or unix://@name"
        yield Problem((), "not-a-socket", message)


def _socket_that_is_a_folder(address: Any) -> Iterator[Problem]:
    if isinstance(address, str) and address.startswith(_UNIX) and address.endswith("/"):
        yield Problem((), "not-a-socket", f"{quoted(address)} is a folder; write the path of the socket")


def _port_names(ports: Any) -> Iterator[Problem]:
    for name in map(str, ports):
        if not _PORT_NAME.fullmatch(name) or len(name) > _LONGEST_PORT_NAME:
            message = f"{quoted(name)} is not the name of a port; it has at most {_LONGEST_PORT_NAME} of a-z, 0-9 and -"
            yield Problem((name,), "not-a-port-name", message)


RULES: Mapping[str, Rule] = {
    "(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) &&\n"
    "!has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true": _accounts_beside_names,
    "has(self.portLevelMtls) ? (((has(self.selector) && has(self.selector.matchLabels)) ? "
    "self.selector.matchLabels : {}).size() > 0) : true": _ports_without_selector,
    "self.all(key, 0 < int(key) && int(key) <= 65535)": _workload_ports,
    'self.all(key, !key.contains("*"))': _wildcard_in_key,
    "self.all(key, key.size() != 0)": _empty_key,
    '!self.contains("*")': _wildcard_in_value,
    '!((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && '
    '!((has(self.resolution) ? self.resolution : "NONE") in ["STATIC", "NONE"]))': _ranges_that_are_looked_up,
    '((has(self.resolution) ? self.resolution : "NONE") == "NONE") ? '
    "!has(self.endpoints) : true": _endpoints_without_resolution,
    '((has(self.resolution) ? self.resolution : "") == "DNS_ROUND_ROBIN") ? '
    "((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true": _endpoints_in_turn,
    'self != "*"': _host_for_everything,
    "has(self.address) || has(self.network)": _neither_address_nor_network,
    '(has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true': _ports_of_a_socket,
    'self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true': (
        _relative_socket
    ),
    'self.startsWith("unix://") ? !self.endsWith("/") : true': _socket_that_is_a_folder,
    'self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))': _port_names,
}
