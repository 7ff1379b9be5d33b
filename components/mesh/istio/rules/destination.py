"""Where a route leads: a destination, and how several share the calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import any_is_late, entries, messages, number
from ..values import is_late, quoted
from .hosts import is_wildcard_host, not_a_label, not_a_port
from .tree import Rules
from .tree import number as number_rules
from .tree import text as text_rules


def _not_a_destination(host: str) -> Iterator[Problem]:
    if host == "*" or not is_wildcard_host(host):
        message = f"{quoted(host)} is not a host; write for example reviews.default.svc.cluster.local"
        yield Problem((), "not-a-host", message)


def _not_a_subset(subset: str) -> Iterator[Problem]:
    if subset:
        yield from not_a_label(subset)


def _no_port(selector: Mapping[str, Any]) -> Iterator[Problem]:
    if selector.get("number") is None:
        yield Problem(("number",), "missing-field", "'number' is missing; state the port, 1 to 65535")


def _less_than_nothing(weight: float) -> Iterator[Problem]:
    if weight < 0:
        yield Problem((), "out-of-bounds", f"{quoted(weight)} is less than nothing; at least 0 is right")


PORT_SELECTOR = Rules((_no_port,), fields={"number": number_rules(not_a_port)})
DESTINATION = Rules(
    fields={"host": text_rules(_not_a_destination), "subset": text_rules(_not_a_subset), "port": PORT_SELECTOR},
)
WEIGHT = number_rules(_less_than_nothing)


def weights_of_0(route: Mapping[str, Any]) -> Iterator[Problem]:
    """Several destinations of which none takes a call."""
    destinations = [destination for _, destination in messages(route, "route")]
    late_weights = any(is_late(each.get("weight")) for each in destinations)
    if len(entries(route, "route")) < 2 or any_is_late(route, "route") or late_weights:
        return
    if sum(number(each, "weight") for each in destinations) == 0:
        yield Problem(("route",), "weights-of-0", "'0' is the sum of the weights; at least one must be more")
