"""A value at a place of an object: where it stands in the user's text, what is late, and which release has it."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.istio import judge, rules, schema
from mesh_federation.mesh.istio.kinds import READ, ROUTING
from mesh_federation.mesh.istio.releases import RELEASES

from tests.given.istio_mutations import places
from tests.given.istio_objects import valid


def test_a_part_is_judged_at_its_place_and_told_at_the_users_path() -> None:
    retries = {"attempts": "3", "perTryTimout": "1s"}
    hint = "did you mean 'perTryTimeout'? "
    fields = "attempts, backoff, perTryTimeout, retryIgnorePreviousHosts, retryOn, retryRemoteLocalities"

    problems = schema.problems(
        retries, "VirtualService", "1.31", ("http", 0, "retries"), ("traffic", 2, "http", 1, "retries")
    )

    assert [str(problem) for problem in problems] == [
        "traffic[2].http[1].retries.attempts: '3' is not an integer; leave the quotes out",
        f"traffic[2].http[1].retries.perTryTimout: 'perTryTimout' is not a field here; {hint}it takes {fields}",
    ]


def test_rules_of_istiod_hold_for_a_part_alone() -> None:
    problems = rules.problems({"attempts": 0, "retryOn": "5xx"}, "VirtualService", ("http", 0, "retries"), ("retries",))

    assert [problem.path for problem in problems] == [("retries", "retryOn")]


def test_a_part_of_a_map_or_a_list_is_a_place_too() -> None:
    place = ("subsets", 5, "trafficPolicy", "loadBalancer", "localityLbSetting", "distribute", 0, "to", "any")

    assert not schema.problems(80, "DestinationRule", "1.27", place)
    assert schema.problems("80", "DestinationRule", "1.27", place)


def test_a_field_of_a_later_release_names_that_release() -> None:
    pool = {"http": {"http2KeepAlive": {"interval": "5s", "timeout": "5s"}}}
    place = ("trafficPolicy", "connectionPool")

    (old,) = schema.problems(pool, "DestinationRule", "1.30", place)

    assert old.message == "'http2KeepAlive' is not a field in Istio 1.30; it comes with Istio 1.31"
    assert not schema.problems(pool, "DestinationRule", "1.31", place)


def test_a_value_of_a_later_release_names_that_release() -> None:
    (old,) = schema.problems("DYNAMIC_DNS", "ServiceEntry", "1.27", ("resolution",))

    assert old.message == "'DYNAMIC_DNS' is not one of its values in Istio 1.27; it comes with Istio 1.28"


def test_the_first_release_of_a_place_is_known() -> None:
    assert schema.first_release("VirtualService", ("http", 0, "retries", "backoff")) == "1.27"
    assert schema.first_release("VirtualService", ("http", 0, "redirect", "prefixRewrite")) == "1.31"
    assert schema.first_release("DestinationRule", ("trafficPolicy", "loadBalancer", "backendUtilization")) == "1.32"
    assert schema.first_release("DestinationRule", ("trafficPolicy", "loadBalancer", "guessing")) is None


@pytest.mark.parametrize(
    ("kind", "release", "place"),
    [("Deployment", "1.31", ()), ("Gateway", "1.3", ()), ("Gateway", "1.31", ("server",)), ("Gateway", "1.31", (0,))],
)
def test_what_there_is_not_is_an_error_of_the_caller(kind: str, release: str, place: tuple[Any, ...]) -> None:
    with pytest.raises(KeyError):
        schema.problems({}, kind, release, place)


class Late:
    """What is not known yet, and must not be looked into."""

    def __bool__(self) -> bool:
        raise AssertionError

    __str__ = __bool__  # type: ignore[assignment]
    __iter__ = __bool__
    __len__ = __bool__


@pytest.mark.parametrize("document", valid(), ids=str)
def test_a_late_value_is_right_at_every_place(document: Any) -> None:
    for place in places(document.object["spec"]):
        manifest = document.object
        part = manifest["spec"]
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = Late()

        assert not judge.problems_of_an_object(manifest, document.releases[-1]), place


HUGE = 10**5000
TWO_LINES = "a\nb"
FAILOVER = {"loadBalancer": {"localityLbSetting": {"failover": [{"from": TWO_LINES, "to": TWO_LINES}]}}}
PORT = {"number": 80, "name": "http"}
STATIC = {"resolution": "STATIC", "endpoints": [{"address": "10.0.0.1", "ports": {"b": 1}}]}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("ServiceEntry", {"resolution": "DYNAMIC_DNS", "ports": [{**PORT, "protocol": TWO_LINES}]}),
        ("ServiceEntry", {**STATIC, "ports": [{**PORT, "name": HUGE}]}),
        ("DestinationRule", {"host": "a", "trafficPolicy": FAILOVER}),
        ("DestinationRule", {"host": "a", "trafficPolicy": {"retryBudget": {"percent": HUGE}}}),
        ("AuthorizationPolicy", {"action": HUGE, "provider": {"name": "a"}}),
        ("Sidecar", {"ingress": [{"port": {**PORT, "protocol": HUGE}, "tls": {"mode": "SIMPLE"}}]}),
        ("WorkloadEntry", {"ports": {(1, 2): []}}),
    ],
)
def test_a_value_that_no_line_can_hold_is_told_on_one_line(kind: str, spec: dict[str, Any]) -> None:
    problems = judge.problems_of_an_object(
        {"kind": kind, "metadata": {"name": "a", "namespace": "a"}, "spec": spec}, "1.32"
    )

    assert problems
    assert not [problem for problem in problems if "\n" in problem.message]
    assert all(isinstance(step, str | int) for problem in problems for step in problem.path)


WEIRD = st.one_of(
    st.sampled_from([10**5000, -(10**5000), float("nan"), float("inf"), float("-inf"), date(2020, 1, 1), b"a"]),
    st.sampled_from([{1: 2}, {None: None}, {(1, 2): []}, {True: "a"}, ["a", 1, None, {}], "a\nb", "\x00", "é" * 400]),
    st.integers(),
    st.text(),
    st.booleans(),
    st.none(),
)
PLACES = [(document.object, place) for document in valid() for place in places(document.object["spec"])]


@given(st.sampled_from(PLACES), WEIRD)
def test_no_value_at_any_place_ends_in_a_traceback(chosen: Any, value: Any) -> None:
    manifest, place = {**chosen[0], "spec": _replaced(chosen[0]["spec"], chosen[1], value)}, chosen[1]

    for problem in judge.problems_of_an_object(manifest, RELEASES[-1]):
        assert "\n" not in problem.message, place
        assert all(isinstance(step, str | int) for step in problem.path)


@pytest.mark.parametrize("kind", [kind.name for kind in (*ROUTING, *READ)])
@pytest.mark.parametrize("value", ["", [], 5, True, {}, {"a": None}, {1: 2}, date(2020, 1, 1)], ids=str)
def test_a_spec_of_any_type_has_problemsor_none(kind: str, value: Any) -> None:
    manifest = {"kind": kind, "metadata": {}, "spec": value}

    assert isinstance(judge.problems_of_an_object(manifest, "1.30"), list | tuple)


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy of `value` with something else at a place."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = _replaced(value[place[0]], place[1:], new)
    return copy
