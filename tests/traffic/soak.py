"""`python -m tests.traffic.soak`: every kind of update, again and again, at the default of 12 s: the README's table.

The last kind does without the wait, to show what that costs; its losses are counted apart and fail nothing.
"""

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed, sandbox_for_beds
from sandbox.mesh.load import Report
from sandbox.mesh.topology import BedCluster
from tests.given.specs import SPLIT, Spec
from tests.real.bed import CALLERS, GATEWAYS, WORKLOADS, reviews
from tests.real.federation import REVIEWS, LiveFederation
from tests.real.noise import DEBOUNCE_MAX, PATIENT, QUIET, RATE, busy
from tests.real.stack import Stack
from tests.real.updates import Update, hardest, updates

SETTLE = 12
RENAME = "rename the federation, with an alias"
UNWAITED = "swap every version in one step, without the wait"
ENOUGH = 100.0
"""Requests a second, without which an update has proved nothing."""

Results = dict[tuple[str, bool], list[Report]]
"""(kind of update, whether the istiods were busy) → one report for each time."""


@dataclass(frozen=True)
class Kind:
    """A kind of update: what is so before, and how the update is made."""

    name: str
    before: Spec
    update: Callable[[LiveFederation], object]


def main() -> int:
    """Exit code: 0, 1 if a request was lost or there were too few, 2 for wrong usage."""
    kinds = [*map(_waited, updates(SETTLE)), _rename(), _unwaited()]
    options = _parser(kinds).parse_args()
    chosen = [kind for kind in kinds if any(text in kind.name for text in options.only or [""])]
    if not chosen:
        names = "\n".join(f"  {kind.name}" for kind in kinds)
        print(f"--only {' '.join(map(repr, options.only))} is in none of these:\n{names}", file=sys.stderr)
        return 2
    # a run that is ended in the middle cleans up, and prints what it has
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results: Results = defaultdict(list)
    try:
        side_by_side(chosen, options.meshes, options.rounds, results)
    finally:
        keys = [(kind.name, is_busy) for kind in chosen for is_busy in (False, True)]
        for line in table({key: results[key] for key in keys if key in results}):
            print(line)
    judged = [report for (name, _), reports in results.items() if name != UNWAITED for report in reports]
    return 1 if any(report.failures or is_thin(report) for report in judged) else 0


def _parser(kinds: list[Kind]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.traffic.soak",
        description="Updates of every kind at the default of 12 s, each under 150 requests a second: in each round\n"
        "once on idle and once on busy istiods. Prints what was lost as it goes, and a table at the\n"
        "end. What the last kind loses is counted apart and fails nothing. Five rounds take\n"
        "hours on one mesh, a single kind about 80 seconds in each round.",
        epilog="kinds of update, in the order of a round:\n" + "\n".join(f"  {kind.name}" for kind in kinds),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many rounds (default: 5)")
    parser.add_argument(
        "--meshes",
        type=int,
        default=1,
        metavar="N",
        help="over how many meshes the kinds are spread; two cores carry three, with 2 GB each (default: 1)",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="TEXT",
        help="only the kinds of update whose name contains this; may be repeated (default: all)",
    )
    return parser


def _waited(update: Update) -> Kind:
    return Kind(update.name, update.before, lambda federation: federation.update(update.after))


def _rename() -> Kind:
    bookinfo = reviews(*SPLIT, settle=SETTLE)

    def there_and_back(federation: LiveFederation) -> None:
        with federation.renamed("bookinfo"):
            federation.update(bookinfo)

    return Kind(RENAME, bookinfo, there_and_back)


def _unwaited() -> Kind:
    swap = hardest(SETTLE)[0]
    return Kind(UNWAITED, swap.before, lambda federation: federation.hurry(swap.after))


def side_by_side(kinds: list[Kind], meshes: int, rounds: int, results: Results) -> None:
    """Soak the kinds on so many meshes, each of which gets neighbours: many begin where the one before ended."""
    size = -(-len(kinds) // meshes)
    shares = [kinds[start : start + size] for start in range(0, len(kinds), size)]
    over = threading.Event()
    with ExitStack() as leaving:
        directory = Path(leaving.enter_context(tempfile.TemporaryDirectory()))
        federations = [leaving.enter_context(federation(directory / f"mesh{number}")) for number in range(len(shares))]
        pool = leaving.enter_context(ThreadPoolExecutor(len(shares)))
        leaving.callback(over.set)
        soaks = [pool.submit(soak, *each, rounds, results, over) for each in zip(federations, shares, strict=True)]
        for ended in as_completed(soaks):
            ended.result()


def soak(federation: LiveFederation, kinds: list[Kind], rounds: int, results: Results, over: threading.Event) -> None:
    """So many rounds on one mesh; none is begun any more, and no other update, once all is `over`."""
    for number in range(1, rounds + 1):
        for is_busy in (False, True):
            federation.bed.restart_istiods(PATIENT if is_busy else {})
            for kind in kinds:
                if over.is_set():
                    return
                federation.become(kind.before)
                federation.bed.settle(quiet=QUIET)
                reports = results[kind.name, is_busy]
                with reported(reports, federation, is_busy=is_busy):
                    kind.update(federation)
                state = "busy" if is_busy else "idle"
                print(f"{number} {state}: {kind.name}: {_lost(reports[-1:])} failed", flush=True)
                for reason, times in Counter(failure.reason for failure in reports[-1].failures).items():
                    print(f"  {times} × {reason}", flush=True)


@contextmanager
def federation(directory: Path) -> Iterator[LiveFederation]:
    """A bed whose istiods are as Istio ships them, and a stack on it."""
    with sandbox_for_beds(directory / "sandbox", GATEWAYS) as sandbox:
        bed = Bed.up(sandbox, [BedCluster(name, accepts=CALLERS[name]) for name in GATEWAYS], WORKLOADS)
        yield LiveFederation(bed, Stack(directory / "stack", sandbox.environment()))


@contextmanager
def reported(reports: list[Report], federation: LiveFederation, *, is_busy: bool) -> Iterator[None]:
    """Requests during the block, and for as long afterwards as istiod may take to tell its proxies; adds a report."""
    caller = federation.bed.caller("cluster1/productpage")
    with busy(federation.bed) if is_busy else calls.under_load(caller, REVIEWS, rate=RATE) as run:
        try:
            time.sleep(1.0)
            yield
            time.sleep(DEBOUNCE_MAX + 2 if is_busy else 2.0)
        finally:
            reports.append(run.end())


def is_thin(report: Report) -> bool:
    return report.requests < ENOUGH * report.seconds


def table(results: Results) -> Iterator[str]:
    """Markdown: failed requests of all requests, for each kind of update; apart from it, what no wait costs."""
    waited = {key: reports for key, reports in results.items() if key[0] != UNWAITED}
    if waited:
        yield "| update | idle istiods | busy istiods |"
        yield "|---|---|---|"
        for name in dict.fromkeys(name for name, _ in waited):
            yield f"| {name} | {_cell(waited.get((name, False), []))} | {_cell(waited.get((name, True), []))} |"
        yield f"| all | {_cell(_all(waited, is_busy=False))} | {_cell(_all(waited, is_busy=True))} |"
    for is_busy in (False, True):
        if reports := results.get((UNWAITED, is_busy)):
            lost = [len(report.failures) for report in reports]
            state = "busy" if is_busy else "idle"
            yield f"{UNWAITED}, {state}: {sum(map(bool, lost))} of {len(lost)} swaps lost requests: {lost}"


def _all(results: Results, *, is_busy: bool) -> list[Report]:
    return [report for (_, was_busy), reports in results.items() for report in reports if was_busy == is_busy]


def _cell(reports: list[Report]) -> str:
    return f"{_lost(reports)} in {len(reports)} updates"


def _lost(reports: list[Report]) -> str:
    failed = sum(len(report.failures) for report in reports)
    thin = f" (**under {ENOUGH:.0f} a second**)" if any(map(is_thin, reports)) else ""
    return f"{failed} of {sum(report.requests for report in reports):,}{thin}"


if __name__ == "__main__":
    sys.exit(main())
