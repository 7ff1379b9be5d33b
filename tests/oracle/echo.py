"""An HTTP server that answers with the request as it arrived."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

ANSWER_WITH = "x-oracle-answer-with"
"""A request's header: names of headers, joined by commas, that the answer is to have."""
ARRIVED = "x-oracle-arrived"
"""The answer's header: the request as JSON."""


@contextmanager
def echo(socket: Path) -> Iterator[None]:
    """Serves at a Unix socket until left."""
    with _Server(str(socket), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        names = {name.lower() for name in self.headers}
        headers = {name: ",".join(self.headers.get_all(name, ())) for name in names}
        arrived = json.dumps({"path": self.path, "host": headers.get("host", ""), "headers": headers})
        named = "".join(f"{name}: echo\r\n" for name in headers.get(ANSWER_WITH, "").split(",") if name)
        head = f"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{ARRIVED}: {arrived}\r\n{named}\r\n"
        self.wfile.write(head.encode())

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method of HTTP is answered alike."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Nothing."""
