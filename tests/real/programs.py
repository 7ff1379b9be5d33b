"""`python -m tests.real.programs`: runs programs for the CLI as Pulumi's Automation API does, until its input ends.

It prints two ports: that of its dynamic resources as Pulumi's plugin for them does, and `programs` with the other.
"""

import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Thread
from typing import Any

import grpc  # type: ignore[import-untyped,unused-ignore]
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2_grpc, provider_pb2_grpc


class Programs(LanguageServer):
    """Runs the program in the directory that a run is for, one at a time: they share this process's directory."""

    def __init__(self) -> None:
        super().__init__(_run_program)
        self._turn = Lock()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 -- the protocol names it
        with self._turn:
            os.chdir(request.pwd)
            return super().Run(request, context)  # type: ignore[no-untyped-call,unused-ignore]


def _run_program() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def _attach(*_: Any) -> empty_pb2.Empty:
    """The engine says so to a plugin that runs already, which Pulumi's for dynamic resources does not expect."""
    return empty_pb2.Empty()


def main() -> None:
    # an engine may get the port that an earlier one had, of which a common pool still knows that nobody answers there
    _GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))
    provider_pb2_grpc.ResourceProviderServicer.Attach = _attach  # type: ignore[assignment,method-assign,unused-ignore]
    Thread(target=runpy.run_module, args=["pulumi.dynamic", None, "__main__"], daemon=True).start()
    server = grpc.server(ThreadPoolExecutor())
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Programs(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # in one piece, or the other port may come between
    sys.stdout.write(f"programs {port}\n")
    sys.stdin.read()
    # neither server's threads end by themselves
    os._exit(0)


if __name__ == "__main__":
    main()
