"""A Pulumi stack, driven by the real CLI: its configuration in a directory of its own, its state in a sandbox."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[1]
_WITHOUT_CONFIGURATION = ("stack", "cancel", "state")


class StackError(RuntimeError):
    """The CLI refused; says what it was asked, and what it complains of."""


@dataclass
class Stack:
    """A stack of the program in `program`, which is this repository's own unless stated."""

    directory: Path
    """Holds the configuration file, into which Pulumi writes, too."""
    environment: Mapping[str, str]
    """The sandbox's, with the backend that holds the state."""
    program: Path = REPOSITORY
    name: str = "demo"

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def config_file(self) -> Path:
        return self.directory / f"Pulumi.{self.name}.yaml"

    def write(self, parts: Mapping[str, Any]) -> None:
        """State these top-level parts of the configuration file; the others stay, such as the salt that Pulumi adds."""
        before = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        self.config_file.write_text(yaml.safe_dump({**before, **parts}, sort_keys=False))

    def create(self) -> None:
        """Make the stack exist; it may already. Raises `StackError`."""
        # in a project of its own directory, since it writes a salt beside the project
        project = yaml.safe_load((self.program / "Pulumi.yaml").read_text())["name"]
        (self.directory / "Pulumi.yaml").write_text(yaml.safe_dump({"name": project, "runtime": "python"}))
        self._output_of(["pulumi", "--cwd", str(self.directory), "stack", "select", self.name, "--create"])

    def update(self) -> bool:
        """`pulumi up` in the foreground, with a terminal if there is one; says whether it succeeded."""
        cli = subprocess.Popen(self.command("up", "--yes", "--skip-preview", "--suppress-outputs"), env=self.environ())
        try:
            return _exit_code(cli) == 0
        except SystemExit:
            # nobody told the CLI, and one that is killed leaves the stack locked
            cli.send_signal(signal.SIGINT)
            _exit_code(cli)
            raise

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(self.answer("stack", "output", "--json"))
        return outputs

    def changes(self) -> dict[str, int]:
        """What the latest update did: kind of step → number."""
        history = json.loads(self.answer("stack", "history", "--json", "--page-size", "1"))
        changes: dict[str, int] = history[0]["resourceChanges"]
        return changes

    def answer(self, *arguments: str) -> str:
        """What `pulumi ARGUMENTS` prints on standard output. Raises `StackError`."""
        return self._output_of(self.command(*arguments))

    def command(self, *arguments: str) -> list[str]:
        """The command line of `pulumi ARGUMENTS` for this stack."""
        configuration = [] if arguments[0] in _WITHOUT_CONFIGURATION else ["--config-file", str(self.config_file)]
        return ["pulumi", "--cwd", str(self.program), *arguments, "--stack", self.name, *configuration]

    def environ(self) -> dict[str, str]:
        """All of the CLI's environment."""
        # a passphrase in it would outrank the file with the sandbox's
        inherited = {name: value for name, value in os.environ.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
        return {**inherited, **self.environment}

    def _output_of(self, command: Sequence[str]) -> str:
        command = [*command, "--non-interactive"]
        run = subprocess.run(command, env=self.environ(), capture_output=True, text=True, check=False)
        if run.returncode:
            raise StackError(f"{' '.join(command)}: {run.stderr.strip() or run.stdout.strip()}")
        return run.stdout


def _exit_code(cli: "subprocess.Popen[bytes]") -> int:
    """The exit code of the CLI, once it has ended by itself."""
    while True:
        with suppress(KeyboardInterrupt):  # the CLI got it, too, and ends in order
            return cli.wait()
