"""VirtualService: hosts, gateways, and the routes of all three kinds."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..parts import any_is_late, entries, inner, is_set, messages, text, texts
from ..values import is_late, quoted
from .destination import DESTINATION, WEIGHT, weights_of_0
from .exports import not_exported
from .gateway_names import gateway_names
from .headers import is_claim
from .hosts import LABELS, PORT_OR_0, RANGES, is_wildcard_host
from .http_route import HTTP_ROUTE
from .tree import Rules, each_of

Spec = Mapping[str, Any]


def _is_for_gateways_alone(spec: Spec) -> bool:
    return bool(entries(spec, "gateways")) and "mesh" not in entries(spec, "gateways")


def _no_routes(spec: Spec) -> Iterator[Problem]:
    if not any(is_set(spec, field) for field in ("http", "tls", "tcp")):
        yield Problem((), "missing-field", "'http', 'tls' and 'tcp' are missing; state at least one of them")


def _delegate(spec: Spec) -> Iterator[Problem]:
    """Without hosts it is a part of another VirtualService."""
    if is_set(spec, "hosts"):
        return
    for field in ("gateways", "tls", "tcp"):
        if is_set(spec, field):
            yield Problem((field,), "not-in-a-delegate", f"'{field}' has no effect without hosts; state 'hosts'")
    for index, route in messages(spec, "http"):
        if route.get("delegate") is not None:
            message = "'delegate' stands in a delegate; state 'hosts', or leave it out"
            yield Problem(("http", index, "delegate"), "not-in-a-delegate", message)


def _claims_of_a_token(spec: Spec) -> Iterator[Problem]:
    if _is_for_gateways_alone(spec) or is_late(spec.get("gateways")):
        return
    for index, route in messages(spec, "http"):
        for number, match in messages(route, "match"):
            for field in ("headers", "withoutHeaders"):
                for name in map(str, inner(match, field)):
                    if is_claim(name):
                        message = f"{quoted(name)} is a claim of a token, which only gateways read; state 'gateways'"
                        yield Problem(("http", index, "match", number, field, name), "needs-a-gateway", message)


def _hosts(spec: Spec) -> Iterator[Problem]:
    for index, host in texts(spec, "hosts"):
        if not (_is_host(spec, host) or is_ip_address(host)):
            message = f"{quoted(host)} is not a DNS name; write for example www.example.com or *.example.com"
            yield Problem(("hosts", index), "not-a-host", message)
        elif host == "*" and not _is_for_gateways_alone(spec) and not is_late(spec.get("gateways")):
            message = "'*' is for gateways alone; state the hosts that callers in the mesh use"
            yield Problem(("hosts", index), "wildcard", message)


def _is_host(spec: Spec, host: str) -> bool:
    has_server_names = any(
        is_set(match, "sniHosts") for _, route in messages(spec, "tls") for _, match in messages(route, "match")
    )
    return _is_server_name(spec, host) if has_server_names else is_wildcard_host(host)


def _is_server_name(spec: Spec, name: str) -> bool:
    """Whether it is a host, or at a gateway one that istiod makes: `outbound_.9080_._.reviews.default.…`."""
    parts = name.split("_")
    if not _is_for_gateways_alone(spec) or not name.startswith("outbound_"):
        return is_wildcard_host(name)
    if not len(name.encode()) <= 255 or len(parts) < 4:
        return False
    has_port = any(character in "0123456789" for character in parts[1])
    return has_port and any(c.isascii() and c.isalpha() for c in parts[3])


def _same_hosts(spec: Spec) -> Iterator[Problem]:
    hosts = list(texts(spec, "hosts"))
    if all(_is_host(spec, host) or is_ip_address(host) for _, host in hosts):
        for (_, first), (index, second) in combinations(hosts, 2):
            if _covers(first, second) or _covers(second, first):
                how = "is stated twice; state it once"
                if first != second:
                    how = f"is covered by {quoted(first)}; state one of them"
                message = f"{quoted(second)} {how}"
                yield Problem(("hosts", index), "stated-twice", message)


def _covers(pattern: str, host: str) -> bool:
    """Whether every name of `host`, which may be a wildcard itself, is one of `pattern`."""
    if not pattern.startswith("*"):
        return pattern == host
    return host.removeprefix("*").endswith(pattern[1:])


def _server_names(spec: Spec) -> Iterator[Problem]:
    hosts = [host for _, host in texts(spec, "hosts")]
    for index, route in messages(spec, "tls"):
        for number, match in messages(route, "match"):
            for position, name in texts(match, "sniHosts"):
                here = ("tls", index, "match", number, "sniHosts", position)
                if not _is_server_name(spec, name):
                    if not is_ip_address(name):
                        yield Problem(
                            here, "not-a-host", f"{quoted(name)} is not a DNS name; write for example www.example.com"
                        )
                elif not any_is_late(spec, "hosts") and not any(_covers(host, name) for host in hosts):
                    message = f"{quoted(name)} is none of the hosts; it should be one of {', '.join(hosts) or 'them'}"
                    yield Problem(here, "not-one-of-the-hosts", message)


def _no_route(route: Mapping[str, Any]) -> Iterator[Problem]:
    if not is_set(route, "route"):
        yield Problem(("route",), "missing-field", "'route' is missing; state where the connections go")


def _no_match(route: Mapping[str, Any]) -> Iterator[Problem]:
    if route.get("match") == []:
        yield Problem(("match",), "empty", "'match' has no entry; state 'sniHosts' at least")


def _no_server_name(match: Mapping[str, Any]) -> Iterator[Problem]:
    if match.get("sniHosts") == []:
        yield Problem(("sniHosts",), "empty", "'sniHosts' has no entry; state at least one")


def in_its_namespace(spec: Spec, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """What depends on the namespace of the object."""
    yield from not_exported(spec, text(metadata, "namespace"))


_L4_MATCH = {"destinationSubnets": RANGES, "port": PORT_OR_0, "sourceLabels": LABELS}
_ROUTE = each_of(Rules(fields={"destination": DESTINATION, "weight": WEIGHT}))

VIRTUAL_SERVICE = Rules(
    (_no_routes, _delegate, _claims_of_a_token, gateway_names, _hosts, _same_hosts, _server_names),
    fields={
        "http": each_of(HTTP_ROUTE),
        "tcp": each_of(
            Rules(
                (_no_route, weights_of_0),
                fields={"match": each_of(Rules((gateway_names,), fields=_L4_MATCH)), "route": _ROUTE},
            )
        ),
        "tls": each_of(
            Rules(
                (_no_match, _no_route, weights_of_0),
                fields={"match": each_of(Rules((_no_server_name, gateway_names), fields=_L4_MATCH)), "route": _ROUTE},
            )
        ),
    },
)
