"""What we know of Envoy's words, asked of an Envoy."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mesh_federation.mesh.istio.regex import flaw
from mesh_federation.mesh.istio.unicode_classes import UNICODE_CLASSES
from mesh_federation.mesh.istio.variables import ALONE, WITH_PARAMETERS, WITH_PARAMETERS_OR_ALONE, flaws

from tests.oracle.validation import refusal

_PARAMETERS = {
    "COALESCE": '{"operators": ["PROTOCOL"]}',
    "COMMON_DURATION": "DS_RX_BEG:DS_RX_END:ms",
    "GRPC_STATUS": "NUMBER",
    "METADATA": "ROUTE:a",
    "PATH": "NQ",
    "QUERY_PARAMS": "ORIG",
    "REQUESTED_SERVER_NAME": "SNI_ONLY",
}
_EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"


@pytest.mark.parametrize(
    "name_to_value",
    ["%{}%".format, lambda name: f"%{name}({_PARAMETERS.get(name, 'x')})%"],
    ids=["alone", "with parameters"],
)
def test_variables_without_a_flaw_are_those_that_envoy_takes(name_to_value: Callable[[str], str]) -> None:
    names = sorted(WITH_PARAMETERS | WITH_PARAMETERS_OR_ALONE | ALONE | {"REQ_WITHOUT_QUERY", "NOTHING"})
    values = [*map(name_to_value, names), "%a b%", "%req(x)%", "%PROTOCOL:3%", "%PROTOCOL()%", "%REQ()%", "%REQ(x) %"]

    def with_value(value: str) -> dict[str, Any]:
        return {"request_headers_to_add": [{"header": {"key": "x", "value": value}}]}

    wrong = [value for value in values if [*flaws(value)]]
    assert not refusal(_bootstrap(*(with_value(value) for value in values if value not in wrong)))
    assert [value for value, is_refused in _each_alone(wrong, with_value) if not is_refused] == []


def test_unicode_classes_without_a_flaw_are_those_that_envoy_takes() -> None:
    patterns = [rf"/\p{{{name}}}" for name in sorted({*UNICODE_CLASSES, "Foo", "greek", "Letter", "Cn", "ASCII"})]

    def with_pattern(pattern: str) -> dict[str, Any]:
        return {"match": {"safe_regex": {"regex": pattern}}}

    wrong = [pattern for pattern in patterns if flaw(pattern)]
    assert not refusal(_bootstrap(*(with_pattern(pattern) for pattern in patterns if pattern not in wrong)))
    assert [pattern for pattern, is_refused in _each_alone(wrong, with_pattern) if not is_refused] == []


def _each_alone(words: Sequence[str], in_a_route: Callable[[str], dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Each with whether Envoy refuses it: of several at once, it would name one."""
    with ThreadPoolExecutor() as threads:
        refusals = threads.map(refusal, [_bootstrap(in_a_route(word)) for word in words])
        yield from zip(words, map(bool, refusals), strict=True)


def _bootstrap(*routes: dict[str, Any]) -> str:
    """For an Envoy that has routes with these parts."""
    whole = [{"match": {"prefix": "/"}, "direct_response": {"status": 200}, **parts} for parts in routes]
    router = {"@type": f"{_EXTENSIONS}.http.router.v3.Router"}
    manager = {
        "@type": f"{_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {"virtual_hosts": [{"name": "x", "domains": ["*"], "routes": whole}]},
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}},
        "filter_chains": [{"filters": [{"name": "x", "typed_config": manager}]}],
    }
    return json.dumps({"static_resources": {"listeners": [listener]}})
