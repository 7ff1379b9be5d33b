"""`adopt`: a file for `pulumi import`, for objects that exist already."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..adopt import OutputError, adopt, listed_objects
from ..adopt import Stack as State
from ..errors import MeshError
from ..istio.kinds import EMITTED
from ..plan.plan import fresh
from .stack import Stack, add_name, add_stack_file, count, load, read_json

_T = TypeVar("_T")

NAME = "adopt"
HELP = "write a file for `pulumi import`, for objects that exist already"
# a short name would mean another API's kind where that comes first in the cluster's list
_RESOURCES = ",".join(kind.resource for kind in EMITTED)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_stack_file(parser, several=False)
    parser.add_argument("--state", required=True, type=Path, metavar="FILE", help="the output of `pulumi stack export`")
    parser.add_argument("--stack", metavar="NAME", help="the stack's name; default: from the stack file's name")
    parser.add_argument(
        "--found",
        action="append",
        type=_found,
        default=[],
        metavar="CLUSTER=FILE",
        help=f"what exists on a cluster: the output of `kubectl --context CLUSTER get {_RESOURCES} -A -o json`; "
        "without it, what a killed update was creating there",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the import file")
    add_name(parser)


def run(options: argparse.Namespace) -> int:
    [path] = options.stack_files
    stack = load(path)
    name = options.stack or _stack_name(path)
    state = _understood(options.state, partial(State.of, name))
    existing = {}
    for cluster, file in options.found:
        _check_cluster(cluster, file, stack)
        existing[cluster] = _understood(file, listed_objects)
    document = adopt(options.name, stack.reach, fresh(stack.routes, options.name), state, existing)
    options.out.write_text(json.dumps(document, indent=2) + "\n")
    objects = count(sum("id" in entry for entry in document["resources"]), "object")
    print(f"{objects} to adopt; next: pulumi import --file {options.out} --protect=false --generate-code=false")
    return 0


def _found(text: str) -> tuple[str, Path]:
    cluster, _, file = text.partition("=")
    if not (cluster and file):
        raise argparse.ArgumentTypeError(f"{text!r} is not CLUSTER=FILE")
    return cluster, Path(file)


def _check_cluster(cluster: str, file: Path, stack: Stack) -> None:
    clusters = stack.federation.clusters
    if cluster not in clusters:
        raise MeshError(f"--found {cluster}={file}: no cluster {cluster!r}; there are {', '.join(clusters)}")


def _understood(path: Path, understand: Callable[[Any], _T]) -> _T:
    document = read_json(path)
    try:
        return understand(document)
    except OutputError as error:
        raise MeshError(f"{path}: {error}") from None


def _stack_name(path: Path) -> str:
    match path.name.split("."):
        case ["Pulumi", stack, "yaml" | "yml"]:
            return stack
    raise MeshError(f"{path}: is not named Pulumi.<stack>.yaml; say with --stack which stack it is")
