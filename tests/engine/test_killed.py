"""`pulumi` ends in the middle of an update, and the README's recipe finishes it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import Engine
from tests.given.specs import bookinfo
from tests.real.clusters import Clusters
from tests.real.held_writes import Gate, gate_before_writes
from tests.real.processes import mentioning
from tests.real.stack import REPOSITORY, Stack, a_checkout, never_left_running

pytestmark = pytest.mark.engine

WRITES = 8
"""Each object of the bookinfo example is made by one."""
KILLS = (1, 3, 5, 8)
"""After so many writes an update is killed: the first, the last, and two between."""

WITHOUT_ATTRIBUTES = "?metadata=skip"
"""Added to the URL of a file backend: it keeps no second file for each state, which a kill can leave half-written."""

NOT_ASKED = {
    "pulumi up": " --yes --skip-preview",
    "pulumi import": " --skip-preview",
}
"""What is added to commands of the recipe: previews would take as long again; what they say is tested elsewhere."""


class KilledUpdate:
    """A stack's first update, in a namespace of its own, that is killed after some of its writes."""

    def __init__(self, writes: int, checkout: Path, clusters: Clusters, new_stack: Callable[..., Stack]) -> None:
        self.writes = writes
        self.namespace = f"killed{writes}"
        self.clusters = clusters
        self.checkout = a_checkout(checkout)
        self.stack = new_stack(self.namespace, program=self.checkout)
        self.stack.hosts = None
        self.record = clusters.record()
        self.objects: dict[str, tuple[str, Any]] = {}
        """What the clusters held after the kill: key → uid and spec."""
        self.addresses: dict[str, str] = {}
        """What the state remembered after the kill."""

    def kill(self, gate: Gate) -> None:
        """Run the update until it has written so many objects."""
        backend = self.stack.environ()["PULUMI_BACKEND_URL"]
        self.stack.extra_environment["PULUMI_BACKEND_URL"] = backend + WITHOUT_ATTRIBUTES
        spec = bookinfo()
        spec["services"][0]["namespace"] = self.namespace
        spec["traffic"][0]["service"] = f"reviews.{self.namespace}"
        self.stack.configure(spec)
        (self.checkout / "stacks" / f"Pulumi.{self.namespace}.yaml").symlink_to(self.stack.config_file)
        # one at a time, so that nothing else is under way when the next write is held back
        with gate.closed_after(self.writes, self.namespace):
            killed_after(self.writes, self.stack, self.clusters, self.namespace, options=("--parallel", "1"))
        self.objects = objects_of(self.namespace, self.clusters)
        self.addresses = addresses(self.stack)
        assert len(self.objects) == self.writes

    def has_written_more_than_its_state_knows(self) -> bool:
        return not self.objects.keys() <= remembered(self.stack)

    def go_on_without_the_recipe(self) -> str:
        """What the engine prints when it fails."""
        self.stack.run("cancel", "--yes")
        return self.stack.up(fails=True).output

    def follow_recipe(self) -> None:
        follow_recipe(self.stack, self.checkout, "cluster1", "cluster2")

    def assert_that_nothing_moved_or_was_made_again(self) -> None:
        now = objects_of(self.namespace, self.clusters)
        assert len(now) == WRITES
        assert now.keys() <= remembered(self.stack)
        assert {key: now[key] for key in self.objects} == self.objects
        assert addresses(self.stack) == self.addresses
        assert "delete" not in {write.verb for write in self.record.writes() if self.namespace in write.key}

    def forget_pending_creations(self) -> None:
        """As the engine's warning says."""
        self.stack.run("refresh", "--clear-pending-creates", "--yes")
        assert not pending(self.stack)
        self.stack.preview("--expect-no-changes")


def test_killed_after_a_write_the_recipe_finishes_and_nothing_moves_or_is_made_again(
    new_stack: Callable[..., Stack], clusters: Clusters, tmp_path: Path
) -> None:
    updates = [KilledUpdate(n, tmp_path / f"checkout{n}", clusters, new_stack) for n in KILLS]
    for update in updates:
        clusters.add_namespace(update.namespace)
    with gate_before_writes(clusters, "killed") as gate, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda update: update.kill(gate), updates))

    unnoticed = [update for update in updates if update.has_written_more_than_its_state_knows()]
    assert unnoticed, "no kill fell between a write and the engine's note of it"
    assert "already exists" in unnoticed[0].go_on_without_the_recipe()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(KilledUpdate.follow_recipe, updates))
    for update in updates:
        update.assert_that_nothing_moved_or_was_made_again()

    warned = [update for update in updates if pending(update.stack)]
    assert warned, "no kill left a creation pending"
    warned[0].forget_pending_creations()


def test_killed_while_it_waits_the_next_update_waits_again(stack: Stack, clusters: Clusters) -> None:
    stack.hosts = None
    spec = bookinfo(settle=3)
    stack.configure(spec)
    stack.extra_environment["MESH_SETTLE_SECONDS"] = "0"
    stack.up()
    del stack.extra_environment["MESH_SETTLE_SECONDS"]
    spec["services"][0]["clusters"]["cluster2"]["versions"] = ["v4"]
    spec["traffic"][0]["http"][0]["route"][0]["version"] = "v4"
    stack.configure(spec)
    record = clusters.record()

    # both halves of v4 are there, and routes are still to move
    killed_after(2, stack, clusters, later=1)
    assert {write.verb for write in record.writes()} == {"create"}
    stack.run("cancel", "--yes")

    # routes have moved, and both halves of v3 are still to go
    record = clusters.record()
    run = killed_after(1, stack, clusters, later=1)
    assert seconds_of("Convergence/cluster2/arrivals updated", run) >= 3
    assert {write.change for write in record.writes()} == {"patch cluster1/VirtualService/default/reviews"}
    stack.run("cancel", "--yes")

    record = clusters.record()
    run = stack.up().output
    assert seconds_of("Convergence/cluster2/departures deleted original", run) >= 3
    assert {write.change for write in record.writes() if write.verb != "patch"} == {
        "delete cluster1/DestinationRule/istio-system/v3.reviews.default.svc.cluster2.global",
        "delete cluster2/DestinationRule/default/v3.reviews",
    }


def test_a_kill_that_leaves_a_states_attributes_half_written_is_mended_by_removing_them(stack: Stack) -> None:
    attributes = stack.directory / "backend/.pulumi/stacks/mesh/test.json.attrs"
    attributes.write_bytes(b"")
    assert "failed to load checkpoint: EOF" in stack.run("cancel", "--yes", fails=True).output
    attributes.unlink()
    assert stack.export()["deployment"]


def seconds_of(operation: str, output: str) -> int:
    (seconds,) = re.findall(rf"{operation} \((\d+)s\)", output)
    return int(seconds)


def remembered(stack: Stack) -> set[str]:
    """`cluster/kind/namespace/name` of what the state knows."""
    return {name.removeprefix("mesh/") for name in stack.resources()}


def addresses(stack: Stack) -> dict[str, str]:
    """Host → address, as the state remembers it."""
    addresses: dict[str, str] = stack.resources()["mesh/addresses"]["outputs"]["addresses"]
    return addresses


def pending(stack: Stack) -> list[dict[str, Any]]:
    """The operations of which the state does not know how they ended."""
    operations: list[dict[str, Any]] = stack.export()["deployment"].get("pending_operations", [])
    return operations


def objects_of(namespace: str, clusters: Clusters) -> dict[str, tuple[str, Any]]:
    """Key → uid and spec, of every object that is there for the services of a namespace."""
    return {
        key: (obj["metadata"]["uid"], obj["spec"])
        for key, obj in clusters.objects("cluster1", "cluster2").items()
        if namespace in key
    }


def killed_after(
    count: int, stack: Stack, clusters: Clusters, about: str = "", *, later: float = 0, options: Sequence[str] = ()
) -> str:
    """Begin an update and kill it as soon as that many writes `about` something are recorded: what it printed."""
    record = clusters.record()
    process = stack.start("up", "--yes", "--skip-preview", *options)
    with never_left_running(process):
        while sum(about in write.key for write in record.writes()) < count:
            assert process.poll() is None, "it ended before"
            time.sleep(0.001)
        time.sleep(later)
    os.killpg(process.pid, signal.SIGKILL)
    output, _ = process.communicate()
    nothing_is_left_running(stack, clusters)
    return output


def nothing_is_left_running(stack: Stack, clusters: Clusters) -> None:
    """What is not Pulumi's own ends by itself, and the rest with the sandbox."""
    of_pulumi = ("/pulumi-language-", "/pulumi-resource-", "pulumi.dynamic")
    deadline = time.monotonic() + 10
    backend = stack.environ()["PULUMI_BACKEND_URL"]
    while left := [line for line in mentioning(backend) if not any(name in line for name in of_pulumi)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    Engine(clusters.sandbox.directory / "pulumi").end_orphans()
    while left := mentioning(backend):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def follow_recipe(stack: Stack, checkout: Path, *clusters: str) -> None:
    """Do what the README says, with the stack's name and clusters in the place of those there."""
    adopted = ""
    for line in recipe(stack.name, clusters):
        if line.startswith("pulumi import") and adopted.startswith("0 objects"):
            continue  # it says to leave it out then
        run = subprocess.run(
            ["sh", "-c", line + NOT_ASKED.get(" ".join(line.split()[:2]), "")],
            cwd=checkout,
            env=stack.environ(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{line}\n{run.stdout}{run.stderr}"
        if " adopt " in line:
            adopted = run.stdout


def recipe(stack: str, clusters: tuple[str, ...]) -> Iterator[str]:
    """The documentation's commands, and where they name a cluster, for each cluster."""
    page = REPOSITORY / "docs" / "when-something-goes-wrong.md"
    section = page.read_text().partition("\n## An update was killed\n")[2]
    listings = " ".join(f"--found {cluster}={cluster}.json" for cluster in clusters)
    for line in section.partition("```sh\n")[2].partition("\n```")[0].splitlines():
        if line.startswith("kubectl"):
            yield from (line.replace("prod-eu-fra", cluster).replace("eu-fra", cluster) for cluster in clusters)
        else:
            named = line.replace("Pulumi.prod.yaml", f"Pulumi.{stack}.yaml").replace("--stack prod", f"--stack {stack}")
            yield re.sub(r"--found \S+", listings, named)
