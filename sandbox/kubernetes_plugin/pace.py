"""How fast requests may follow one another."""

import threading
import time


class Pace:
    """A bucket of `burst` requests that fills by `per_second`; who finds it empty waits for his turn."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._filled = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._left = min(self._burst, self._left + (now - self._filled) * self._per_second) - 1
            self._filled = now
            delay = -self._left / self._per_second
        if delay > 0:
            time.sleep(delay)
