"""Ports on loopback."""

import socket


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
