"""The core as tests call it: the one place that knows how its functions are called."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mesh_federation.mesh import outputs, stack_file
from mesh_federation.mesh.addresses import Ledger, allocate
from mesh_federation.mesh.cli import main
from mesh_federation.mesh.errors import Problem, SpecError
from mesh_federation.mesh.parse import parse
from mesh_federation.mesh.plan import Plan, federated_hosts, plan
from mesh_federation.mesh.spec import Federation


class NewStack(NamedTuple):
    """What a stack without a state gets."""

    plan: Plan
    addresses: dict[str, str]
    """Federated host → address."""


def read(spec: Mapping[str, Any]) -> Federation:
    """The federation that a spec states. Raises `SpecError`."""
    return parse(spec)


def read_file(path: Path) -> Federation:
    """The federation of a stack file. Raises `SpecError`."""
    return parse(stack_file.read(path))


def problems(spec: Any) -> Sequence[Problem]:
    """What is wrong with a spec; fails where nothing is."""
    with pytest.raises(SpecError) as caught:
        read(spec)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return caught.value.problems


def messages(spec: Any) -> list[str]:
    """What is wrong with a spec, as users read it."""
    return [str(problem) for problem in problems(spec)]


def problems_of_file(path: Path) -> Sequence[Problem]:
    """What is wrong with a stack file; empty where nothing is."""
    try:
        read_file(path)
    except SpecError as error:
        return error.problems
    return ()


def hosts(federation: Federation) -> set[str]:
    """The federated hosts that need an address."""
    return set(federated_hosts(federation))


def new_stack(federation: Federation, name: str = "mesh") -> NewStack:
    """The plan of a new stack, and the addresses that it gives."""
    pool = federation.addresses
    ledger = allocate(federated_hosts(federation), pool.pool, Ledger(), pins=pool.pins, taken=pool.taken)
    return NewStack(plan(federation, ledger.addresses, name), dict(ledger.addresses))


def outputs_of(federation: Federation) -> dict[str, Any]:
    """The outputs that follow from the spec alone, by name."""
    return {
        "hosts": outputs.hosts(federation),
        "traffic": outputs.traffic(federation),
        "trust": outputs.trust(federation),
    }


def run(*arguments: str | Path) -> int:
    """The exit code of `mesh-federation ARGUMENTS…`, run in this process. Raises `SystemExit` for wrong usage."""
    return main([*map(str, arguments)])
