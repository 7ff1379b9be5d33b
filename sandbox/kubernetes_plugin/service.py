"""The gRPC face of the provider: messages to property values and back, exceptions to statuses."""
# ruff: noqa: N802 - the protocol names the methods

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty

from . import checkpoint, provider_config, settings
from .diff import Change
from .kubeconfig import KubeconfigError
from .objects import identifier
from .protocol import plugin_pb2, provider_pb2_grpc, status_pb2
from .protocol import provider_pb2 as proto
from .provider import Provider
from .resources import OperationError, PartialError
from .settings import SettingsError
from .values import Properties, from_struct, plain, to_struct

VERSION = "4.34.2"


class Service(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the calls that an engine makes to a resource plugin; the others stay unimplemented."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._keep_secrets = True

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        del request, context
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        with _answering(context):
            reasons = provider_config.failures(plain(from_struct(request.news)))
            failures = [proto.CheckFailure(property=name, reason=reason) for name, reason in reasons]
            return proto.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        with _answering(context):
            diff = provider_config.diff(plain(from_struct(request.olds)), plain(from_struct(request.news)))
            changes = proto.DiffResponse.DIFF_SOME if diff.changed else proto.DiffResponse.DIFF_NONE
            return proto.DiffResponse(changes=changes, diffs=diff.changed, replaces=diff.replaces)

    def Configure(self, request: proto.ConfigureRequest, context: grpc.ServicerContext) -> proto.ConfigureResponse:
        with _answering(context):
            self._keep_secrets = request.acceptSecrets
            self._provider.configure(settings.read(request.variables))
            return proto.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

    def Check(self, request: proto.CheckRequest, context: grpc.ServicerContext) -> proto.CheckResponse:
        with _answering(context):
            autonaming = request.autonaming
            inputs = self._provider.check(
                request.urn,
                from_struct(request.olds),
                from_struct(request.news),
                seed=request.randomSeed,
                proposed_name=autonaming.proposed_name,
                may_name=autonaming.mode != proto.CheckRequest.AutonamingOptions.DISABLE,
            )
            return proto.CheckResponse(inputs=to_struct(inputs, keep_secrets=self._keep_secrets))

    def Diff(self, request: proto.DiffRequest, context: grpc.ServicerContext) -> proto.DiffResponse:
        with _answering(context):
            changes, same_name = self._provider.diff(
                from_struct(request.olds), from_struct(request.news), request.ignoreChanges
            )
            replaces = [path for path, change in changes.items() if change.replaces]
            some = bool(changes) or self._provider.always_changed
            return proto.DiffResponse(
                changes=proto.DiffResponse.DIFF_SOME if some else proto.DiffResponse.DIFF_NONE,
                replaces=replaces,
                deleteBeforeReplace=bool(replaces) and same_name,
                detailedDiff={path: _property_diff(change) for path, change in changes.items()},
                hasDetailedDiff=True,
            )

    def Create(self, request: proto.CreateRequest, context: grpc.ServicerContext) -> proto.CreateResponse:
        with _answering(context):
            news = from_struct(request.properties)
            with self._saving_partial(context, news):
                id_, state = self._provider.create(request.urn, news, preview=request.preview)
            return proto.CreateResponse(id=id_, properties=to_struct(state, keep_secrets=self._keep_secrets))

    def Read(self, request: proto.ReadRequest, context: grpc.ServicerContext) -> proto.ReadResponse:
        with _answering(context):
            parts = self._provider.read(
                request.urn, request.id, from_struct(request.properties), from_struct(request.inputs)
            )
            if parts is None:
                return proto.ReadResponse(id="")
            state, inputs = (to_struct(part, keep_secrets=self._keep_secrets) for part in parts)
            return proto.ReadResponse(id=request.id, properties=state, inputs=inputs)

    def Update(self, request: proto.UpdateRequest, context: grpc.ServicerContext) -> proto.UpdateResponse:
        with _answering(context):
            news = from_struct(request.news)
            with self._saving_partial(context, news):
                state = self._provider.update(
                    request.urn,
                    from_struct(request.olds),
                    news,
                    ignored=request.ignoreChanges,
                    preview=request.preview,
                )
            return proto.UpdateResponse(properties=to_struct(state, keep_secrets=self._keep_secrets))

    def Delete(self, request: proto.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        with _answering(context):
            state = from_struct(request.properties)
            with self._saving_partial(context, state):
                self._provider.delete(request.urn, request.id, state, timeout=request.timeout)
            return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        del context
        self._provider.cancel()
        return request

    @contextmanager
    def _saving_partial(self, context: grpc.ServicerContext, secrets_from: Properties) -> Iterator[None]:
        """Give the engine the state of an object with which an operation got stuck, so that it is not forgotten."""
        try:
            yield
        except PartialError as error:
            state = checkpoint.write(error.checkpoint, secrets_from)
            detail = AnyMessage()
            detail.Pack(
                proto.ErrorResourceInitFailed(
                    id=identifier(error.checkpoint.live),
                    properties=to_struct(state, keep_secrets=self._keep_secrets),
                    reasons=[str(error)],
                )
            )
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            raise


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """Errors meant for the user are told as they are; of others only the place, for values may be secret."""
    try:
        yield
    except (OperationError, PartialError, KubeconfigError, SettingsError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours must not end the process
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        context.abort(grpc.StatusCode.INTERNAL, f"the stand-in plugin failed at {place}: {type(error).__name__}")


def _property_diff(change: Change) -> proto.PropertyDiff:
    return proto.PropertyDiff(kind=proto.PropertyDiff.Kind.Value(change.kind), inputDiff=change.input_diff)
