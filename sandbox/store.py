"""What takes minutes is built or fetched once, into a directory of this user's that all sandboxes share."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def directory() -> Path:
    """Where this user's tools are kept between sandboxes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mesh-federation"


def filled(target: Path, fill: Callable[[Path], None]) -> Path:
    """The directory `target`, as `fill` filled it: in this call, in another process, or at any time before.

    `fill` is called with an empty directory. Where it fails, there is no `target`, and the next call tries again.
    """
    with _held(target):
        if not target.exists():
            new = target.with_name(f"{target.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            fill(new)
            new.rename(target)
    return target


@contextmanager
def _held(target: Path) -> Iterator[None]:
    """Nobody else fills the same at the same time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
