"""`mesh-federation` as a terminal sees it."""

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

from tests.given import core


class Outcome(NamedTuple):
    """What a command ended in."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path) -> Outcome:
    """The command, run in this process. What UTF-8 cannot hold cannot be printed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = core.run(*arguments)
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
