"""Requests, many or at a steady pace, from where this runs: `calls.py` runs it in a pod's namespace.

Prints every failure at once, a line of JSON each, and a `Report` as the last line. Ends early, in order, on SIGTERM.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

_MOST_AT_ONCE = 500
_STALL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that was not answered with 200."""

    at: float
    """Seconds since the epoch when it was sent."""
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Stall:
    """An answer that took more than half a second."""

    at: float
    """Seconds since the epoch when the request was sent."""
    seconds: float


@dataclass(slots=True)
class Report:
    """What became of all requests."""

    requests: int = 0
    seconds: float = 0.0
    """How long requests were sent."""
    answers: dict[str, int] = field(default_factory=dict)
    """Who answered (`v3 on cluster2`) → how often."""
    pods: dict[str, int] = field(default_factory=dict)
    """Which pod answered (`cluster2/reviews-v3-0`) → how often."""
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Who answered → the latest answer itself."""
    first_answer: float | None = None
    """Seconds since the epoch when the first answer came."""
    failures: list[Failure] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    median: float = 0.0
    slowest: list[float] = field(default_factory=list)
    """The seconds that the slowest hundredth of the answers took, the slowest first."""

    @classmethod
    def read(cls, line: str) -> "Report":
        stored = json.loads(line)
        failures = [Failure(**failure) for failure in stored["failures"]]
        stalls = [Stall(**stall) for stall in stored["stalls"]]
        return cls(**{**stored, "failures": failures, "stalls": stalls})


@dataclass(frozen=True, slots=True)
class Target:
    """What every request asks for."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), parts.port or 80

    @property
    def message(self) -> bytes:
        parts = urlsplit(self.url)
        headers = {"host": parts.netloc, **dict(self.headers)}
        lines = [f"GET {parts.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()


class Load:
    """Sends requests over connections that are kept and used again, as an application would."""

    def __init__(self, target: Target, patience: float) -> None:
        self._target = target
        self._patience = patience
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._answers: Counter[str] = Counter()
        self._pods: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._report = Report()

    async def burst(self, number: int, at_once: int) -> Report:
        """`number` requests, `at_once` of them on their way at any time."""
        left = iter(range(number))

        async def send() -> None:
            for _ in left:
                await self._request()

        return await self._all([send() for _ in range(at_once)])

    async def pace(self, rate: float, seconds: float, stop: asyncio.Event) -> Report:
        """`rate` requests a second, however long each of them takes, for `seconds` or until `stop`."""
        began = time.monotonic()
        sent: set[asyncio.Task[None]] = set()
        while not stop.is_set() and (number := self._report.requests + len(sent)) < rate * seconds:
            if len(sent) >= _MOST_AT_ONCE:
                await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
                continue
            if (wait := began + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._request())
            sent.add(task)
            task.add_done_callback(sent.discard)
        self._report.seconds = time.monotonic() - began
        await asyncio.gather(*sent)
        return self._finished()

    async def _all(self, senders: list[Any]) -> Report:
        began = time.monotonic()
        await asyncio.gather(*senders)
        self._report.seconds = time.monotonic() - began
        return self._finished()

    async def _request(self) -> None:
        at, began = time.time(), time.monotonic()
        try:
            status, body = await asyncio.wait_for(self._exchange(), self._patience)
            reason = "" if status == 200 else f"{status} {body.decode(errors='replace')[:200]}".strip()
            answer = {} if reason else json.loads(body)
            who = "" if reason else f"{answer['version']} on {answer['cluster']}"
        except TimeoutError:
            reason = f"no answer within {self._patience:.0f} s"
        except Exception as error:  # noqa: BLE001 - whatever it was, this request has no answer
            reason = f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - began
        self._report.requests += 1
        if reason:
            failure = Failure(at, seconds, reason)
            self._report.failures.append(failure)
            print(json.dumps(asdict(failure)), flush=True)
            return
        self._seconds.append(seconds)
        self._report.first_answer = self._report.first_answer or time.time()
        if seconds > _STALL_SECONDS:
            self._report.stalls.append(Stall(at, seconds))
        self._answers[who] += 1
        self._pods[f"{answer['cluster']}/{answer['pod']}"] += 1
        self._report.samples[who] = answer

    async def _exchange(self) -> tuple[int, bytes]:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self._target.place)
        try:
            writer.write(self._target.message)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            first, *lines = head.rstrip("\r\n").split("\r\n")
            headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            raise
        if headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(first.split(" ")[1]), body

    def _finished(self) -> Report:
        ordered = sorted(self._seconds, reverse=True)
        self._report.answers = dict(self._answers.most_common())
        self._report.pods = dict(self._pods.most_common())
        self._report.slowest = ordered[: max(1, len(ordered) // 100)]
        self._report.median = ordered[len(ordered) // 2] if ordered else 0.0
        for _, writer in self._idle:
            writer.close()
        return self._report


async def run(options: argparse.Namespace) -> Report:
    headers = [tuple(header.split(":", 1)) for header in options.header]
    target = Target(options.url, tuple((name.strip(), value.strip()) for name, value in headers))
    load = Load(target, options.patience)
    if options.rate is None:
        return await load.burst(options.number, options.at_once)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await load.pace(options.rate, options.seconds, stop)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--patience", type=float, default=30.0, help="seconds after which a request has failed")
    parser.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    print(json.dumps(asdict(asyncio.run(run(parser.parse_args())))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
