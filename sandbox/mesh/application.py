"""The application of a workload: says which version answered, and what it saw of the request.

Paths: `/status/500` answers with that code, `/bytes/N` sends N bytes over a few seconds, `/stream/N` sends N lines, ten
a second, `/after/N` answers after N seconds, `/fails/N/NAME` answers 503 to the first N of its requests. The gRPC port
answers every unary method with what the HTTP port would say.
"""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

_CHUNK = 1 << 14
_SECONDS_BETWEEN_CHUNKS = 0.1


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers."""

    cluster: str
    service: str
    version: str
    pod: str


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]


class Http:
    """One HTTP/1.1 port."""

    def __init__(self, identity: Identity, port: int) -> None:
        self._identity = identity
        self._port = port
        self._requests: Counter[str] = Counter()
        """Path → requests so far, where they count."""

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connection, "0.0.0.0", self._port, backlog=512)  # noqa: S104 - the pod's own namespace
        async with server:
            await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                await self._answer(request, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the caller has gone
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        _, what, *rest = request.path.split("/")
        if what in ("bytes", "stream"):
            await _send_slowly(writer, _chunks(int(rest[0]), in_lines=what == "stream"))
            return
        if what == "after":
            await asyncio.sleep(float(rest[0]))
        code = rest[0] if what == "status" else "200"
        if what == "fails":
            self._requests[request.path] += 1
            code = "503" if self._requests[request.path] <= int(rest[0]) else "200"
        body = echo(self._identity, self._port, request.path, request.headers)
        head = f"HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


def echo(identity: Identity, port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """The answer: who it is from, and the request as it arrived."""
    certificate = headers.get("x-forwarded-client-cert", "")
    callers = [part.removeprefix("URI=") for part in certificate.split(";") if part.startswith("URI=")]
    saw = {"port": port, "path": path, "host": headers.get("host", ""), "caller": callers[-1] if callers else ""}
    return json.dumps({**asdict(identity), **saw, "headers": dict(headers)}).encode()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers)


def _chunks(amount: int, *, in_lines: bool) -> list[bytes]:
    if in_lines:
        return [f"line {number}\n".encode() for number in range(amount)]
    return [b"x" * min(_CHUNK, amount - sent) for sent in range(0, amount, _CHUNK)]


async def _send_slowly(writer: asyncio.StreamWriter, chunks: list[bytes]) -> None:
    writer.write(b"HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n")
    for chunk in chunks:
        writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        await writer.drain()
        await asyncio.sleep(_SECONDS_BETWEEN_CHUNKS)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def serve_grpc(identity: Identity, port: int) -> None:
    """Answer every unary method; messages are plain bytes here."""
    import grpc  # only pods with such a port pay for it

    class Anything(grpc.GenericRpcHandler):
        def service(self, call: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
            headers = {key: str(value) for key, value in call.invocation_metadata}
            body = echo(identity, port, call.method, headers)

            async def answer(_request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
                return body

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.aio.server(handlers=(Anything(),))
    server.add_insecure_port(f"0.0.0.0:{port}")
    await server.start()
    await server.wait_for_termination()


async def serve(identity: Identity, ports: list[str]) -> None:
    """Serve on each `NUMBER:PROTOCOL`, for ever."""
    servers = []
    for port in ports:
        number, _, protocol = port.partition(":")
        if protocol == "grpc":
            servers.append(serve_grpc(identity, int(number)))
        else:
            servers.append(Http(identity, int(number)).serve())
    await asyncio.gather(*servers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for part in ("cluster", "service", "version", "pod"):
        parser.add_argument(part)
    parser.add_argument("ports", nargs="+", metavar="NUMBER:PROTOCOL")
    options = parser.parse_args()
    identity = Identity(options.cluster, options.service, options.version, options.pod)
    asyncio.run(serve(identity, options.ports))


if __name__ == "__main__":
    main()
