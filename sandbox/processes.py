"""Programs that outlive the command that started them, and end exactly when they are told to."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


class StartError(RuntimeError):
    """A program did not come up; says which, and the end of what it logged."""


_ONCE_IT_IS_REMEMBERED = ("sh", "-c", 'read -r line && exec "$@" < /dev/null', "sh")
"""Waits for a line and becomes the program; nobody could end one whose starter is killed before it is remembered."""


@dataclass(frozen=True, slots=True)
class _Process:
    """A process, told apart from a later one with the same id by the moment it began (clock ticks since boot)."""

    pid: int
    began: int

    @property
    def is_running(self) -> bool:
        return _began(self.pid) == self.began


class Processes:
    """The programs of one directory, by name. A file there remembers them, so that any later command can end them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._record = directory / "processes.json"
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Start `command` unless `name` runs already; what it prints goes to `logs/<name>.log`."""
        if self.is_running(name):
            return
        log = self.log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                [*_ONCE_IT_IS_REMEMBERED, *map(str, command)],
                cwd=self._directory,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[child.pid] = child
        self._remember({**self._known(), name: _Process(child.pid, _began(child.pid) or 0)})
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.close()

    def is_running(self, name: str) -> bool:
        process = self._known().get(name)
        return process is not None and process.is_running

    def names(self) -> list[str]:
        return sorted(self._known())

    def log_of(self, name: str) -> Path:
        return self._directory / "logs" / f"{name}.log"

    def stop(self, *names: str) -> None:
        """End these at once, with the children they have: what they would save on leaving, a sandbox does not need."""
        known = self._known()
        ending = [known[name] for name in names if name in known]
        for process in ending:
            if process.is_running:
                # each began a session of its own, and so a group
                os.killpg(process.pid, signal.SIGKILL)
        for process in ending:
            while self._runs_after_reaping(process):
                time.sleep(0.01)
        self._remember({name: process for name, process in known.items() if name not in names})

    def failure(self, name: str) -> StartError:
        """The error that says why `name` did not come up."""
        log = self.log_of(name)
        tail = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else ["it logged nothing"]
        return StartError("\n".join([f"{name} did not come up; the end of its log:", *tail]))

    def _runs_after_reaping(self, process: _Process) -> bool:
        if (child := self._children.get(process.pid)) is not None:
            child.poll()
        return process.is_running

    def _known(self) -> dict[str, _Process]:
        if not self._record.exists():
            return {}
        return {name: _Process(**stored) for name, stored in json.loads(self._record.read_text()).items()}

    def _remember(self, processes: Mapping[str, _Process]) -> None:
        # in one step: a command that is killed while it writes must not lose the others
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps({name: asdict(process) for name, process in processes.items()}, indent=2))
        new.replace(self._record)


def _began(pid: int) -> int | None:
    """When a process began; None if it has ended, whether or not its parent has taken notice."""
    try:
        # the name before it, in parentheses, may hold anything
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, threads, began = fields[0], int(fields[17]), int(fields[19])
    # a killed process is a zombie once its first thread has ended: until the others have, its ports are still taken
    return None if state in "ZX" and threads <= 1 else began
