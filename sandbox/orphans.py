"""Processes that Pulumi's CLI started and, being killed, could not end."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def end(variable: str) -> None:
    """End language hosts and plugins that have `variable`, `NAME=value`, in their environment and no CLI any more."""
    ours = variable.encode()
    for leader in _group_leaders():
        if ours in _environment(leader) and ours not in _environment(_parent(leader)) and _is_pulumis(leader):
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)


def _group_leaders() -> list[int]:
    """Processes that lead a group of their own, as every process that the CLI starts does."""
    processes = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in processes if _stat(pid)[2:3] == [str(pid)]]


def _parent(pid: int) -> int:
    return int([*_stat(pid)[1:2], "0"][0])


def _is_pulumis(pid: int) -> bool:
    # the second word, where a shell runs it
    names = [Path(word.decode(errors="replace")).name for word in _read(pid, "cmdline")[:2]]
    return any(name.startswith(("pulumi-language-", "pulumi-resource-")) for name in names)


def _environment(pid: int) -> list[bytes]:
    return _read(pid, "environ")


def _stat(pid: int) -> list[str]:
    """State, parent, group, …; empty if it has ended."""
    # the name before them, in parentheses, may hold anything
    return b"\0".join(_read(pid, "stat")).rpartition(b")")[2].decode().split()


def _read(pid: int, name: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0")
    except OSError:
        return []
