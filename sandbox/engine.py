"""Pulumi's home in a sandbox: a backend, a passphrase, and the Kubernetes plugin, apart from the user's own."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from . import tools

_REPOSITORY = Path(__file__).parents[1]
_RETRY_SECONDS = 24 * 3600
_INSTALL_SECONDS = 120


class Engine:
    """What the Pulumi CLI keeps in `home`; nothing of it reaches the user's own home or login."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def prepare(self) -> None:
        """Make the home if it is not there; afterwards it has a Kubernetes plugin."""
        self.end_orphans()
        (self.home / "backend").mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._passphrase.exists():
            self._passphrase.touch(mode=0o600)
            self._passphrase.write_text(secrets.token_hex(16))
        plugin = self.home / "plugins" / _plugin()
        if shutil.which("pulumi-resource-kubernetes") or plugin.exists():
            return
        plugin.parent.mkdir(exist_ok=True)
        official = _official_plugin()
        if official:
            plugin.symlink_to(official, target_is_directory=True)
        else:
            _install_stand_in(plugin)

    def environment(self) -> dict[str, str]:
        return {
            "PULUMI_HOME": str(self.home),
            # a kill can leave the metadata of a state half-written, and then nothing loads it
            "PULUMI_BACKEND_URL": f"file://{self.home / 'backend'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def end_orphans(self) -> None:
        """End what a killed CLI left: Pulumi's language host and its plugin for Python do not see that it is gone."""
        ours = f"PULUMI_HOME={self.home}".encode()
        for leader in _group_leaders():
            if ours in _environment(leader) and ours not in _environment(_parent(leader)) and _is_pulumis(leader):
                with suppress(ProcessLookupError):
                    os.killpg(leader, signal.SIGKILL)

    @property
    def _passphrase(self) -> Path:
        return self.home / "passphrase"


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


def _plugin() -> str:
    """The directory in which the engine looks for the plugin that the installed SDK asks for."""
    return f"resource-kubernetes-v{version('pulumi-kubernetes')}"


def _official_plugin() -> Path | None:
    """Pulumi's own plugin: the user's, or one that can be downloaded; None where neither is to be had."""
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    ours = tools.cache_directory() / "pulumi-home"
    for home in (own, ours):
        if (home / "plugins" / _plugin()).is_dir():
            return home / "plugins" / _plugin()
    return _downloaded_plugin(ours)


def _downloaded_plugin(home: Path) -> Path | None:
    failed = home / f"{_plugin()}.failed"
    if failed.exists() and time.time() - failed.stat().st_mtime < _RETRY_SECONDS:
        return None
    home.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([*map(str, tools.pulumi()), os.environ["PATH"]])
    command = ["pulumi", "plugin", "install", "resource", "kubernetes", f"v{version('pulumi-kubernetes')}"]
    environment = {**os.environ, "PATH": path, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        subprocess.run(command, env=environment, capture_output=True, timeout=_INSTALL_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        failed.touch()
        return None
    return home / "plugins" / _plugin()


def _install_stand_in(directory: Path) -> None:
    """The plugin of this package, under the name that the engine starts."""
    directory.mkdir()
    program = directory / "pulumi-resource-kubernetes"
    program.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{_REPOSITORY}'\nexec '{sys.executable}' -m sandbox.kubernetes_plugin \"$@\"\n"
    )
    program.chmod(0o755)
