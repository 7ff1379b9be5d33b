"""The words for protocols; capital letters are the same as small ones."""

from collections.abc import Iterator

from ...errors import Problem
from ..values import quoted

HTTP = ("http", "http2", "http_proxy", "grpc", "grpc-web")
TLS = ("https", "tls")
TCP = ("tcp", "mongo", "redis", "mysql", "udp")
_ALL = (*HTTP, *TLS, *TCP)


def is_http(protocol: str) -> bool:
    return protocol.lower() in HTTP


def is_tls(protocol: str) -> bool:
    return protocol.lower() in TLS


def is_protocol(protocol: str) -> bool:
    return protocol.lower() in _ALL


def not_a_protocol(protocol: str) -> Iterator[Problem]:
    if not is_protocol(protocol):
        yield Problem((), "not-a-protocol", f"{quoted(protocol)} is not a protocol; it takes {', '.join(_ALL).upper()}")


def neither_empty_nor_a_protocol(protocol: str) -> Iterator[Problem]:
    """Where none is stated, the proxy finds it out."""
    if protocol:
        yield from not_a_protocol(protocol)
