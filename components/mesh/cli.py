"""The pure core as a command: no engine, no cluster."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import names
from .addresses import AllocationError, Ledger, allocate
from .adopt import Stack, adopt, found_objects
from .errors import MeshError, Problem, SpecError
from .parse import parse
from .plan import Plan, federated_hosts, plan
from .render import render
from .spec import Federation
from .stack_file import read


class Loaded(NamedTuple):
    """A stack file that has no problem."""

    path: Path
    federation: Federation


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, 1 if there are problems, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    loaded: list[Loaded] = []
    problems = 0
    for path in options.stack_files:
        try:
            loaded.append(Loaded(path, parse(read(path))))
        except SpecError as error:
            for problem in error.problems:
                print(f"{path}: {problem}", file=sys.stderr)
            problems += len(error.problems)
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            problems += 1
    if problems:
        return 1
    try:
        options.command(loaded, options)
    except (MeshError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mesh-federation",
        description="Traffic between Istio clusters: what a stack file means, without an engine and without a cluster.",
        epilog="Exit code 1 means problems, 2 wrong usage.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="report every problem of the stack files")
    check.set_defaults(command=_check)
    check.add_argument("stack_files", nargs="+", type=Path, metavar="stacks/Pulumi.<env>.yaml")

    rendering = commands.add_parser("render", help="write every object of every cluster as YAML")
    rendering.set_defaults(command=_render)
    rendering.add_argument("stack_files", nargs=1, type=Path, metavar="stacks/Pulumi.<env>.yaml")
    rendering.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="DIR/<cluster>/<kind>-<ns>-<name>.yaml"
    )
    rendering.add_argument(
        "--addresses",
        type=Path,
        metavar="FILE",
        help="the output of `pulumi stack output addresses --json`; without it, as a new stack would give them",
    )
    _add_name(rendering)

    adoption = commands.add_parser("adopt", help="write a file for `pulumi import`, for objects that exist already")
    adoption.set_defaults(command=_adopt)
    adoption.add_argument("stack_files", nargs=1, type=Path, metavar="stacks/Pulumi.<env>.yaml")
    adoption.add_argument(
        "--state", required=True, type=Path, metavar="FILE", help="the output of `pulumi stack export`"
    )
    adoption.add_argument("--stack", metavar="NAME", help="the stack's name; default: from the stack file's name")
    adoption.add_argument(
        "--found",
        action="append",
        default=[],
        metavar="CLUSTER=FILE",
        help="what exists on a cluster: the output of `kubectl --context CLUSTER get "
        "serviceentries,destinationrules,virtualservices,gateways.networking.istio.io -A -o json`; "
        "without it, what a killed update was creating there",
    )
    adoption.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the import file")
    _add_name(adoption)
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="mesh", type=_name, help="the federation's name in the program (default: %(default)s)"
    )


def _name(text: str) -> str:
    if not names.LABEL_VALUE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} {names.NO_LABEL_VALUE}")
    return text


def _check(loaded: Sequence[Loaded], _options: argparse.Namespace) -> None:
    too_full: list[str] = []
    for path, federation in loaded:
        try:
            objects = sum(map(len, _planned(federation, "mesh", None).manifests.values()))
        except AllocationError as error:
            too_full.append(f"{path}: {Problem(('addresses',), str(error))}")
            continue
        rules, services = _count(len(federation.traffic), "rule"), _count(len(federation.services), "service")
        clusters = _count(len(federation.clusters), "cluster")
        print(f"{path}: no problem; {rules}, {services}, {clusters}: {_count(objects, 'object')}")
    if too_full:
        raise MeshError("\n".join(too_full))


def _render(loaded: Sequence[Loaded], options: argparse.Namespace) -> None:
    addresses = _json(options.addresses) if options.addresses else None
    written = render(_planned(loaded[0].federation, options.name, addresses), options.out)
    print(f"{_count(len(written), 'object')} in {options.out}")


def _adopt(loaded: Sequence[Loaded], options: argparse.Namespace) -> None:
    path, federation = loaded[0]
    stack = Stack.of(options.stack or _stack_of(path), _json(options.state))
    found = {}
    for pair in options.found:
        cluster, _, file = pair.partition("=")
        if cluster not in federation.clusters:
            raise MeshError(f"--found {pair}: no cluster {cluster!r}; there are {', '.join(federation.clusters)}")
        found[cluster] = found_objects(_json(Path(file)))
    document = adopt(options.name, federation, _planned(federation, options.name, None), stack, found)
    options.out.write_text(json.dumps(document, indent=2) + "\n")
    count = _count(sum("id" in entry for entry in document["resources"]), "object")
    print(f"{count} to adopt; next: pulumi import --file {options.out} --protect=false --generate-code=false")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _stack_of(path: Path) -> str:
    match path.name.split("."):
        case ["Pulumi", stack, "yaml" | "yml"]:
            return stack
    raise MeshError(f"{path}: is not named Pulumi.<stack>.yaml; say with --stack which one it is")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise MeshError(f"{path}: is no JSON: {error}") from None


def _planned(federation: Federation, name: str, addresses: Mapping[str, Any] | None) -> Plan:
    hosts = federated_hosts(federation)
    settings = federation.addresses
    if addresses is None:
        ledger = allocate(hosts, settings.pool, Ledger(), pins=settings.pins, taken=settings.taken)
        return plan(federation, ledger.addresses, name)
    if unknown := [host for host in hosts if host not in addresses]:
        raise MeshError(f"--addresses: no address for {', '.join(unknown)}; run `pulumi up`, or leave the option out")
    return plan(federation, addresses, name)
