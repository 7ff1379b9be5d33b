"""Unrelated writes, which keep an istiod from the quiet it waits for: so it waits as long as it ever does."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from statistics import median

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from sandbox.mesh.objects import Objects
from tests.real.federation import REVIEWS

PATIENT = {"PILOT_DEBOUNCE_AFTER": "2s", "PILOT_DEBOUNCE_MAX": "8.1s"}
"""Not Istio's defaults, 0.1 and 10 s: only two seconds are quiet for such an istiod, or a slow machine could not
disturb it.

It looks only as often whether it has waited long enough, so it sends after 8.1 to 10.1 s: as late as one with the
defaults may."""
QUIET = 4.0
"""Seconds after which such an istiod has sent what was written before."""
DEBOUNCE_MAX = 10.0
"""For how long istiod waits for quiet at most, by default, in seconds."""
RATE = 150.0
_SECONDS_BETWEEN_WRITES = 0.3
_QUIET_ENOUGH = 2.0


class NotBusyError(RuntimeError):
    """The istiods found the quiet that they were to be kept from."""


@contextmanager
def busy(bed: Bed) -> Iterator[calls.Run]:
    """Requests at a steady pace, and istiods that see one unrelated write after another."""
    caller = bed.caller("cluster1/productpage")
    with noise(bed), calls.under_load(caller, REVIEWS, rate=RATE) as run:
        time.sleep(1.0)
        yield run


@contextmanager
def noise(bed: Bed) -> Iterator[None]:
    """One write after another on each cluster while the block runs; raises where istiods mostly found quiet still."""
    over = threading.Event()
    istiods = [bed.istiod(cluster) for cluster in bed.clusters]
    before = [len(istiod.pushes()) for istiod in istiods]
    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(_write, bed.objects(cluster), over) for cluster in bed.clusters]
        try:
            yield
            pushes = [istiod.pushes()[known:] for istiod, known in zip(istiods, before, strict=True)]
        finally:
            over.set()
    for writer in writers:
        writer.result()
    for pushed in pushes:
        if pushed and median(pushed) >= _QUIET_ENOUGH:
            raise NotBusyError(f"seconds of quiet before each push: {pushed}")
    if not any(pushes):
        raise NotBusyError("no istiod has told its proxies of anything")


def _write(objects: Objects, over: threading.Event) -> None:
    try:
        for number in count():
            if over.wait(_SECONDS_BETWEEN_WRITES):
                break
            objects.apply(_unrelated(number))
    finally:
        objects.delete(_unrelated(0))


def _unrelated(number: int) -> dict[str, object]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "noise", "namespace": "default"},
        "spec": {
            "hosts": [f"noise{number % 2}.example.com"],
            "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
            "resolution": "NONE",
        },
    }
