"""`python -m tests.traffic.soak`: every kind of update, again and again, at the default of 12 s: the README's table."""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.clusters import Sandbox
from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from sandbox.mesh.load import Report
from sandbox.mesh.topology import MeshCluster
from tests.engine.stack import Stack

from .federation import REVIEWS, Federation
from .noise import DEBOUNCE_MAX, PATIENT, QUIET, RATE, busy
from .specs import ARTICLE, CALLERS, GATEWAYS, WORKLOADS, reviews
from .updates import updates

SETTLE = 12
RENAME = "rename the federation, with an alias"

Results = dict[tuple[str, bool], list[Report]]
"""(kind of update, whether the istiods were busy) → one report for each time."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.traffic.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often, idle and busy each (default: 5)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the kinds of update whose name contains it")
    options = parser.parse_args()
    kinds = [RENAME, *(update.name for update in updates())]
    if not any(options.only in kind for kind in kinds):
        parser.error(f"--only {options.only!r} is in none of: {', '.join(kinds)}")
    # a run that is ended in the middle cleans up, and prints what it has
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results: Results = defaultdict(list)
    try:
        with tempfile.TemporaryDirectory() as directory, federation(Path(directory)) as found:
            soak(found, options.rounds, options.only, results)
    finally:
        for line in table(results):
            print(line)
    return 1 if any(report.failures for reports in results.values() for report in reports) else 0


def soak(found: Federation, rounds: int, only: str, results: Results) -> None:
    for number in range(1, rounds + 1):
        for is_busy in (False, True):
            found.bed.restart_istiods(PATIENT if is_busy else {})
            for name, report in one_round(found, only, is_busy=is_busy):
                results[name, is_busy].append(report)
                state = "busy" if is_busy else "idle"
                print(f"{number} {state}: {name}: {len(report.failures)} of {report.requests} failed", flush=True)
                for reason, times in Counter(failure.reason for failure in report.failures).items():
                    print(f"  {times} × {reason}", flush=True)


@contextmanager
def federation(directory: Path) -> Iterator[Federation]:
    """A bed whose istiods are as Istio ships them, and a stack on it."""
    sandbox = Sandbox.up(directory / "sandbox", [*GATEWAYS])
    try:
        bed = Bed.up(sandbox, [MeshCluster(name, accepts=CALLERS[name]) for name in GATEWAYS], WORKLOADS)
        yield Federation(bed, Stack(directory / "stack", sandbox.environment()))
    finally:
        Bed(sandbox).down()
        sandbox.down()


def one_round(found: Federation, only: str, *, is_busy: bool) -> Iterator[tuple[str, Report]]:
    for update in updates(SETTLE):
        if only in update.name:
            found.become(update.before)
            found.bed.settle(quiet=QUIET)
            with under_load(found, is_busy=is_busy) as run:
                found.update(update.after)
            yield update.name, run.report()
    if only in RENAME:
        article = reviews(*ARTICLE, settle=SETTLE)
        found.become(article)
        found.bed.settle(quiet=QUIET)
        with under_load(found, is_busy=is_busy) as run, found.renamed("bookinfo"):
            found.update(article)
        yield RENAME, run.report()


@contextmanager
def under_load(found: Federation, *, is_busy: bool) -> Iterator[calls.Run]:
    """Requests during the block, and for as long afterwards as istiod may take to tell its proxies."""
    caller = found.bed.caller("cluster1/productpage")
    with busy(found.bed) if is_busy else calls.under_load(caller, REVIEWS, rate=RATE) as run:
        time.sleep(1.0)
        yield run
        time.sleep(DEBOUNCE_MAX + 1 if is_busy else 2.0)


def table(results: Results) -> Iterator[str]:
    """Markdown: failed requests of all requests, for each kind of update."""
    yield "| update | idle istiods | busy istiods |"
    yield "|---|---|---|"
    for name in dict.fromkeys(name for name, _ in results):
        yield f"| {name} | {_cell(results[name, False])} | {_cell(results[name, True])} |"
    yield f"| all | {_cell(_all(results, is_busy=False))} | {_cell(_all(results, is_busy=True))} |"


def _all(results: Results, *, is_busy: bool) -> list[Report]:
    return [report for (_, was_busy), reports in results.items() for report in reports if was_busy == is_busy]


def _cell(reports: list[Report]) -> str:
    failed = sum(len(report.failures) for report in reports)
    return f"{failed} of {sum(report.requests for report in reports):,} in {len(reports)} updates"


if __name__ == "__main__":
    sys.exit(main())
