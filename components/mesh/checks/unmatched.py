"""Conditions of a match that no call of the rule can fulfil."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import Path, Problem
from ..spec.rule import Rule
from ..spec.service import PROTOCOLS_OF
from ..unknown import known
from .saying import References, choices, each


def never_matches(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    service = references.service(rule.service)
    labels = rule.clients.labels
    for kind in PROTOCOLS_OF:
        # at an ingress gateway, ports are those of the gateway
        numbers = service.ports_for(kind, rule.port) if service and "mesh" in rule.clients.gateways else []
        for index, entry in known(getattr(rule, kind)):
            for position, match in enumerate(entry.match if isinstance(entry.match, list) else ()):
                here = (*path, kind, index, "match", position)
                yield from each(
                    unmatched_port(here, match, numbers),
                    unmatched_labels(here, match, labels),
                    unmatched_gateways(here, match, rule.clients.gateways),
                    unmatched_namespace(here, match, rule.clients.namespaces),
                )


def unmatched_port(path: Path, match: Any, numbers: Sequence[int]) -> Iterator[Problem]:
    port = match.get("port") if isinstance(match, dict) else None
    if numbers and port is not None and port not in numbers:
        message = f"{port!r} is not a port of the rule; it speaks for {choices(numbers)}"
        yield Problem((*path, "port"), "unmatched-port", message)


def unmatched_labels(path: Path, match: Any, labels: Mapping[str, str]) -> Iterator[Problem]:
    own = match.get("sourceLabels") if isinstance(match, dict) else None
    for key, value in (own if isinstance(own, dict) else {}).items():
        if key in labels and labels[key] != value:
            message = f"{value!r} is not the value {labels[key]!r} that `clients.labels` asks for; no call has both"
            yield Problem((*path, "sourceLabels", key), "unmatched-labels", message)


def unmatched_gateways(path: Path, match: Any, gateways: Sequence[str]) -> Iterator[Problem]:
    own = match.get("gateways") if isinstance(match, dict) else None
    if isinstance(own, list) and own and not set(gateways) & set(map(str, own)):
        message = f"{own!r} has none of the rule's gateways; they are {choices(gateways)}"
        yield Problem((*path, "gateways"), "unmatched-gateways", message)


def unmatched_namespace(path: Path, match: Any, namespaces: Sequence[str]) -> Iterator[Problem]:
    own = match.get("sourceNamespace") if isinstance(match, dict) else None
    if own and namespaces and own not in namespaces:
        message = f"{own!r} is not a namespace of the rule; its callers are in {choices(namespaces)}"
        yield Problem((*path, "sourceNamespace"), "unmatched-namespace", message)
