"""What Istio takes of an entry of `http`, and Envoy does not: a caller's whole route table is refused for it.

Beside it stands what an API server drops without a word, so that the entry takes other calls than it says.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Path, Problem
from .rules.headers import is_authority, is_header_name, is_header_value
from .rules.tree import Rules, check_of, each, each_of
from .rules.tree import number as number_rules
from .values import quoted
from .variables import flaws

_REDIRECT_CODES = (301, 302, 303, 307, 308)


def problems(entry: Any, path: Path = ()) -> list[Problem]:
    """All that is wrong with an entry; `path` is where the user wrote it."""
    return [problem._replace(path=(*path, *problem.path)) for problem in check_of(_ENTRY)(entry)]


def _states_nothing(conditions: Mapping[Any, Any]) -> Iterator[Problem]:
    for name, condition in conditions.items():
        if condition is None:
            message = f"{quoted(name)} states nothing; write {{}} for 'is there'"
            yield Problem((str(name),), "states-nothing", message)


def _has_no_value(values: Mapping[Any, Any]) -> Iterator[Problem]:
    for name, value in values.items():
        if value is None:
            yield Problem((str(name),), "states-nothing", f"{quoted(name)} states nothing; state a value")


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


_CONDITIONS = Rules((_states_nothing,))
_VALUES = Rules((_has_no_value, _not_headers, _wrong_variables))
_CHANGES = Rules(fields={"set": _VALUES, "add": _VALUES, "remove": each(_not_a_header)})
_HEADERS = Rules(fields={"request": _CHANGES, "response": _CHANGES})
_STATUS = number_rules(_not_a_status)
_ENTRY = Rules(
    fields={
        "match": each_of(
            Rules(
                fields={
                    "headers": _CONDITIONS,
                    "withoutHeaders": _CONDITIONS,
                    "queryParams": Rules((_states_nothing, _without_a_name)),
                    "sourceLabels": Rules((_has_no_value,)),
                }
            )
        ),
        "headers": _HEADERS,
        "route": each_of(Rules(fields={"headers": _HEADERS})),
        "redirect": Rules(fields={"redirectCode": number_rules(_not_a_redirect)}),
        "fault": Rules(fields={"abort": Rules(fields={"httpStatus": _STATUS})}),
        "directResponse": Rules(fields={"status": _STATUS}),
    }
)
