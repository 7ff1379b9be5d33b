"""Where a route leads: a destination, and how several share the calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import entries, messages, number
from ..values import is_late
from .hosts import is_label, is_wildcard_host, not_a_port
from .tree import Rules
from .tree import number as number_rules
from .tree import text as text_rules


def _not_a_destination(host: str) -> Iterator[Problem]:
    if host == "*" or not is_wildcard_host(host):
        message = f"'{host}' is not a host; write for example reviews.default.svc.cluster.local"
        yield Problem((), "not-a-host", message)


def _not_a_subset(subset: str) -> Iterator[Problem]:
    if subset and not is_label(subset):
        message = f"'{subset}' is not a DNS label; it has letters, digits and -, at most 63, and no - at either end"
        yield Problem((), "not-a-label", message)


def _no_port(selector: Mapping[str, Any]) -> Iterator[Problem]:
    if selector.get("number") is None:
        yield Problem(("number",), "missing-field", "'number' is missing; state the port, 1 to 65535")


def _less_than_nothing(weight: float) -> Iterator[Problem]:
    if weight < 0:
        yield Problem((), "out-of-bounds", f"'{weight}' is less than nothing; at least 0 is right")


PORT_SELECTOR = Rules((_no_port,), fields={"number": number_rules(not_a_port)})
DESTINATION = Rules(
    fields={"host": text_rules(_not_a_destination), "subset": text_rules(_not_a_subset), "port": PORT_SELECTOR},
)
WEIGHT = number_rules(_less_than_nothing)


def weights_of_0(route: Mapping[str, Any]) -> Iterator[Problem]:
    """Several destinations of which none takes a call."""
    destinations = [destination for _, destination in messages(route, "route")]
    if len(entries(route, "route")) < 2 or any(is_late(each.get("weight")) for each in destinations):
        return
    if sum(number(each, "weight") for each in destinations) == 0:
        yield Problem(("route",), "weights-of-0", "'0' is the sum of the weights; at least one must be more")
