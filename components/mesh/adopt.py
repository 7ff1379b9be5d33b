"""Objects of ours that exist on the clusters and are not in the stack's state, as a file for `pulumi import`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import MeshError
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


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack's state, as `pulumi stack export` tells it."""

    name: str
    urns: Mapping[str, str]
    """URN → id of every resource that the state remembers; "" where it has none."""
    pending: frozenset[str]
    """URNs whose creation was under way when an update was killed."""

    @classmethod
    def of(cls, name: str, export: Mapping[str, Any]) -> "Stack":
        deployment = export.get("deployment") or {}
        urns = {state["urn"]: state.get("id", "") for state in deployment.get("resources") or ()}
        operations = deployment.get("pending_operations") or ()
        pending = [op["resource"]["urn"] for op in operations if op["type"] == "creating"]
        return cls(name, urns, frozenset(pending))

    def urn(self, types: Iterable[str], name: str) -> str:
        return f"urn:pulumi:{self.name}::{PROJECT}::{'$'.join(types)}::{name}"


def listed_objects(listing: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """(kind, namespace, name) of what `kubectl get … -o json` lists."""
    items = listing.get("items", [listing])
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in items}


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
