"""HTTPMatchRequest, and what all kinds of matches share."""

from collections.abc import Iterator

from ...errors import Problem
from ..values import quoted
from .gateway_names import gateway_names
from .headers import names_that_match_nothing
from .hosts import LABELS, PORT_OR_0, is_label
from .string_match import ABSENT_HEADER_MATCH, PATH_MATCH, STRING_MATCH
from .tree import Rules, each_of, text


def _not_a_namespace(namespace: str) -> Iterator[Problem]:
    if namespace and not is_label(namespace):
        message = f"{quoted(namespace)} is not the name of a namespace; it has letters, digits and -, at most 63"
        yield Problem((), "not-a-label", message)


HTTP_MATCH = Rules(
    (gateway_names,),
    fields={
        "headers": Rules((names_that_match_nothing,), each=STRING_MATCH),
        "withoutHeaders": Rules((names_that_match_nothing,), each=ABSENT_HEADER_MATCH),
        "uri": PATH_MATCH,
        "scheme": STRING_MATCH,
        "method": STRING_MATCH,
        "authority": STRING_MATCH,
        "queryParams": each_of(STRING_MATCH),
        "port": PORT_OR_0,
        "sourceLabels": LABELS,
        "sourceNamespace": text(_not_a_namespace),
    },
)
