"""requirements.txt and constraints.txt say the exact version of all that an installation by them brings along."""

import sys
from importlib.metadata import distribution, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.given.repository import REPOSITORY

OURS = "pulumi-mesh-federation"


def pinned(file: str) -> dict[str, Requirement]:
    """Canonical name → its line."""
    lines = (REPOSITORY / file).read_text().splitlines()
    requirements = [Requirement(line) for line in lines if not line.startswith(("#", "-"))]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def needed(names: set[str]) -> set[str]:
    """These, and what they bring along here."""
    canonical_names: set[str] = set()
    ahead = [Requirement(name) for name in names]
    while ahead:
        requirement = ahead.pop()
        canonical_names.add(canonicalize_name(requirement.name))
        for line in distribution(requirement.name).requires or ():
            inner = Requirement(line)
            extras = ("", *requirement.extras)
            if not inner.marker or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                ahead.append(inner)
    return canonical_names


@pytest.mark.skipif(sys.platform != "linux", reason="what another system needs besides is not pinned")
def test_all_of_the_environment_is_pinned_and_nothing_else() -> None:
    direct, rest = pinned("requirements.txt"), pinned("constraints.txt")

    assert not direct.keys() & rest.keys()
    assert needed({*direct, OURS}) - {OURS} == direct.keys() | rest.keys()


def test_the_environment_is_as_pinned() -> None:
    pins = pinned("requirements.txt") | pinned("constraints.txt")

    assert {name: f"=={version(name)}" for name in pins} == {name: str(pin.specifier) for name, pin in pins.items()}
