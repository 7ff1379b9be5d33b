"""The core as tests call it: the one place that knows how its functions are called."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mesh_federation.mesh import outputs
from mesh_federation.mesh.commands.main import main
from mesh_federation.mesh.errors import Problem, SpecError
from mesh_federation.mesh.plan.plan import Plan, fresh, fresh_addresses
from mesh_federation.mesh.reach import Reach
from mesh_federation.mesh.read import ReadStack, read_stack, read_stack_file
from mesh_federation.mesh.resolve import resolve
from mesh_federation.mesh.spec.federation import Federation


class NewStack(NamedTuple):
    """What a stack without a state gets."""

    plan: Plan
    addresses: dict[str, Any]
    """Federated host → address, as the output has it."""


def read(spec: Mapping[str, Any]) -> Federation:
    """The federation that a spec states. Raises `SpecError`."""
    return read_stack(spec).federation


def read_stated(spec: Mapping[str, Any]) -> ReadStack:
    """All that a stack file with this spec says. Raises `SpecError`."""
    return read_stack(spec)


def read_file(path: Path) -> Federation:
    """The federation of a stack file. Raises `SpecError`."""
    return read_stack_file(path).federation


def reach_of_file(path: Path) -> dict[str, Reach]:
    """Cluster → how it is reached, in a stack file."""
    return read_stack_file(path).reach


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
    """What is wrong with a stack file, warnings included; empty where nothing is."""
    try:
        return read_stack_file(path).warnings
    except SpecError as error:
        return error.problems


def hosts(federation: Federation) -> set[str]:
    """The federated hosts that need an address."""
    return set(resolve(federation).federated_hosts)


def new_stack(federation: Federation, name: str = "mesh") -> NewStack:
    """The plan of a new stack, and the addresses that it gives."""
    routes = resolve(federation)
    addresses = fresh_addresses(routes).items()
    return NewStack(fresh(routes, name), {host: own if len(own) > 1 else own[0] for host, own in addresses})


def outputs_of(federation: Federation) -> dict[str, Any]:
    """The outputs that follow from the spec alone, by name."""
    routes = resolve(federation)
    return {
        "hosts": outputs.hosts(routes),
        "traffic": outputs.traffic(routes),
        "trust": outputs.trust(routes),
    }


def requirements_of(federation: Federation) -> dict[str, dict[str, str]]:
    """Cluster → name → what must be true of it."""
    return outputs.requirements(resolve(federation))


def run(*arguments: str | Path) -> int:
    """The exit code of `mesh-federation ARGUMENTS…`, run in this process. Raises `SystemExit` for wrong usage."""
    return main([*map(str, arguments)])
