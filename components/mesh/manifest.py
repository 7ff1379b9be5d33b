"""The one shape in which objects leave the core and meet Pulumi or a YAML file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Late = Any
"""A value that is passed on and never looked into: a `str` in a test, a `pulumi.Output` in a stack."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "mesh-federation"}
PART_OF = "app.kubernetes.io/part-of"


@dataclass(frozen=True, slots=True)
class Computed:
    """A leaf that depends on late values: `function(*late)` once they are known, never before."""

    function: Callable[..., str]
    late: tuple[Late, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Kubernetes object of one cluster, complete, without a single null; shares no part with any other manifest."""

    cluster: str
    object: dict[str, Any]
    """As the API server takes it: `apiVersion`, `kind`, `metadata` and `spec`."""

    @property
    def kind(self) -> str:
        return str(self.object["kind"])

    @property
    def namespace(self) -> str:
        return str(self.object["metadata"]["namespace"])

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.object["spec"]
        return spec

    @property
    def key(self) -> str:
        """Identity in the federation, `cluster/kind/namespace/name`: `/` occurs in none of the parts."""
        return f"{self.cluster}/{self.kind}/{self.namespace}/{self.name}"
