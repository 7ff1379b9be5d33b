"""What long work says of itself, on standard error: that it began, that it goes on, and that it ended."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_HEARTBEAT_SECONDS = 30.0


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@contextmanager
def heartbeat(message: Callable[[], str]) -> Iterator[None]:
    """Say `message()` every half minute while the block runs."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            say(message())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
