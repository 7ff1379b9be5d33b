"""Unary gRPC calls over one connection, from where this runs.

Prints who answered (pod → how often), and the last answer.
"""

import argparse
import asyncio
import json
from collections import Counter
from typing import Any

import grpc

_PATIENCE_SECONDS = 120.0


async def call(target: str, number: int) -> dict[str, Any]:
    answers: Counter[str] = Counter()
    last: dict[str, Any] = {}
    async with grpc.aio.insecure_channel(target) as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/bookinfo.Details/Get")
        for _ in range(number):
            last = json.loads(await method(b"", timeout=_PATIENCE_SECONDS, wait_for_ready=True))
            answers[last["pod"]] += 1
    return {"answers": dict(answers), "last": last}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", metavar="HOST:PORT")
    parser.add_argument("--number", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(call(options.target, options.number))))


if __name__ == "__main__":
    main()
