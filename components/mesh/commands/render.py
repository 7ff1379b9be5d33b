"""`render`: every object of every cluster as YAML."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import render as rendering
from ..addresses import Network, is_usable
from ..errors import MeshError
from ..ip_addresses import ip_version
from ..plan.plan import Plan, fresh, plan
from ..routes import Routes
from ..wording import joined, shown
from .stack import add_name, add_stack_file, count, load, read_json, say

NAME = "render"
HELP = "write every object of every cluster as YAML"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_stack_file(parser, several=False)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="DIR/<cluster>/<kind>-<ns>-<name>.yaml")
    parser.add_argument(
        "--addresses",
        type=Path,
        metavar="FILE",
        help="the output of `pulumi stack output addresses --json`; without it, as a new stack would give them",
    )
    add_name(parser)


def run(options: argparse.Namespace) -> int:
    [path] = options.stack_files
    stack = load(path)
    for warning in stack.warnings:
        say(path, warning)
    routes = stack.routes
    addresses = read_json(options.addresses) if options.addresses else None
    files = rendering.render(_plan(routes, options.name, addresses), options.out)
    print(f"{count(len(files), 'object')} in {options.out}")
    return 0


def _plan(routes: Routes, name: str, addresses: Any) -> Plan:
    if addresses is None:
        return fresh(routes, name)
    if not isinstance(addresses, Mapping):
        raise MeshError("--addresses: is not a map of hosts; give it the output of `pulumi stack output addresses`")
    networks = routes.federation.addresses.networks
    # an older output may hold hosts, and families, that the stack file no longer has
    for host in routes.federated_hosts:
        _check_addresses(host, addresses.get(host), networks)
    known = {host: _of_each(networks, addresses.get(host)) for host in routes.federated_hosts}
    if lacking := [host for host, own in known.items() if len(own) < len(networks)]:
        raise MeshError(f"--addresses: no address for {', '.join(lacking)}; run `pulumi up`, or leave the option out")
    return plan(routes, known, name)


def _of_each(networks: Sequence[Network], value: Any) -> list[Any]:
    """The address of each network's family, as far as the output has them: an address, or a list with one of each."""
    if len(networks) == 1 and isinstance(value, str):
        return [value]
    own = value if isinstance(value, list) else [value]
    return [address for network in networks for address in own if ip_version(address) == network.version]


def _check_addresses(host: str, value: Any, networks: Sequence[Network]) -> None:
    """An update keeps no address outside of the pool."""
    own = value if isinstance(value, list) else [] if value is None else [value]
    for address in own:
        if not ip_version(address):
            message = f"{shown(address)} is not an IP address"
        elif any(ip_version(address) == pool.version and not is_usable(address, pool) for pool in networks):
            pools = joined([str(network) for network in networks])
            message = f"{shown(address)} is not an address of the pool {pools}, so an update would change it"
        else:
            continue
        raise MeshError(f"--addresses: {host}: {message}; give the output `addresses` of a stack that is up to date")
