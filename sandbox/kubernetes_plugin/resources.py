"""An object's life on its cluster: create, read, update, delete."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from . import apply
from .checkpoint import Checkpoint
from .cluster import ApiError, Cluster, UnreachableError
from .discovery import NoMatchError
from .objects import annotation, identifier, kind_in, name_of, namespace_of
from .values import Properties

RETRIES = 5
"""A kind or namespace that does not exist yet is waited for: 1, 2, 4, 8 and 16 seconds."""

_PATIENCE_SECONDS = 600.0
_ALREADY_EXISTS = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""


class OperationError(Exception):
    """What the engine tells the user; the resource is as it was before."""


class CannotPreviewError(Exception):
    """The API server cannot say now what it would do: the inputs have to do as a preview."""


class PartialError(Exception):
    """Something was done, but not all; `checkpoint` is how the object is now."""

    def __init__(self, message: str, checkpoint: Checkpoint) -> None:
        super().__init__(message)
        self.checkpoint = checkpoint


@dataclass(frozen=True, slots=True)
class Resources:
    """The objects of one cluster, as far as this provider resource looks after them."""

    cluster: Cluster
    patch_force: bool
    cancelled: threading.Event

    def create(self, urn: str, wanted: Checkpoint, *, preview: bool) -> Checkpoint:
        try:
            live = self._post(wanted.inputs, preview=preview)
        except NoMatchError as error:
            kind = kind_in(urn)
            raise OperationError(
                f'creation of resource "{urn}" with kind {kind.api_version}/{kind.kind} failed because the Kubernetes '
                f"API server reported that the apiVersion for this resource does not exist. "
                f"Verify that any required CRDs have been created: {error}"
            ) from None
        except (ApiError, UnreachableError) as error:
            if preview and isinstance(error, ApiError) and _hides_preview(error):
                raise CannotPreviewError from None
            exists = isinstance(error, ApiError) and error.reason == "AlreadyExists"
            raise OperationError(
                f'resource "{urn}" was not successfully created by the Kubernetes API server: '
                f"{error}{_ALREADY_EXISTS if exists else ''}"
            ) from None
        if preview:
            live.pop("status", None)
        return replace(wanted, live=live)

    def _post(self, inputs: Properties, *, preview: bool) -> Properties:
        for retry in range(RETRIES):
            try:
                return self.cluster.create(inputs, manager=apply.CREATOR, dry_run=preview)
            except NoMatchError:
                pass
            except ApiError as error:
                if error.code != 404:
                    raise
                if preview and error.kind == "namespaces":
                    raise CannotPreviewError from None
            if self.cancelled.wait(2**retry):
                raise OperationError(f'Resource operation was cancelled for "{name_of(inputs)}"')
        return self.cluster.create(inputs, manager=apply.CREATOR, dry_run=preview)

    def read(self, obj: Properties, name: str) -> Properties | None:
        """The live object; None if it, or its whole kind, is gone."""
        try:
            return self.cluster.get(obj, name)
        except NoMatchError:
            return None
        except ApiError as error:
            if error.code == 404:
                return None
            raise OperationError(str(error)) from None
        except UnreachableError as error:
            raise OperationError(str(error)) from None

    def update(
        self, urn: str, old: Checkpoint, wanted: Checkpoint, *, ignored: Sequence[str], preview: bool
    ) -> Checkpoint:
        manager = wanted.field_manager
        try:
            live = self.cluster.get(wanted.inputs, name_of(old.live))
            inputs = apply.without_ignored(wanted.inputs, live, ignored, manager) if ignored else wanted.inputs
            live = apply.update(
                self.cluster, inputs, live=live, manager=manager, force=self.patch_force, preview=preview
            )
        except NoMatchError as error:
            raise OperationError(
                f'update of resource "{urn}" failed because the Kubernetes API server reported that the apiVersion for '
                f"this resource does not exist. Verify that any required CRDs have been created: {error}"
            ) from None
        except (ApiError, UnreachableError, apply.ConflictError) as error:
            if preview and isinstance(error, ApiError) and error.code == 403:
                raise CannotPreviewError from None
            self._fail_update(urn, old, wanted, error)
        previous = old.manager(old.inputs)
        if old.field_manager and previous != manager and not preview:
            apply.relinquish(self.cluster, live, previous)
        return replace(wanted, live=live)

    def _fail_update(self, urn: str, old: Checkpoint, wanted: Checkpoint, error: Exception) -> NoReturn:
        try:
            live = self.cluster.get(old.live)
        except (ApiError, NoMatchError, UnreachableError) as unknown:
            raise OperationError(
                f'update of resource "{urn}" failed: {error}\nunable to get cluster state: {unknown}'
            ) from None
        raise PartialError(
            f'the Kubernetes API server reported that "{identifier(live)}" failed to fully initialize or become live: '
            f"{error}",
            replace(wanted, live=live),
        ) from None

    def delete(self, old: Checkpoint, name: str, *, timeout: float) -> None:
        """Delete and wait until it is gone: with its dependents, unless an annotation says otherwise."""
        policy = annotation(old.inputs, "pulumi.com/deletionPropagationPolicy").title()
        propagation = policy if policy in ("Orphan", "Background") else "Foreground"
        try:
            self.cluster.delete(old.live, name=name, propagation=propagation)
            self._wait_until_gone(old, name, timeout or _annotated_timeout(old.inputs) or _PATIENCE_SECONDS)
        except NoMatchError:
            return
        except ApiError as error:
            if error.code != 404:
                raise OperationError(str(error)) from None
        except UnreachableError as error:
            raise OperationError(str(error)) from None

    def _wait_until_gone(self, old: Checkpoint, name: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        pause = 0.02
        live: dict[str, Any] = self.cluster.get(old.live, name)
        uid = live["metadata"]["uid"]
        while live["metadata"]["uid"] == uid:
            if time.monotonic() > deadline or self.cancelled.wait(pause):
                reason = f"'{name}' was not deleted in time: timed out waiting for the condition"
                if finalizers := live["metadata"].get("finalizers"):
                    reason += f"; finalizers might be preventing deletion ({', '.join(finalizers)})"
                raise PartialError(reason, replace(old, live=live))
            pause = min(pause * 1.5, 0.5)
            live = self.cluster.get(old.live, name)


def _hides_preview(error: ApiError) -> bool:
    """What a preview does not tell, as the official plugin does not either."""
    return error.code == 403 or error.reason == "AlreadyExists" or "does not support dry run" in str(error)


def _annotated_timeout(inputs: Properties) -> float:
    seconds = annotation(inputs, "pulumi.com/timeoutSeconds")
    return float(seconds) if seconds.isdigit() else 0.0


def parse_identifier(identifier: str) -> tuple[str, str]:
    """Namespace, empty if there is none, and name."""
    namespace, slash, name = identifier.partition("/")
    return (namespace, name.partition("/")[0]) if slash else ("", namespace)


def same_place(first: Properties, second: Properties) -> bool:
    return name_of(first) == name_of(second) and namespace_of(first) == namespace_of(second)
