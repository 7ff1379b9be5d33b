"""The Kubernetes plugin in a sandbox's Pulumi home: Pulumi's own where it can be had, else the stand-in."""

import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from . import store, tools

_PROGRAM = "pulumi-resource-kubernetes"
_REPOSITORY = Path(__file__).parents[1]
_RETRY_SECONDS = 24 * 3600
_INSTALL_SECONDS = 120


def provide(home: Path) -> None:
    """Afterwards an engine with this home finds a plugin of the version that the installed SDK asks for."""
    directory = home / "plugins" / _name()
    if shutil.which(_PROGRAM) or (directory / _PROGRAM).exists():
        return
    official = _official_plugin()
    # what links to an official plugin stays behind when that is removed
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    if official:
        # the engine passes over a directory that is a link itself
        for file in official.iterdir():
            (directory / file.name).symlink_to(file)
    else:
        _install_stand_in(directory)


def _name() -> str:
    """The directory in which the engine looks for the plugin that the installed SDK asks for."""
    return f"resource-kubernetes-v{version('pulumi-kubernetes')}"


def _official_plugin() -> Path | None:
    """Pulumi's own plugin: the user's, or one that can be downloaded; None where neither is to be had."""
    own = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    ours = store.directory() / "pulumi-home"
    return _installed_plugin(own) or _installed_plugin(ours) or _downloaded_plugin(ours)


def _installed_plugin(home: Path) -> Path | None:
    directory = home / "plugins" / _name()
    # so the engine marks one whose installation has not ended
    partial = directory.with_name(f"{_name()}.partial")
    return directory.resolve() if (directory / _PROGRAM).exists() and not partial.exists() else None


def _downloaded_plugin(home: Path) -> Path | None:
    failed = home / f"{_name()}.failed"
    if failed.exists() and time.time() - failed.stat().st_mtime < _RETRY_SECONDS:
        return None
    home.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([*map(str, tools.pulumi()), os.environ.get("PATH", "")])
    command = ["pulumi", "plugin", "install", "resource", "kubernetes", f"v{version('pulumi-kubernetes')}"]
    environment = {**os.environ, "PATH": path, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        subprocess.run(command, env=environment, capture_output=True, timeout=_INSTALL_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        failed.touch()
        return None
    return _installed_plugin(home)


def _install_stand_in(directory: Path) -> None:
    """The plugin of this package, under the name that the engine starts."""
    program = directory / _PROGRAM
    program.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{_REPOSITORY}'\nexec '{sys.executable}' -m sandbox.kubernetes_plugin \"$@\"\n"
    )
    program.chmod(0o755)
