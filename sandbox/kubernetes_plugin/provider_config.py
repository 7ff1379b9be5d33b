"""The provider resource itself: which arguments go together, and when a change means another cluster."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .kubeconfig import Kubeconfig, KubeconfigError, parse
from .values import UNKNOWN, Properties

_IDENTITY = "clusterIdentifier"


@dataclass(frozen=True, slots=True)
class ConfigDiff:
    """Changed arguments, and those of them for which every object is deleted and made again."""

    changed: list[str]
    replaces: list[str]


def failures(news: Properties) -> Iterator[tuple[str, str]]:
    """Arguments that contradict each other: name and reason."""
    if _stated(news, "renderYamlToDirectory"):
        for name in ("cluster", "context", "kubeconfig"):
            ambient = name == "kubeconfig" and news[name] == os.environ.get("KUBECONFIG") if name in news else False
            if _stated(news, name) and not ambient:
                yield name, f'"{name}" arg is not compatible with "renderYamlToDirectory" arg'
    elif news.get("alwaysRender") in (True, "true"):
        yield "alwaysRender", '"alwaysRender" requires "renderYamlToDirectory" to be set'


def _stated(news: Properties, name: str) -> bool:
    value = news.get(name)
    return value is True or (isinstance(value, str) and value != "")


def diff(olds: Properties, news: Properties) -> ConfigDiff:
    """A provider is replaced when its cluster is another one.

    `clusterIdentifier` says so itself; as long as it stays, no kubeconfig, changed or unknown, replaces anything.
    Without it the kubeconfig's active cluster decides.
    """
    changed = sorted(name for name in olds.keys() | news.keys() if olds.get(name) != news.get(name))
    if not changed:
        return ConfigDiff([], [])
    replaces = [_IDENTITY] if _IDENTITY in changed and _has(olds, _IDENTITY) and _has(news, _IDENTITY) else []
    same_cluster = _IDENTITY not in changed and _has(news, _IDENTITY)
    for name in ("kubeconfig", "context", "cluster"):
        if news.get(name) is UNKNOWN:
            return ConfigDiff([name], [] if same_cluster else [*replaces, name])
    if "renderYamlToDirectory" in changed:
        replaces.append("renderYamlToDirectory")
    before, after = _active_cluster(olds), _active_cluster(news)
    if before is not None and after is not None and before != after:
        replaces += [name for name in ("kubeconfig", "context", "cluster") if name in changed]
    return ConfigDiff(changed, [] if same_cluster else replaces)


def _has(properties: Properties, name: str) -> bool:
    return properties.get(name) is not None and properties[name] is not UNKNOWN


def _active_cluster(properties: Properties) -> Mapping[str, Any] | None:
    kubeconfig = properties.get("kubeconfig")
    if kubeconfig in (None, "", UNKNOWN):
        return None
    try:
        data = parse(kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig))
    except KubeconfigError as error:
        raise KubeconfigError(f"failed to parse kubeconfig: {error}") from None
    context, cluster = (properties.get(name) for name in ("context", "cluster"))
    return Kubeconfig(
        data,
        context if isinstance(context, str) else "",
        cluster if isinstance(cluster, str) else "",
    ).active_cluster
