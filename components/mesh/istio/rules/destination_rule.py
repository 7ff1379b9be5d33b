"""DestinationRule: a host, its subsets and its policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Path, Problem
from ..parts import inner, messages, text
from ..values import quoted
from .client_tls import config_map_elsewhere
from .exports import exported_with_a_selector, not_exported
from .hosts import LABELS, not_a_label, not_a_wildcard_host
from .traffic_policy import TRAFFIC_POLICY
from .tree import Rules, each_of
from .tree import text as text_rules

Spec = Mapping[str, Any]


def _subsets_twice(spec: Spec) -> Iterator[Problem]:
    before: set[str] = set()
    for index, subset in messages(spec, "subsets"):
        name = text(subset, "name")
        if name and name in before:
            message = f"{quoted(name)} is stated twice; state each subset once"
            yield Problem(("subsets", index, "name"), "stated-twice", message)
        before.add(name)


def in_its_namespace(spec: Spec, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    """What depends on the namespace of the object."""
    namespace = text(metadata, "namespace")
    yield from not_exported(spec, namespace)
    yield from exported_with_a_selector(spec, namespace)
    for path, policy in _policies(spec):
        for problem in config_map_elsewhere(inner(policy, "tls"), namespace):
            yield problem._replace(path=("spec", *path, "tls", *problem.path))


def _policies(spec: Spec) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every policy of the rule, and where it stands."""
    above: list[tuple[Path, Mapping[str, Any]]] = [((), spec)]
    above += [(("subsets", index), subset) for index, subset in messages(spec, "subsets")]
    for path, part in above:
        policy = inner(part, "trafficPolicy")
        here = (*path, "trafficPolicy")
        yield here, policy
        for index, settings in messages(policy, "portLevelSettings"):
            yield (*here, "portLevelSettings", index), settings


DESTINATION_RULE = Rules(
    (_subsets_twice,),
    fields={
        "host": text_rules(not_a_wildcard_host),
        "trafficPolicy": TRAFFIC_POLICY,
        "subsets": each_of(
            Rules(fields={"name": text_rules(not_a_label), "labels": LABELS, "trafficPolicy": TRAFFIC_POLICY})
        ),
    },
)
