"""A plan as files: one object a file, byte-identical for equal input."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .manifest import Computed, Manifest
from .plan.plan import Plan
from .unknown import Unknown


def render(plan: Plan, directory: Path) -> list[Path]:
    """Write each object to `<cluster>/<kind>-<namespace>-<name>.yaml`; the paths written, sorted.

    Files that an earlier rendering left for objects that are no more are removed; nobody else's files are touched.
    Raises `UnknownError` where a value is encrypted, before anything is written; `OSError` where it cannot be written.
    """
    texts = _texts(plan)
    for stale in _rendered(directory, plan.labels) - texts.keys():
        (directory / stale).unlink()
    for path, text in texts.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return [directory / path for path in sorted(texts)]


def _texts(plan: Plan) -> Mapping[Path, str]:
    texts: dict[Path, str] = {}
    for cluster, manifests in plan.manifests.items():
        for manifest in manifests:
            path = Path(cluster, _file_name(manifest))
            # `a-b/c` and `a/b-c` have one file name; the file then holds both objects
            texts[path] = texts[path] + "---\n" + _text(manifest) if path in texts else _text(manifest)
    return texts


def _file_name(manifest: Manifest) -> str:
    return f"{manifest.kind.lower()}-{manifest.namespace}-{manifest.name}.yaml"


def _text(manifest: Manifest) -> str:
    text: str = yaml.safe_dump(_settled(manifest.object), sort_keys=False, width=120)
    return text


def _settled(value: Any) -> Any:
    """`value` with every late leaf computed: whatever can be known without an engine is known."""
    if isinstance(value, Computed):
        return value.function(*value.late)
    if isinstance(value, Unknown):
        return str(value)  # which raises
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    return [_settled(item) for item in value] if isinstance(value, list) else value


def _rendered(directory: Path, labels: Mapping[str, str]) -> set[Path]:
    return {path.relative_to(directory) for path in directory.glob("*/*.yaml") if _holds_only(labels, path)}


def _holds_only(labels: Mapping[str, str], path: Path) -> bool:
    documents = list(_documents(path))
    return bool(documents) and all(labels.items() <= _labels(document).items() for document in documents)


def _labels(document: object) -> Mapping[str, object]:
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return labels if isinstance(labels, Mapping) else {}


def _documents(path: Path) -> Iterator[object]:
    try:
        yield from yaml.safe_load_all(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        yield None
