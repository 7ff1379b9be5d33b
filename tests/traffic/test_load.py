"""The requests that accompany an update, and what they can prove."""

import pytest

from sandbox.mesh.calls import CallError, under_load
from tests.given.specs import SPLIT
from tests.real.bed import reviews
from tests.real.federation import REVIEWS, LiveFederation

pytestmark = pytest.mark.mesh


def test_requests_that_end_before_what_they_accompany_prove_nothing(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))
    caller = federation.bed.caller("cluster1/productpage")

    with pytest.raises(CallError, match="ended after 1 s"), under_load(caller, REVIEWS, rate=100, at_most=1.0) as run:
        run.report()
