"""Unrelated writes, which keep an istiod from the quiet it waits for: so it waits as long as it ever does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sandbox.mesh.bed import Bed
from sandbox.mesh.objects import Objects

PATIENT = {"PILOT_DEBOUNCE_AFTER": "2s"}
"""An istiod for which only so long is quiet, not 0.1 s: or a slow machine could not disturb it."""
QUIET = 3.0
"""Seconds after which such an istiod has sent what was written before."""
_SECONDS_BETWEEN_WRITES = 0.3


@contextmanager
def noise(bed: Bed) -> Iterator[None]:
    """One write after another on each cluster while the block runs."""
    over = threading.Event()
    threads = [threading.Thread(target=_write, args=(bed.objects(cluster), over)) for cluster in bed.clusters]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _write(objects: Objects, over: threading.Event) -> None:
    for number in count():
        if over.wait(_SECONDS_BETWEEN_WRITES):
            break
        objects.apply(_unrelated(number))
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
