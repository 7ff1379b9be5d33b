"""`python -m sandbox.traffic`: send requests through the mesh, and see who answers."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .clusters import Sandbox
from .mesh import calls
from .mesh.bed import Bed, BedError
from .mesh.load import Report

_DIRECTORY = Path(__file__).parents[1] / ".sandbox"
_BAR = 40


def main() -> int:
    """Exit code: 0 if every request was answered with 200, 1 if not, 2 for wrong usage."""
    options = parser().parse_args()
    bed = Bed(Sandbox(options.directory))
    try:
        caller = bed.caller(options.caller)
        url = options.to if "://" in options.to else f"http://{options.to}"
        if options.rate:
            seconds = options.number / options.rate
            report = calls.at_pace(caller, url, rate=options.rate, seconds=seconds, headers=options.header)
        else:
            report = calls.send(caller, url, number=options.number, headers=options.header)
    except (BedError, calls.CallError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{report.requests} requests from {options.caller} to {options.to} in {report.seconds:.1f} s")
    for line in summary(report):
        print(line)
    return 1 if report.failures else 0


def summary(report: Report) -> Iterator[str]:
    """Who answered, a bar each; what failed, by reason; how long it took."""
    width = max(map(len, report.answers), default=0)
    for who, number in sorted(report.answers.items(), key=lambda item: -item[1]):
        share = number / report.requests
        yield f"  {who:<{width}}  {share:>7.2%}  {'█' * round(share * _BAR)}"
    reasons = Counter(failure.reason for failure in report.failures)
    for reason, number in reasons.most_common():
        yield f"  failed: {number} × {reason}"
    if report.answers:
        yield (
            f"median {report.median * 1000:.0f} ms, 99 % within {report.slowest[-1] * 1000:.0f} ms, "
            f"slowest {report.slowest[0] * 1000:.0f} ms; {len(report.failures)} failed"
        )


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.traffic",
        description="Send requests from a workload of the mesh that `make mesh` started, and print who answered.",
        epilog="example: python -m sandbox.traffic --from cluster1/productpage --to reviews:9080 -n 4000",
    )
    parser.add_argument(
        "--from",
        dest="caller",
        required=True,
        metavar="CLUSTER/WORKLOAD",
        help="whose sidecar the requests pass through first; the bed's first pod of that name",
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="HOST:PORT[/PATH]",
        help="what is called, as the application would: reviews:9080, or a federated host",
    )
    parser.add_argument("-n", dest="number", type=_positive, default=1000, help="how many requests (default: 1000)")
    parser.add_argument(
        "--rate", type=_positive, metavar="R", help="R requests a second, rather than as fast as it goes"
    )
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="a header, repeatable")
    parser.add_argument(
        "--directory", type=Path, default=_DIRECTORY, metavar="DIR", help="where the sandbox is (default: .sandbox)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
