"""Answers that are still on their way when an update moves their route."""

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.real.bed import reviews
from tests.real.federation import LiveFederation

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

CHUNK = 1 << 14
PARTS = 300
"""Chunks or lines, ten a second: 30 seconds."""


def test_a_download_and_a_stream_that_began_before_a_swap_arrive_whole(federation: LiveFederation) -> None:
    """They take about 30 seconds; the swap is over before, and what carries them is drained for 45."""
    federation.become(reviews(("cluster2", "v3", 1)))

    with ThreadPoolExecutor() as pool:
        download = pool.submit(fetch, federation, f"/bytes/{PARTS * CHUNK}")
        stream = pool.submit(fetch, federation, f"/stream/{PARTS}")
        federation.update(reviews(("cluster1", "v1", 1)))
        assert not download.done()
        assert not stream.done()
        assert federation.answer()["version"] == "v1"

        assert download.result() == b"x" * PARTS * CHUNK
        assert stream.result().splitlines() == [f"line {number}".encode() for number in range(PARTS)]


def fetch(federation: LiveFederation, path: str) -> bytes:
    """The whole answer of reviews to productpage on cluster1."""
    services = federation.bed.objects("cluster1").all("v1", "Service")
    (address,) = (item["spec"]["clusterIP"] for item in services if is_reviews(item))
    with federation.bed.caller("cluster1/productpage").namespace.inside():
        connected = socket.create_connection((address, 9080), timeout=60)
    connection = http.client.HTTPConnection("reviews", 9080)
    connection.sock = connected
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def is_reviews(item: dict[str, Any]) -> bool:
    return (item["metadata"]["namespace"], item["metadata"]["name"]) == ("default", "reviews")
