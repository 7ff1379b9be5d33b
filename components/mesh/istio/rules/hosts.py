"""Names and addresses as istiod takes them, in texts that stand alone."""

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_interface
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..values import quoted
from .tree import Rules, each, number, text

_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_WILDCARD_LABEL = re.compile(rf"\*|(?:\*-?)?{_LABEL.pattern}")
_LABEL_LENGTH = 63
_HOST_LENGTH = 255
_LABEL_KEY = re.compile(
    rf"(?:(?P<prefix>{_LABEL.pattern}(?:\.{_LABEL.pattern})*)/)?(?P<name>(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])"
)
_LABEL_VALUE = re.compile(r"(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_PREFIX_LENGTH = 253
_BITS = re.compile(r"0|[1-9][0-9]*")
_LABEL_SENTENCE = "it has letters, digits and -, at most 63, and no - at either end"


# the same names stand in many objects
@lru_cache(maxsize=10_000)
def is_label(name: str) -> bool:
    """Whether it is a DNS label; capital letters are legal for istiod."""
    return len(name) <= _LABEL_LENGTH and bool(_LABEL.fullmatch(name))


@lru_cache(maxsize=10_000)
def is_host(name: str) -> bool:
    """Whether it is a DNS name; it may end in a dot, but not in a number."""
    return 0 < len(name.encode()) <= _HOST_LENGTH and _are_labels(name)


@lru_cache(maxsize=10_000)
def is_wildcard_host(name: str) -> bool:
    """Whether it is a DNS name, or one whose first label begins with `*`."""
    first, dot, rest = name.partition(".")
    if not len(name.encode()) <= _HOST_LENGTH or len(first) > _LABEL_LENGTH or not _WILDCARD_LABEL.fullmatch(first):
        return False
    return not dot or _are_labels(rest)


def is_range(name: str) -> bool:
    """Whether it is an address, or a CIDR range."""
    address, slash, bits = name.partition("/")
    if not slash:
        return is_ip_address(name)
    try:
        ip_interface(name)
    except ValueError:
        return False
    return bool(_BITS.fullmatch(bits)) and "%" not in address


def _are_labels(name: str) -> bool:
    labels = name.split(".")
    if re.fullmatch(r"[-+]?[0-9]{1,18}", labels[-1]):
        return False
    if labels[-1] == "":
        labels.pop()
    return all(map(is_label, labels))


def not_a_label(name: str) -> Iterator[Problem]:
    if not is_label(name):
        yield Problem((), "not-a-label", f"{quoted(name)} is not a DNS label; {_LABEL_SENTENCE}")


def not_a_host(name: str) -> Iterator[Problem]:
    if not is_host(name):
        yield Problem(
            (), "not-a-host", f"{quoted(name)} is not a DNS name; write for example reviews.default.svc.cluster.local"
        )


def not_a_wildcard_host(name: str) -> Iterator[Problem]:
    if not is_wildcard_host(name):
        yield Problem(
            (), "not-a-host", f"{quoted(name)} is not a DNS name; write for example www.example.com or *.example.com"
        )


def not_an_address(name: str) -> Iterator[Problem]:
    if not is_ip_address(name):
        yield Problem((), "not-an-address", f"{quoted(name)} is not an IP address; write for example 240.0.0.1")


def not_a_range(name: str) -> Iterator[Problem]:
    if not is_range(name):
        message = f"{quoted(name)} is neither an IP address nor a range; write for example 10.0.0.1 or 10.0.0.0/8"
        yield Problem((), "not-an-address", message)


def not_a_port(port: Any) -> Iterator[Problem]:
    if not 1 <= port <= 65535:
        yield Problem((), "out-of-bounds", f"{quoted(port)} is not a port; 1 to 65535 is right")


def not_a_port_or_0(port: Any) -> Iterator[Problem]:
    if port:
        yield from not_a_port(port)


def not_labels(labels: Any) -> Iterator[Problem]:
    """Keys and values as Kubernetes takes them for labels."""
    for key, value in labels.items():
        match = _LABEL_KEY.fullmatch(key) if isinstance(key, str) else None
        if not match or len(match["prefix"] or "") > _PREFIX_LENGTH or len(match["name"]) > _LABEL_LENGTH:
            yield Problem(
                (str(key),), "not-a-label-key", f"{quoted(key)} is not a key of a label; write for example version"
            )
        if isinstance(value, str) and not _LABEL_VALUE.fullmatch(value):
            message = f"{quoted(value)} is not a value of a label; it has letters and digits, and - _ . between them"
            yield Problem((str(key),), "not-a-label-value", message)


PORT = number(not_a_port)
PORT_OR_0 = number(not_a_port_or_0)
LABEL = text(not_a_label)
RANGES = each(not_a_range)
LABELS = Rules((not_labels,))
