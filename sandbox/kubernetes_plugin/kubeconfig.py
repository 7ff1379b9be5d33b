"""Kubeconfigs: which cluster one means, and a client configuration from it that leaves nothing on disk."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LISTS = ("clusters", "contexts", "users")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


class KubeconfigError(ValueError):
    """What is wrong with a kubeconfig; never quotes it, for it holds credentials."""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """A kubeconfig, and what the provider's arguments say over it."""

    data: Mapping[str, Any]
    context: str = ""
    cluster: str = ""

    def __repr__(self) -> str:
        return "Kubeconfig(…)"

    @property
    def namespace(self) -> str:
        """The active context's namespace; empty if there is no such context."""
        context = self._entry("contexts", self._context_name)
        return "" if context is None else str(context.get("namespace") or "default")

    @property
    def active_cluster(self) -> Mapping[str, Any] | None:
        context = self._entry("contexts", self._context_name)
        if context is None:
            return None
        return self._entry("clusters", self.cluster or str(context.get("cluster", "")))

    def usable(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The cluster and the user that the provider's choice leads to, with their certificates in memory."""
        if not self.data.get("clusters") and not self.data.get("contexts"):
            raise KubeconfigError(
                "invalid configuration: no configuration has been provided, "
                "try setting KUBERNETES_MASTER environment variable"
            )
        context = self._entry("contexts", self._context_name)
        if context is None:
            raise KubeconfigError(f'context "{self._context_name}" does not exist')
        cluster_name = self.cluster or str(context.get("cluster", ""))
        cluster = self.active_cluster
        if cluster is None:
            raise KubeconfigError(f'cluster "{cluster_name}" does not exist')
        user_name = str(context.get("user", ""))
        user = self._entry("users", user_name)
        if user is None and user_name:
            raise KubeconfigError(f'auth info "{user_name}" does not exist')
        return _in_memory(cluster), _in_memory(user or {})

    @property
    def _context_name(self) -> str:
        return self.context or str(self.data.get("current-context") or "")

    def _entry(self, kind: str, name: str) -> dict[str, Any] | None:
        for entry in self.data.get(kind) or ():
            if isinstance(entry, dict) and entry.get("name") == name:
                value = entry.get(kind.removesuffix("s"))
                return value if isinstance(value, dict) else {}
        return None


def parse(content_or_path: str) -> Mapping[str, Any]:
    """What the provider argument `kubeconfig` means: a file if there is one, else YAML or JSON."""
    try:
        path = Path(content_or_path).expanduser()
        content = path.read_text() if os.path.isfile(path) else content_or_path  # noqa: PTH113 - `is_file` raises for long texts
        return _mapping(content)
    except OSError as error:
        raise KubeconfigError(error.strerror or "cannot be read") from None


def ambient() -> Mapping[str, Any]:
    """What kubectl would use: the files of `KUBECONFIG`, the first to name something wins, or `~/.kube/config`."""
    merged: dict[str, Any] = {kind: [] for kind in _LISTS}
    variable = os.environ.get("KUBECONFIG", "")
    names = [name for name in variable.split(os.pathsep) if name] or ["~/.kube/config"]
    for path in (Path(name).expanduser() for name in names):
        if not path.is_file():
            continue
        data = _mapping(path.read_text())
        if data.get("current-context"):
            merged.setdefault("current-context", data["current-context"])
        for kind in _LISTS:
            known = {entry["name"] for entry in merged[kind]}
            merged[kind] += [
                _absolute(entry, path.parent, kind.removesuffix("s"))
                for entry in data.get(kind) or ()
                if isinstance(entry, dict) and "name" in entry and entry["name"] not in known
            ]
    return merged


def _mapping(content: str) -> Mapping[str, Any]:
    try:
        data = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506 - both are safe
    except yaml.YAMLError:  # its message quotes the file
        raise KubeconfigError("it is neither a file nor valid YAML") from None
    if not isinstance(data, dict) or not all(isinstance(data.get(kind) or [], list) for kind in _LISTS):
        raise KubeconfigError("it is neither a file nor a kubeconfig")
    return data


def _absolute(entry: Mapping[str, Any], directory: Path, kind: str) -> dict[str, Any]:
    value = entry.get(kind) or {}
    files = {name: str(directory / value[name]) for name in _FILES if value.get(name)}
    return {"name": entry["name"], kind: {**value, **files}}


def _in_memory(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Put inline certificates and keys where OpenSSL can read them by path and nobody finds them afterwards.

    Python's ssl takes client certificates only from files. A temporary file stays when an engine is killed, and us
    with it: a private key in /tmp. A memory file goes with the process, however that ends.
    """
    result = dict(entry)
    for name in _FILES:
        inline = result.pop(f"{name}-data", None)
        if not inline:
            continue
        descriptor = os.memfd_create(name)  # open as long as the process: every new connection reads it
        try:
            os.write(descriptor, base64.b64decode(inline))
        except (binascii.Error, TypeError):
            raise KubeconfigError(f"{name}-data is not base64") from None
        result[name] = f"/proc/self/fd/{descriptor}"
    return result
