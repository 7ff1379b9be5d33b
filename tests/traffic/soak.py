"""`python -m tests.traffic.soak`: every kind of update, again and again, at the default of 12 s: the README's table."""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox.clusters import Sandbox
from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from sandbox.mesh.load import Report
from sandbox.mesh.topology import MeshCluster
from tests.engine.stack import Stack

from .federation import REVIEWS, Federation
from .noise import PATIENT, QUIET, noise
from .specs import ARTICLE, CALLERS, GATEWAYS, WORKLOADS, reviews
from .updates import updates

RATE = 150.0
SETTLE = 12
DEBOUNCE_MAX = 10.0
"""istiod's own default, in seconds."""
RENAME = "rename the federation, with an alias"

Results = dict[tuple[str, bool], list[Report]]
"""(kind of update, whether the istiods were busy) → one report for each time."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.traffic.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often, idle and busy each (default: 5)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the kinds of update whose name contains it")
    options = parser.parse_args()
    results: Results = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, federation(Path(directory)) as found:
        for number in range(1, options.rounds + 1):
            for busy in (False, True):
                found.bed.restart_istiods(PATIENT if busy else {})
                for name, report in one_round(found, options.only, busy=busy):
                    results[name, busy].append(report)
                    state = "busy" if busy else "idle"
                    print(f"{number} {state}: {name}: {len(report.failures)} of {report.requests} failed", flush=True)
                    for reason, times in Counter(failure.reason for failure in report.failures).items():
                        print(f"  {times} × {reason}", flush=True)
    for line in table(results):
        print(line)
    return 1 if any(report.failures for reports in results.values() for report in reports) else 0


@contextmanager
def federation(directory: Path) -> Iterator[Federation]:
    """A bed whose istiods are as Istio ships them, and a stack on it."""
    sandbox = Sandbox.up(directory / "sandbox", [*GATEWAYS])
    try:
        bed = Bed.up(sandbox, [MeshCluster(name, accepts=CALLERS[name]) for name in GATEWAYS], WORKLOADS)
        yield Federation(bed, Stack(directory / "stack", sandbox.environment()))
        bed.down()
    finally:
        sandbox.down()


def one_round(found: Federation, only: str, *, busy: bool) -> Iterator[tuple[str, Report]]:
    for update in updates(SETTLE):
        if only in update.name:
            found.become(update.before)
            found.bed.settle(quiet=QUIET)
            with under_load(found, busy=busy) as run:
                found.update(update.after)
            yield update.name, run.report()
    if only in RENAME:
        article = reviews(*ARTICLE, settle=SETTLE)
        found.become(article)
        found.bed.settle(quiet=QUIET)
        with under_load(found, busy=busy) as run, found.renamed("bookinfo"):
            found.update(article)
        yield RENAME, run.report()


@contextmanager
def under_load(found: Federation, *, busy: bool) -> Iterator[calls.Run]:
    """Requests during the block, and for as long afterwards as istiod may take to tell its proxies."""
    caller = found.bed.caller("cluster1/productpage")
    with noise(found.bed) if busy else ExitStack(), calls.under_load(caller, REVIEWS, rate=RATE) as run:
        time.sleep(1.0)
        yield run
        time.sleep(DEBOUNCE_MAX + 1 if busy else 2.0)


def table(results: Results) -> Iterator[str]:
    """Markdown: failed requests of all requests, for each kind of update."""
    yield "| update | idle istiods | busy istiods |"
    yield "|---|---|---|"
    for name in dict.fromkeys(name for name, _ in results):
        yield f"| {name} | {_cell(results[name, False])} | {_cell(results[name, True])} |"
    yield f"| all | {_cell(_all(results, busy=False))} | {_cell(_all(results, busy=True))} |"


def _all(results: Results, *, busy: bool) -> list[Report]:
    return [report for (_, was_busy), reports in results.items() for report in reports if was_busy == busy]


def _cell(reports: list[Report]) -> str:
    failed = sum(len(report.failures) for report in reports)
    return f"{failed} of {sum(report.requests for report in reports):,} in {len(reports)} updates"


if __name__ == "__main__":
    sys.exit(main())
