"""`when` of an AuthorizationPolicy: attributes and their values; the same kinds of values stand in sources."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..parts import is_set, text, texts
from ..values import quoted
from .hosts import is_range
from .tree import Rules

_LONGEST_ACCOUNT = 320


def _is_address_or_range(value: str) -> bool:
    return is_range(value) if "/" in value else is_ip_address(value)


def not_an_address_or_range(value: str) -> Iterator[Problem]:
    if not _is_address_or_range(value):
        message = f"{quoted(value)} is neither an IP address nor a range; write for example 10.0.0.1 or 10.0.0.0/8"
        yield Problem((), "not-an-address", message)


def not_a_port_text(value: str) -> Iterator[Problem]:
    if not re.fullmatch("[0-9]{1,99}", value) or int(value) > 65535:
        yield Problem((), "out-of-bounds", f"{quoted(value)} is not a port; '0' to '65535' is right")


def account_names(value: str) -> Iterator[Problem]:
    """What is not the name of a service account, with or without its namespace."""
    if "*" in value or value.count("/") > 1 or not all(value.split("/")) or len(value.encode()) > _LONGEST_ACCOUNT:
        message = f"{quoted(value)} is not a service account; write <account> or <namespace>/<account>"
        yield Problem((), "not-a-service-account", message)


def _not_a_wildcard(value: str) -> Iterator[Problem]:
    if not value or value.count("*") > 1 or "*" in value[1:-1]:
        message = f"{quoted(value)} is not a trust domain; it may have one * at one end"
        yield Problem((), "not-a-trust-domain", message)


def not_a_trust_domain(value: str) -> Iterator[Problem]:
    yield from _not_a_wildcard(value)
    if "/" in value:
        yield Problem((), "not-a-trust-domain", f"{quoted(value)} has a slash; a trust domain has none")


def _any_text(_value: str) -> Iterator[Problem]:
    yield from ()


_VALUES: Mapping[str, Callable[[str], Iterator[Problem]]] = {
    "source.ip": not_an_address_or_range,
    "remote.ip": not_an_address_or_range,
    "source.namespace": _any_text,
    "source.serviceAccount": account_names,
    "source.principal": _any_text,
    "source.trustDomain": _not_a_wildcard,
    "request.auth.principal": _any_text,
    "request.auth.audiences": _any_text,
    "request.auth.presenter": _any_text,
    "destination.ip": not_an_address_or_range,
    "destination.port": not_a_port_text,
    "connection.sni": _any_text,
}
_WITH_A_NAME = ("request.headers", "request.auth.claims", "experimental.envoy.filters.")


def _key(condition: Mapping[str, Any]) -> Iterator[Problem]:
    key = text(condition, "key")
    if condition.get("key") == "":
        yield Problem(("key",), "empty", "'' is not an attribute; state one")
    elif key.startswith(_WITH_A_NAME):
        begin = key.find("[")
        if not (key.endswith("]") and 0 < begin < len(key) - 2):
            message = f"{quoted(key)} has no name in brackets; write for example {key.partition('[')[0]}[name]"
            yield Problem(("key",), "not-an-attribute", message)
    elif key and key not in _VALUES:
        attributes = ", ".join((*_VALUES, *(f"{name}[…]" for name in _WITH_A_NAME[:2])))
        yield Problem(("key",), "not-an-attribute", f"{quoted(key)} is not an attribute; it takes {attributes}")


def _no_values(condition: Mapping[str, Any]) -> Iterator[Problem]:
    if is_set(condition, "key") and not is_set(condition, "values") and not is_set(condition, "notValues"):
        yield Problem(("values",), "missing-field", "'values' is missing; state it, or 'notValues'")


def _wrong_values(condition: Mapping[str, Any]) -> Iterator[Problem]:
    rule = _VALUES.get(text(condition, "key"), _any_text)
    for field in ("values", "notValues"):
        for index, value in texts(condition, field):
            if not value:
                yield Problem((field, index), "empty", "'' matches nothing; write a value")
            else:
                yield from (problem._replace(path=(field, index)) for problem in rule(value))


CONDITION = Rules((_key, _no_values, _wrong_values))
