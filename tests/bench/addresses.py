"""Allocation: 10,000 federated hosts, in a new stack and in one that holds them all already."""

import time
from collections.abc import Callable
from ipaddress import ip_network
from statistics import median

from mesh_federation.mesh.addresses import Ledger, allocate

from tests.bench.table import Figure

HOSTS = [f"service{number}.default.svc.cluster{number % 20}.global" for number in range(10_000)]
POOL = ip_network("240.0.0.0/12")
RUNS = 9


def figures() -> list[Figure]:
    held = allocate(HOSTS, POOL, Ledger())
    return [
        Figure("10,000 new hosts", _milliseconds(lambda: allocate(HOSTS, POOL, Ledger())), "ms", aim=100),
        Figure("10,000 hosts that hold one", _milliseconds(lambda: allocate(HOSTS, POOL, held)), "ms", aim=100),
    ]


def _milliseconds(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return median(seconds) * 1000
