"""Rules by place: a tree with the shape of Istio's objects, and the walk through a value along it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ...errors import Path, Problem
from ..expressions import Rule
from ..values import FINE, Check, below


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules for the values at one place, and for what stands in them.

    The rules `here` see only values of the type `of`: never a late one, or one that the schema refuses.
    """

    here: tuple[Rule, ...] = ()
    fields: Mapping[str, "Rules"] = field(default_factory=dict)
    each: "Rules | None" = None
    """For each entry of a list, or each value of a map."""
    of: type | tuple[type, ...] = dict

    def at(self, place: Path) -> "Rules | None":
        """The rules of a place that is reached from here; nothing if there are none."""
        rules: Rules | None = self
        for step in place:
            if rules is None:
                return None
            rules = rules.fields.get(step, rules.each) if isinstance(step, str) else rules.each
        return rules


def each(*here: Rule, of: type | tuple[type, ...] = str) -> Rules:
    """A list, or a map, of values that have only rules of their own."""
    return each_of(Rules(here, of=of))


def each_of(rules: Rules) -> Rules:
    return Rules(each=rules, of=(list, dict))


def text(*here: Rule) -> Rules:
    return Rules(here, of=str)


def number(*here: Rule) -> Rules:
    return Rules(here, of=(int, float))


@cache
def check_of(rules: Rules) -> Check:
    """All the rules as one function."""
    here, of = rules.here, rules.of
    fields = {name: check_of(inner) for name, inner in rules.fields.items()}
    of_each = check_of(rules.each) if rules.each else None

    def check(value: Any) -> Sequence[Problem]:
        if not isinstance(value, of):
            return FINE
        return check_all(value)

    def check_all(value: Any) -> Sequence[Problem]:
        wrong = [problem for rule in here for problem in rule(value)] if here else []
        if fields:
            for name, item in value.items():
                inner = fields.get(name)
                if inner and item is not None and (more := inner(item)):
                    wrong += below(str(name), more)
        if of_each:
            for step, item in value.items() if isinstance(value, dict) else enumerate(value):
                if more := of_each(item):
                    wrong += below(str(step) if isinstance(value, dict) else step, more)
        return wrong

    return check
