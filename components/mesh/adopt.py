"""Objects of ours that exist on the clusters and are not in the stack's state, as a file for `pulumi import`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from .errors import MeshError, spelled
from .istio.kinds import BY_NAME
from .manifest import Manifest
from .plan.plan import Plan
from .reach import Reach

PROJECT = "mesh"
FEDERATION = "mesh:index:MeshFederation"
CLUSTER = "mesh:index:MeshCluster"
PROVIDER = "pulumi:providers:kubernetes"


class AdoptionError(MeshError):
    """The objects of `cluster` cannot be adopted as things are; says what to do."""

    def __init__(self, cluster: str, message: str) -> None:
        super().__init__(f"clusters.{cluster}: {message}")
        self.cluster = cluster


class OutputError(MeshError):
    """A document is not what `command` writes; says where that shows."""

    def __init__(self, command: str, error: ValidationError) -> None:
        detail = error.errors(include_url=False)[0]
        place = spelled(detail["loc"]) if detail["loc"] else "the whole"
        words = _WORDS[detail["type"]]
        super().__init__(f"is not the output of `{command}`: {place} {words}; give it as the command writes it")
        self.command = command


_WORDS = {
    "list_type": "should be a list",
    "missing": "is missing",
    "model_type": "should be an object",
    "string_type": "should be text",
    "string_unicode": "should be text",
}
"""Type of pydantic's error → what is wrong. The value itself may be a secret."""


class _Resource(BaseModel):
    urn: str
    id: str | None = None


class _Operation(BaseModel):
    type: str
    resource: _Resource


class _Deployment(BaseModel):
    resources: list[_Resource] | None = None
    pending_operations: list[_Operation] | None = None


class _Export(BaseModel):
    deployment: _Deployment | None
    """None of a stack that nobody has updated."""


class _Metadata(BaseModel):
    name: str
    namespace: str = ""


class _Object(BaseModel):
    kind: str
    metadata: _Metadata


class _Listing(BaseModel):
    items: list[_Object]


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack's state, as `pulumi stack export` tells it."""

    name: str
    urns: Mapping[str, str]
    """URN → id of every resource that the state remembers; "" where it has none."""
    pending: frozenset[str]
    """URNs whose creation was under way when an update was killed."""

    @classmethod
    def of(cls, name: str, export: Any) -> "Stack":
        """Raises `OutputError` if it is no export."""
        try:
            deployment = _Export.model_validate(export).deployment or _Deployment()
        except ValidationError as error:
            raise OutputError("pulumi stack export", error) from None
        urns = {state.urn: state.id or "" for state in deployment.resources or ()}
        operations = deployment.pending_operations or ()
        pending = [operation.resource.urn for operation in operations if operation.type == "creating"]
        return cls(name, urns, frozenset(pending))

    def urn(self, types: Iterable[str], name: str) -> str:
        return f"urn:pulumi:{self.name}::{PROJECT}::{'$'.join(types)}::{name}"


def listed_objects(listing: Any) -> set[tuple[str, str, str]]:
    """(kind, namespace, name) of what `kubectl get … -o json` lists. Raises `OutputError` if it is no listing."""
    is_one_object = isinstance(listing, Mapping) and "items" not in listing
    try:
        items = [_Object.model_validate(listing)] if is_one_object else _Listing.model_validate(listing).items
    except ValidationError as error:
        raise OutputError("kubectl get … -o json", error) from None
    return {(item.kind, item.metadata.namespace, item.metadata.name) for item in items}


def adopt(
    name: str,
    reach: Mapping[str, Reach],
    plan: Plan,
    stack: Stack,
    existing: Mapping[str, Collection[tuple[str, str, str]]],
) -> dict[str, Any]:
    """The import file for every planned object that exists already and that `stack` does not remember.

    `existing` says per cluster what exists there; of a cluster that is not in it, what a killed update was creating is
    taken to exist. The next update then deletes and re-creates nothing. `resources` is empty if there is nothing to do.

    Raises `AdoptionError` where the state lacks a provider that only the engine can make; `UnknownError` where
    something here needs an encrypted value.
    """
    entries: list[dict[str, Any]] = []
    name_table: dict[str, str] = {}
    provider_inputs: dict[str, dict[str, str]] = {}
    for cluster, manifests in plan.manifests.items():
        objects = [m for m in manifests if _is_to_adopt(m, stack, stack.urn(_types(m), f"{name}/{m.key}"), existing)]
        if not objects:
            continue
        for urn, entry in _parents(name, cluster, stack):
            if urn in stack.urns:
                name_table[entry["name"]] = urn
            elif entry not in entries:
                entries.append(entry)
        provider = f"provider/{cluster}"
        name_table[provider] = stack.urn([PROVIDER], cluster)
        if name_table[provider] not in stack.urns:
            provider_inputs[provider] = _provider_inputs(cluster, reach[cluster])
        entries += [
            {
                "type": _types(m)[-1],
                "name": f"{name}/{m.key}",
                "id": f"{m.namespace}/{m.name}",
                "parent": f"{name}/{cluster}",
                "provider": provider,
            }
            for m in objects
        ]
    document: dict[str, Any] = {"nameTable": name_table, "resources": entries}
    return {**document, "providerInputs": provider_inputs} if provider_inputs else document


def _is_to_adopt(
    manifest: Manifest, stack: Stack, urn: str, existing: Mapping[str, Collection[tuple[str, str, str]]]
) -> bool:
    if urn in stack.urns:
        return False
    if manifest.cluster in existing:
        return (manifest.kind, manifest.namespace, manifest.name) in existing[manifest.cluster]
    return urn in stack.pending


def _types(manifest: Manifest) -> list[str]:
    return [FEDERATION, CLUSTER, BY_NAME[manifest.kind].token]


def _parents(name: str, cluster: str, stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    """URN and entry of the components above a cluster's objects."""
    child = f"{name}/{cluster}"
    return [
        (stack.urn([FEDERATION], name), {"type": FEDERATION, "name": name, "component": True}),
        (stack.urn([FEDERATION, CLUSTER], child), {"type": CLUSTER, "name": child, "component": True, "parent": name}),
    ]


def _provider_inputs(cluster: str, reach: Reach) -> dict[str, str]:
    if reach.context is None:
        raise AdoptionError(
            cluster,
            "the state has no provider for it yet, and only the engine can decrypt its "
            f"kubeconfig; run `pulumi up --target '**::{PROVIDER}::{cluster}'` first, and export the state again",
        )
    # the engine keeps a provider's configuration as text
    return {
        "clusterIdentifier": reach.identity or cluster,
        "context": str(reach.context),
        "enablePatchForce": "true",
        "upsertExistingObjects": "false",
    }
