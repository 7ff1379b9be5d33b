"""The hardest updates with every default: 12 seconds, and istiods that are kept busy for the ten they wait at most."""

import time
from collections.abc import Iterator

import pytest

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed

from .federation import REVIEWS, Federation
from .noise import noise
from .specs import DEBOUNCE
from .updates import Update, hardest

pytestmark = pytest.mark.mesh

RATE = 150.0
DEFAULT = 12
DEBOUNCE_MAX = 10.0


@pytest.fixture(scope="module", autouse=True)
def busy(bed: Bed) -> Iterator[None]:
    """Istiods as they are without configuration, that see an unrelated write every 50 ms."""
    bed.restart_istiods({})
    with noise(bed):
        yield
    bed.restart_istiods(DEBOUNCE)


@pytest.mark.parametrize("update", hardest(DEFAULT), ids=lambda update: update.name)
def test_no_request_is_lost(update: Update, federation: Federation) -> None:
    federation.become(update.before)
    time.sleep(DEBOUNCE_MAX + 1)

    with calls.under_load(federation.bed.caller("cluster1/productpage"), REVIEWS, rate=RATE) as run:
        time.sleep(1.0)
        federation.update(update.after)
        time.sleep(DEBOUNCE_MAX + 1)

    report = run.report()
    assert report.failures == []
    assert report.requests / report.seconds > 100


def test_without_the_wait_requests_are_lost(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the tests above could not fail. A single swap may be lucky, so it goes to and fro at most twice."""
    swap = hardest(DEFAULT)[0]
    federation.become(swap.before)
    monkeypatch.setenv("MESH_SETTLE_SECONDS", "0")

    with calls.under_load(federation.bed.caller("cluster1/productpage"), REVIEWS, rate=3 * RATE) as run:
        for spec in (swap.after, swap.before) * 2:
            federation.update(spec)
            time.sleep(DEBOUNCE_MAX + 1)
            if run.failures:
                break

    assert run.report().failures
