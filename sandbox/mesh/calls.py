"""Requests from a pod of the bed, and what became of them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from .load import Failure, Report
from .network import Namespace

_REPOSITORY = Path(__file__).parents[2]


class Caller(Protocol):
    """Whoever has a network namespace: a pod, or a client outside of the mesh."""

    @property
    def namespace(self) -> Namespace: ...


class CallError(RuntimeError):
    """The requests could not even be sent."""


def send(caller: Caller, url: str, *, number: int = 1, headers: Iterable[str] = ()) -> Report:
    """`number` requests, as fast as it goes."""
    return Run(caller, url, ["--number", str(number), *_options(headers)]).report()


def at_pace(caller: Caller, url: str, *, rate: float, seconds: float, headers: Iterable[str] = ()) -> Report:
    """`rate` requests a second for `seconds`."""
    return Run(caller, url, ["--rate", str(rate), "--seconds", str(seconds), *_options(headers)]).report()


def grpc(caller: Caller, target: str, *, number: int = 1) -> dict[str, Any]:
    """`number` gRPC calls over one connection: `answers`, pod → how often, and the `last` answer."""
    report: dict[str, Any] = json.loads(_python(caller, "sandbox.mesh.grpc_calls", target, "--number", str(number)))
    return report


def _python(caller: Caller, module: str, *arguments: str) -> str:
    command = caller.namespace.command(sys.executable, "-m", module, *arguments)
    run = subprocess.run(list(map(str, command)), cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise CallError("calls failed; see above")
    return run.stdout


class Run:
    """Requests on their way, in a process of their own in the pod's namespace."""

    def __init__(self, caller: Caller, url: str, options: Sequence[str]) -> None:
        command = caller.namespace.command(sys.executable, "-m", "sandbox.mesh.load", url, *options)
        self._process = subprocess.Popen(list(map(str, command)), cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True)
        self._lines: list[str] = []
        self._was_told_to_end = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def failures(self) -> list[Failure]:
        """Those that are known so far."""
        events = map(json.loads, [*self._lines])
        return [Failure(**event) for event in events if "reason" in event]

    def end(self) -> Report:
        """Send no more; those on their way are waited for."""
        if not self.is_over:
            self._was_told_to_end = True
            self._process.terminate()
        return self.report()

    def report(self) -> Report:
        """What became of the requests, once all are answered."""
        self._reader.join()
        if self._process.returncode:
            raise CallError("requests could not be sent; see above")
        return Report.read(self._lines[-1])

    @property
    def is_over(self) -> bool:
        """Whether it sends no more, and all is answered."""
        return not self._reader.is_alive()

    @property
    def ended_by_itself(self) -> bool:
        """Whether it was over before anybody told it to `end`."""
        return self.is_over and not self._was_told_to_end

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
        self._process.wait()


@contextmanager
def under_load(
    caller: Caller, url: str, *, rate: float, at_most: float = 300.0, headers: Iterable[str] = ()
) -> Iterator[Run]:
    """`rate` requests a second while the block runs; raises if that takes longer than `at_most` seconds.

    One that is not answered within five seconds has failed.
    """
    run = Run(caller, url, ["--rate", str(rate), "--seconds", str(at_most), "--patience", "5", *_options(headers)])
    try:
        yield run
        if run.ended_by_itself:
            raise CallError(f"the requests ended after {at_most:.0f} s, before what they were to accompany")
    finally:
        run.end()


def _options(headers: Iterable[str]) -> list[str]:
    return [option for header in headers for option in ("--header", header)]
