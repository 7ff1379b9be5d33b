"""A Pulumi stack of a test, with a backend of its own: how its runs end, and what they would do."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sandbox import stack
from tests.given.specs import config_of_spec
from tests.real.language_host import COMMANDS, LanguageHosts

REPOSITORY = stack.REPOSITORY


@dataclass(frozen=True)
class Run:
    """What one call of the CLI did."""

    code: int
    output: str
    seconds: float


class CommandError(AssertionError):
    """The CLI failed where the test needs it to succeed."""


@dataclass
class Stack(stack.Stack):
    """A stack with a backend of its own."""

    name: str = "test"
    extra_environment: dict[str, str] = field(default_factory=dict)
    hosts: LanguageHosts | None = None
    """Where programs and dynamic resources run; without them, in processes that the CLI starts for each command."""

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.directory / "backend").mkdir(exist_ok=True)
        self.configure({})
        self.create()

    def configure(self, spec: Mapping[str, Any]) -> None:
        """State a spec as the stack's configuration."""
        self.write({"config": config_of_spec(spec)})

    def environ(self) -> dict[str, str]:
        return {
            **super().environ(),
            "PULUMI_BACKEND_URL": f"file://{self.directory / 'backend'}",
            "NO_COLOR": "1",
            **self.extra_environment,
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The CLI in a process group of its own, running."""
        environment = self.environ()
        options: tuple[str, ...] = ()
        if self.hosts and arguments[0] in COMMANDS:
            host = self.hosts.of(environment)
            environment, options = {**environment, **host.variables}, host.options
        return subprocess.Popen(
            [*self.command(*arguments), "--non-interactive", *options],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, fails: bool = False) -> Run:
        start = time.monotonic()
        process = self.start(*arguments)
        with never_left_running(process):
            output, _ = process.communicate(timeout=300)
        run = Run(process.returncode, output, time.monotonic() - start)
        if (run.code != 0) != fails:
            raise CommandError(f"pulumi {' '.join(arguments)} exited {run.code} after {run.seconds:.0f} s:\n{output}")
        return run

    def up(self, *arguments: str, fails: bool = False) -> Run:
        return self.run("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def preview(self, *arguments: str, fails: bool = False) -> Run:
        return self.run("preview", *arguments, fails=fails)

    def destroy(self, *arguments: str, fails: bool = False) -> Run:
        return self.run("destroy", "--yes", "--skip-preview", *arguments, fails=fails)

    def preview_steps(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What an update would do, step by step: name of each resource → step."""
        run = self.run("preview", "--json", *arguments)
        document = json.loads(run.output[run.output.index("{") :])
        return {step["urn"].rpartition("::")[2]: step for step in document.get("steps", [])}

    def steps(self, *arguments: str) -> dict[str, str]:
        """Name of each resource that an update would change → operation."""
        return {name: step["op"] for name, step in self.preview_steps(*arguments).items() if step["op"] != "same"}

    def export(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.answer("stack", "export"))
        return state

    def resources(self) -> dict[str, dict[str, Any]]:
        """Name → state."""
        states = self.export()["deployment"].get("resources", [])
        return {state["urn"].rpartition("::")[2]: state for state in states}


@contextmanager
def never_left_running(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Where the block fails, the CLI and its group are killed, and what it had printed is shown."""
    try:
        yield
    except BaseException:
        # it would go on writing to clusters that the next test uses
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        print(output)
        raise


def venv() -> Path:
    """The virtual environment that runs the tests; programs of tests run in it, too."""
    return Path(sys.prefix)


def a_checkout(directory: Path) -> Path:
    """This repository, with a folder of its own for stacks."""
    (directory / "stacks").mkdir(parents=True)
    (directory / ".venv").symlink_to(venv())
    for name in ("Pulumi.yaml", "__main__.py", "components"):
        (directory / name).symlink_to(REPOSITORY / name)
    return directory


def program(directory: Path, source: str) -> Path:
    """A Pulumi program of a test."""
    directory.mkdir(parents=True, exist_ok=True)
    runtime = {"name": "python", "options": {"virtualenv": str(venv())}}
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "mesh", "runtime": runtime}))
    (directory / "__main__.py").write_text(source)
    return directory
