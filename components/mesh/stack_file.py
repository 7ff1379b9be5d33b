"""A stack's configuration file as the pure core sees it, and what may not stand in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .errors import Problem, SpecError

PREFIX = "mesh:"
ENCRYPTED = "(encrypted)"
"""Stands for a value that only the engine can decrypt."""


def read(path: Path) -> dict[str, Any]:
    """What the file says under `mesh:`, with `ENCRYPTED` in the place of encrypted values.

    Raises `SpecError` if it is no stack file, if a kubeconfig stands in it in plain text, if it states a provider, or
    if a whole key is encrypted, so that nobody can tell what it says; `OSError` if it cannot be read.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise SpecError([Problem((str(path),), f"is no YAML: {' '.join(str(error).split())}")]) from None
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        raise SpecError([Problem((str(path),), "has no `config`; it should be a Pulumi stack file")])
    data = {key.removeprefix(PREFIX): value for key, value in config.items() if str(key).startswith(PREFIX)}
    hidden = [key for key, value in data.items() if _is_secure(value)]
    problems = [
        Problem((key,), "is encrypted as a whole; encrypt only the kubeconfigs in it, with `--path`") for key in hidden
    ]
    problems += [*in_plain_text(data), *providers(data)]
    if problems:
        raise SpecError(problems)
    plain: dict[str, Any] = _without_secrets(data)
    return plain


def in_plain_text(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Kubeconfigs that anybody can read: Pulumi copies the stack file into the stack's history, too."""
    for name, cluster in _clusters(data):
        if is_kubeconfig(cluster.get("kubeconfig")):
            yield Problem(
                ("clusters", name, "kubeconfig"),
                "stands in plain text; take it out of the file and encrypt it: "
                f"pulumi config set --path --secret 'mesh:clusters.{name}.kubeconfig' < KUBECONFIG",
            )


def providers(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Text cannot be a provider, and one that it names would lead to whatever kubeconfig is at hand."""
    for name, cluster in _clusters(data):
        if "provider" in cluster:
            yield Problem(
                ("clusters", name, "provider"), "is for programs; a stack file has context, kubeconfig or renderTo"
            )


def _clusters(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    clusters = data.get("clusters")
    for name, cluster in clusters.items() if isinstance(clusters, Mapping) else ():
        if isinstance(cluster, Mapping):
            yield name, cluster


def is_kubeconfig(value: Any) -> bool:
    """Whether it is the content of a kubeconfig: not encrypted, and not merely the path of a file."""
    if isinstance(value, Mapping):
        return not _is_secure(value)
    return isinstance(value, str) and ("\n" in value or value.lstrip().startswith("{"))


def _is_secure(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"}


def _without_secrets(value: Any) -> Any:
    if _is_secure(value):
        return ENCRYPTED
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
