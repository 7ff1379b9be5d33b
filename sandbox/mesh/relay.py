"""What a cluster's pods reach on their router: their istiod, which listens on loopback, and a name server.

A socket stays in the network namespace in which it was made; so a process outside can listen inside.
"""

import argparse
import asyncio
import json
import socket
import struct
import threading
from pathlib import Path

from .network import Namespace

_CHUNK = 1 << 16
_DNS_HEADER = struct.Struct("!6H")
_A = 1


async def relay(namespace: Namespace, address: str, port: int, target: int, names: Path) -> None:
    """Carry connections to `address:port` in the namespace to `target` on loopback, and answer questions for names."""
    with namespace.inside():
        listening = socket.create_server((address, port))
        questions = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        questions.bind((address, 53))

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    threading.Thread(target=answer_questions, args=(questions, names), daemon=True).start()
    async with await asyncio.start_server(carry, sock=listening) as server:
        await server.serve_forever()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except OSError:
        pass  # one side has gone; so does the other
    finally:
        target.close()


def answer_questions(questions: socket.socket, names: Path) -> None:
    """Answer for IPv4 addresses from a JSON file of name → addresses, for ever; every other name does not exist."""
    while True:
        try:
            question, caller = questions.recvfrom(_CHUNK)
            questions.sendto(_answer(question, json.loads(names.read_text())), caller)
        except (OSError, ValueError, IndexError, struct.error):
            continue  # no question, or the file is just being written: whoever asks will ask again


def _answer(question: bytes, names: dict[str, list[str]]) -> bytes:
    """The DNS message that answers `question`, which holds one name (RFC 1035, section 4)."""
    number, *_ = _DNS_HEADER.unpack_from(question)
    name, end = _name(question)
    kind, _class = struct.unpack_from("!2H", question, end)
    addresses = names.get(name, []) if kind == _A else []
    code = 0 if name in names else 3
    header = _DNS_HEADER.pack(number, 0x8580 | code, 1, len(addresses), 0, 0)
    # each answer refers to the question's name, at offset 12, and may be kept for one second
    records = b"".join(struct.pack("!3HIH4s", 0xC00C, _A, 1, 1, 4, socket.inet_aton(a)) for a in addresses)
    return header + question[_DNS_HEADER.size : end + 4] + records


def _name(question: bytes) -> tuple[str, int]:
    labels = []
    position = _DNS_HEADER.size
    while length := question[position]:
        labels.append(question[position + 1 : position + 1 + length].decode())
        position += 1 + length
    return ".".join(labels).lower(), position + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("namespace")
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("target", type=int)
    parser.add_argument("names", type=Path)
    options = parser.parse_args()
    asyncio.run(relay(Namespace(options.namespace), options.address, options.port, options.target, options.names))


if __name__ == "__main__":
    main()
