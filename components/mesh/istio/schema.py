"""What is wrong with a value at a place of one of Istio's objects, by the schema of a release.

An API server with that release's definitions refuses the same values, unknown fields included. What istiod's webhook
refuses beyond it is in `rules`. A schema becomes a tree of functions when it is first asked for.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ..errors import Path, Problem
from . import values
from .expressions import RULES
from .releases import RELEASES, Schema, messages
from .values import FINE, Check, below, between, is_late, nearest, problem, quoted


def problems(value: Any, kind: str, release: str, place: Path = (), path: Path = ()) -> Sequence[Problem]:
    """All that is wrong with `value` as the part at `place` of the spec of a `kind`.

    `place` leads there as in an object, `("http", 0, "retries")`, with any index and any key of a map. The whole spec
    is `()`. `path` is where the user wrote the value. A late value fits everywhere; so does a null, which an API server
    drops. Raises `KeyError` for a release or a kind that we do not know, and for a place that the release does not
    have.
    """
    if value is None:
        return FINE
    wrong = _check_at(release, kind, place)(value)
    if not wrong:
        return FINE
    return [_with_the_release(each, value, kind, place, release)._replace(path=(*path, *each.path)) for each in wrong]


def fields(kind: str, release: str, place: Path) -> list[str]:
    """The names of the fields at a place, sorted. Raises `KeyError` where there are none."""
    return sorted(_resolved(schema_at(release, kind, place), release)["fields"])


def one_of(kind: str, release: str, place: Path) -> tuple[tuple[str, ...], ...]:
    """The groups of fields at a place of which a value has one. Raises `KeyError` for a place that does not exist."""
    return tuple(map(tuple, _resolved(schema_at(release, kind, place), release).get("atMostOne", ())))


def first_release(kind: str, place: Path) -> str | None:
    """The first release that has this place; nothing if none has it."""
    return next((release for release in RELEASES if _has(release, kind, place)), None)


def _has(release: str, kind: str, place: Path) -> bool:
    try:
        schema_at(release, kind, place)
    except KeyError:
        return False
    return True


@cache
def schema_at(release: str, kind: str, place: Path) -> Schema:
    """The schema of a place. Raises `KeyError` for a kind or a place that the release does not have."""
    if not place:
        return messages(release)[kind]
    *before, step = place
    around = _resolved(schema_at(release, kind, tuple(before)), release)
    if isinstance(step, int):
        inner: Schema = around["items"]
    else:
        inner = around["fields"][step] if "fields" in around else around["values"]
    return inner


def _resolved(schema: Schema, release: str) -> Schema:
    return messages(release)[schema["ref"]] if "ref" in schema else schema


@cache
def _check_at(release: str, kind: str, place: Path) -> Check:
    return _check(schema_at(release, kind, place), release)


def _with_the_release(wrong: Problem, value: Any, kind: str, place: Path, release: str) -> Problem:
    """The same problem; where a later release takes the field or the value, it says which one."""
    here = (*place, *wrong.path)
    if wrong.name == "unknown-field" and (first := first_release(kind, here)):
        message = f"'{wrong.path[-1]}' is not a field in Istio {release}; it comes with Istio {first}"
        return wrong._replace(name="field-of-a-later-release", message=message)
    if wrong.name == "not-in-enum":
        for step in wrong.path:
            value = value[step]
        later = (r for r in RELEASES if _has(r, kind, here) and value in schema_at(r, kind, here)["enum"])
        if first := next(later, None):
            message = f"'{value}' is not one of its values in Istio {release}; it comes with Istio {first}"
            return wrong._replace(name="value-of-a-later-release", message=message)
    return wrong


def _check(schema: Schema, release: str) -> Check:
    if "ref" in schema:
        return _message_check(schema["ref"], release)
    if "fields" in schema:
        check = _fields_check(schema, release)
    elif "values" in schema:
        check = _map_check(schema, release)
    elif "items" in schema:
        check = _list_check(schema, release)
    else:
        check = _VALUE_CHECKS[schema["type"]](schema)
    return _with_rules(check, schema)


@cache
def _message_check(name: str, release: str) -> Check:
    return _check(messages(release)[name], release)


_VALUE_CHECKS: dict[str, Callable[[Schema], Check]] = {
    "boolean": values.boolean_check,
    "bytes": values.bytes_check,
    "duration": values.duration_check,
    "int32": values.integer_check,
    "integer": values.integer_check,
    "number": values.number_check,
    "port": values.port_check,
    "string": values.text_check,
}


def _with_rules(check: Check, schema: Schema) -> Check:
    """The check, and the CEL rules; they see no value of another type than they are for."""
    rules = tuple(RULES[rule] for rule in schema.get("rules", ()))
    if not rules:
        return check
    container = dict if schema["type"] == "object" else str

    def both(value: Any) -> Sequence[Problem]:
        wrong = [*check(value)]
        if isinstance(value, container):
            content = _without_nulls(value)
            for rule in rules:
                wrong += rule(content)
        return wrong

    return both


def _without_nulls(value: Any) -> Any:
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def _fields_check(schema: Schema, release: str) -> Check:
    checks = {name: _check(field, release) for name, field in schema["fields"].items()}
    required = tuple(schema.get("required", ()))
    groups = tuple(map(tuple, schema.get("atMostOne", ())))
    takes = f"it takes {', '.join(checks)}" if checks else "it takes no fields"

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is not dict and not isinstance(value, dict):
            return FINE if is_late(value) else problem("not-a-map", f"{quoted(value)} is not a map of fields; {takes}")
        wrong: list[Problem] = []
        for name, item in value.items():
            inner = checks.get(name)
            if inner is None:
                wrong += _unknown_field(name, checks, takes)
            elif item is not None and (more := inner(item)):
                wrong += below(name, more)
        for name in required:
            if value.get(name) is None:
                wrong += problem("missing-field", f"'{name}' is missing; it is required", (name,))
        for group in groups:
            if len(names := [name for name in group if value.get(name) is not None]) > 1:
                message = f"'{names[1]}' stands beside '{names[0]}'; use one of {', '.join(group)}"
                wrong += problem("one-of", message, (names[1],))
        return wrong

    return check


def _unknown_field(name: Any, checks: dict[str, Check], takes: str) -> list[Problem]:
    message = f"{quoted(name)} is not a field here; {nearest(str(name), checks)}{takes}"
    return problem("unknown-field", message, (str(name),))


def _map_check(schema: Schema, release: str) -> Check:
    inner = _check(schema["values"], release)
    count = _count_check(schema, "Properties")

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is not dict and not isinstance(value, dict):
            return FINE if is_late(value) else problem("not-a-map", f"{quoted(value)} is not a map; write `key: value`")
        wrong = [*count(value)]
        for key, item in value.items():
            if not isinstance(key, str):
                wrong += problem("not-text", f"{quoted(key)} is not text; put it into quotes", (str(key),))
            if item is not None and (more := inner(item)):
                wrong += below(str(key), more)
        return wrong

    return check


def _list_check(schema: Schema, release: str) -> Check:
    inner = _check(schema["items"], release)
    count = _count_check(schema, "Items")
    unique = tuple(schema.get("unique", ()))

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is not list and not isinstance(value, list):
            return (
                FINE
                if is_late(value)
                else problem("not-a-list", f"{quoted(value)} is not a list; write `- ` before it")
            )
        wrong = [*count(value)]
        for index, item in enumerate(value):
            if more := inner(item):
                wrong += below(index, more)
        for name in unique:
            wrong += _stated_twice(value, name)
        return wrong

    return check


def _count_check(schema: Schema, what: str) -> Check:
    fewest, most = schema.get(f"min{what}", 0), schema.get(f"max{what}", math.inf)

    def check(value: Any) -> Sequence[Problem]:
        if fewest <= len(value) <= most:
            return FINE
        right = f"{between(fewest, most)} are right"
        return problem("wrong-number-of-entries", f"'{len(value)}' is its number of entries; {right}")

    return check


def _stated_twice(items: Sequence[Any], name: str) -> list[Problem]:
    """Of those with the same value in this field all but the first."""
    wrong: list[Problem] = []
    before: set[Any] = set()
    for index, item in enumerate(items):
        value = item.get(name) if isinstance(item, dict) else None
        if isinstance(value, str | int):
            if value in before:
                message = f"{quoted(value)} is stated twice; each entry needs a {name} of its own"
                wrong += problem("stated-twice", message, (index, name))
            before.add(value)
    return wrong
