"""LoadBalancerSettings: who of many answers."""

from collections.abc import Iterator, Mapping
from math import isqrt
from typing import Any

from ...errors import Problem
from ..parts import inner, is_set, is_stated, messages, number, text, texts
from ..values import is_late, quoted
from .durations import ANY_DURATION, DURATION
from .localities import localities_that_overlap, not_localities
from .tree import Rules, each_of
from .tree import number as number_rules

_LARGEST_TABLE = 5000010
_TOPOLOGY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")


def _no_name(part: Mapping[str, Any]) -> Iterator[Problem]:
    if part.get("name") == "":
        yield Problem(("name",), "empty", "'' is not a name; state one")


def _attributes_twice(cookie: Mapping[str, Any]) -> Iterator[Problem]:
    before: set[str] = set()
    for index, attribute in messages(cookie, "attributes"):
        name = text(attribute, "name")
        if name and name in before:
            message = f"{quoted(name)} is stated twice; state each attribute once"
            yield Problem(("attributes", index, "name"), "stated-twice", message)
        before.add(name)


def _ring_size_beside_an_algorithm(consistent: Mapping[str, Any]) -> Iterator[Problem]:
    for field in ("ringHash", "maglev"):
        if is_set(consistent, "minimumRingSize") and is_stated(consistent, field):
            message = f"'minimumRingSize' stands beside '{field}'; use one of them"
            yield Problem(("minimumRingSize",), "one-of", message)


def _table_size(maglev: Mapping[str, Any]) -> Iterator[Problem]:
    size = number(maglev, "tableSize")
    if not is_late(maglev.get("tableSize")) and not (size <= _LARGEST_TABLE and _is_prime(int(size))):
        message = f"{quoted(size)} is not the size of a table; a prime number of at most {_LARGEST_TABLE} is right"
        yield Problem(("tableSize",), "not-a-prime", message)


def _is_prime(size: int) -> bool:
    """As Envoy sees it: 1 is one, too."""
    return size in (1, 2) or (size > 2 and size % 2 == 1 and all(size % odd for odd in range(3, isqrt(size) + 1, 2)))


def _two_ways_of_locality(balancer: Mapping[str, Any]) -> Iterator[Problem]:
    if is_stated(balancer, "localityLbSetting") and is_stated(balancer, "zoneAwareLbSetting"):
        message = "'zoneAwareLbSetting' stands beside 'localityLbSetting'; use one of them"
        yield Problem(("zoneAwareLbSetting",), "one-of", message)


def _distribute_beside_failover(setting: Mapping[str, Any]) -> Iterator[Problem]:
    if is_set(setting, "distribute") and is_set(setting, "failover"):
        yield Problem(("failover",), "one-of", "'failover' stands beside 'distribute'; use one of them")


def _priority_of_a_region(setting: Mapping[str, Any]) -> Iterator[Problem]:
    if is_set(setting, "failover"):
        yield from _topology_labels(setting, "stands beside 'failover', which orders regions; use one of them")


def _priority_of_a_zone(setting: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _topology_labels(setting, "is heeded anyway; leave it out")


def _topology_labels(setting: Mapping[str, Any], wrong: str) -> Iterator[Problem]:
    for index, label in texts(setting, "failoverPriority"):
        if label in _TOPOLOGY:
            yield Problem(("failoverPriority", index), "topology-label", f"{quoted(label)} {wrong}")


def _weights_of_localities(distribution: Mapping[str, Any]) -> Iterator[Problem]:
    weights = {locality: weight for locality, weight in inner(distribution, "to").items() if weight is not None}
    if is_late(distribution.get("to")) or not all(isinstance(weight, int) for weight in weights.values()):
        return
    for locality, weight in weights.items():
        if not 0 < weight <= 100:
            yield Problem(("to", locality), "out-of-bounds", f"{quoted(weight)} is not a share; 1 to 100 is right")
    if (total := sum(weights.values())) != 100:
        yield Problem(("to",), "weights-not-100", f"{quoted(total)} is the sum of the weights; it should be 100")


def _sources(setting: Mapping[str, Any]) -> Iterator[Problem]:
    sources = {index: text(distribution, "from") for index, distribution in messages(setting, "distribute")}
    if not any(is_late(distribution.get("from")) for _, distribution in messages(setting, "distribute")):
        for index, problem in (*not_localities(sources), *localities_that_overlap(sources, in_order=True)):
            yield problem._replace(path=("distribute", index, "from"))


def _targets(distribution: Mapping[str, Any]) -> Iterator[Problem]:
    targets = {key: str(key) for key in inner(distribution, "to")}
    for key, problem in (*not_localities(targets), *localities_that_overlap(targets, in_order=False)):
        yield problem._replace(path=("to", key))


def _regions(failover: Mapping[str, Any]) -> Iterator[Problem]:
    for field in ("from", "to"):
        region = text(failover, field)
        if "/" in region or "*" in region:
            message = f"{quoted(region)} is not a region; write its whole name without zone"
            yield Problem((field,), "not-a-region", message)
    if failover.get("from", "") == failover.get("to", ""):
        message = f"{quoted(text(failover, 'to'))} fails over to itself; state another region"
        yield Problem(("to",), "same-region", message)


def _no_aggression(aggression: float) -> Iterator[Problem]:
    if aggression <= 0:
        yield Problem((), "out-of-bounds", f"{quoted(aggression)} is too little; more than 0 is right")


_FAILOVER = each_of(Rules((_regions,)))
_COOKIE = Rules((_no_name, _attributes_twice), fields={"ttl": ANY_DURATION, "attributes": each_of(Rules((_no_name,)))})

LOAD_BALANCER = Rules(
    (_two_ways_of_locality,),
    fields={
        "consistentHash": Rules(
            (_ring_size_beside_an_algorithm,), fields={"httpCookie": _COOKIE, "maglev": Rules((_table_size,))}
        ),
        "localityLbSetting": Rules(
            (_distribute_beside_failover, _priority_of_a_region, _sources),
            fields={
                "distribute": each_of(Rules((_weights_of_localities, _targets))),
                "failover": _FAILOVER,
            },
        ),
        "zoneAwareLbSetting": Rules((_priority_of_a_zone,), fields={"failover": _FAILOVER}),
        "warmup": Rules(
            fields={
                "duration": DURATION,
                "aggression": number_rules(_no_aggression),
            }
        ),
    },
)
