"""Traffic between Istio clusters, as infrastructure as code.

Names are loaded when they are first used: the pure core, `mesh`, runs without importing pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import settings as settings
    from .args import FederationArgs as FederationArgs
    from .federation import MeshFederation as MeshFederation

_MODULE_OF = {"MeshFederation": ".federation", "FederationArgs": ".args"}

__all__ = ["FederationArgs", "MeshFederation", "settings"]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name], __name__), name)
    if name == "settings":
        return import_module(".settings", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
