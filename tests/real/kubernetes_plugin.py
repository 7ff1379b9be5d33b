"""The stand-in plugin as the engine sees it: a process, asked by gRPC about WorkloadEntries."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.kubernetes_plugin.values import Properties, from_struct, to_struct

ROOT = Path(__file__).parents[2]


class Engine(engine_pb2_grpc.EngineServicer):
    """Listens to what plugins log."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def Log(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802 - the protocol names it
        del context
        self.said.append(request.message)
        return Empty()


class Plugin:
    """One running plugin, configured or not."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.kubernetes_plugin", address],
            cwd=ROOT,
            env={**os.environ, "KUBECONFIG": os.devnull, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{self.port}"))

    def configured(self, **variables: str) -> "Plugin":
        answer = self.stub.Configure(
            proto.ConfigureRequest(
                variables={f"kubernetes:config:{name}": value for name, value in variables.items()}, acceptSecrets=True
            ),
            timeout=40,
        )
        assert answer.acceptSecrets
        assert answer.supportsPreview
        assert answer.supports_autonaming_configuration
        return self

    def check(self, urn: str, news: Properties, olds: Properties | None = None) -> Properties:
        request = proto.CheckRequest(urn=urn, olds=to_struct(olds or {}), news=to_struct(news), randomSeed=b"seed")
        return from_struct(self.stub.Check(request).inputs)

    def diff(self, urn: str, state: Properties, news: Properties, ignored: tuple[str, ...] = ()) -> proto.DiffResponse:
        request = proto.DiffRequest(urn=urn, id="x", olds=to_struct(state), news=to_struct(news), ignoreChanges=ignored)
        answer: proto.DiffResponse = self.stub.Diff(request)
        return answer

    def create(self, urn: str, news: Properties, *, preview: bool = False) -> tuple[str, Properties]:
        request = proto.CreateRequest(urn=urn, properties=to_struct(news), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, from_struct(answer.properties)

    def update(self, urn: str, state: Properties, news: Properties, *, preview: bool = False) -> Properties:
        request = proto.UpdateRequest(urn=urn, id="x", olds=to_struct(state), news=to_struct(news), preview=preview)
        return from_struct(self.stub.Update(request).properties)

    def read(self, urn: str, id_: str, state: Properties, olds: Properties) -> tuple[str, Properties, Properties]:
        request = proto.ReadRequest(urn=urn, id=id_, properties=to_struct(state), inputs=to_struct(olds))
        answer = self.stub.Read(request)
        return answer.id, from_struct(answer.properties), from_struct(answer.inputs)

    def delete(self, urn: str, id_: str, state: Properties) -> None:
        self.stub.Delete(proto.DeleteRequest(urn=urn, id=id_, properties=to_struct(state)))


def urn(api_version: Any, kind: Any, name: str) -> str:
    module = api_version if "/" in api_version else f"core/{api_version}"
    return f"urn:pulumi:dev::test::mesh:index:Component$kubernetes:{module}:{kind}::{name}"


def entry(name: str, **spec: Any) -> tuple[str, Properties]:
    """URN and inputs of a WorkloadEntry, the smallest of Istio's kinds."""
    inputs: Properties = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "WorkloadEntry",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"address": "192.0.2.1", **spec},
    }
    return urn("networking.istio.io/v1", "WorkloadEntry", name), inputs


def state_of(inputs: Properties) -> Properties:
    """What the engine remembers of an object that the cluster took as it was."""
    return {**inputs, "__inputs": inputs, "__fieldManager": "m", "__initialApiVersion": inputs["apiVersion"]}


def managers(state: Properties) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["operation"]) for entry in state["metadata"]["managedFields"]]


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return str(caught.value.details())


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def kubeconfig_at(port: int, token: str = "t") -> str:
    return json.dumps(
        {
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )
