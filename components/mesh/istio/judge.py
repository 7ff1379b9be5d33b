"""What a cluster would refuse: the schema of its release and istiod's rules in one answer, each mistake once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import Path, Problem
from . import rules, schema
from .values import FINE


def problems(value: Any, kind: str, release: str, place: Path = (), path: Path = ()) -> Sequence[Problem]:
    """All that is wrong with `value` as the part at `place` of the spec of a `kind`, as `schema.problems` says it."""
    return _once(schema.problems(value, kind, release, place, path), rules.problems(value, kind, place, path))


def problems_of_an_object(manifest: Mapping[str, Any], release: str) -> Sequence[Problem]:
    """All that is wrong with a whole object; the paths begin at the object: `spec.exportTo[0]`, `metadata.name`."""
    by_schema = schema.problems(manifest["spec"], manifest["kind"], release, (), ("spec",))
    return _once(by_schema, rules.problems_of_an_object(manifest))


def _once(by_schema: Sequence[Problem], by_rules: Iterable[Problem]) -> Sequence[Problem]:
    """A rule says nothing of a place that the schema refuses already: it would say the same in other words."""
    if not by_schema and not by_rules:
        return FINE
    refused = {problem.path for problem in by_schema}
    return [*by_schema, *(problem for problem in by_rules if problem.path not in refused)]
