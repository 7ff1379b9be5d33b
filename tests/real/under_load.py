"""Updates under requests at a steady pace, none of which may be lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.mesh import calls
from sandbox.mesh.calls import Run
from tests.given.specs import SPLIT
from tests.real.bed import SETTLE, reviews
from tests.real.federation import REVIEWS, LiveFederation
from tests.real.noise import RATE
from tests.real.updates import Update
from tests.real.ways import assert_answers, await_ways


@contextmanager
def requests(federation: LiveFederation) -> Iterator[Run]:
    """Requests to reviews while the block runs, which are spread over two clusters at first."""
    federation.become(reviews(*SPLIT))
    with calls.under_load(federation.bed.caller("cluster1/productpage"), REVIEWS, rate=RATE, at_most=2400) as run:
        yield run


def assert_nothing_is_lost(update: Update, federation: LiveFederation, load: Run) -> None:
    """Do it; once all proxies have taken it, no request has failed, and all go where it says."""
    federation.move_to(update.before)
    before = len(load.failures)

    federation.update(update.after)
    federation.bed.settle()

    assert load.failures[before:] == []
    await_ways(federation, update.after, within=SETTLE)
    assert_answers(federation, update.after)
