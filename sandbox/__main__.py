"""`python -m sandbox`: clusters and the demo on this machine."""

import argparse
import shlex
import signal
import sys
from pathlib import Path

from . import demo, tools
from .clusters import CLUSTERS, Sandbox, SandboxError
from .go import ToolError
from .mesh.bed import Bed
from .mesh.network import NetworkError
from .mesh.objects import ObjectError
from .processes import StartError
from .stack import StackError

_DIRECTORY = Path(__file__).parents[1] / ".sandbox"


def main() -> int:
    """Exit code: 0, 1 if it cannot be done, 2 for wrong usage."""
    # a command that is ended in the middle cleans up as one that fails
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _parser().parse_args()
    try:
        options.command(options)
    except (NetworkError, ObjectError, SandboxError, StackError, StartError, ToolError, demo.DemoError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="API servers with Istio's schemas on this machine, and the demo that is applied to them. "
        "What they need is built from source on first use, unless it is on PATH. Go for that is fetched where it is "
        "missing.",
        epilog="Everything listens on loopback only, and stays in the sandbox's directory.",
    )
    parser.add_argument(
        "--directory", type=Path, default=_DIRECTORY, metavar="DIR", help="where the sandbox is (default: .sandbox)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start the clusters that do not run yet, and say how to use them")
    up.set_defaults(command=_up)
    up.add_argument("clusters", nargs="*", metavar="CLUSTER", help=f"their names (default: {' '.join(CLUSTERS)})")

    down = commands.add_parser("down", help="stop everything and remove all it left, the demo's state included")
    down.set_defaults(command=_down)

    variables = commands.add_parser(
        "env", help='the environment for pulumi and kubectl: eval "$(python -m sandbox env)"'
    )
    variables.set_defaults(command=_env)

    finding = commands.add_parser("tools", help="build what is neither on PATH nor built yet, and say where each is")
    finding.set_defaults(command=_tools)

    showing = commands.add_parser("demo", help="apply the stack `demo`, and show what exists then")
    showing.set_defaults(command=_demo)
    return parser


def _up(options: argparse.Namespace) -> None:
    sandbox = Sandbox.up(options.directory, options.clusters or CLUSTERS)
    for cluster in sandbox.clusters:
        print(f"{cluster} answers; its kubeconfig: {sandbox.kubeconfig_of(cluster)}")
    command = f"{shlex.quote(sys.executable)} -m sandbox --directory {shlex.quote(str(sandbox.directory))}"
    print(
        f"""
To use them from this shell, with kubectl and pulumi:

    eval "$({command} env)"
    kubectl --context {sandbox.clusters[0]} get serviceentries -A

To stop them and remove everything: make sandbox-down"""
    )


def _down(options: argparse.Namespace) -> None:
    sandbox = Sandbox(options.directory)
    Bed(sandbox).down()
    sandbox.down()
    print(f"nothing is left of the sandbox in {options.directory}")


def _env(options: argparse.Namespace) -> None:
    for name, value in Sandbox(options.directory).environment().items():
        print(f"export {name}={shlex.quote(value)}")


def _tools(_options: argparse.Namespace) -> None:
    for path in (*tools.everything(), tools.istio_crds()):
        print(path)


def _demo(options: argparse.Namespace) -> None:
    demo.run(Sandbox.up(options.directory))


if __name__ == "__main__":
    sys.exit(main())
