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
    """A Kubernetes object, complete and without a single null; shares no part with any other manifest."""

    cluster: str
    api_version: str
    kind: str
    namespace: str
    name: str
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def key(self) -> str:
        """Identity in the federation, `cluster/kind/namespace/name`: `/` occurs in none of the parts."""
        return f"{self.cluster}/{self.kind}/{self.namespace}/{self.name}"

    @property
    def metadata(self) -> dict[str, Any]:
        return {"name": self.name, "namespace": self.namespace, "labels": self.labels}

    def as_object(self) -> dict[str, Any]:
        """The object as the API server takes it."""
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": self.metadata, "spec": self.spec}
