"""The engine's protocol, read from Pulumi's SDK without the SDK itself, which takes twice as long to load.

An engine starts a plugin for each cluster and each run.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec

_PACKAGES = ("pulumi", "pulumi.runtime")


@contextmanager
def _bare_packages() -> Iterator[None]:
    """Inside, the SDK's packages only say where their modules lie; nothing of it stays behind."""
    bare = []
    for name in _PACKAGES:
        if name not in sys.modules and (spec := find_spec(name)):
            sys.modules[name] = module_from_spec(spec)
            bare.append(name)
    try:
        yield
    finally:
        for name in bare:
            del sys.modules[name]


with _bare_packages():
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )

__all__ = ["engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc", "status_pb2"]
