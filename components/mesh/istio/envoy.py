"""What Istio takes of an entry or a policy, and Envoy does not: a caller's whole route table is refused for it.

Beside it stands what an API server or istiod drops without a word, so that it means other than it says.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Path, Problem
from .durations import nanoseconds
from .parts import is_set, is_stated
from .rules.headers import is_authority, is_header_name, is_header_value
from .rules.tree import Rules, check_of, each, each_of
from .rules.tree import number as number_rules
from .rules.tree import text as text_rules
from .values import quoted
from .variables import flaws

_REDIRECT_CODES = (301, 302, 303, 307, 308)
_LARGEST_RING = 8 * 1024 * 1024
_HASH_KEYS = ("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName")


def problems(entry: Any, path: Path = ()) -> list[Problem]:
    """All that is wrong with an entry; `path` is where the user wrote it."""
    return [problem._replace(path=(*path, *problem.path)) for problem in check_of(_ENTRY)(entry)]


def problems_of_a_policy(policy: Any) -> list[Problem]:
    """All that is wrong with a `trafficPolicy`; the paths begin there."""
    return [*check_of(_POLICY)(policy)]


def _states_nothing(conditions: Mapping[Any, Any]) -> Iterator[Problem]:
    for name, condition in conditions.items():
        if condition is None:
            message = f"{quoted(name)} states nothing; write {{}} for 'is there'"
            yield Problem((str(name),), "states-nothing", message)


def _has_no_value(values: Mapping[Any, Any]) -> Iterator[Problem]:
    for name, value in values.items():
        if value is None:
            yield Problem((str(name),), "states-nothing", f"{quoted(name)} states nothing; state a value")


def _has_no_text(condition: Mapping[Any, Any]) -> Iterator[Problem]:
    for kind, value in condition.items():
        if value is None:
            yield Problem((str(kind),), "states-nothing", f"{quoted(kind)} states nothing; state a text")


def _without_a_name(parameters: Mapping[Any, Any]) -> Iterator[Problem]:
    if "" in parameters:
        yield Problem(("",), "empty", "'' is not the name of a parameter; state one")


def _not_headers(operations: Mapping[Any, Any]) -> Iterator[Problem]:
    for name in map(str, operations):
        for problem in _not_a_header(name):
            yield problem._replace(path=(name,))


def _not_a_header(name: str) -> Iterator[Problem]:
    # which pseudo headers may be set, Istio's own rules say
    if name and not name.startswith(":") and not is_header_name(name):
        yield Problem((), "not-a-header", f"{quoted(name)} is not the name of a header; write for example x-user")


def _wrong_variables(values: Mapping[Any, Any]) -> Iterator[Problem]:
    for name, value in values.items():
        # Envoy takes a host as it is; what is no value at all, Istio's own rules say
        if isinstance(value, str) and not is_authority(str(name)) and is_header_value(value):
            for flaw in flaws(value):
                yield Problem((str(name),), "not-a-variable", flaw)


def _not_a_redirect(code: float) -> Iterator[Problem]:
    if 300 <= code <= 399 and code not in _REDIRECT_CODES:
        choices = ", ".join(map(str, _REDIRECT_CODES))
        yield Problem((), "out-of-bounds", f"{quoted(code)} is not the status of a redirect; it takes {choices}")


def _not_a_status(status: float) -> Iterator[Problem]:
    if status == 600:
        yield Problem((), "out-of-bounds", f"{quoted(status)} is not a status; 200 to 599 is right")


def _subnet_that_istiod_ignores(match: Mapping[Any, Any]) -> Iterator[Problem]:
    if is_set(match, "sourceSubnet"):
        message = "'sourceSubnet' is ignored by Istio; use sourceLabels or sourceNamespace"
        yield Problem(("sourceSubnet",), "not-implemented", message)


def _without_a_key(consistent: Mapping[Any, Any]) -> Iterator[Problem]:
    if not any(is_stated(consistent, key) for key in _HASH_KEYS):
        message = f"'consistentHash' does not say what is hashed; state one of {', '.join(_HASH_KEYS)}"
        yield Problem((), "missing-field", message)


def _hashes_no_header(name: str) -> Iterator[Problem]:
    yield from _not_a_header(name)
    if not name:
        yield Problem((), "not-a-header", "'' is not the name of a header; write for example x-user")


def _hashes_no_parameter(name: str) -> Iterator[Problem]:
    if not name:
        yield Problem((), "empty", "'' is not the name of a parameter; state one")


def _less_than_nothing(duration: str) -> Iterator[Problem]:
    if (nanoseconds(duration) or 0) < 0:
        yield Problem((), "out-of-bounds", f"{quoted(duration)} is less than nothing; at least 0s is right")


def _too_large_a_ring(size: float) -> Iterator[Problem]:
    if size > _LARGEST_RING:
        yield Problem((), "out-of-bounds", f"{quoted(size)} is too large; at most {_LARGEST_RING} is right")


def _errors_that_istiod_ignores(outliers: Mapping[Any, Any]) -> Iterator[Problem]:
    if is_set(outliers, "consecutiveErrors"):
        message = "'consecutiveErrors' is ignored by Istio; write consecutive5xxErrors or consecutiveGatewayErrors"
        yield Problem(("consecutiveErrors",), "not-implemented", message)


_CONDITION = Rules((_has_no_text,))
_CONDITIONS = Rules((_states_nothing,), each=_CONDITION)
_VALUES = Rules((_has_no_value, _not_headers, _wrong_variables))
_CHANGES = Rules(fields={"set": _VALUES, "add": _VALUES, "remove": each(_not_a_header)})
_HEADERS = Rules(fields={"request": _CHANGES, "response": _CHANGES})
_STATUS = number_rules(_not_a_status)
_ENTRY = Rules(
    fields={
        "match": each_of(
            Rules(
                (_has_no_value, _subnet_that_istiod_ignores),
                fields={
                    "headers": _CONDITIONS,
                    "withoutHeaders": _CONDITIONS,
                    "queryParams": Rules((_states_nothing, _without_a_name), each=_CONDITION),
                    "sourceLabels": Rules((_has_no_value,)),
                    **dict.fromkeys(("uri", "scheme", "method", "authority"), _CONDITION),
                },
            )
        ),
        "headers": _HEADERS,
        "route": each_of(Rules(fields={"headers": _HEADERS})),
        "redirect": Rules(fields={"redirectCode": number_rules(_not_a_redirect)}),
        "fault": Rules(fields={"abort": Rules(fields={"httpStatus": _STATUS})}),
        "directResponse": Rules(fields={"status": _STATUS}),
    }
)
_RING_SIZE = number_rules(_too_large_a_ring)
_POLICY = Rules(
    fields={
        "loadBalancer": Rules(
            fields={
                "consistentHash": Rules(
                    (_without_a_key,),
                    fields={
                        "httpHeaderName": text_rules(_hashes_no_header),
                        "httpQueryParameterName": text_rules(_hashes_no_parameter),
                        "httpCookie": Rules(fields={"ttl": text_rules(_less_than_nothing)}),
                        "minimumRingSize": _RING_SIZE,
                        "ringHash": Rules(fields={"minimumRingSize": _RING_SIZE}),
                    },
                )
            }
        ),
        "outlierDetection": Rules((_errors_that_istiod_ignores,)),
    }
)
