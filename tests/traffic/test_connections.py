"""Connections between clusters are kept: they lead to new pods after a while, and nobody on the way forgets them."""

import http.client
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox.mesh.topology import GATEWAY_PORT, Workload
from tests.given.specs import SPLIT, Spec, rule, service
from tests.real.bed import reviews
from tests.real.federation import LiveFederation

pytestmark = [pytest.mark.mesh, pytest.mark.quiet]

NEW = [Workload("cluster2", "productpage", version) for version in ("v2", "v3", "v4")]
WITHIN = 12.0
CALLERS = 10


def test_pods_that_join_on_another_cluster_take_their_part_of_the_load_within_twelve_seconds(
    federation: LiveFederation,
) -> None:
    federation.become(to_productpage())
    with busy_callers(federation) as answers:
        time.sleep(1.0)
        assert {version for _, version in answers} == {"v1"}
        federation.bed.start(*NEW)
        try:
            joined = time.monotonic()
            time.sleep(WITHIN)
        finally:
            federation.bed.stop(*NEW)

    lately = Counter(version for at, version in answers if WITHIN - 4.0 < at - joined < WITHIN)
    assert all(lately[pod.version] >= 0.1 * lately.total() for pod in NEW), lately


def test_an_idle_connection_to_a_gateway_is_probed_before_a_load_balancer_forgets_it(
    federation: LiveFederation,
) -> None:
    federation.become(reviews(*SPLIT))
    federation.send(20)

    connections = idle_connections(federation)

    # Linux alone would begin at 119min
    timers = re.findall(r"timer:\(keepalive,(?:(\d+)sec|[\d.]+ms)?,", connections)
    assert len(timers) == len(connections.splitlines()) > 0, connections
    assert all(int(seconds or 0) <= 30 for seconds in timers)


def idle_connections(federation: LiveFederation) -> str:
    """Those of the caller to gateways, a line each, once the other end has taken all that was sent on them."""
    caller = federation.bed.caller("cluster1/productpage").namespace
    command = ("ss", "--tcp", "--no-header", "--numeric", "--options", f"( dport = :{GATEWAY_PORT} )")
    deadline = time.monotonic() + 5.0
    while "timer:(on," in (connections := caller.run(*command)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return connections


def to_productpage() -> Spec:
    """All calls to productpage go to any pod on cluster2."""
    spec = reviews(*SPLIT)
    called = {**rule("productpage.default", ["cluster1"]), "http": [{"route": [{"cluster": "cluster2"}]}]}
    return {
        **spec,
        "services": [*spec["services"], service("productpage", cluster1=["v1"], cluster2=["v1"])],
        "traffic": [*spec["traffic"], called],
    }


@contextmanager
def busy_callers(federation: LiveFederation) -> Iterator[list[tuple[float, str]]]:
    """Callers on cluster1, one call each at any time over a connection of its own: (when, version that answered)."""
    answers: list[tuple[float, str]] = []
    over = threading.Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(call, federation, over, answers) for _ in range(CALLERS)]
        try:
            yield answers
        finally:
            over.set()
    for caller in callers:
        caller.result()


def call(federation: LiveFederation, over: threading.Event, answers: list[tuple[float, str]]) -> None:
    """One call after the other until it is over; a pod that is still starting answers with an error."""
    address = address_of_productpage(federation)
    with federation.bed.caller("cluster1/productpage").namespace.inside():
        connected = socket.create_connection((address, 9080), timeout=10)
    connection = http.client.HTTPConnection("productpage", 9080)
    connection.sock = connected
    while not over.is_set():
        connection.request("GET", "/")
        with connection.getresponse() as answer:
            body = answer.read()
            if answer.status == 200:
                answers.append((time.monotonic(), json.loads(body)["version"]))
    connection.close()


def address_of_productpage(federation: LiveFederation) -> str:
    services: list[dict[str, Any]] = federation.bed.objects("cluster1").all("v1", "Service")
    names = {item["metadata"]["name"]: item for item in services if item["metadata"]["namespace"] == "default"}
    return str(names["productpage"]["spec"]["clusterIP"])
