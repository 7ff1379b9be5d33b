"""The stack `demo` on the sandbox's clusters, and what exists afterwards, to look at."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from mesh_federation.mesh.istio import kinds

from .clusters import Sandbox, kubectl
from .stack import REPOSITORY, Stack

_KINDS = ",".join(kind.resource for kind in kinds.EMITTED)
_BAR = 40


class DemoError(RuntimeError):
    """The demo's update failed; Pulumi has said why."""


def run(sandbox: Sandbox) -> None:
    """Bring the clusters to what `stacks/Pulumi.demo.yaml` says, and print what is there.

    Pulumi gets a copy of the stack file, for it writes into it. Run again, it changes nothing, and says so.
    """
    stack = Stack(sandbox.directory / "demo", sandbox.environment(), name="demo")
    stack.write(yaml.safe_load((REPOSITORY / "stacks" / stack.config_file.name).read_text()))
    stack.create()
    if not stack.update():
        raise DemoError("the update failed; `make demo` goes on where it stopped")
    _show_objects(sandbox)
    _show(stack.outputs())
    if stack.changes().keys() - {"same"}:
        print("\nThe clusters now are what stacks/Pulumi.demo.yaml says. Run it again: nothing changes.")
    else:
        print("\nNo change: the clusters were what stacks/Pulumi.demo.yaml says.")
    print("To look around: make sandbox says how. To remove everything: make demo-down")


def _show_objects(sandbox: Sandbox) -> None:
    print()
    for cluster in sandbox.clusters:
        print(f"On {cluster}:")
        for kind, place in _objects(sandbox, cluster):
            print(f"  {kind:<16} {place}")


def _show(outputs: Mapping[str, Mapping[str, Any]]) -> None:
    print("\nAddresses:")
    for host, address in outputs["addresses"].items():
        print(f"  {host:<40} {address}")
    print("\nTraffic:")
    for line in _table(outputs["traffic"]):
        print(f"  {line}")


def _objects(sandbox: Sandbox, cluster: str) -> Iterator[tuple[str, str]]:
    """Kind and place of each object, in order."""
    objects = json.loads(kubectl(sandbox, cluster, "get", _KINDS, "--all-namespaces", "--output", "json"))["items"]
    for kind, namespace, name in sorted(
        (item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]) for item in objects
    ):
        yield kind, f"{namespace}/{name}"


def _table(traffic: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Iterator[str]:
    for client, services in traffic.items():
        for service, shares in services.items():
            yield f"{client} calls {service}:"
            for destination, share in sorted(shares.items(), key=lambda item: -_number(item[1])):
                bar = "█" * round(_number(share) * _BAR / 100)
                yield f"  {share:>8}  {destination:<24} {bar}"


def _number(share: str) -> float:
    return float(share.removesuffix(" %"))
