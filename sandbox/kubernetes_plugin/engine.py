"""What the plugin tells the engine, and through it the user, beside its answers."""

import grpc

from .protocol import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine that started this process."""

    def __init__(self, address: str) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def info(self, urn: str, message: str) -> None:
        self._log(engine_pb2.INFO, urn, message)

    def status(self, urn: str, message: str) -> None:
        """Shown while the operation runs, then gone."""
        self._log(engine_pb2.INFO, urn, message, ephemeral=True)

    def warning(self, urn: str, message: str) -> None:
        self._log(engine_pb2.WARNING, urn, message)

    def _log(
        self, severity: "engine_pb2.LogSeverity.ValueType", urn: str, message: str, *, ephemeral: bool = False
    ) -> None:
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            return  # an operation does not fail because nobody listens
