"""Requests from a pod of the bed, and what became of them."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .load import Report
from .workload import Pod

_REPOSITORY = Path(__file__).parents[2]


class CallError(RuntimeError):
    """The requests could not even be sent."""


def send(caller: Pod, url: str, *, number: int = 1, headers: Iterable[str] = ()) -> Report:
    """`number` requests, as fast as it goes."""
    return Run(caller, url, ["--number", str(number), *_options(headers)]).report()


def at_pace(caller: Pod, url: str, *, rate: float, seconds: float, headers: Iterable[str] = ()) -> Report:
    """`rate` requests a second for `seconds`."""
    return Run(caller, url, ["--rate", str(rate), "--seconds", str(seconds), *_options(headers)]).report()


class Run:
    """Requests on their way, in a process of their own in the pod's namespace."""

    def __init__(self, caller: Pod, url: str, options: Sequence[str]) -> None:
        command = caller.namespace.command(sys.executable, "-m", "sandbox.mesh.load", url, *options)
        self._process = subprocess.Popen(list(map(str, command)), cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True)
        self._report: Report | None = None

    def end(self) -> Report:
        """Send no more; those on their way are waited for."""
        if self._report is None:
            self._process.terminate()
        return self.report()

    def report(self) -> Report:
        """What became of the requests, once all are answered."""
        if self._report is None:
            text, _ = self._process.communicate()
            if self._process.returncode:
                raise CallError("requests could not be sent; see above")
            self._report = Report.read(text)
        return self._report


@contextmanager
def under_load(caller: Pod, url: str, *, rate: float, at_most: float = 300.0) -> Iterator[Run]:
    """`rate` requests a second while the block runs, but for no longer than `at_most` seconds."""
    run = Run(caller, url, ["--rate", str(rate), "--seconds", str(at_most)])
    try:
        yield run
    finally:
        run.end()


def _options(headers: Iterable[str]) -> list[str]:
    return [option for header in headers for option in ("--header", header)]
