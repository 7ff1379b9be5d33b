"""The Istio releases that we support, and the schemas of each: one file in `releases/`, made by `make releases`."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]
"""What a value must be, in the compact form of `sandbox/istio_releases.py`."""

_FOLDER = files(__package__) / "releases"


def _version(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


RELEASES = tuple(sorted((file.name.removesuffix(".json") for file in _FOLDER.iterdir()), key=_version))
"""From the oldest to the newest: `1.27`, …"""

NEWEST = RELEASES[-1]


@cache
def messages(release: str) -> Mapping[str, Schema]:
    """The schema of every message of Istio's API, by its name; the spec of a kind is called as the kind.

    Raises `KeyError` for a release that we do not support.
    """
    if release not in RELEASES:
        raise KeyError(release)
    schemas: Mapping[str, Schema] = json.loads((_FOLDER / f"{release}.json").read_text())
    return schemas
