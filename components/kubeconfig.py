"""Where a provider's cluster is reached: the server in its kubeconfig."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi_kubernetes import Provider

from .mesh.stack_file import is_kubeconfig

# 17 times as fast where PyYAML brings it
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ARGUMENTS = ("kubeconfig", "context", "cluster")

Server = dict[str, str]
"""`server` and, where there is one, `proxy-url` of a cluster in a kubeconfig."""


def servers(providers: Mapping[str, Provider | None]) -> pulumi.Output[dict[str, Server | None]]:
    """Cluster → where its provider reaches it, or None where that cannot be told; a secret, as the kubeconfigs are.

    A cluster without a provider is not to be asked.
    """
    # None would not arrive: the engine drops it, and then the server that the state knows would be asked
    servers_by_cluster: Any = {
        cluster: {} if provider is None else _server_of(provider) for cluster, provider in providers.items()
    }
    return pulumi.Output.secret(servers_by_cluster)


def _server_of(provider: Provider) -> pulumi.Output[Server | None]:
    # a Provider keeps its arguments as outputs in vars(); only these three have one-word names
    outputs = vars(provider)
    return pulumi.Output.all(*(outputs.get(name) for name in _ARGUMENTS)).apply(
        # with no argument at all, do not fall back to the ambient kubeconfig: it may be another cluster's
        lambda arguments: find_server(*arguments) if any(arguments) else None
    )


def find_server(kubeconfig: str | None, context: str | None, cluster: str | None) -> Server | None:
    """The server that pulumi-kubernetes takes for the same arguments; None without one that speaks HTTPS.

    `kubeconfig` is text or a file's path; without it, KUBECONFIG lists the files, or it is the one in the home
    directory. The first of several entries with one name counts, as for kubectl. Raises `OSError` or
    `UnicodeDecodeError` for a file that cannot be read.
    """
    current: str | None = None
    contexts: dict[str, Any] = {}
    clusters: dict[str, Any] = {}
    for text in _texts(kubeconfig):
        content = _parsed(text)
        current = current or content.get("current-context")
        contexts = {**_entries(content, "context"), **contexts}
        clusters = {**_entries(content, "cluster"), **clusters}
    chosen = contexts.get(context or current or "", {})
    entry = clusters.get(cluster or chosen.get("cluster"), {})
    server = {key: str(entry[key]) for key in ("server", "proxy-url") if entry.get(key)}
    speaks = server.get("server", "").startswith("https://") and server.get("proxy-url", "http:").startswith("http")
    return server if speaks else None


def _texts(kubeconfig: str | None) -> list[str]:
    if kubeconfig and is_kubeconfig(kubeconfig):
        return [kubeconfig]
    names = [kubeconfig] if kubeconfig else (os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep)
    files = [Path(name).expanduser() for name in names]
    return [file.read_text() for file in files if file.is_file()]


@cache
def _parsed(text: str) -> dict[str, Any]:
    """Empty if it is not a kubeconfig: what is wrong with one is for the plugin to say."""
    try:
        content = yaml.load(text, _Loader)  # noqa: S506 -- a safe one
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _entries(kubeconfig: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Name → entry."""
    listed = kubeconfig.get(f"{kind}s")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {str(item.get("name")): item[kind] for item in items if isinstance(item.get(kind), dict)}
