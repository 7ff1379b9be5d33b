"""The hardest updates with every default: 12 seconds, and istiods that are kept busy for the ten they wait at most."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed

from .federation import OVERRIDE, REVIEWS, Federation
from .noise import PATIENT, QUIET, noise
from .specs import DEBOUNCE
from .updates import Update, destinations, hardest

pytestmark = [pytest.mark.mesh, pytest.mark.alone]

RATE = 150.0
DEFAULT = 12
DEBOUNCE_MAX = 10.0


@pytest.fixture(scope="module", autouse=True)
def defaults(bed: Bed) -> Iterator[None]:
    """Istiods that wait for up to ten seconds, as they do without configuration."""
    bed.restart_istiods(PATIENT)
    yield
    bed.restart_istiods(DEBOUNCE)


@pytest.mark.parametrize("update", hardest(DEFAULT), ids=lambda update: update.name)
def test_no_request_is_lost(update: Update, federation: Federation) -> None:
    federation.become(update.before)
    federation.bed.settle(quiet=QUIET)

    with busy(federation.bed, RATE) as run:
        federation.update(update.after)
        time.sleep(DEBOUNCE_MAX + 1)

    report = run.report()
    assert report.failures == []
    assert report.requests / report.seconds > 100
    federation.bed.settle(quiet=QUIET)
    assert federation.send(200).answers.keys() == destinations(update.after)


def test_without_the_wait_requests_are_lost(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the tests above could not fail. A single swap may be lucky, so it goes to and fro at most twice."""
    swap = hardest(DEFAULT)[0]
    federation.become(swap.before)
    federation.bed.settle(quiet=QUIET)
    monkeypatch.setenv(OVERRIDE, "0")

    with busy(federation.bed, 3 * RATE) as run:
        for spec in (swap.after, swap.before) * 2:
            federation.update(spec)
            if fails_within(DEBOUNCE_MAX + 1, run):
                break

    assert run.report().failures


def fails_within(seconds: float, run: calls.Run) -> bool:
    deadline = time.monotonic() + seconds
    while not run.failures and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(run.failures)


@contextmanager
def busy(bed: Bed, rate: float) -> Iterator[calls.Run]:
    """Requests at a steady pace, and istiods that see one unrelated write after another."""
    istiod = bed.istiod("cluster1")
    before, began = istiod.pushes(), time.monotonic()
    with noise(bed), calls.under_load(bed.caller("cluster1/productpage"), REVIEWS, rate=rate) as run:
        time.sleep(1.0)
        yield run
        seconds = time.monotonic() - began
        assert istiod.pushes() - before <= seconds / (DEBOUNCE_MAX - 1) + 1, "istiod was not busy enough to wait"
