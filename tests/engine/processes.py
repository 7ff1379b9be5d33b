"""What runs on this machine, told by what it has to do with a place."""

import os
from pathlib import Path


def mentioning(text: str | Path) -> list[str]:
    """Command lines of the processes that have `text` in their command line, environment or working directory."""
    sought = os.fsencode(str(text))
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            known = (command, (process / "environ").read_bytes(), os.fsencode((process / "cwd").readlink()))
        except OSError:
            continue  # it has ended
        if any(sought in part for part in known):
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
