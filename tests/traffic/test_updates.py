"""No update loses a request: requests at a steady pace while `pulumi up` changes what carries them.

istiod's longest debounce and `settleSeconds` are lowered alike here; `test_updates_at_full_length.py` has 12 seconds.
"""

import time
from collections.abc import Iterator

import pytest

from sandbox.mesh.calls import Run
from tests.given.specs import SPLIT
from tests.real.bed import GATEWAYS, reviews
from tests.real.federation import LiveFederation
from tests.real.under_load import assert_nothing_is_lost, requests
from tests.real.updates import Update, of_places
from tests.real.ways import assert_answers

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

DRAIN = 45.0
"""For so many seconds an Envoy goes on with connections that it is to close."""


@pytest.fixture(scope="module")
def load(federation: LiveFederation) -> Iterator[Run]:
    """Requests to reviews all the time, from before the first update until after the last."""
    with requests(federation) as run:
        yield run


def test_no_request_is_lost_when_the_federation_is_renamed(federation: LiveFederation, load: Run) -> None:
    with federation.renamed("bookinfo"):
        run = federation.update(reviews(*SPLIT))
        time.sleep(1.0)
        assert "replaced" not in run.output
        (route,) = federation.bed.objects("cluster1").all("networking.istio.io/v1", "VirtualService")
        assert route["metadata"]["labels"]["app.kubernetes.io/part-of"] == "bookinfo"
    time.sleep(1.0)

    assert load.failures == []


def test_the_old_address_of_a_gateway_may_go_as_soon_as_the_update_has_ended(
    federation: LiveFederation, load: Run
) -> None:
    old, new = GATEWAYS["cluster2"]
    federation.move_to(reviews(*SPLIT, gateway=old))
    before = len(load.failures)

    federation.update(reviews(*SPLIT, gateway=new))
    with federation.without_address("cluster2", old):
        time.sleep(6.0)  # longer than a request may take
        assert_answers(federation, reviews(*SPLIT))
        assert load.failures[before:] == []


@pytest.fixture(scope="module")
def ended() -> dict[str, float]:
    """Kind of update → when it had ended."""
    return {}


@pytest.mark.parametrize("update", of_places(), ids=lambda update: update.name)
def test_no_request_is_lost(update: Update, federation: LiveFederation, load: Run, ended: dict[str, float]) -> None:
    assert_nothing_is_lost(update, federation, load)
    ended[update.name] = time.monotonic()


def test_not_one_of_all_these_requests_was_lost(load: Run, ended: dict[str, float]) -> None:
    """Also between the updates, and when the gateway closed what it had drained of its latest version to go."""
    drained = ended["remove a version of the serving cluster"] + DRAIN
    time.sleep(max(0.0, drained + 1.0 - time.monotonic()))
    assert not load.is_over
    report = load.end()

    assert report.failures == []
    assert report.seconds > 2 * DRAIN
    assert report.requests / report.seconds > 100
