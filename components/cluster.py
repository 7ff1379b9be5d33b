"""One cluster's share of a federation, as managed resources."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apiextensions import CustomResource

from .mesh.manifest import Computed, Manifest

_Identity = tuple[str, str, str]
_makers: WeakKeyDictionary[Provider, dict[_Identity, str]] = WeakKeyDictionary()
"""Which federation of this program makes which object (kind, namespace, name) under a provider."""


class MeshCluster(pulumi.ComponentResource):
    """The parent of all objects of one cluster; they inherit its provider and its options."""

    def __init__(self, name: str, provider: Provider, opts: pulumi.ResourceOptions) -> None:
        super().__init__(
            "mesh:index:MeshCluster",
            name,
            None,
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[provider])),
        )
        self._maker_of = _makers.setdefault(provider, {})

    def claim(self, federation: str, manifests: Iterable[Manifest]) -> Iterator[tuple[Manifest, str]]:
        """Objects that another federation of this program makes already, with its name; all others are now ours."""
        for manifest in manifests:
            maker = self._maker_of.setdefault((manifest.kind, manifest.namespace, manifest.name), federation)
            if maker != federation:
                yield manifest, maker

    def add(self, name: str, manifest: Manifest, depends_on: Sequence[pulumi.Resource]) -> CustomResource:
        """Manage `manifest` on this cluster."""
        return CustomResource(
            name,
            api_version=manifest.object["apiVersion"],
            kind=manifest.kind,
            metadata=manifest.object["metadata"],
            spec=known_later(manifest.spec),
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )


def known_later(value: Any) -> Any:
    """`value` with an output in the place of every leaf that waits for late values."""
    if isinstance(value, dict):
        return {key: known_later(item) for key, item in value.items()}
    if isinstance(value, list):
        return [known_later(item) for item in value]
    if isinstance(value, Computed):
        function = value.function
        return pulumi.Output.all(*value.late).apply(lambda known: function(*known))
    return value


def digest(manifest: Manifest) -> pulumi.Input[str]:
    """A digest of what the object says; an output where the object waits for late values."""
    if _is_late(manifest.spec):
        return pulumi.Output.from_input(known_later(manifest.spec)).apply(_digest)
    return _digest(manifest.spec)


def _is_late(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_late, value.values()))
    if isinstance(value, list):
        return any(map(_is_late, value))
    return isinstance(value, Computed | pulumi.Output)


def _digest(spec: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
