"""The parts of an HTTPRoute that say what happens to a call, each by itself."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from ...errors import Problem
from ..parts import is_set, is_stated, text
from ..values import quoted
from .durations import DURATION, SECONDS
from .headers import is_header_name
from .string_match import not_a_regex
from .tree import Rules, each, each_of
from .tree import number as number_rules
from .tree import text as text_rules

_RETRY_ON = (
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream"),
    *("retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure"),
    *("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"),
)
_STATUSES = frozenset(str(status.value) for status in HTTPStatus)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*")
_GRPC_STATUSES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
_SMALLEST_PERCENTAGE = 0.0001
_LARGEST_BODY = 1024 * 1024


def _fewer_than_none(attempts: float) -> Iterator[Problem]:
    if attempts < 0:
        yield Problem((), "out-of-bounds", f"{quoted(attempts)} is less than nothing; at least 0 is right")


def _retries_that_are_off(retries: Mapping[str, Any]) -> Iterator[Problem]:
    # what is no number is refused for itself
    if retries.get("attempts", 0) != 0:
        return
    for field in ("perTryTimeout", "retryOn", "retryRemoteLocalities"):
        if is_set(retries, field) if field == "retryOn" else is_stated(retries, field):
            message = f"'{field}' has no effect with 0 attempts; state 'attempts', or leave it out"
            yield Problem((field,), "retries-that-are-off", message)


def _unknown_reasons(retry_on: str) -> Iterator[Problem]:
    for reason in retry_on.split(",") if retry_on else ():
        if reason not in _RETRY_ON and re.sub("^[+]?0*", "", reason) not in _STATUSES:
            if reason.strip() != reason:
                message = f"{quoted(reason)} has a blank; write {','.join(map(str.strip, retry_on.split(',')))}"
                yield Problem((), "not-a-retry-reason", message)
                continue
            message = f"{quoted(reason)} is not a reason to retry; it takes status codes and {', '.join(_RETRY_ON)}"
            yield Problem((), "not-a-retry-reason", message)


RETRIES = Rules(
    (_retries_that_are_off,),
    fields={
        "attempts": number_rules(_fewer_than_none),
        "retryOn": text_rules(_unknown_reasons),
        "perTryTimeout": DURATION,
        "backoff": DURATION,
    },
)


def _empty_origin(origin: Mapping[str, Any]) -> Iterator[Problem]:
    fields = [field for field in ("exact", "prefix", "regex") if is_stated(origin, field)]
    if not any(is_set(origin, field) for field in fields):
        yield Problem(tuple(fields[:1]), "empty", "'' is not an origin; state exact, prefix or regex")
    for problem in not_a_regex(text(origin, "regex")):
        yield problem._replace(path=("regex",))


def _unknown_method(method: str) -> Iterator[Problem]:
    if method not in _METHODS:
        yield Problem((), "not-a-method", f"{quoted(method)} is not a method; it takes {', '.join(_METHODS)}")


def _not_a_header(name: str) -> Iterator[Problem]:
    if not is_header_name(name):
        yield Problem((), "not-a-header", f"{quoted(name)} is not the name of a header; write for example x-user, or *")


CORS = Rules(
    fields={
        "allowOrigins": each_of(Rules((_empty_origin,))),
        "allowMethods": each(_unknown_method),
        "allowHeaders": each(_not_a_header),
        "exposeHeaders": each(_not_a_header),
        "maxAge": SECONDS,
    }
)


def _no_fault(fault: Mapping[str, Any]) -> Iterator[Problem]:
    if not is_stated(fault, "abort") and not is_stated(fault, "delay"):
        yield Problem((), "missing-field", "'abort' and 'delay' are missing; state at least one of them")


def _not_a_share(percentage: float) -> Iterator[Problem]:
    if percentage and not _SMALLEST_PERCENTAGE <= percentage <= 100:
        message = f"{quoted(percentage)} is not a percentage; 0, or {_SMALLEST_PERCENTAGE} to 100 is right"
        yield Problem((), "out-of-bounds", message)


def _http2_error(abort: Mapping[str, Any]) -> Iterator[Problem]:
    if is_stated(abort, "http2Error"):
        yield Problem(("http2Error",), "not-implemented", "'http2Error' is not implemented by Istio; use httpStatus")


def _exponential_delay(delay: Mapping[str, Any]) -> Iterator[Problem]:
    if is_stated(delay, "exponentialDelay"):
        message = "'exponentialDelay' is not implemented by Istio; use fixedDelay"
        yield Problem(("exponentialDelay",), "not-implemented", message)


def _not_a_status(status: float) -> Iterator[Problem]:
    if not 200 <= status <= 600:
        yield Problem((), "out-of-bounds", f"{quoted(status)} is not a status; 200 to 599 is right")


def _not_a_grpc_status(status: str) -> Iterator[Problem]:
    if status not in _GRPC_STATUSES:
        message = f"{quoted(status)} is not a gRPC status; it takes {', '.join(_GRPC_STATUSES)}"
        yield Problem((), "not-a-grpc-status", message)


_SHARE = Rules(fields={"value": number_rules(_not_a_share)})
_STATUS = number_rules(_not_a_status)
FAULT = Rules(
    (_no_fault,),
    fields={
        "abort": Rules(
            (_http2_error,),
            fields={"percentage": _SHARE, "httpStatus": _STATUS, "grpcStatus": text_rules(_not_a_grpc_status)},
        ),
        "delay": Rules((_exponential_delay,), fields={"percentage": _SHARE, "fixedDelay": DURATION}),
    },
)


def _redirect_to_the_same(redirect: Mapping[str, Any]) -> Iterator[Problem]:
    ports = ("port", "derivePort")
    texts = ("uri", "prefixRewrite", "authority", "scheme")
    if not any(is_set(redirect, field) for field in texts) and not any(is_stated(redirect, field) for field in ports):
        message = "'redirect' leads nowhere else; state uri, prefixRewrite, authority, scheme or port"
        yield Problem((), "missing-field", message)
    if is_set(redirect, "uri") and is_set(redirect, "prefixRewrite"):
        yield Problem(("prefixRewrite",), "one-of", "'prefixRewrite' stands beside 'uri'; use one of them")


def _not_a_redirect(code: float) -> Iterator[Problem]:
    if code and not 300 <= code <= 399:
        yield Problem(
            (), "out-of-bounds", f"{quoted(code)} is not the status of a redirect; it takes 301, 302, 303, 307, 308"
        )


def _not_a_web_scheme(scheme: str) -> Iterator[Problem]:
    if scheme not in ("", "http", "https"):
        yield Problem((), "not-in-enum", f"{quoted(scheme)} is not a scheme of a redirect; it takes http, https")


def _beyond_the_ports(port: float) -> Iterator[Problem]:
    if port > 65535:
        yield Problem((), "out-of-bounds", f"{quoted(port)} is not a port; 1 to 65535 is right")


REDIRECT = Rules(
    (_redirect_to_the_same,),
    fields={
        "redirectCode": number_rules(_not_a_redirect),
        "scheme": text_rules(_not_a_web_scheme),
        "port": number_rules(_beyond_the_ports),
    },
)


def _too_much_for_an_answer(body: Mapping[str, Any]) -> Iterator[Problem]:
    sizes = {"string": len(text(body, "string").encode()), "bytes": _decoded_size(text(body, "bytes")) or 0}
    for field, size in sizes.items():
        if size > _LARGEST_BODY:
            yield Problem(
                (field,), "wrong-length", f"{quoted(size)} bytes are too many; at most {_LARGEST_BODY} are right"
            )


def _not_base64(body: Mapping[str, Any]) -> Iterator[Problem]:
    """Until 1.28 the schema takes any text."""
    if _decoded_size(encoded := text(body, "bytes")) is None:
        yield Problem(("bytes",), "not-base64", f"{quoted(encoded)} is not base64; encode at least one byte")


def _decoded_size(encoded: str) -> int | None:
    try:
        return len(b64decode(encoded.replace("\n", "").replace("\r", ""), validate=True))
    except ValueError:
        return None


DIRECT_RESPONSE = Rules(fields={"status": _STATUS, "body": Rules((_too_much_for_an_answer, _not_base64))})


def _rewrites(rewrite: Mapping[str, Any]) -> Iterator[Problem]:
    if is_set(rewrite, "uri") and is_stated(rewrite, "uriRegexRewrite"):
        yield Problem(("uri",), "one-of", "'uri' stands beside 'uriRegexRewrite'; use one of them")
    if not any(is_set(rewrite, field) for field in ("uri", "authority")) and not is_stated(rewrite, "uriRegexRewrite"):
        yield Problem((), "missing-field", "'rewrite' changes nothing; state uri, uriRegexRewrite or authority")


def _half_a_rewrite(rewrite: Mapping[str, Any]) -> Iterator[Problem]:
    for field in ("match", "rewrite"):
        if not is_set(rewrite, field):
            state = "empty" if is_stated(rewrite, field) else "missing"
            yield Problem((field,), "missing-field", f"'{field}' is {state}; state match and rewrite")


REWRITE = Rules(
    (_rewrites,),
    fields={"uriRegexRewrite": Rules((_half_a_rewrite,), fields={"match": text_rules(not_a_regex)})},
)
