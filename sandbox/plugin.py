"""The Kubernetes plugin in a sandbox's Pulumi home: Pulumi's own where it can be had, else the stand-in."""

import os
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


def provide(home: Path) -> None:
    """Afterwards an engine with this home finds a plugin of the version that the installed SDK asks for."""
    directory = home / "plugins" / _name()
    if shutil.which("pulumi-resource-kubernetes") or directory.exists():
        return
    directory.parent.mkdir(exist_ok=True)
    official = _official_plugin()
    if official:
        directory.symlink_to(official, target_is_directory=True)
    else:
        _install_stand_in(directory)


def _name() -> str:
    """The directory in which the engine looks for the plugin that the installed SDK asks for."""
    return f"resource-kubernetes-v{version('pulumi-kubernetes')}"


def _official_plugin() -> Path | None:
    """Pulumi's own plugin: the user's, or one that can be downloaded; None where neither is to be had."""
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    ours = tools.cache_directory() / "pulumi-home"
    for home in (own, ours):
        if (home / "plugins" / _name()).is_dir():
            return home / "plugins" / _name()
    return _downloaded_plugin(ours)


def _downloaded_plugin(home: Path) -> Path | None:
    failed = home / f"{_name()}.failed"
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
    return home / "plugins" / _name()


def _install_stand_in(directory: Path) -> None:
    """The plugin of this package, under the name that the engine starts."""
    directory.mkdir()
    program = directory / "pulumi-resource-kubernetes"
    program.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{_REPOSITORY}'\nexec '{sys.executable}' -m sandbox.kubernetes_plugin \"$@\"\n"
    )
    program.chmod(0o755)
