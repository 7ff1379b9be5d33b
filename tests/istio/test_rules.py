"""Every rule is broken by an object of the corpus: none can stop to work without a test that says so."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from mesh_federation.mesh.istio.expressions import RULES, Rule
from mesh_federation.mesh.istio.rules import _OF_SPECS, problems
from mesh_federation.mesh.istio.rules.tree import Rules

from tests.given.istio_objects import invalid

TOO_LARGE_FOR_A_FILE = {"_too_much_for_an_answer"}
OBJECTS = [document.object for document in invalid()]


@pytest.mark.parametrize("kind", _OF_SPECS)
def test_every_rule_of_a_kind_is_broken_by_an_object(kind: str) -> None:
    rules = set(_all(_OF_SPECS[kind]))
    broken = {
        rule
        for manifest in OBJECTS
        for value, rule in _seen(_OF_SPECS[manifest["kind"]], manifest["spec"])
        if any(rule(value))
    }

    assert {rule.__name__ for rule in rules - broken} <= TOO_LARGE_FOR_A_FILE


def test_an_answer_of_more_than_a_mebibyte_is_refused() -> None:
    place = ("http", 0, "directResponse", "body")

    assert not problems({"string": "a" * 1024 * 1024}, "VirtualService", place)
    assert [problem.name for problem in problems({"string": "a" * 1024 * 1025}, "VirtualService", place)] == [
        "wrong-length"
    ]


def _seen(rules: Rules, value: Any) -> Iterator[tuple[Any, Rule]]:
    """(value, rule) of every rule that sees a value."""
    if isinstance(value, rules.of):
        yield from ((value, rule) for rule in rules.here)
        for name, inner in rules.fields.items():
            if isinstance(value, dict) and name in value:
                yield from _seen(inner, value[name])
        if rules.each:
            for item in _items(value):
                yield from _seen(rules.each, item)


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _all(rules: Rules) -> Iterator[Rule]:
    yield from rules.here
    for inner in (*rules.fields.values(), *([rules.each] if rules.each else [])):
        yield from _all(inner)


def test_every_cel_rule_is_broken_by_an_object() -> None:
    values = [part for manifest in OBJECTS for part in _parts(manifest["spec"])]

    assert {text for text, rule in RULES.items() if not any(_breaks(rule, value) for value in values)} == set()


def _breaks(rule: Rule, value: Any) -> bool:
    try:
        return any(rule(value))
    except (AttributeError, TypeError):  # it is for values of another type
        return False


def _parts(value: Any) -> Iterator[Any]:
    yield value
    for item in _items(value):
        yield from _parts(item)
