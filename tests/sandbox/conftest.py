"""The plugin before a real API server, and what is around it: an engine, and somebody who edits by hand."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2_grpc

from sandbox.clusters import Sandbox
from tests.real.kubernetes_plugin import Engine, Plugin


@pytest.fixture(scope="module")
def kubeconfig(sandbox: Sandbox) -> str:
    return Path(sandbox.kubeconfig_of("cluster1")).read_text()


@pytest.fixture(scope="module")
def kubectl(sandbox: Sandbox) -> Callable[..., str]:
    """Somebody who edits by hand; answers with standard output."""

    def run(*arguments: str) -> str:
        command = ["kubectl", "--kubeconfig", str(sandbox.kubeconfig_of("cluster1")), *arguments]
        environment = {**os.environ, **sandbox.environment()}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[Engine, str]]:
    servicer = Engine()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0)


@pytest.fixture(scope="module")
def start(engine: tuple[Engine, str]) -> Iterator[Callable[..., Plugin]]:
    started: list[Plugin] = []

    def start(**environment: str) -> Plugin:
        started.append(Plugin(engine[1], environment))
        return started[-1]

    yield start
    for plugin in started:
        plugin.process.kill()
        plugin.process.wait()


@pytest.fixture(scope="module")
def plugin(start: Callable[..., Plugin], kubeconfig: str) -> Plugin:
    return start().configured(kubeconfig=kubeconfig)
