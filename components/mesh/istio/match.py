"""Whether one match of Istio's covers another: every call that fits the second fits the first.

"No" may mean that nobody can tell: regular expressions are only compared as text. What fits a match is described in
Istio's reference of HTTPMatchRequest.
"""

from collections.abc import Collection, Mapping
from typing import Any

Match = Mapping[str, Any]

_STRINGS = ("scheme", "method", "authority")
_IGNORED = ("name", "statPrefix")
"""They only name what is counted."""


def covers(wide: Match, narrow: Match) -> bool:
    """Whether every call that fits `narrow` provably fits `wide`."""
    return all(
        _implied(field, condition, wide, narrow)
        for field, condition in wide.items()
        if field not in _IGNORED and condition is not None
    )


def is_catch_all(match: Match) -> bool:
    """Whether every call fits: no condition but a port, or the path `/` as a prefix."""
    return all(
        field in (*_IGNORED, "port", "ignoreUriCase") or (field == "uri" and condition == {"prefix": "/"})
        for field, condition in match.items()
        if condition not in (None, {}, [])
    )


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


def _implied(field: str, condition: Any, wide: Match, narrow: Match) -> bool:
    other = narrow.get(field)
    if field == "uri":
        return _path_covers(condition, other, wide, narrow)
    if field in _CONDITIONS_BY_NAME:
        return all(_CONDITIONS_BY_NAME[field](one, _of(other, name)) for name, one in _pairs(condition))
    if field in _STRINGS:
        return _string_covers(condition, other)
    if field in _LISTS:
        # an empty list states nothing
        return condition == [] or (isinstance(condition, list) and _is_part(other, condition))
    return field == "ignoreUriCase" or bool(condition == other)


def _is_part(other: Any, whole: list[Any]) -> bool:
    return isinstance(other, list) and bool(other) and all(item in whole for item in other)


def _path_covers(condition: Any, other: Any, wide: Match, narrow: Match) -> bool:
    if condition == {"prefix": "/"}:
        return True  # every path begins with it
    if wide.get("ignoreUriCase"):
        return _string_covers(_lower(condition), _lower(other))
    return not narrow.get("ignoreUriCase") and _string_covers(condition, other)


def _lower(condition: Any) -> Any:
    """Regular expressions are not affected by `ignoreUriCase`."""
    return {
        kind: value.lower() if isinstance(value, str) and kind != "regex" else value
        for kind, value in _pairs(condition)
    }


def _is_there_and_fits(wide: Any, narrow: Any) -> bool:
    """Of a header or a parameter; `{}` and the expression `*` mean that it is there."""
    return isinstance(narrow, Mapping) and (wide in ({}, {"regex": "*"}) or _string_covers(wide, narrow))


def _is_the_same(wide: Any, narrow: Any) -> bool:
    # a null is refused for itself
    return wide is not None and bool(wide == narrow)


_CONDITIONS_BY_NAME = {
    "headers": _is_there_and_fits,
    "queryParams": _is_there_and_fits,
    "sourceLabels": _is_the_same,
    "withoutHeaders": _is_the_same,
}
_LISTS = ("destinationSubnets", "gateways", "sniHosts")


def _string_covers(wide: Any, narrow: Any) -> bool:
    [(kind, value), *_] = [*_pairs(wide), ("", None)]
    [(other_kind, other), *_] = [*_pairs(narrow), ("", None)]
    if not (isinstance(value, str) and isinstance(other, str)):
        return False
    if kind == "prefix" and other_kind in ("prefix", "exact"):
        return other.startswith(value)
    return kind == other_kind and value == other


def _pairs(condition: Any) -> list[tuple[str, Any]]:
    """What is no map, which the schema refuses, has none."""
    return list(condition.items()) if isinstance(condition, Mapping) else []


def _of(conditions: Any, name: str) -> Any:
    return conditions.get(name) if isinstance(conditions, Mapping) else None
