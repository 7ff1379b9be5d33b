"""Whether one match covers another: only if every request that fits the second fits the first, as Envoy has it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mesh_federation.mesh.istio.match import covers, is_catch_all, narrowed

Match = dict[str, Any]

PATHS = ("/", "/a", "/A", "/a/b", "/ab", "/b")
VALUES = ("", "a", "A", "ab", "b")
NAMES = ("x", "y")
GATEWAYS = ("mesh", "ingress/public")


@dataclass(frozen=True)
class Request:
    """A call, as far as a match can tell it from others."""

    path: str = "/"
    method: str = "GET"
    authority: str = "a"
    scheme: str = "http"
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """A header may come several times."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "a"
    port: int = 80
    gateway: str = "mesh"


def fits(request: Request, match: Match) -> bool:
    """By Istio's reference of HTTPMatchRequest; every condition that is stated must hold."""
    holds: dict[str, Callable[[Any], bool]] = {
        "uri": lambda c: is_like(c, request.path, ignore_case=match.get("ignoreUriCase", False)),
        "method": lambda c: is_like(c, request.method),
        "authority": lambda c: is_like(c, request.authority),
        "scheme": lambda c: is_like(c, request.scheme),
        "headers": lambda c: all(is_present(part, request.headers.get(name.lower(), ())) for name, part in c.items()),
        "withoutHeaders": lambda c: all(
            is_without(part, request.headers.get(name.lower(), ())) for name, part in c.items()
        ),
        "queryParams": lambda c: all(
            name in request.parameters and is_present(part, [request.parameters[name]]) for name, part in c.items()
        ),
        "sourceLabels": lambda c: c.items() <= request.labels.items(),
        "sourceNamespace": lambda c: c == request.namespace,
        "port": lambda c: c == request.port,
        "gateways": lambda c: request.gateway in c,
    }
    return all(holds[name](condition) for name, condition in match.items() if name in holds)


def is_like(condition: Match, value: str, *, ignore_case: bool = False) -> bool:
    if not condition:
        return True
    [(kind, wanted)] = condition.items()
    if kind == "regex":
        return re.fullmatch(wanted, value) is not None
    if ignore_case:
        wanted, value = wanted.lower(), value.lower()
    return value == wanted if kind == "exact" else value.startswith(wanted)


def is_present(condition: Match, values: Sequence[str]) -> bool:
    """Envoy takes a header that comes several times if one of its values fits."""
    return any(condition in ({}, {"regex": "*"}) or is_like(condition, value) for value in values)


def is_without(condition: Match, values: Sequence[str]) -> bool:
    """A header that is missing is read as empty, but `{}` is about its presence."""
    if condition in ({}, {"regex": "*"}):
        return not values
    return not is_present(condition, values or [""])


def conditions(values: tuple[str, ...]) -> st.SearchStrategy[Match]:
    regexes = st.sampled_from([{"regex": pattern} for pattern in (".*", "/.*", "a|b", "[aA].*", "/[ab]+", "GET|PUT")])
    texts = st.builds(lambda kind, value: {kind: value}, st.sampled_from(["exact", "prefix"]), st.sampled_from(values))
    return st.one_of(texts, regexes)


present: st.SearchStrategy[Match] = st.one_of(conditions(VALUES), st.just({}), st.just({"regex": "*"}))
by_name = st.dictionaries(st.sampled_from(NAMES), present, max_size=2)
by_header = st.dictionaries(st.sampled_from(("x", "X", "y")), present, max_size=2)
matches = st.fixed_dictionaries(
    {},
    optional={
        "uri": conditions(PATHS),
        "ignoreUriCase": st.booleans(),
        "method": conditions(("GET", "G", "PUT")),
        "authority": conditions(VALUES),
        "scheme": conditions(("http", "https")),
        "headers": by_header,
        "withoutHeaders": by_header,
        "queryParams": by_name,
        "sourceLabels": st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES[1:]), max_size=2),
        "sourceNamespace": st.sampled_from(["a", "b"]),
        "port": st.sampled_from([80, 81]),
        "gateways": st.lists(st.sampled_from(GATEWAYS), unique=True, min_size=1),
        "name": st.just("m"),
        "statPrefix": st.just("s"),
    },
)
texts_by_name = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2)
requests = st.builds(
    Request,
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["GET", "PUT", "HEAD"]),
    authority=st.sampled_from(VALUES),
    scheme=st.sampled_from(["http", "https"]),
    headers=st.dictionaries(
        st.sampled_from(NAMES), st.lists(st.sampled_from(VALUES), min_size=1, max_size=2), max_size=2
    ),
    parameters=texts_by_name,
    labels=texts_by_name,
    namespace=st.sampled_from(["a", "b"]),
    port=st.sampled_from([80, 81]),
    gateway=st.sampled_from(GATEWAYS),
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Match, Match]:
    """(wide, narrow); the narrow one is often the wide one with more in it."""
    wide, other = draw(matches), draw(matches)
    return (wide, {**wide, **other}) if draw(st.booleans()) else (wide, other)


TEXTS = [
    *({kind: text} for kind in ("exact", "prefix") for text in VALUES[1:]),
    *({"regex": r} for r in (".*", "a|b", "a", "a?b?", ".+")),
]
PATH_TEXTS = [
    *({kind: path} for kind in ("exact", "prefix") for path in PATHS),
    *({"regex": pattern} for pattern in (".*", "/.*", "/a", "/[aA].*")),
    {},
]
PARAMETERS: list[Mapping[str, str]] = [{}, *({"x": value} for value in VALUES)]
HEADERS: list[Mapping[str, Sequence[str]]] = [
    *({name: (value,) for name, value in parameters.items()} for parameters in PARAMETERS),
    *({"x": pair} for pair in (("a", "b"), ("", "a"), ("ab", "A"))),
]
OF_ONE_FIELD: dict[str, tuple[list[Match], list[Request]]] = {
    "uri": (
        [{"uri": text, **case} for text in PATH_TEXTS for case in ({}, {"ignoreUriCase": True})],
        [Request(path=path) for path in PATHS],
    ),
    "authority": ([{"authority": text} for text in (*TEXTS, {})], [Request(authority=value) for value in VALUES]),
    "headers": (
        [{"headers": {name: text}} for name in ("x", "X") for text in (*TEXTS, {}, {"regex": "*"})],
        [Request(headers=headers) for headers in HEADERS],
    ),
    "withoutHeaders": (
        [
            {field: {name: text}}
            for field in ("withoutHeaders", "headers")
            for name in ("x", "X")
            for text in (*TEXTS, {}, {"regex": "*"})
        ],
        [Request(headers=headers) for headers in HEADERS],
    ),
    "queryParams": (
        [{"queryParams": {"x": text}} for text in (*TEXTS, {})],
        [Request(parameters=parameters) for parameters in PARAMETERS],
    ),
    "sourceLabels": (
        [{"sourceLabels": labels} for labels in ({"x": "a"}, {"x": "b"}, {"x": "a", "y": "a"})],
        [Request(labels=labels) for labels in (*PARAMETERS, {"x": "a", "y": "a"})],
    ),
}
"""Field → all matches by it alone, and all requests that differ in nothing else."""


@pytest.mark.parametrize("field", OF_ONE_FIELD)
def test_what_is_covered_by_one_field_fits(field: str) -> None:
    of_field, calls = OF_ONE_FIELD[field]
    covered = [(wide, narrow) for wide in of_field for narrow in of_field if covers(wide, narrow)]

    assert len(covered) >= len(of_field), "each covers itself"
    for wide, narrow in covered:
        for call in calls:
            assert not fits(call, narrow) or fits(call, wide), (wide, narrow)


@settings(max_examples=150)
@given(pairs(), st.lists(requests, min_size=20, max_size=20))
def test_what_is_covered_fits(pair: tuple[Match, Match], calls: list[Request]) -> None:
    wide, narrow = pair
    assume(covers(wide, narrow))
    for call in calls:
        assert not fits(call, narrow) or fits(call, wide), call


EVERY_PATH: list[Match] = [{"prefix": "/"}, {"prefix": ""}, {"regex": ".*"}, {"regex": "/.*"}]
wide_ones = st.fixed_dictionaries(
    {},
    optional={
        "uri": st.sampled_from([*EVERY_PATH, {"prefix": "/a"}]),
        "ignoreUriCase": st.booleans(),
        "method": st.sampled_from([{"regex": ".*"}, {"exact": "GET"}]),
        "headers": st.sampled_from([{}, {"x": {}}]),
        "name": st.just("m"),
    },
)


@given(wide_ones, st.lists(requests, min_size=20, max_size=20))
def test_every_call_fits_a_catch_all(match: Match, calls: list[Request]) -> None:
    assume(is_catch_all(match))
    for call in calls:
        assert fits(call, match)


@given(matches, requests)
def test_a_match_that_is_narrowed_holds_for_the_same_calls(match: Match, call: Request) -> None:
    rest = narrowed(match, call.port, [call.gateway])

    assert fits(call, match) == (rest is not None and fits(call, rest))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"uri": {"exact": "/a"}}),
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/a/b"}}),
        ({"uri": {"prefix": "/a"}}, {"uri": {"exact": "/apple"}, "method": {"exact": "GET"}}),
        ({"uri": {"prefix": "/A"}, "ignoreUriCase": True}, {"uri": {"prefix": "/a"}}),
        ({"uri": {"prefix": "/"}}, {"method": {"exact": "GET"}}),
        ({"uri": {"regex": "/a.*"}}, {"uri": {"regex": "/a.*"}, "port": 80}),
        ({"headers": {"x": {}}}, {"headers": {"x": {"exact": "1"}, "y": {}}}),
        ({"headers": {"x": {"prefix": "a"}}}, {"headers": {"x": {"exact": "ab"}}}),
        ({"sourceLabels": {"app": "a"}}, {"sourceLabels": {"app": "a", "tier": "b"}}),
        ({"sniHosts": ["a.b", "c.d"]}, {"sniHosts": ["a.b"], "port": 80}),
        ({"name": "m", "statPrefix": "s"}, {"uri": {"exact": "/"}}),
        *(({"uri": every_path}, {}) for every_path in ({"regex": ".*"}, {"regex": "/.*"}, {"prefix": ""}, {})),
        *(({"method": every_method}, {}) for every_method in ({"regex": ".*"}, {})),
        ({"sourceNamespace": "", "sourceLabels": {}, "headers": {}, "gateways": []}, {}),
        ({"headers": {"X-T": {"exact": "a"}}}, {"headers": {"x-t": {"exact": "a"}, "y": {}}}),
        ({"withoutHeaders": {"x-t": {}}}, {"withoutHeaders": {"X-T": {}}}),
        ({"method": {"regex": "GET|HEAD"}}, {"method": {"exact": "GET"}}),
        ({"uri": {"regex": "/r/[0-9]+"}}, {"uri": {"exact": "/r/12"}}),
        ({"uri": {"regex": "/a"}}, {"uri": {"regex": "/a"}, "ignoreUriCase": True}),
        ({"headers": {"x": {"regex": ".*"}}}, {"headers": {"x": {"exact": "a"}}}),
        ({"queryParams": {"x": {"regex": ".*"}}}, {"queryParams": {"x": {}}}),
        ({"withoutHeaders": {"y": {"exact": "1"}}}, {"withoutHeaders": {"y": {}}}),
        ({"withoutHeaders": {"y": {"exact": "ab"}}}, {"withoutHeaders": {"y": {"prefix": "a"}}}),
        ({"destinationSubnets": ["10.0.0.0/8"]}, {"destinationSubnets": ["10.96.0.0/16", "10.1.2.3"]}),
        ({"destinationSubnets": ["10.96.0.0/16", "fd00::/8"]}, {"destinationSubnets": ["fd01::/64"]}),
    ],
)
def test_what_is_told_to_be_covered(wide: Match, narrow: Match) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"uri": {"exact": "/a"}}, {}),
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/A"}}),
        ({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/a"}, "ignoreUriCase": True}),
        ({"uri": {"exact": "/a"}}, {"uri": {"prefix": "/a"}}),
        ({"uri": {"regex": "/r/[0-9]+"}}, {"uri": {"exact": "/r/12a"}}),
        ({"uri": {"regex": "/r/[0-9]+"}}, {"uri": {"exact": "/r/1"}, "ignoreUriCase": True}),
        ({"uri": {"regex": "/T.*"}, "ignoreUriCase": True}, {"uri": {"exact": "/t"}}),
        ({"headers": {"x": {"exact": "1"}}}, {"headers": {"x": {}}}),
        ({"headers": "x"}, {}),
        ({"queryParams": {"X": {}}}, {"queryParams": {"x": {}}}),
        ({"withoutHeaders": {"y": {"exact": ""}}}, {"withoutHeaders": {"y": {}}}),
        # a call may have the header twice
        ({"withoutHeaders": {"y": {"exact": "1"}}}, {"headers": {"y": {"exact": "2"}}}),
        ({"destinationSubnets": ["10.96.0.0/16"]}, {"destinationSubnets": ["10.0.0.0/8"]}),
        ({"destinationSubnets": ["0.0.0.0/0"]}, {}),
        ({"headers": {"x": {}}}, {"withoutHeaders": {"x": {}}}),
        ({"port": 80}, {"uri": {"exact": "/a"}}),
        ({"sourceLabels": {"app": "a"}}, {"sourceLabels": {"app": "b"}}),
        ({"sniHosts": ["a.b"]}, {"sniHosts": ["a.b", "c.d"]}),
    ],
)
def test_what_is_not_told_to_be_covered(wide: Match, narrow: Match) -> None:
    """Some of it is: "no" also means that nobody can tell."""
    assert not covers(wide, narrow)
