"""HTTPRoute: what an entry of `http` may say, and what not at the same time."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import inner, is_set, is_stated, messages
from ..values import is_late, quoted
from .destination import DESTINATION, WEIGHT, weights_of_0
from .durations import DURATION
from .headers import OPERATIONS, is_authority
from .http_actions import CORS, DIRECT_RESPONSE, FAULT, REDIRECT, RETRIES, REWRITE
from .http_match import HTTP_MATCH
from .tree import Rules, each_of, number


def _actions(route: Mapping[str, Any]) -> Iterator[Problem]:
    if is_stated(route, "delegate"):
        for field in ("redirect", "route"):
            if is_set(route, field) if field == "route" else is_stated(route, field):
                message = f"'{field}' stands beside 'delegate'; leave it to the delegate"
                yield Problem((field,), "two-actions", message)
        return
    if not any(is_stated(route, field) for field in ("redirect", "directResponse")) and not is_set(route, "route"):
        message = "'route' is missing; state it, or redirect or directResponse"
        yield Problem(("route",), "missing-field", message)


def _beside_an_answer(route: Mapping[str, Any]) -> Iterator[Problem]:
    """What cannot happen to a call that Envoy answers itself."""
    if is_stated(route, "delegate"):
        return
    answers = [field for field in ("redirect", "directResponse") if is_stated(route, field)]
    for answer in answers[:1]:
        for field in ("route", "fault", "rewrite", *answers[1:]):
            if is_set(route, field) if field == "route" else is_stated(route, field):
                message = f"'{field}' stands beside '{answer}', which answers the call; use one of them"
                yield Problem((field,), "two-actions", message)


def _mirrored_twice(route: Mapping[str, Any]) -> Iterator[Problem]:
    if is_stated(route, "mirror") and is_set(route, "mirrors") and not is_stated(route, "delegate"):
        yield Problem(("mirror",), "one-of", "'mirror' stands beside 'mirrors'; use mirrors alone")


def _prefix_of_another_match(route: Mapping[str, Any]) -> Iterator[Problem]:
    if is_set(inner(route, "redirect"), "prefixRewrite"):
        for index, match in messages(route, "match"):
            uri = match.get("uri")
            if isinstance(uri, dict) and not is_stated(uri, "prefix"):
                message = (
                    f"{quoted(uri)} is not a prefix, and 'prefixRewrite' of the redirect replaces one; match by prefix"
                )
                yield Problem(("match", index, "uri"), "not-a-prefix", message)


def _authority_set_twice(route: Mapping[str, Any]) -> Iterator[Problem]:
    setters: list[tuple[str, ...]] = []
    if is_set(inner(route, "rewrite"), "authority"):
        setters.append(("rewrite", "authority"))
    request = inner(inner(route, "headers"), "request")
    for operation in ("set", "add"):
        for name, value in inner(request, operation).items():
            if is_authority(str(name)) and (is_late(value) or value):
                setters.append(("headers", "request", operation, str(name)))
    for path in setters[1:]:
        yield Problem(path, "stated-twice", f"'{path[-1]}' sets the host a second time; set it once")


def _more_than_all(percentage: float) -> Iterator[Problem]:
    if not 0 <= percentage <= 100:
        yield Problem((), "out-of-bounds", f"{quoted(percentage)} is not a percentage; 0 to 100 is right")


_PERCENTAGE = Rules(fields={"value": number(_more_than_all)})

HTTP_ROUTE = Rules(
    (_actions, _beside_an_answer, _mirrored_twice, _prefix_of_another_match, _authority_set_twice, weights_of_0),
    fields={
        "match": each_of(HTTP_MATCH),
        "route": each_of(Rules(fields={"destination": DESTINATION, "headers": OPERATIONS, "weight": WEIGHT})),
        "headers": OPERATIONS,
        "corsPolicy": CORS,
        "fault": FAULT,
        "mirror": DESTINATION,
        "mirrors": each_of(Rules(fields={"destination": DESTINATION, "percentage": _PERCENTAGE})),
        "mirrorPercentage": _PERCENTAGE,
        "mirrorPercent": number(_more_than_all),
        "mirror_percent": number(_more_than_all),
        "redirect": REDIRECT,
        "directResponse": DIRECT_RESPONSE,
        "retries": RETRIES,
        "rewrite": REWRITE,
        "timeout": DURATION,
    },
)
