"""AuthorizationPolicy: who may call what."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import inner, is_set, is_stated, messages, text
from ..values import is_late, quoted
from .conditions import CONDITION, account_names, not_a_port_text, not_a_trust_domain, not_an_address_or_range
from .tree import Rules, each, each_of

Spec = Mapping[str, Any]
_TARGETS = (
    ("", "Service"),
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
)
_SOURCE = (
    "principals",
    "requestPrincipals",
    "namespaces",
    "ipBlocks",
    "remoteIpBlocks",
    "serviceAccounts",
    "trustDomains",
)
_OPERATION = ("ports", "methods", "paths", "hosts")
_NOT_FOR_CUSTOM = ("namespaces", "serviceAccounts", "trustDomains", "principals", "requestPrincipals")
_KEYS_NOT_FOR_CUSTOM = ("source.namespace", "source.serviceAccount", "source.trustDomain", "source.principal")
_TEMPLATES = ("{*}", "{**}")
_SEGMENT = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+")


def _with_negations(fields: tuple[str, ...]) -> tuple[str, ...]:
    return (*fields, *(f"not{field[0].upper()}{field[1:]}" for field in fields))


def _actions(spec: Spec) -> Iterator[Problem]:
    if is_late(spec.get("action")):
        return
    action = spec.get("action") or "ALLOW"
    if action in ("DENY", "CUSTOM") and not is_set(spec, "rules"):
        message = f"'rules' is missing, so {action} is never applied; state `rules: [{{}}]` for every request"
        yield Problem(("rules",), "missing-field", message)
    elif action == "CUSTOM" and not is_set(inner(spec, "provider"), "name") and not is_late(spec.get("provider")):
        yield Problem(("provider", "name"), "missing-field", "'name' is missing; CUSTOM needs a provider")
    if action in ("ALLOW", "DENY", "AUDIT") and is_stated(spec, "provider"):
        yield Problem(("provider",), "one-of", f"'provider' stands beside action {action}; only CUSTOM has one")


def _not_for_custom(spec: Spec) -> Iterator[Problem]:
    if spec.get("action") != "CUSTOM":
        return
    for index, rule in messages(spec, "rules"):
        for number, entry in messages(rule, "from"):
            for field in _with_negations(_NOT_FOR_CUSTOM):
                if is_set(inner(entry, "source"), field):
                    path = ("rules", index, "from", number, "source", field)
                    yield Problem(path, "not-for-custom", f"'{field}' is not for action CUSTOM; leave it out")
        for number, condition in messages(rule, "when"):
            key = text(condition, "key")
            if key in _KEYS_NOT_FOR_CUSTOM or key.startswith("request.auth."):
                here = ("rules", index, "when", number, "key")
                yield Problem(here, "not-for-custom", f"{quoted(key)} is not for action CUSTOM; leave it out")


def _empty_entries(rule: Mapping[str, Any]) -> Iterator[Problem]:
    for field, inside in (("from", "source"), ("to", "operation")):
        for index, entry in messages(rule, field):
            if not is_stated(entry, inside):
                message = f"'{inside}' is missing; state it in each entry of '{field}'"
                yield Problem((field, index, inside), "missing-field", message)


def _empty_source(source: Mapping[str, Any]) -> Iterator[Problem]:
    if not any(is_set(source, field) for field in _with_negations(_SOURCE)):
        yield Problem((), "empty", f"'source' says nothing; state one of {', '.join(_SOURCE)}")


def _empty_operation(operation: Mapping[str, Any]) -> Iterator[Problem]:
    if not any(is_set(operation, field) for field in _with_negations(_OPERATION)):
        yield Problem((), "empty", f"'operation' says nothing; state one of {', '.join(_OPERATION)}")


def _empty_text(value: str) -> Iterator[Problem]:
    if not value:
        yield Problem((), "empty", "'' matches nothing; write a value, or * for any")


def _not_a_path(path: str) -> Iterator[Problem]:
    segments = path.strip("/").split("/")
    is_template = any(template in path for template in _TEMPLATES)
    for position, segment in enumerate(segments):
        if segment in _TEMPLATES:
            if "{**}" in segments[:position]:
                yield Problem((), "not-a-path", f"{quoted(path)} goes on after {{**}}; state {{**}} at the end")
                return
        elif "{" in segment or "}" in segment or (is_template and not _SEGMENT.fullmatch(segment)):
            message = f"{quoted(path)} is not a template of a path; {{*}} and {{**}} stand for whole segments"
            yield Problem((), "not-a-path", message)
            return


def _not_a_target(target: Mapping[str, Any]) -> Iterator[Problem]:
    group, kind = text(target, "group"), text(target, "kind")
    if kind and (group, kind) not in _TARGETS and not is_late(target.get("group")):
        targets = ", ".join(f"{g or 'core'}/{k}" for g, k in _TARGETS[1:])
        yield Problem(("kind",), "not-a-target", f"'{group or 'core'}/{kind}' is not a target; it takes {targets}")


def _source_fields() -> dict[str, Rules]:
    rules = {field: each(_empty_text) for field in _with_negations(("principals", "requestPrincipals", "namespaces"))}
    rules |= {field: each(not_an_address_or_range) for field in _with_negations(("ipBlocks", "remoteIpBlocks"))}
    rules |= {field: each(account_names) for field in _with_negations(("serviceAccounts",))}
    return rules | {field: each(not_a_trust_domain) for field in _with_negations(("trustDomains",))}


def _operation_fields() -> dict[str, Rules]:
    rules = {field: each(_empty_text) for field in _with_negations(("methods", "hosts"))}
    rules |= {field: each(_empty_text, _not_a_path) for field in _with_negations(("paths",))}
    return rules | {field: each(not_a_port_text) for field in _with_negations(("ports",))}


_TARGET = Rules((_not_a_target,))
_RULE = Rules(
    (_empty_entries,),
    fields={
        "from": each_of(Rules(fields={"source": Rules((_empty_source,), fields=_source_fields())})),
        "to": each_of(Rules(fields={"operation": Rules((_empty_operation,), fields=_operation_fields())})),
        "when": each_of(CONDITION),
    },
)

AUTHORIZATION_POLICY = Rules(
    (_actions, _not_for_custom),
    fields={"rules": each_of(_RULE), "targetRef": _TARGET, "targetRefs": each_of(_TARGET)},
)
