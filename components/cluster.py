"""One cluster's share of a federation, as managed resources."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apiextensions import CustomResource

from .mesh.errors import MeshError
from .mesh.istio.kinds import SERVICE
from .mesh.manifest import Computed, Manifest

DependsOn = pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]] | pulumi.Resource] | None
"""What the engine handles before an object, in every form that resource options take."""


class MeshCluster(pulumi.ComponentResource):
    """The parent of all objects of one cluster; they inherit its provider and its options."""

    def __init__(self, name: str, provider: kubernetes.Provider, opts: pulumi.ResourceOptions) -> None:
        super().__init__(
            "mesh:index:MeshCluster",
            name,
            None,
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[provider])),
        )

    def add(self, name: str, manifest: Manifest, depends_on: DependsOn, *, stays: bool) -> pulumi.CustomResource:
        """Manages `manifest` on this cluster, after `depends_on`; `name` tells it from all others of the stack.

        What `stays` is not deleted when it leaves the program. The update fails with `pulumi.RunError` where a late
        value turns out wrong.
        """
        opts = pulumi.ResourceOptions(parent=self, depends_on=depends_on, retain_on_delete=True if stays else None)
        if manifest.kind == SERVICE.name:
            # Pulumi would wait for pods, and there are none
            metadata: Any = {**manifest.object["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}
            # one that was imported has an address, and would be made again to lose it
            opts.ignore_changes = ["spec.clusterIP", "spec.clusterIPs"]
            spec: Any = manifest.spec
            # loaded here: Kubernetes' core takes 0.4 s, which a federation without own Services need not pay
            return kubernetes.core.v1.Service(name, metadata=metadata, spec=spec, opts=opts)
        return CustomResource(
            name,
            api_version=manifest.object["apiVersion"],
            kind=manifest.kind,
            metadata=manifest.object["metadata"],
            spec=known_later(manifest.spec),
            opts=opts,
        )


def known_later(value: Any) -> Any:
    """`value` with an output in the place of every leaf that waits for late values.

    Such an output fails with `pulumi.RunError` where a late value turns out wrong.
    """
    if isinstance(value, dict):
        return {key: known_later(item) for key, item in value.items()}
    if isinstance(value, list):
        return [known_later(item) for item in value]
    if isinstance(value, Computed):
        late = pulumi.Output.all(*value.late)
        return late.apply(lambda known: _computed(value, known, late))
    return value


async def _computed(leaf: Computed, known: Sequence[Any], late: pulumi.Output[Any]) -> str:
    try:
        return leaf.function(*known)
    except MeshError as error:
        message = str(error)
        if await late.is_secret():
            for value in known:
                message = message.replace(repr(value), "a secret")
        raise pulumi.RunError(message) from None


def digest(manifest: Manifest) -> pulumi.Input[str]:
    """A digest of what the object says; an output where the object waits for late values."""
    spec = known_later(manifest.spec)
    late: list[pulumi.Output[Any]] = []
    # `json.dumps` calls `default` for exactly the late leaves, in a fixed order; the second pass relies on that order
    json.dumps(spec, sort_keys=True, default=late.append)
    if not late:
        return _digest(spec, [])
    return pulumi.Output.all(*late).apply(lambda known: _digest(spec, known))


def _digest(spec: dict[str, Any], known: Iterable[Any]) -> str:
    values = iter(known)
    text = json.dumps(spec, sort_keys=True, default=lambda _late: next(values))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]


_DIGEST_DIGITS = 16
"""64 bits: it only tells an object's content from the one before, and stands in the state once for each object."""
