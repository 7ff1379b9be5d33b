"""Each thing that the oracle can say of a call is told apart from what is not so."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.given.hand_written import ANYBODY, AT_V1, AT_V2, CONFIG, V1, V2, Object, expected, federation
from tests.oracle.judgement import Judge

WORDS: dict[str, tuple[Object, Object, Object, dict[str, Any]]] = {
    "the entry": ({"name": "all", "route": [V1]}, {"entry": "all"}, {"entry": "other"}, {}),
    "no entry": (
        {"name": "posts", "match": [{"method": {"exact": "POST"}}], "route": [V1]},
        {"status": 404},
        {"destinations": [AT_V1]},
        {},
    ),
    "shares": (
        {"route": [{**V1, "weight": 1}, {**V2, "weight": 3}]},
        {"destinations": [{**AT_V1, "share": 25}, {**AT_V2, "share": 75}], "lost": 0},
        {"destinations": [{**AT_V1, "share": 24}, {**AT_V2, "share": 76}]},
        {},
    ),
    "the version": ({"route": [V1]}, {"destinations": [AT_V1]}, {"destinations": [ANYBODY]}, {}),
    "the timeout": ({"route": [V1], "timeout": "1m30s"}, {"timeout": "90s"}, {"timeout": "none"}, {}),
    "no timeout": ({"route": [V1]}, {"timeout": "none"}, {"timeout": "15s"}, {}),
    "retries": (
        {"route": [V1], "retries": {"attempts": 5, "perTryTimeout": "250ms", "retryOn": "5xx,503"}},
        {"retries": {"attempts": 5, "perTryTimeout": "0.25s", "retryOn": "503,5xx"}},
        {"retries": {"attempts": 5, "retryOn": "5xx"}},
        {},
    ),
    "Istio's retries": ({"route": [V1]}, {"retries": "default"}, {"retries": "none"}, {}),
    "no retries": (
        {"route": [V1], "retries": {"attempts": 0}},
        {"retries": "none"},
        {"retries": "default"},
        {},
    ),
    "a delay": (
        {"route": [V1], "fault": {"delay": {"fixedDelay": "7s", "percentage": {"value": 12.5}}}},
        {"fault": {"delay": {"fixedDelay": "7s", "share": 12.5}}, "destinations": [AT_V1]},
        {"fault": {"delay": {"fixedDelay": "7s", "share": 13}}},
        {},
    ),
    "an abort": (
        {"route": [V1], "fault": {"abort": {"httpStatus": 418, "percentage": {"value": 100}}}},
        {"fault": {"abort": {"httpStatus": 418, "share": 100}}},
        {"fault": "none"},
        {},
    ),
    "an abort of no call": (
        {"route": [V1], "fault": {"abort": {"httpStatus": 418}}},
        {"fault": "none", "destinations": [AT_V1]},
        {"fault": {"abort": {"httpStatus": 418, "share": 100}}},
        {},
    ),
    "the entry of a match with a name": (
        {"name": "writes", "match": [{"name": "get", "method": {"exact": "GET"}}], "route": [V1]},
        {"entry": "writes"},
        {"entry": "write"},
        {},
    ),
    "a status in gRPC's words": (
        {"directResponse": {"status": 404}},
        {"status": 404, "direct": {"status": 404}},
        {"status": 503},
        {"protocol": "grpc", "method": "POST"},
    ),
    "a mirror": (
        {"route": [V1], "mirrors": [{**V2, "percentage": {"value": 0.5}}]},
        {"mirrors": [{**AT_V2, "share": 0.5}], "destinations": [AT_V1]},
        {"mirrors": []},
        {},
    ),
    "a redirect": (
        {"redirect": {"uri": "/new", "redirectCode": 307}},
        {"redirect": {"status": 307, "location": "http://cart:8080/new"}},
        {"redirect": {"status": 301}},
        {"path": "/old"},
    ),
    "a direct answer": (
        {"directResponse": {"status": 410, "body": {"string": "gone"}}},
        {"status": 410, "direct": {"body": "gone"}},
        {"destinations": [AT_V1]},
        {},
    ),
    "a preflight": (
        {"route": [V1], "corsPolicy": {"allowOrigins": [{"exact": "https://shop.example"}], "allowMethods": ["PUT"]}},
        {"preflight": {"status": 200, "headers": {"access-control-allow-methods": "PUT"}}},
        {"preflight": {"status": 200, "headers": {"access-control-allow-methods": "GET"}}},
        {
            "method": "OPTIONS",
            "headers": {"origin": "https://shop.example", "access-control-request-method": "PUT"},
        },
    ),
    "the request as it arrives": (
        {
            "route": [V1],
            "rewrite": {"uri": "/inner", "authority": "inner.example"},
            "match": [{"uri": {"prefix": "/out"}}],
        },
        {"destinations": [{**AT_V1, "seen": {"path": "/inner/1", "host": "inner.example"}}]},
        {"destinations": [{**AT_V1, "seen": {"path": "/out/1"}}]},
        {"path": "/out/1"},
    ),
    "headers": (
        {
            "route": [V1],
            "headers": {
                "request": {"remove": ["x-secret"], "add": {"x-trace": "mesh"}},
                "response": {"remove": ["server-timing"], "set": {"x-by": "mesh"}},
            },
        },
        {
            "destinations": [
                {
                    **AT_V1,
                    "seen": {"headers": {"x-trace": "app,mesh"}, "without": ["x-secret"]},
                    "answer": {"headers": {"x-by": "mesh"}, "without": ["server-timing"]},
                }
            ]
        },
        {"destinations": [{**AT_V1, "answer": {"without": ["x-by"]}}]},
        {"headers": {"x-secret": "s", "x-trace": "app"}},
    ),
    "gRPC": (
        {"route": [V2], "match": [{"headers": {"content-type": {"prefix": "application/grpc"}}}]},
        {"destinations": [AT_V2]},
        {"status": 404},
        {"protocol": "grpc", "method": "POST", "path": "/shop.Cart/Get"},
    ),
    "TCP": (
        {"route": [V1]},
        {"destinations": [{**ANYBODY, "port": 9000}]},
        {"closed": True},
        {"protocol": "tcp", "port": 9000},
    ),
    "a name that nobody has": (
        {"route": [V1]},
        {"destinations": [], "lost": 100},
        {"destinations": [ANYBODY]},
        {"host": "basket"},
    ),
}
"""What is said → an entry, an outcome that holds for it, one that does not, and what is particular in the request."""


@pytest.mark.parametrize(("http", "holds", "fails", "request_"), WORDS.values(), ids=WORDS)
def test_what_is_so_holds_and_what_is_not_is_told(http: Object, holds: Object, fails: Object, request_: Object) -> None:
    assert differences(http, holds, **request_) == []
    assert differences(http, fails, **request_) != []


def differences(http: Object, outcome: Mapping[str, Any], **request: Any) -> list[str]:
    call = expected(outcome, **request)
    return Judge(CONFIG, federation(http), [call]).differences(call)
