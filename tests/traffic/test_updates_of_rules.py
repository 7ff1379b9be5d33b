"""No update of a rule or a policy loses a request; `test_updates.py` has the others, and says more."""

from collections.abc import Iterator

import pytest

from sandbox.mesh.calls import Run
from tests.real.federation import LiveFederation
from tests.real.under_load import assert_nothing_is_lost, requests
from tests.real.updates import Update, of_rules

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]


@pytest.fixture(scope="module")
def load(federation: LiveFederation) -> Iterator[Run]:
    """Requests to reviews all the time, from before the first update until after the last."""
    with requests(federation) as run:
        yield run


@pytest.mark.parametrize("update", of_rules(), ids=lambda update: update.name)
def test_no_request_is_lost(update: Update, federation: LiveFederation, load: Run) -> None:
    assert_nothing_is_lost(update, federation, load)


def test_not_one_of_all_these_requests_was_lost(load: Run) -> None:
    """Also between the updates."""
    assert not load.is_over
    report = load.end()

    assert report.failures == []
    assert report.requests / report.seconds > 100
