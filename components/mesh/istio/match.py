"""Whether one match of Istio's covers another: every call that fits the second fits the first.

"No" may mean that nobody can tell: of two regular expressions, only the text is compared. What fits a match is
described in Istio's reference of HTTPMatchRequest.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from . import regex

Match = Mapping[str, Any]

_IGNORED = ("name", "statPrefix", "ignoreUriCase")
"""The first two only name what is counted; the last is read with the path."""
_UNSET: tuple[Any, ...] = (None, "", {}, [])
"""Values of a field that ask for nothing: istiod takes a path, or a method, without a text for any."""
_ANYTHING: Any = {"regex": ".*"}
"""What each text fits: none that a proxy compares has a line break."""
_PRESENT: tuple[Any, ...] = ({}, {"regex": "*"})
"""Of a header or a parameter: it is there, whatever its value."""
_EVERY_PATH = ({"prefix": "/"}, {"prefix": ""}, {"regex": "/.*"}, _ANYTHING)


def covers(wide: Match, narrow: Match) -> bool:
    """Whether every call that fits `narrow` provably fits `wide`."""
    return all(
        _implied(field, condition, wide, narrow)
        for field, condition in wide.items()
        if field not in _IGNORED and condition not in _UNSET
    )


def is_catch_all(match: Match) -> bool:
    """Whether every call fits."""
    return covers(match, {})


def narrowed(match: Match, port: int | None, gateways: Collection[str]) -> dict[str, Any] | None:
    """What is left to ask of calls to `port` that enter the mesh at one of `gateways`; None if none of them fits.

    At ingress gateways the port is unknown: `match` may go on asking for it.
    """
    rest = dict(match)
    if port is not None and rest.pop("port", None) not in (None, port):
        return None
    if isinstance(stated := rest.get("gateways"), list) and stated:
        if not set(gateways) & set(map(str, stated)):
            return None
        if set(gateways) <= set(stated):
            # istiod would not look at labels beside it
            del rest["gateways"]
    return rest


def header_ruled_out(match: Match) -> str | None:
    """The header of which a match asks for what it rules out as well, so that no call fits; None if there is none."""
    for name, ruled_out in _pairs(match.get("withoutHeaders")):
        for other, asked in _pairs(match.get("headers")):
            if name.lower() == other.lower() and _is_there_and_fits(ruled_out, asked):
                return name
    return None


def _implied(field: str, condition: Any, wide: Match, narrow: Match) -> bool:
    other = narrow.get(field)
    if field == "uri":
        return _path_covers(condition, other, wide, narrow)
    return _IMPLIED[field](condition, other) if field in _IMPLIED else bool(condition == other)


def _path_covers(condition: Any, other: Any, wide: Match, narrow: Match) -> bool:
    if condition in _EVERY_PATH:
        return True
    # `ignoreUriCase` has no effect on a regular expression
    if wide.get("ignoreUriCase") is True and "regex" not in dict(_pairs(condition)):
        return _string_covers(_lower(condition), _lower(other))
    if narrow.get("ignoreUriCase") is True and "regex" not in dict(_pairs(other)):
        return False
    return _string_covers(condition, other)


def _lower(condition: Any) -> Any:
    return {
        kind: value.lower() if isinstance(value, str) and kind != "regex" else value
        for kind, value in _pairs(condition)
    }


def _each(conditions: Any, others: Any, implied: Callable[[Any, Any], bool], *, ignore_case: bool = False) -> bool:
    """Whether what is asked of each name is implied by what is asked of the same name in `others`."""

    def key(name: str) -> str:
        return name.lower() if ignore_case else name

    return isinstance(conditions, Mapping) and all(
        any(implied(condition, other) for other_name, other in _pairs(others) if key(other_name) == key(name))
        for name, condition in conditions.items()
    )


def _is_there_and_fits(wide: Any, narrow: Any) -> bool:
    return isinstance(narrow, Mapping) and (wide in (*_PRESENT, _ANYTHING) or _string_covers(wide, narrow))


def _is_without(wide: Any, narrow: Any) -> bool:
    """A header that is missing counts as empty, unless its presence itself is asked for."""
    if wide in _PRESENT or narrow in _PRESENT:
        return narrow in _PRESENT and (wide in _PRESENT or _is_text_other_than_empty(wide))
    return _string_covers(narrow, wide)


def _is_text_other_than_empty(condition: Any) -> bool:
    return any(kind in ("exact", "prefix") and isinstance(value, str) and value for kind, value in _pairs(condition))


def _is_the_same(wide: Any, narrow: Any) -> bool:
    # a null is refused for itself
    return wide is not None and bool(wide == narrow)


def _string_covers(wide: Any, narrow: Any) -> bool:
    [(kind, value), *_] = [*_pairs(wide), ("", None)]
    [(other_kind, other), *_] = [*_pairs(narrow), ("", None)]
    if not (isinstance(value, str) and isinstance(other, str)):
        return False
    if wide in (_ANYTHING, narrow):
        return True
    if kind == "prefix":
        return (regex.beginning(other) if other_kind == "regex" else other).startswith(value)
    if kind == "regex" and other_kind != "regex":
        # an expression is asked about a path without its query
        goes_on = other_kind == "exact" or (regex.goes_on_anyhow(value) and "?" not in other)
        return goes_on and regex.fits(value, other)
    return False


def subnet(text: Any) -> IPv4Network | IPv6Network | None:
    """A subnet of `destinationSubnets`; nothing if it is not one."""
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


def is_within(inner: Any, outer: Any) -> bool:
    """Whether every address of a subnet is one of another."""
    one, other = subnet(inner), subnet(outer)
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)


def _subnets_cover(condition: Any, other: Any) -> bool:
    if not (isinstance(condition, list) and isinstance(other, list) and other):
        return False
    return all(any(is_within(inner, outer) for outer in condition) for inner in other)


def _text_covers(condition: Any, other: Any) -> bool:
    """Of what each request has."""
    return condition == _ANYTHING or _string_covers(condition, other)


def _list_covers(condition: Any, other: Any) -> bool:
    if not (isinstance(condition, list) and isinstance(other, list) and other):
        return False
    return all(item in condition for item in other)


def _pairs(condition: Any) -> list[tuple[str, Any]]:
    """What is no map, which the schema refuses, has none."""
    return list(condition.items()) if isinstance(condition, Mapping) else []


_IMPLIED: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("scheme", "method", "authority"), _text_covers),
    **dict.fromkeys(("gateways", "sniHosts"), _list_covers),
    "headers": partial(_each, implied=_is_there_and_fits, ignore_case=True),
    "withoutHeaders": partial(_each, implied=_is_without, ignore_case=True),
    "queryParams": partial(_each, implied=_is_there_and_fits),
    "sourceLabels": partial(_each, implied=_is_the_same),
    "destinationSubnets": _subnets_cover,
}
"""Field → whether what a match asks of it is implied by what another one asks."""
