"""WorkloadEntry, as an object and as an endpoint of a ServiceEntry."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import is_set, text
from .hosts import LABELS, is_address, is_host, is_label
from .tree import Rules

UNIX = "unix://"


def is_socket(address: str) -> bool:
    return address.startswith(UNIX)


def not_a_port_name(ports: Mapping[Any, Any]) -> Iterator[Problem]:
    for name in map(str, ports):
        if not is_label(name):
            message = f"'{name}' is not the name of a port; it has letters, digits and -, at most 63"
            yield Problem((name,), "not-a-port-name", message)


def _not_an_endpoint(entry: Mapping[str, Any]) -> Iterator[Problem]:
    address = text(entry, "address")
    if address and not (is_socket(address) or is_address(address) or is_host(address)):
        message = f"'{address}' is neither an IP address nor a DNS name; write for example 10.0.0.1"
        yield Problem(("address",), "not-an-address", message)


def _nowhere(entry: Mapping[str, Any]) -> Iterator[Problem]:
    if entry.get("address") == "" and not is_set(entry, "network"):
        yield Problem(("address",), "empty", "'' is not an address; state it, or 'network'")


WORKLOAD_ENTRY = Rules((_not_an_endpoint, _nowhere), fields={"labels": LABELS, "ports": Rules((not_a_port_name,))})
ENDPOINT = Rules(fields={"labels": LABELS, "ports": Rules((not_a_port_name,))})
"""Its address is judged together with the resolution."""
