"""WorkloadEntry, as an object and as an endpoint of a ServiceEntry."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..parts import is_set, text
from ..values import quoted
from .hosts import LABELS, is_host
from .tree import Rules

UNIX = "unix://"


def is_socket(address: str) -> bool:
    return address.startswith(UNIX)


def nowhere(entry: Mapping[str, Any]) -> Iterator[Problem]:
    """Neither an address nor a network, but an empty text; where none is stated, the schema says so."""
    for field in ("address", "network"):
        if entry.get(field) == "" and not is_set(entry, "address") and not is_set(entry, "network"):
            yield Problem((field,), "empty", f"'' is not a value of '{field}'; state the address, or the network")
            return


def _not_an_endpoint(entry: Mapping[str, Any]) -> Iterator[Problem]:
    address = text(entry, "address")
    if address and not (is_socket(address) or is_ip_address(address) or is_host(address)):
        message = f"{quoted(address)} is neither an IP address nor a DNS name; write for example 10.0.0.1"
        yield Problem(("address",), "not-an-address", message)


WORKLOAD_ENTRY = Rules((_not_an_endpoint, nowhere), fields={"labels": LABELS})
ENDPOINT = Rules(fields={"labels": LABELS})
"""Its address is judged together with the resolution."""
