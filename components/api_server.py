"""Where a provider's cluster is reached, and whether anybody answers there."""

import os
import ssl
from collections.abc import Mapping
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import pulumi
import yaml
from pulumi_kubernetes import Provider

# 17 times as fast where PyYAML brings it
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ARGUMENTS = ("kubeconfig", "context", "cluster")

Server = dict[str, str]
"""`server` and, where there is one, `proxy-url` of a cluster in a kubeconfig."""


def servers(providers: Mapping[str, Provider]) -> pulumi.Output[dict[str, Server | None]]:
    """Cluster → where its provider reaches it, or None where that cannot be told; a secret, as the kubeconfigs are."""
    found: Any = {cluster: _server_of(provider) for cluster, provider in providers.items()}
    return pulumi.Output.secret(found)


def _server_of(provider: Provider) -> pulumi.Output[Server | None]:
    # the SDK keeps what a provider was given, as outputs of names of one word
    given = vars(provider)
    return pulumi.Output.all(*(given.get(name) for name in _ARGUMENTS)).apply(
        # no other cluster must be asked instead
        lambda given: find_server(*given) if any(given) else None
    )


def find_server(kubeconfig: str | None, context: str | None, cluster: str | None) -> Server | None:
    """The server that pulumi-kubernetes takes for the same arguments; None without one that speaks HTTPS.

    `kubeconfig` is text or a file's path; without it, KUBECONFIG lists the files, or it is the one in the home
    directory. The first of several entries with one name counts, as for kubectl.
    """
    current: str | None = None
    contexts: dict[str, Any] = {}
    clusters: dict[str, Any] = {}
    for text in _texts(kubeconfig):
        found = _parsed(text)
        current = current or found.get("current-context")
        contexts = {**_entries(found, "context"), **contexts}
        clusters = {**_entries(found, "cluster"), **clusters}
    chosen = contexts.get(context or current or "", {})
    entry = clusters.get(cluster or chosen.get("cluster"), {})
    server = {key: str(entry[key]) for key in ("server", "proxy-url") if entry.get(key)}
    speaks = server.get("server", "").startswith("https://") and server.get("proxy-url", "http:").startswith("http")
    return server if speaks else None


def _texts(kubeconfig: str | None) -> list[str]:
    if kubeconfig and ("\n" in kubeconfig or kubeconfig.lstrip().startswith("{")):
        return [kubeconfig]
    names = [kubeconfig] if kubeconfig else (os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep)
    files = [Path(name).expanduser() for name in names]
    return [file.read_text() for file in files if file.is_file()]


@cache
def _parsed(text: str) -> dict[str, Any]:
    """Empty if it is no kubeconfig: what is wrong with one is for the plugin to say."""
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 -- a safe one
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _entries(kubeconfig: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Name → entry."""
    items = kubeconfig.get(f"{kind}s")
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return {str(item.get("name")): item[kind] for item in found if isinstance(item.get(kind), dict)}


def why_unreachable(server: Server, seconds: float = 10) -> str | None:
    """Why nobody answers there within `seconds`; None if somebody does.

    A refusal is an answer: no credentials are sent, and nothing that comes back is used.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # without one of its own, what the environment says
    proxy = ProxyHandler({"https": server["proxy-url"]} if "proxy-url" in server else None)
    try:
        build_opener(proxy, HTTPSHandler(context=context)).open(f"{server['server']}/version", timeout=seconds).close()
    except HTTPError as error:
        return str(error) if error.code >= 500 else None
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        # an alert comes from somebody; a connection that ends, from a load balancer with nobody behind it
        alert = isinstance(reason, ssl.SSLError) and not isinstance(reason, ssl.SSLEOFError)
        return None if alert else str(reason) or type(reason).__name__
    return None
