"""Pulumi's home in a sandbox: a backend, a passphrase, and the Kubernetes plugin, apart from the user's own."""

import os
import secrets
import shutil
import subprocess
import sys
import time
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
            "PULUMI_BACKEND_URL": f"file://{self.home / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    @property
    def _passphrase(self) -> Path:
        return self.home / "passphrase"


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
