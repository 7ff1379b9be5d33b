"""What goes over the network between the clusters."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.mesh.bed import Bed
from tests.given.specs import SPLIT
from tests.real.bed import reviews
from tests.real.federation import LiveFederation

pytestmark = pytest.mark.mesh

MARK = "a-word-that-only-this-test-says"
FEDERATED = "reviews.default.svc.cluster2.global"
ALL_PROTOCOLS = 3


def test_whoever_dials_a_federated_host_speaks_mutual_tls(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))

    with captured(federation.bed) as packets:
        seen = federation.answer(f"http://{FEDERATED}:9080/{MARK}")

    assert (seen["cluster"], seen["path"]) == ("cluster2", f"/{MARK}")
    assert seen["caller"] == "spiffe://cluster1/ns/default/sa/bookinfo-productpage"
    assert any(b"outbound_.9080_._.reviews" in packet for packet in packets), "the server name is readable"
    assert not any(MARK.encode() in packet for packet in packets)


def test_a_port_that_the_federated_host_does_not_have_reaches_nobody(federation: LiveFederation) -> None:
    federation.become(reviews(*SPLIT))

    report = federation.send(3, f"http://{FEDERATED}:9090/{MARK}")

    assert report.answers == {}


def test_plain_text_would_have_been_captured(federation: LiveFederation) -> None:
    """Or the first test could not fail."""
    router = federation.bed.networks.router_of("cluster1")

    with captured(federation.bed) as packets:
        with router.inside():
            plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        plain.sendto(MARK.encode(), ("172.18.0.230", 9))
        plain.close()

    assert any(MARK.encode() in packet for packet in packets)


@contextmanager
def captured(bed: Bed) -> Iterator[list[bytes]]:
    """Every frame on the network between the clusters while the block runs; complete when it has ended."""
    packets: list[bytes] = []
    with bed.networks.wan.inside():
        listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    listening.settimeout(0.5)
    over = threading.Event()

    def listen() -> None:
        while True:
            try:
                packets.append(listening.recv(65535))
            except TimeoutError:
                if over.is_set():
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield packets
    finally:
        over.set()
        thread.join()
        listening.close()
