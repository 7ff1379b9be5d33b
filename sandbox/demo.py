"""The stack `demo` on the sandbox's clusters, and what exists afterwards, to look at."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from .clusters import Sandbox, kubectl

_REPOSITORY = Path(__file__).parents[1]
_STACK = "demo"
_PROJECT = yaml.safe_dump({"name": "mesh", "runtime": "python"})
_KINDS = "serviceentries,destinationrules,virtualservices,gateways.networking.istio.io"
_BAR = 40


class DemoError(RuntimeError):
    """The demo's update failed; Pulumi has said why."""


def run(sandbox: Sandbox) -> None:
    """Bring the clusters to what `stacks/Pulumi.demo.yaml` says, and print what is there.

    Pulumi gets a copy of the stack file, for it writes into it. Run again, it changes nothing, and says so.
    """
    stack = _Stack(sandbox)
    stack.update()
    print()
    for cluster in sandbox.clusters:
        print(f"On {cluster}:")
        for kind, place in _objects(sandbox, cluster):
            print(f"  {kind:<16} {place}")
    outputs = stack.outputs()
    print("\nAddresses:")
    for host, address in outputs["addresses"].items():
        print(f"  {host:<40} {address}")
    print("\nTraffic:")
    for line in _table(outputs["traffic"]):
        print(f"  {line}")
    changes = {step: count for step, count in stack.changes().items() if step != "same"}
    if changes:
        print("\nThe clusters now are what stacks/Pulumi.demo.yaml says. Run it again: nothing changes.")
    else:
        print("\nNo change: the clusters were what stacks/Pulumi.demo.yaml says.")
    print("To look around: make sandbox says how. To remove everything: make demo-down")


class _Stack:
    def __init__(self, sandbox: Sandbox) -> None:
        # a passphrase in it would outrank the file with the sandbox's
        inherited = {name: value for name, value in os.environ.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
        self.environment = {**inherited, **sandbox.environment()}
        self.file = sandbox.directory / "demo" / f"Pulumi.{_STACK}.yaml"
        self.file.parent.mkdir(exist_ok=True)
        source = yaml.safe_load((_REPOSITORY / "stacks" / self.file.name).read_text())
        before = yaml.safe_load(self.file.read_text()) if self.file.exists() else {}
        self.file.write_text(yaml.safe_dump({**before, **source}, sort_keys=False))

    def update(self) -> None:
        if _STACK not in {stack["name"] for stack in json.loads(self._answer("stack", "ls", "--json"))}:
            # in a project of its own directory, since it writes a salt beside the project
            self.file.with_name("Pulumi.yaml").write_text(_PROJECT)
            self._answer("stack", "init", _STACK, directory=self.file.parent)
        up = ["up", "--stack", _STACK, "--config-file", str(self.file), "--yes", "--skip-preview", "--suppress-outputs"]
        cli = subprocess.Popen(["pulumi", "--cwd", str(_REPOSITORY), *up], env=self.environment)
        try:
            failed = _ended(cli)
        except SystemExit:
            # nobody told the CLI, and one that is killed leaves the stack locked
            cli.send_signal(signal.SIGINT)
            _ended(cli)
            raise
        if failed:
            raise DemoError("the update failed; `make demo` goes on where it stopped")

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._answer("stack", "output", "--stack", _STACK, "--json"))
        return found

    def changes(self) -> dict[str, int]:
        """What the latest update did: kind of step → number."""
        history = json.loads(self._answer("stack", "history", "--stack", _STACK, "--json", "--page-size", "1"))
        changes: dict[str, int] = history[0]["resourceChanges"]
        return changes

    def _answer(self, *arguments: str, directory: Path = _REPOSITORY) -> str:
        command = ["pulumi", "--cwd", str(directory), "--non-interactive", *arguments]
        run = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if run.returncode:
            raise DemoError(f"pulumi {' '.join(arguments)}: {run.stderr.strip() or run.stdout.strip()}")
        return run.stdout


def _ended(cli: "subprocess.Popen[bytes]") -> int:
    """Its exit code, once it has ended by itself."""
    while True:
        with suppress(KeyboardInterrupt):  # the CLI got it, too, and ends in order
            return cli.wait()


def _objects(sandbox: Sandbox, cluster: str) -> Iterator[tuple[str, str]]:
    found = json.loads(kubectl(sandbox, cluster, "get", _KINDS, "--all-namespaces", "--output", "json"))["items"]
    for item in sorted(found, key=lambda item: (item["kind"], item["metadata"]["namespace"], item["metadata"]["name"])):
        yield item["kind"], f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _table(traffic: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Iterator[str]:
    for client, services in traffic.items():
        for service, shares in services.items():
            yield f"{client} calls {service}:"
            for destination, share in sorted(shares.items(), key=lambda item: -_number(item[1])):
                bar = "█" * round(_number(share) * _BAR / 100)
                yield f"  {share:>8}  {destination:<24} {bar}"


def _number(share: str) -> float:
    return float(share.removesuffix(" %"))
