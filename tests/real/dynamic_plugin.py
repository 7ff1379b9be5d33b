"""The engine's end of the protocol to Pulumi's plugin for dynamic resources."""

import asyncio
from typing import Any

import grpc  # type: ignore[import-untyped,unused-ignore]
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

Props = dict[str, Any]


class Plugin:
    """`python -m pulumi.dynamic` and the engine's end of the line."""

    def __init__(self, port: int, provider: Any) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        self.serialized = serialize_provider(provider)
        self.stub.Configure(provider_pb2.ConfigureRequest())

    def check(self, olds: Props, news: Props) -> tuple[Props, list[str]]:
        request = provider_pb2.CheckRequest(olds=struct(olds), news=struct({**news, PROVIDER_KEY: self.serialized}))
        response = self.stub.Check(request)
        return rpc.deserialize_properties(response.inputs), [failure.reason for failure in response.failures]

    def diff(self, olds: Props, news: Props) -> Any:
        return self.stub.Diff(provider_pb2.DiffRequest(id="x", olds=struct(olds), news=struct(news)))

    def create(self, inputs: Props) -> Props:
        response = self.stub.Create(provider_pb2.CreateRequest(properties=struct(inputs)))
        return dict(rpc.deserialize_properties(response.properties))

    def update(self, olds: Props, news: Props) -> Props:
        response = self.stub.Update(provider_pb2.UpdateRequest(id="x", olds=struct(olds), news=struct(news)))
        return dict(rpc.deserialize_properties(response.properties))

    def delete(self, props: Props) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id="x", properties=struct(props)))


def struct(props: Props) -> Any:
    loop = asyncio.new_event_loop()  # `asyncio.run` would take away the loop that the SDK keeps for this thread
    try:
        return loop.run_until_complete(rpc.serialize_properties(props, {}))
    finally:
        loop.close()
