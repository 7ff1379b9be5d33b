"""The schemas that are committed are Istio's own."""

from collections.abc import Iterator
from typing import Any

import pytest
from mesh_federation.mesh.istio.expressions import RULES
from mesh_federation.mesh.istio.kinds import READ, ROUTING
from mesh_federation.mesh.istio.releases import RELEASES, messages

from sandbox.istio_releases import MODULES, TARGET, compact


@pytest.mark.sandbox
@pytest.mark.parametrize("release", MODULES)
def test_a_schema_is_made_from_istios_definitions(release: str) -> None:
    assert (TARGET / f"{release}.json").read_text() == compact(release), "make releases"


def test_the_releases_are_those_that_the_schemas_are_for() -> None:
    assert RELEASES == ("1.27", "1.28", "1.29", "1.30", "1.31", "1.32")
    assert list(MODULES) == list(RELEASES)


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_has_a_schema_for_each_of_istios_kinds(release: str) -> None:
    specs = {name for name in messages(release) if "." not in name}

    assert specs == {kind.name for kind in (*ROUTING, *READ)}


def test_the_schemas_are_small() -> None:
    assert sum(file.stat().st_size for file in TARGET.glob("*.json")) < 200_000


def test_each_cel_rule_of_the_schemas_is_a_function_and_no_other() -> None:
    rules = {rule for release in RELEASES for message in messages(release).values() for rule in _rules(message)}

    assert rules == set(RULES)


def _rules(schema: Any) -> Iterator[str]:
    yield from schema.get("rules", ())
    inner = [*schema.get("fields", {}).values(), *(schema[word] for word in ("items", "values") if word in schema)]
    for part in inner:
        yield from _rules(part)
