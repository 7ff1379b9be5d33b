"""Server-side apply: who owns which field, and when to take it from them."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from .cluster import ApiError, Cluster
from .objects import annotation, is_crd, name_of, namespace_of
from .values import Properties

CREATOR = "pulumi-kubernetes"
"""The field manager of every POST; the first update takes its fields over."""

_TAKEN_OVER = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)
_CREATORS = (CREATOR, f"{CREATOR}.exe", "pulumi-resource-kubernetes")
_HELP = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources"
)


class ConflictError(Exception):
    """Another field manager owns a field that the inputs name."""

    def __init__(self, manager: str, error: ApiError) -> None:
        super().__init__(
            f"server-side apply field conflict detected, see {_HELP} for troubleshooting help\n"
            f'The resource managed by field manager "{manager}" had an apply conflict: {error}'
        )


def update(  # noqa: PLR0913 - keywords only
    cluster: Cluster, inputs: Properties, *, live: Properties, manager: str, force: bool, preview: bool
) -> Properties:
    """Make the live object say what the inputs say; fields that left the inputs leave the object."""
    if is_crd(inputs):
        version = live["metadata"]["resourceVersion"]
        replacement = {**inputs, "metadata": {**inputs["metadata"], "resourceVersion": version}}
        return cluster.replace(replacement, manager=manager, dry_run=preview)
    if not preview and (fields := _taken_over(live, manager)) is not None:
        live = cluster.patch(inputs, [{"op": "replace", "path": "/metadata/managedFields", "value": fields}])
    try:
        forced = force or _must_force(inputs, live, preview=preview)
        return cluster.apply(inputs, manager=manager, force=forced, dry_run=preview)
    except ApiError as error:
        if error.code != 409:
            raise
        raise ConflictError(manager, error) from None


def relinquish(cluster: Cluster, obj: Properties, manager: str) -> None:
    """Own nothing any more under this name."""
    identity = {"name": name_of(obj), **({"namespace": namespace_of(obj)} if namespace_of(obj) else {})}
    nothing = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": identity}
    cluster.apply(nothing, manager=manager, force=False, dry_run=False)


def without_ignored(inputs: Properties, live: Properties, ignored: Sequence[str], manager: str) -> Properties:
    """Inputs for an update that leaves the ignored paths as they are on the cluster.

    What only others own is not sent; what we own is sent with its live value, for what is missing is removed.
    """
    result = deepcopy(inputs)
    entries = _entries(live)
    for path in ignored:
        steps = [step for step in re.split(r"[.\[\]\"]+", path) if step]
        owners = {e.get("manager") == manager for e in entries if _owns(e.get("fieldsV1", {}), steps)}
        if owners == {False}:
            _remove(result, steps)
        elif (value := _at(live, steps)) is not None:
            _put(result, steps, value)
    return result


def _must_force(inputs: Properties, live: Properties, *, preview: bool) -> bool:
    entries = _entries(live)
    if annotation(inputs, "pulumi.com/patchForce") == "true" or not entries:
        return True
    # a real update takes these fields over before it applies; a preview must not write
    return preview and any(entry["operation"] == "Update" and entry["manager"] in _CREATORS for entry in entries)


def _taken_over(live: Properties, manager: str) -> list[dict[str, Any]] | None:
    """Managed fields with ours and kubectl's all under `manager`; None if that is how it is already.

    Fields that a POST set belong to its manager as an update, and no apply could ever remove them.
    """
    entries = _entries(live)
    ours = [entry for entry in entries if _is_taken_over(entry)]
    if not ours:
        return None
    before = [entry for entry in entries if entry["manager"] == manager and entry["operation"] == "Apply"]
    merged = {**(before or ours)[0], "manager": manager, "operation": "Apply"}
    for entry in (*before, *ours):
        merged["fieldsV1"] = _union(merged.get("fieldsV1", {}), entry.get("fieldsV1", {}))
    return [*(entry for entry in entries if entry not in ours and entry not in before), merged]


def _is_taken_over(entry: Mapping[str, Any]) -> bool:
    return not entry.get("subresource") and any(
        entry["manager"].startswith(prefix) and entry["operation"] == operation for prefix, operation in _TAKEN_OVER
    )


def _union(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _union(first.get(key, {}), second.get(key, {})) for key in (*first, *(second.keys() - first.keys()))}


def _entries(live: Properties) -> list[dict[str, Any]]:
    return list(live.get("metadata", {}).get("managedFields") or ())


def _owns(fields: Any, steps: Sequence[str]) -> bool:
    for step in steps:
        if f"f:{step}" not in fields:
            return False
        fields = fields[f"f:{step}"]
    return True


def _at(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _put(target: Any, steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        target = target.setdefault(step, {}) if isinstance(target, dict) else None
    if isinstance(target, dict):
        target[steps[-1]] = value


def _remove(target: Any, steps: Sequence[str]) -> None:
    parent = _at(target, steps[:-1])
    if isinstance(parent, dict):
        parent.pop(steps[-1], None)
