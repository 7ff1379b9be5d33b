"""`python -m sandbox.mesh`: the demo's clusters as a real mesh, on this machine."""

import argparse
import signal
import sys
import time
from pathlib import Path

from ..clusters import Sandbox, SandboxError, kubectl
from ..go import ToolError
from ..processes import StartError
from . import federated
from .bed import Bed, BedError
from .envoy import EnvoyError
from .network import NetworkError
from .objects import ObjectError
from .topology import BOOKINFO

_REPOSITORY = Path(__file__).parents[2]
_ERRORS = (BedError, EnvoyError, NetworkError, ObjectError, SandboxError, StartError, TimeoutError, ToolError)
_DEMO = _REPOSITORY / "stacks" / "Pulumi.demo.yaml"


def main() -> int:
    """Exit code: 0, 1 if it cannot be done, 2 for wrong usage."""
    # a command that is ended in the middle cleans up as one that fails
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _parser().parse_args()
    try:
        options.command(options.directory)
    except _ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.mesh",
        description="A real mesh on the sandbox's clusters: istiod for each, an Envoy sidecar beside each workload of "
        "bookinfo, and an east-west gateway for each cluster. Needs Linux, and root for network namespaces.",
        epilog="Nothing listens beyond loopback and the network namespaces that it makes.",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=_REPOSITORY / ".sandbox",
        metavar="DIR",
        help="where the sandbox is (default: .sandbox)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the clusters and the mesh, and say how to use them").set_defaults(command=_up)
    commands.add_parser(
        "down", help="stop the mesh and the clusters, and remove all they left; cleans up after a crash, too"
    ).set_defaults(command=_down)
    return parser


def _up(directory: Path) -> None:
    clusters = federated.clusters(_DEMO)
    began = time.monotonic()
    # API servers that are started anew have other ports, of which a mesh that still runs knows nothing
    ran = Sandbox(directory).is_running
    sandbox = Sandbox.up(directory, [cluster.name for cluster in clusters])
    bed = Bed(sandbox)
    if not (ran and bed.is_up):
        bed = Bed.up(sandbox, clusters, [*federated.gateways(_DEMO), *BOOKINFO])
        print(f"clusters and mesh are up after {time.monotonic() - began:.1f} s")
    for pod in bed.pods():
        print(f"  {pod.workload.cluster}  {pod.workload.namespace}/{pod.workload.pod:<28} {pod.address}")
    routes = kubectl(sandbox, clusters[0].name, "get", "virtualservices", "--all-namespaces", "--output", "name")
    split = (
        "the demo's split is in place"
        if routes.strip()
        else "reviews v1 and v2 here share the calls; `make demo` brings the split"
    )
    print(
        f"""
Send requests through it, as productpage does ({split}):

    .venv/bin/python -m sandbox.traffic --from cluster1/productpage --to reviews:9080 -n 4000

To stop it and remove everything: make mesh-down"""
    )


def _down(directory: Path) -> None:
    sandbox = Sandbox(directory)
    Bed(sandbox).down()
    sandbox.down()
    print(f"nothing is left of the mesh and its clusters in {directory}")


if __name__ == "__main__":
    sys.exit(main())
