"""What runs on this machine, told by what it has to do with a place."""

import os
from collections.abc import Iterator
from pathlib import Path


def mentioning(text: str) -> list[str]:
    """Command lines of the processes that have `text` in their command line, environment or working directory."""
    sought = os.fsencode(text)
    commands = []
    for process, place in _places():
        try:
            command = (process / "cmdline").read_bytes()
            known = (command, (process / "environ").read_bytes(), os.fsencode(place))
        except OSError:  # it has ended
            continue
        if any(sought in part for part in known):
            commands.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return commands


def working_in(directory: Path) -> list[Path]:
    """The processes, as folders of /proc, that work in a directory, or did until it was removed."""
    here = directory.resolve()
    return [process for process, place in _places() if place.is_relative_to(here)]


def _places() -> Iterator[tuple[Path, Path]]:
    """Each process and where it works."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = str((process / "cwd").readlink())
        except OSError:  # it has ended
            continue
        yield process, Path(place.removesuffix(" (deleted)"))
