"""The one shape in which objects leave the core and meet Pulumi or a YAML file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .istio.kinds import Kind
from .unknown import Unknown
from .wording import is_output

Late = Any
"""A value that is passed on and never looked into: a `str` in a test, a `pulumi.Output` in a stack."""


def is_late(value: Any) -> bool:
    """Whether a value becomes known only later: an output of Pulumi's, or what only the engine can decrypt."""
    return isinstance(value, Unknown) or is_output(value)


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

    @classmethod
    def of(cls, kind: Kind, cluster: str, namespace: str, name: str, spec: dict[str, Any]) -> "Manifest":
        """An object without labels; the plan adds them."""
        metadata = {"name": name, "namespace": namespace}
        return cls(cluster, {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": spec})

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
        return key_of(self.cluster, self.kind, self.namespace, self.name)


def copied(value: Any) -> Any:
    """A value of the user's, as a part of one manifest alone, its keys sorted. Late leaves stay as they are."""
    if isinstance(value, dict):
        return {key: copied(value[key]) for key in sorted(value)}
    return [copied(item) for item in value] if isinstance(value, (list, tuple)) else value


def key_of(cluster: str, kind: str, namespace: str, name: str) -> str:
    """The key of a manifest."""
    return f"{cluster}/{kind}/{namespace}/{name}"
