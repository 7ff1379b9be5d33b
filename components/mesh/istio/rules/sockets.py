"""Where a proxy listens: an address, or the path of a socket."""

from collections.abc import Iterator

from ...errors import Problem
from ...ip_addresses import is_ip_address
from ..values import quoted
from .endpoint import UNIX, is_socket


def not_a_socket(bind: str) -> Iterator[Problem]:
    path = bind.removeprefix(UNIX)
    if not path.startswith("@") and (not path.startswith("/") or path.endswith("/")):
        yield Problem(
            (), "not-a-socket", f"{quoted(bind)} is not the path of a socket; write unix:///path or unix://@name"
        )


def not_a_bind(bind: str) -> Iterator[Problem]:
    """An address to listen on; an empty one means all."""
    if is_socket(bind):
        yield from not_a_socket(bind)
    elif bind and not is_ip_address(bind):
        message = f"{quoted(bind)} is not an IP address; write for example 0.0.0.0, or unix:///path"
        yield Problem((), "not-an-address", message)
