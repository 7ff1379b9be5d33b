"""`python -m tests.bench` measures what the README quotes; `python -m tests.bench plan|addresses|up|mesh` a part."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial

from tests.bench import addresses, mesh, plan, up
from tests.bench.table import Figure, table

BENCHES: dict[str, list[tuple[str, Callable[[], list[Figure]]]]] = {
    "plan": [
        (f"plan, {plan.CLUSTERS} clusters × {plan.SERVICES:,} services", partial(plan.measure, "shares")),
        ("the same, each share names a version", partial(plan.measure, "versions")),
        ("the same, each rule has two entries with retries", partial(plan.measure, "entries")),
        ("two entries with retries, a policy and a failover for each service", partial(plan.measure, "failover")),
    ],
    "addresses": [("allocate", addresses.figures)],
    "up": [("pulumi on two API servers, settleSeconds 0", up.figures)],
    "mesh": [("a mesh of two clusters, tools built", mesh.figures)],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 if an aim was missed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="|".join(BENCHES), help="all by default")
    chosen = parser.parse_args(arguments).which or list(BENCHES)
    if unknown := [which for which in chosen if which not in BENCHES]:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n", flush=True)
    met = True
    for which in chosen:
        for title, measure in BENCHES[which]:
            figures = measure()
            met = met and all(figure.is_met for figure in figures)
            print(table(title, figures), end="\n\n", flush=True)
    return 0 if met else 1


sys.exit(main())
