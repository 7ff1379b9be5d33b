"""`pulumi-resource-kubernetes <engine address>`: prints its port and serves until its engine is gone."""

import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

from .engine import Engine
from .protocol import provider_pb2_grpc
from .provider import Provider
from .service import Service

_WORKERS = 64
_NO_LIMIT = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))
_LOOK_SECONDS = 0.25


def main() -> None:
    # so the engine ends its plugins; a traceback would be shown to the user as a fault of ours
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = os.getppid()
    address = sys.argv[-1]
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=_NO_LIMIT)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Service(Provider(Engine(address))), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    threading.Thread(target=_end_with, args=(parent, address), daemon=True).start()
    server.wait_for_termination()


def _end_with(parent: int, address: str) -> None:
    """End when the engine ends: nobody else would, after it was killed.

    Linux can signal this, but per thread, and the engine's threads come and go. If it died before we asked for
    our parent, its port tells.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        os._exit(1)
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
