"""Ports on loopback."""

import errno
import random
import socket

_RANGE = range(20_000, 30_000)
"""Below what Linux gives to outgoing connections: one of those could take a port before its server does."""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at the moment."""
    while True:
        port = random.choice(_RANGE)  # noqa: S311 - no secret
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
