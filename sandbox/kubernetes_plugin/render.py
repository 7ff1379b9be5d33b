"""`renderYamlToDirectory`: objects become files instead of requests."""

import os
from pathlib import Path

import yaml

from .objects import is_crd, name_of, namespace_of, text
from .values import Properties


def render(obj: Properties, directory: Path) -> Path:
    """Write one object where nobody but the owner can read it, for it may hold secrets."""
    for folder in (directory, directory / "0-crd", directory / "1-manifest"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = path_of(obj, directory)
    content = yaml.safe_dump(obj, sort_keys=True, default_flow_style=False, allow_unicode=True, width=2**30)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    return path


def path_of(obj: Properties, directory: Path) -> Path:
    version = text(obj, "apiVersion").replace("/", "_").replace(":", "_")
    name = f"{version}-{text(obj, 'kind').lower()}-{namespace_of(obj) or 'default'}-{name_of(obj)}.yaml"
    return directory / ("0-crd" if is_crd(obj) else "1-manifest") / name
