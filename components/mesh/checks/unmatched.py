"""Conditions of a match that no call of the rule can fulfil."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import Path, Problem
from ..istio.match import header_ruled_out
from ..istio.parts import inner, text
from ..spec.rule import Rule
from ..spec.values import PROTOCOLS_OF
from ..unknown import as_late, known
from .saying import References, choices, each

_WORDS = {
    "method": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"),
    "scheme": ("http", "https"),
}


def never_matches(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    for kind in PROTOCOLS_OF:
        for index, entry in known(getattr(rule, kind)):
            for position, match in enumerate(entry.match if isinstance(entry.match, list) else ()):
                if isinstance(match, dict):
                    here = (*path, kind, index, "match", position)
                    yield from each(
                        unmatched_port(here, match, kind, rule, references),
                        port_at_a_gateway(here, match, kind, rule, references),
                        unmatched_labels(here, match, rule),
                        unmatched_gateways(here, match, rule),
                        unmatched_namespace(here, match, rule),
                        unmatched_headers(here, match),
                        unmatched_spelling(here, match),
                        unmatched_path(here, match),
                    )


def unmatched_port(
    path: Path, match: Mapping[str, Any], kind: str, rule: Rule, references: References
) -> Iterator[Problem]:
    numbers = _numbers(match, kind, rule, references)
    if numbers and match["port"] not in numbers:
        message = f"{match['port']!r} is not a port of the rule; it speaks for {choices(numbers)}"
        yield Problem((*path, "port"), "unmatched-port", message)


def port_at_a_gateway(
    path: Path, match: Mapping[str, Any], kind: str, rule: Rule, references: References
) -> Iterator[Problem]:
    if match.get("port") in _numbers(match, kind, rule, references) and len(_gateways(match, rule)) > 1:
        message = (
            f"{match['port']!r} is a port of the service, which workloads call; at an ingress gateway a call has the "
            "gateway's port, so state `gateways: [mesh]` here, or leave the port out"
        )
        yield Problem((*path, "port"), "port-at-a-gateway", message, "warning")


def _numbers(match: Mapping[str, Any], kind: str, rule: Rule, references: References) -> Sequence[int]:
    """The ports of which a match may ask; none if nobody knows, as of those of an ingress gateway."""
    if match.get("port") is None or "mesh" not in _gateways(match, rule):
        return ()
    service = references.service(rule.service)
    return service.ports_for(kind, rule.port) if service else ()


def _gateways(match: Mapping[str, Any], rule: Rule) -> Sequence[str]:
    own = match.get("gateways")
    return own if isinstance(own, list) and own else rule.clients.gateways


def unmatched_labels(path: Path, match: Mapping[str, Any], rule: Rule) -> Iterator[Problem]:
    own, labels = match.get("sourceLabels"), rule.clients.labels
    for key, value in (own if isinstance(own, dict) else {}).items():
        if key in labels and labels[key] != value:
            message = f"{value!r} is not the value {labels[key]!r} that `clients.labels` asks for; no call has both"
            yield Problem((*path, "sourceLabels", key), "unmatched-labels", message)


def unmatched_gateways(path: Path, match: Mapping[str, Any], rule: Rule) -> Iterator[Problem]:
    own = match.get("gateways")
    if isinstance(own, list) and own and not set(rule.clients.gateways) & set(map(str, own)):
        message = f"{own!r} has none of the rule's gateways; they are {choices(rule.clients.gateways)}"
        yield Problem((*path, "gateways"), "unmatched-gateways", message)


def unmatched_namespace(path: Path, match: Mapping[str, Any], rule: Rule) -> Iterator[Problem]:
    own, namespaces = match.get("sourceNamespace"), rule.clients.namespaces
    if own and namespaces and own not in namespaces:
        message = f"{own!r} is not a namespace of the rule; its callers are in {choices(namespaces)}"
        yield Problem((*path, "sourceNamespace"), "unmatched-namespace", message)
    elif isinstance(own, str) and own != own.lower():
        message = f"{own!r} is not the name of a namespace; names have small letters, as {own.lower()!r}"
        yield Problem((*path, "sourceNamespace"), "unmatched-namespace", message)


def unmatched_headers(path: Path, match: Mapping[str, Any]) -> Iterator[Problem]:
    if (name := header_ruled_out(as_late(match))) is not None:
        message = f"{name!r} is ruled out here and asked for under `headers`; no call has both"
        yield Problem((*path, "withoutHeaders", name), "unmatched-headers", message)


def unmatched_spelling(path: Path, match: Mapping[str, Any]) -> Iterator[Problem]:
    """Envoy compares letter by letter, and lets no other spelling of a standard word in."""
    for field, words in _WORDS.items():
        stated = text(inner(match, field), "exact")
        for word in words:
            if stated != word and stated.lower() == word.lower():
                message = f"{stated!r} is the {field} of no call; write {word!r}"
                yield Problem((*path, field, "exact"), "unmatched-spelling", message)


def unmatched_path(path: Path, match: Mapping[str, Any]) -> Iterator[Problem]:
    for kind in ("exact", "prefix"):
        stated = text(inner(match, "uri"), kind)
        if "?" in stated:
            message = f"{stated!r} has a query, and a path is compared without; state it under `queryParams`"
            yield Problem((*path, "uri", kind), "unmatched-path", message)
