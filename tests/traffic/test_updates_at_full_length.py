"""The hardest updates at the default of 12 seconds, on istiods that are kept busy for the ten that they may wait.

These wait for up to ten seconds, as Istio's own do, but are easier to keep from quiet: see `noise.PATIENT`.
"""

import time
from collections.abc import Iterator

import pytest

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from tests.real.bed import DEBOUNCE
from tests.real.federation import LiveFederation
from tests.real.noise import DEBOUNCE_MAX, PATIENT, QUIET, busy
from tests.real.updates import Update, hardest
from tests.real.ways import assert_answers, await_ways

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

DEFAULT = 12


@pytest.fixture(scope="module", autouse=True)
def patient(bed: Bed) -> Iterator[None]:
    bed.restart_istiods(PATIENT)
    yield
    bed.restart_istiods(DEBOUNCE)


@pytest.mark.parametrize("update", hardest(DEFAULT), ids=lambda update: update.name)
def test_no_request_is_lost(update: Update, federation: LiveFederation) -> None:
    federation.become(update.before)
    federation.bed.settle(quiet=QUIET)

    with busy(federation.bed) as run:
        federation.update(update.after)
        await_ways(federation, update.after, within=DEBOUNCE_MAX + 5)
        time.sleep(1.0)

    report = run.report()
    assert report.failures == []
    assert report.requests / report.seconds > 100
    federation.bed.settle(quiet=QUIET)
    assert_answers(federation, update.after)


def test_without_the_wait_requests_are_lost(federation: LiveFederation) -> None:
    """Or the tests above could not fail. A single swap may be lucky, so it goes to and fro at most three times."""
    swap = hardest(DEFAULT)[0]
    federation.become(swap.before)
    federation.bed.settle(quiet=QUIET)

    with busy(federation.bed) as run:
        for spec in (swap.after, swap.before) * 3:
            federation.hurry(spec)
            if loses(run, within=DEBOUNCE_MAX + 1):
                break

    assert loses(run, within=0)


def loses(run: calls.Run, *, within: float) -> bool:
    """Whether a proxy refuses a request because it lacks what the route needs."""
    deadline = time.monotonic() + within
    while not (lost := any(failure.reason.startswith("503") for failure in run.failures)):
        if time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    return lost
