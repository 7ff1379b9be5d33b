"""`pulumi up` and a preview without changes: about 300 objects of a federation, and a bare program with the same ones.

The bare program registers the rendered manifests as literals under the same providers, so the difference is what
planning, the address pool and the pauses cost. Runs alternate, because a machine's speed drifts.
"""

import pprint
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.table import Figure
from tests.given import core
from tests.real.stack import Stack, program

SERVICES = 43
ROUNDS = 5
CLUSTERS = ("cluster1", "cluster2")

PROVIDERS = """
providers = {
    name: kubernetes.Provider(name, context=name, cluster_identifier=name, enable_patch_force=True)
    for name in ("cluster1", "cluster2")
}
"""

COMPONENT = f"""
import pulumi_kubernetes as kubernetes
from mesh_federation import MeshFederation
from spec import SPEC
{PROVIDERS}
clusters = {{name: {{**cluster, "provider": providers[name]}} for name, cluster in SPEC["clusters"].items()}}
MeshFederation("mesh", {{**SPEC, "clusters": clusters}})
"""

BARE = f"""
import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apiextensions import CustomResource
from manifests import MANIFESTS
{PROVIDERS}
for key, cluster, manifest in MANIFESTS:
    CustomResource(
        key,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=manifest["metadata"],
        spec=manifest["spec"],
        opts=pulumi.ResourceOptions(provider=providers[cluster]),
    )
"""


def spec() -> dict[str, Any]:
    """Each service runs on both clusters; callers on the first are split over both: seven objects for each service."""
    services: list[dict[str, Any]] = []
    traffic: list[dict[str, Any]] = []
    for number in range(SERVICES):
        name = f"service{number}"
        presence = {
            "cluster1": {"versions": ["v1"], "serviceAccounts": [name]},
            "cluster2": {"versions": ["v2"], "serviceAccounts": [name]},
        }
        ports = [{"name": "http", "number": 8080, "protocol": "HTTP"}]
        services.append({"name": name, "namespace": "default", "ports": ports, "clusters": presence})
        route = [
            {"cluster": "cluster1", "version": "v1", "weight": 75},
            {"cluster": "cluster2", "version": "v2", "weight": 25},
        ]
        traffic.append(
            {"service": f"{name}.default", "clients": {"clusters": ["cluster1"]}, "http": [{"route": route}]}
        )
    return {
        "clusters": {
            name: {"trustDomain": name, "gateway": {"addresses": [f"192.0.2.{number}"]}}
            for number, name in enumerate(CLUSTERS, 1)
        },
        "services": services,
        "traffic": traffic,
        "settleSeconds": 0,
    }


def manifests() -> list[tuple[str, str, dict[str, Any]]]:
    """(name, cluster, object) of everything that the federation makes."""
    stated = spec()
    clusters = {name: {**cluster, "context": name} for name, cluster in stated["clusters"].items()}
    plan, _ = core.new_stack(core.read({**stated, "clusters": clusters}))
    return [(m.key, m.cluster, m.object) for manifests in plan.manifests.values() for m in manifests]


def figures() -> list[Figure]:
    from sandbox.clusters import Sandbox

    with TemporaryDirectory() as directory:
        sandbox = Sandbox.up(Path(directory) / "sandbox", CLUSTERS)
        try:
            seconds = _alternate(Path(directory), sandbox.environment())
        finally:
            sandbox.down()
    up, bare_up = median(seconds["component", "up"]), median(seconds["bare", "up"])
    preview, bare_preview = median(seconds["component", "preview"]), median(seconds["bare", "preview"])
    return [
        Figure("objects", len(manifests()), ""),
        Figure("first up", up, "s"),
        Figure("first up, bare program", bare_up, "s"),
        Figure("first up, in the bare program's", up / bare_up, "×", aim=1.1),
        Figure("preview without changes", preview, "s"),
        Figure("preview without changes, bare program", bare_preview, "s"),
        Figure("preview, in the bare program's", preview / bare_preview, "×", aim=1.1),
    ]


def programs(directory: Path) -> dict[str, Path]:
    """The two programs, written to `directory`."""
    component = program(directory / "component", COMPONENT)
    (component / "spec.py").write_text(f"SPEC = {pprint.pformat(spec(), sort_dicts=False)}\n")
    bare = program(directory / "bare", BARE)
    (bare / "manifests.py").write_text(f"MANIFESTS = {pprint.pformat(manifests(), sort_dicts=False)}\n")
    return {"component": component, "bare": bare}


def _alternate(directory: Path, environment: Mapping[str, str]) -> dict[tuple[str, str], list[float]]:
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    stacks = {
        which: Stack(directory / f"stack-{which}", environment, program=source)
        for which, source in programs(directory).items()
    }
    for turn in range(ROUNDS + 1):
        # each goes first every other time
        for which in sorted(stacks, reverse=turn % 2 == 1):
            up = stacks[which].up()
            preview = stacks[which].preview("--expect-no-changes")
            stacks[which].destroy()
            if turn:  # the first turn warms caches up
                seconds[which, "up"].append(up.seconds)
                seconds[which, "preview"].append(preview.seconds)
    return seconds
