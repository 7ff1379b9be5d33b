"""The engine's questions about resources, answered; one instance per provider resource and process."""

import threading
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from . import checkpoint, settings
from .checkpoint import Checkpoint
from .cluster import Cluster
from .connection import Connection, connect
from .diff import Change, detailed_diff
from .engine import Engine
from .force_new import immutable
from .objects import (
    Kind,
    annotation,
    as_written,
    give_name,
    identifier,
    is_autonamed,
    is_crd,
    is_named,
    kind_in,
    kind_of,
    name_of,
    namespace_of,
    new_name,
    normalized,
    pruned,
    set_metadata,
    text,
)
from .render import path_of, render
from .resources import CannotPreviewError, OperationError, Resources, parse_identifier, same_place
from .settings import Settings
from .values import Properties, has_secret, has_unknown, mark_secrets, plain

_DROP_HINT = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)


class Provider:
    """Everything one `kubernetes.Provider` does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._settings: Settings = settings.read({})
        self._connection = Connection(None, "the provider is not configured", "")
        self._cancelled = threading.Event()
        self._new_scopes: dict[tuple[str, str], bool] = {}
        """Whether kinds are namespaced whose CRDs this program brings."""

    def configure(self, stated: Settings) -> None:
        self._settings = stated
        self._connection = connect(stated)

    def cancel(self) -> None:
        self._cancelled.set()

    def check(  # noqa: PLR0913 - keywords only
        self, urn: str, olds: Properties, news: Properties, *, seed: bytes, proposed_name: str, may_name: bool
    ) -> Properties:
        """The inputs completed: a name if there is none, a namespace if there should be one."""
        if self._connection.cluster is None and self._settings.skip_update_unreachable:
            self._engine.warning(
                urn, "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping..."
            )
            return olds
        kind = _supported(urn)
        inputs = normalized(plain(news))
        old = plain(olds)
        if not is_named(inputs):
            if text(inputs, "metadata", "generateName"):
                raise OperationError("the `.metadata.generateName` field is not supported in Server-Side Apply mode")
            if is_autonamed(old):
                give_name(inputs, name_of(old))
            elif not old and not may_name:
                raise OperationError("autonaming is disabled, resource requires the .metadata.name field to be set")
            elif not old:
                give_name(inputs, proposed_name or new_name(urn, seed))
        if self._connection.namespace and not namespace_of(inputs) and self._is_namespaced(kind):
            set_metadata(inputs, "namespace", self._connection.namespace)
        if is_crd(inputs):
            key = (text(inputs, "spec", "group"), text(inputs, "spec", "names", "kind"))
            self._new_scopes[key] = text(inputs, "spec", "scope") == "Namespaced"
        mark_secrets(inputs, news)
        if self._settings.render_directory and has_secret(inputs):
            self._engine.warning(urn, "rendered YAML will contain a secret value in plaintext")
        return inputs

    def diff(self, state: Properties, news: Properties, ignored: Sequence[str]) -> tuple[dict[str, Change], bool]:
        """Changes by path, and whether a replacement must delete first.

        The live object, in the shape of the last inputs, is compared with the new inputs: so an edit by hand is
        seen once a refresh has brought it into state, and what the cluster adds by itself is not.
        """
        old = checkpoint.read(state)
        inputs = normalized(plain(news))
        live = pruned(old.live, normalized(old.inputs))
        kind = kind_of(inputs)
        namespaced = self._is_namespaced(kind)
        for obj in (live, inputs):
            set_metadata(obj, "namespace", (namespace_of(obj) or "default") if namespaced else "")
        if name_of(inputs):
            set_metadata(live, "name", name_of(old.live))
        mutable = {"ConfigMap": self._settings.mutable_config_maps, "Secret": self._settings.mutable_secrets}
        fixed = immutable(kind, mutable_data=mutable.get(kind.kind, False) and inputs.get("immutable") is not True)
        changes = {
            path: change
            for path, change in detailed_diff(live, inputs, fixed).items()
            if not any(path == name or path.startswith((f"{name}.", f"{name}[")) for name in ignored)
        }
        same_name = is_named(inputs) and not is_autonamed(inputs) and same_place(inputs, old.live)
        return changes, same_name

    def create(self, urn: str, news: Properties, *, preview: bool) -> tuple[str, Properties]:
        """Id and state; the id is empty in a preview."""
        inputs = plain(news)
        if preview and (has_unknown(inputs) or not self._knows(kind_of(inputs))):
            return "", news
        self._warn_about_waiting(urn, inputs)
        manager = Checkpoint({}, {}, "", "").manager(inputs)
        wanted = Checkpoint(inputs, inputs, text(inputs, "apiVersion"), manager)
        if self._settings.render_directory:
            self._render(urn, news, inputs)
            return identifier(inputs), checkpoint.write(wanted, news)
        try:
            created = self._resources().create(urn, wanted, preview=preview)
        except CannotPreviewError:
            return "", news
        return "" if preview else identifier(created.live), checkpoint.write(created, news)

    def read(self, urn: str, id_: str, state: Properties, olds: Properties) -> tuple[Properties, Properties] | None:
        """State and inputs as the cluster has them now; None if the object is gone."""
        if self._connection.cluster is None:
            self._engine.warning(urn, f"configured Kubernetes cluster is unreachable: {self._connection.unreachable}")
            if self._settings.delete_unreachable:
                return None
            if self._settings.skip_update_unreachable:
                return state, olds
            raise OperationError(f"failed to read resource state due to unreachable cluster. {_DROP_HINT}")
        namespace, name = parse_identifier(id_)
        old = checkpoint.read(state)
        inputs = normalized(plain(olds))
        imported = not text(inputs, "kind") and not text(old.live, "kind")
        if not text(inputs, "kind"):
            kind = kind_in(urn) if imported else kind_of(old.live)
            inputs = {**inputs, "apiVersion": kind.api_version, "kind": kind.kind}
            set_metadata(inputs, "name", name_of(inputs) or name)
            set_metadata(inputs, "namespace", namespace_of(inputs) or namespace)
        known = replace(old, field_manager=old.manager(inputs), initial_api_version=old.version(inputs))
        if self._settings.render_directory:
            return checkpoint.write(replace(known, inputs=inputs), state), olds
        live = self._resources().read(inputs, name)
        if live is None:
            return None
        current = pruned(live, inputs)
        if imported and kind_of(inputs).built_in:
            current = as_written(deepcopy(live))
        result = checkpoint.write(replace(known, inputs=current, live=live), olds)
        mark_secrets(current, olds)
        return result, current

    def update(
        self, urn: str, state: Properties, news: Properties, *, ignored: Sequence[str], preview: bool
    ) -> Properties:
        if not preview and not self._settings.render_directory:
            self._resources()  # says that the cluster is unreachable
        inputs = normalized(plain(news))
        if preview and (has_unknown(inputs) or not self._knows(kind_of(inputs))):
            return news
        self._warn_about_waiting(urn, inputs)
        old = checkpoint.read(state)
        wanted = replace(
            old,
            inputs=inputs,
            live=inputs,
            initial_api_version=old.version(old.inputs),
            field_manager=old.manager(inputs),
        )
        if self._settings.render_directory:
            self._render(urn, news, inputs)
            return checkpoint.write(wanted, news)
        try:
            updated = self._resources().update(urn, old, wanted, ignored=ignored, preview=preview)
        except CannotPreviewError:
            return news
        return checkpoint.write(updated, news)

    def delete(self, urn: str, id_: str, state: Properties, *, timeout: float) -> None:
        old = checkpoint.read(state)
        if self._settings.render_directory:
            path = path_of(old.live, Path(self._settings.render_directory))
            path.unlink(missing_ok=True)
            self._engine.status(urn, f"deleted {path}")
            return
        if self._connection.cluster is None:
            self._engine.warning(urn, f"configured Kubernetes cluster is unreachable: {self._connection.unreachable}")
            if self._settings.delete_unreachable:
                return
            raise OperationError(f"configured Kubernetes cluster is unreachable. {_DROP_HINT}")
        self._resources().delete(old, parse_identifier(id_)[1], timeout=timeout)

    @property
    def always_changed(self) -> bool:
        return bool(self._settings.render_directory) and self._settings.always_render

    def _resources(self) -> Resources:
        if self._connection.cluster is None:
            raise OperationError(f"configured Kubernetes cluster is unreachable: {self._connection.unreachable}")
        return Resources(self._connection.cluster, self._settings.patch_force, self._cancelled)

    def _knows(self, kind: Kind) -> bool:
        cluster: Cluster | None = self._connection.cluster
        return cluster is not None and cluster.knows(kind)

    def _is_namespaced(self, kind: Kind) -> bool:
        if kind.namespaced is not None:
            return kind.namespaced
        if (kind.group, kind.kind) in self._new_scopes:
            return self._new_scopes[kind.group, kind.kind]
        cluster = self._connection.cluster
        return cluster is None or cluster.namespaced(kind)

    def _render(self, urn: str, news: Properties, inputs: Properties) -> None:
        directory = Path(self._settings.render_directory)
        if has_secret(news):
            path = path_of(inputs, directory)
            self._engine.warning(urn, f"rendered file {path} contains a secret value in plaintext")
        self._engine.status(urn, f"rendered {render(inputs, directory)}")

    def _warn_about_waiting(self, urn: str, inputs: Properties) -> None:
        if annotation(inputs, "pulumi.com/waitFor"):
            self._engine.warning(urn, "pulumi.com/waitFor: the stand-in plugin does not wait")


def _supported(urn: str) -> Kind:
    kind = kind_in(urn)
    if kind.built_in and kind.kind.endswith("List"):
        raise OperationError(
            "list resources exist for compatibility with YAML manifests and Helm charts, and cannot be created "
            "directly. Use the underlying resource type instead"
        )
    if kind.group == "helm.sh" or (kind.built_in and kind.kind.endswith("Patch")):
        raise OperationError(f"{kind.kind}: the stand-in plugin does not do Helm releases and Patch resources")
    return kind
