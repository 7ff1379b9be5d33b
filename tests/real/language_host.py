"""Where the programs of many updates run: one process, which serves their dynamic resources, too.

Without it, the CLI starts Python three to five times for each update and each time loads Pulumi's SDK, which takes
longer than all the rest.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

COMMANDS = {"up", "preview", "refresh", "destroy"}
"""Of the CLI: these can use a language host that runs already."""
_OF_NO_PROGRAM = {"PULUMI_BACKEND_URL", "PYTEST_CURRENT_TEST"}
"""Variables that differ between stacks and tests, and that no program of theirs reads."""


class LanguageHost:
    """A process with an environment, which programs and dynamic resources see as theirs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.real.programs"],
            cwd=Path(__file__).parents[2],
            env=dict(environment),
            # it ends with this process, however that ends
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        # in this order once they are sorted, for a digit comes before a letter
        resources, programs = sorted(self._printed() for _ in range(2))
        self.options = ("--client", f"127.0.0.1:{programs.removeprefix('programs ')}")
        """What the CLI is told, to use it for programs."""
        self.variables = {"PULUMI_DEBUG_PROVIDERS": f"pulumi-python:{resources}"}
        """What the CLI is told, to use it for dynamic resources."""
        # programs that print must not wait for a reader
        Thread(target=self._process.stdout.read, daemon=True).start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _printed(self) -> str:
        """A line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "it did not start; what it complains of is above"
        return line


class LanguageHosts:
    """One for each environment that is asked for."""

    def __init__(self) -> None:
        self._hosts: dict[frozenset[tuple[str, str]], LanguageHost] = {}

    def of(self, environment: Mapping[str, str]) -> LanguageHost:
        seen = {name: value for name, value in environment.items() if name not in _OF_NO_PROGRAM}
        key = frozenset(seen.items())
        if key not in self._hosts:
            self._hosts[key] = LanguageHost(seen)
        return self._hosts[key]

    def close(self) -> None:
        for host in self._hosts.values():
            host.close()
