"""Kubeconfigs: files that hold credentials."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml


def merged(files: Iterable[Path]) -> dict[str, Any]:
    """One kubeconfig with the contexts of all; the first file's is the current one."""
    whole: dict[str, Any] = {}
    for config in (yaml.safe_load(file.read_text()) for file in files):
        if not whole:
            whole = config
            continue
        for kind in ("clusters", "contexts", "users"):
            whole[kind] += config[kind]
    return whole


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` in one step, readable by nobody else at any moment."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
