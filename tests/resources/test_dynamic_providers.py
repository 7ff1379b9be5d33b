"""The dynamic providers: called directly, and by the engine's protocol over the real `python -m pulumi.dynamic`."""

import time
from typing import Any

import pytest
from mesh_federation.address_pool import AddressPoolProvider
from mesh_federation.convergence import OVERRIDE, ArrivalsProvider, DeparturesProvider
from mesh_federation.removals import RemovalsProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from tests.real.dynamic_plugin import Plugin, Props

A, B, C = "a.x.svc.east.global", "b.x.svc.east.global", "c.x.svc.east.global"


def pool(*hosts: str, **settings: Any) -> Props:
    """What the program states."""
    stated = {"hosts": sorted(hosts), "pool": "240.0.0.0/28", "pins": {}, "taken": [], PROVIDER_KEY: "p"}
    return {**stated, "addresses": None, "freed": None, "resting": None, **settings}


def waits(objects: Props, seconds: float = 12) -> Props:
    return {"objects": objects, "settleSeconds": seconds, "waits": None, PROVIDER_KEY: "p"}


def left(objects: Props, seconds: float = 12) -> Props:
    """As `waits`, for Departures: keys alone."""
    return {**waits(objects, seconds), "objects": sorted(objects)}


# -- AddressPool -------------------------------------------------------------------------------------------------


def test_check_knows_every_address_at_once() -> None:
    result = AddressPoolProvider().check({}, pool(A, B))
    assert not result.failures
    assert set(result.inputs["addresses"]) == {A, B}
    assert len(set(result.inputs["addresses"].values())) == 2
    assert (result.inputs["freed"], result.inputs["resting"]) == ([], [])


def test_check_takes_what_the_state_remembers() -> None:
    olds = pool(A, B, addresses={A: "240.0.0.3", B: "240.0.0.4"}, freed=["240.0.0.5"], resting=["240.0.0.5"])

    inputs = AddressPoolProvider().check(olds, pool(B)).inputs

    assert inputs["addresses"] == {B: "240.0.0.4"}
    assert inputs["freed"] == ["240.0.0.5", "240.0.0.3"]
    assert inputs["resting"] == ["240.0.0.3"]


def test_check_hands_pins_and_taken_networks_on() -> None:
    inputs = AddressPoolProvider().check({}, pool(A, B, pins={A: "240.0.0.9"}, taken=["240.0.0.0/29"])).inputs
    assert inputs["addresses"][A] == "240.0.0.9"
    assert inputs["addresses"][B] in {f"240.0.0.{last}" for last in range(10, 15)} | {"240.0.0.8"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"pool": "240.0.0.0/32"}, f"no free address in 240.0.0.0/32 for {A}: widen the pool"),
        ({"pins": {A: "10.0.0.1"}}, f"10.0.0.1, pinned to {A}, is outside the pool 240.0.0.0/28 or taken"),
        ({"pins": {A: "240.0.0.1", B: "240.0.0.1"}}, f"240.0.0.1, pinned to {B}, is held by {A}"),
    ],
)
def test_check_refuses_what_cannot_be_given(settings: Props, reason: str) -> None:
    [failure] = AddressPoolProvider().check({}, pool(A, B, **settings)).failures
    assert failure.property == "addresses"
    assert failure.reason.startswith(reason)


def test_create_and_update_return_all_of_the_inputs() -> None:
    provider = AddressPoolProvider()
    inputs = provider.check({}, pool(A)).inputs
    assert provider.create(inputs).outs == inputs
    assert provider.update("x", {}, inputs).outs == inputs


def test_an_address_that_has_rested_is_no_change() -> None:
    before = pool(B, addresses={B: "240.0.0.4"}, freed=["240.0.0.3"], resting=["240.0.0.3"])
    after = {**before, "resting": []}
    assert AddressPoolProvider().diff("x", before, after).changes is False


@pytest.mark.parametrize(
    "change", [{"addresses": {B: "240.0.0.5"}}, {"freed": []}, {"pool": "240.0.0.0/27"}, {"pins": {B: "240.0.0.4"}}]
)
def test_anything_else_is_compared_by_the_engine(change: Props) -> None:
    before = pool(B, addresses={B: "240.0.0.4"}, freed=["240.0.0.3"], resting=["240.0.0.3"])
    result = AddressPoolProvider().diff("x", before, {**before, "resting": [], **change})
    assert result.changes is None
    assert not result.replaces


def two_pools(*hosts: str, **settings: Any) -> Props:
    return pool(*hosts, ipv6={"pool": "fd00::/120", "pins": {}, **settings})


def test_check_gives_each_host_an_address_of_each_of_two_pools() -> None:
    inputs = AddressPoolProvider().check({}, two_pools(A, B, pins={A: "fd00::9"})).inputs

    assert set(inputs["addresses"]) == set(inputs["ipv6"]["addresses"]) == {A, B}
    assert inputs["ipv6"]["addresses"][A] == "fd00::9"
    assert all(address.startswith("240.") for address in inputs["addresses"].values())
    assert (inputs["ipv6"]["freed"], inputs["ipv6"]["resting"]) == ([], [])


@pytest.mark.parametrize(
    ("first", "taken"), [("240.0.0.0/28", "fd00::/121"), ("fd00::/120", "240.0.0.8/29")], ids=["IPv4", "IPv6"]
)
def test_a_second_pool_moves_no_address_of_the_first_and_none_moves_when_it_goes(first: str, taken: str) -> None:
    provider = AddressPoolProvider()
    before = provider.check({}, pool(A, B, pool=first)).inputs

    both = provider.check(before, {**two_pools(A, B, C), "taken": [taken]}).inputs
    again = provider.check(both, {**two_pools(B, C), "taken": [taken]}).inputs
    alone = provider.check(again, pool(B, pool=first)).inputs

    first_of = {"240.0.0.0/28": both, "fd00::/120": both["ipv6"]}[first]
    assert before["addresses"].items() <= first_of["addresses"].items()
    assert again["addresses"].items() <= both["addresses"].items()
    assert again["ipv6"]["addresses"].items() <= both["ipv6"]["addresses"].items()
    assert again["ipv6"]["resting"] == again["ipv6"]["freed"] == [both["ipv6"]["addresses"][A]]
    assert alone["addresses"] == {B: before["addresses"][B]}


def test_check_refuses_what_the_second_pool_cannot_give() -> None:
    [failure] = AddressPoolProvider().check({}, two_pools(A, B, pool="fd00::/127")).failures
    assert failure.reason.startswith(f"no free address in fd00::/127 for {A}: widen the pool")


def test_an_address_of_the_second_pool_that_has_rested_is_no_change() -> None:
    second = {"addresses": {B: "fd00::4"}, "freed": ["fd00::3"], "resting": ["fd00::3"]}
    before = {**two_pools(B, **second), "addresses": {B: "240.0.0.4"}, "freed": [], "resting": []}
    provider = AddressPoolProvider()

    assert provider.diff("x", before, {**before, "ipv6": {**before["ipv6"], "resting": []}}).changes is False
    assert provider.diff("x", before, {**before, "ipv6": {**before["ipv6"], "freed": []}}).changes is None
    assert provider.diff("x", {k: v for k, v in before.items() if k != "ipv6"}, before).changes is None


# -- Arrivals and Departures --------------------------------------------------------------------------------------


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each wait was; nothing waits."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    monkeypatch.delenv(OVERRIDE, raising=False)
    return seconds


OBJECTS = {"east/DestinationRule/x/v1.a": "1111", "west/Gateway/istio-system/a": "2222"}
ADDED = {**OBJECTS, "west/DestinationRule/x/v2.a": "3333"}
CHANGED = {**OBJECTS, "west/Gateway/istio-system/a": "4444"}
GONE = {"west/Gateway/istio-system/a": "2222"}
SWAPPED = {**GONE, "west/DestinationRule/x/v2.a": "3333"}


@pytest.mark.parametrize("news", [ADDED, CHANGED, SWAPPED])
def test_what_arrives_updates_and_waits(news: Props, slept: list[float]) -> None:
    provider = ArrivalsProvider()
    result = provider.diff("x", waits(OBJECTS), waits(news))
    assert result.changes is True
    assert not result.replaces

    outs = provider.update("x", waits(OBJECTS), waits(news, 7)).outs

    assert slept == [7]
    assert outs == waits(news, 7)


def test_a_first_arrival_waits(slept: list[float]) -> None:
    ArrivalsProvider().create(waits(OBJECTS, 3))
    assert slept == [3]


def test_no_arrival_waits_for_what_departs(slept: list[float]) -> None:
    provider = ArrivalsProvider()
    result = provider.diff("x", waits(OBJECTS), waits(GONE))
    assert result.changes is True
    assert not result.replaces

    provider.update("x", waits(OBJECTS), waits(GONE))
    provider.delete("x", waits(OBJECTS))

    assert slept == []


@pytest.mark.parametrize("news", [GONE, SWAPPED, {}])
def test_what_departs_replaces_and_the_old_one_waits_when_it_is_deleted(news: Props, slept: list[float]) -> None:
    provider = DeparturesProvider()
    result = provider.diff("x", left(OBJECTS), left(news))
    assert result.changes is True
    assert result.replaces == ["objects"]
    assert result.delete_before_replace is False

    provider.create(left(news, 3))
    assert slept == []
    provider.delete("x", left(OBJECTS, 5))

    assert slept == [5]


def test_no_departure_waits_for_what_arrives(slept: list[float]) -> None:
    provider = DeparturesProvider()
    assert not provider.diff("x", left(OBJECTS), left(ADDED)).replaces
    assert provider.diff("x", left(OBJECTS), left(CHANGED)).changes is False
    provider.create(left(OBJECTS))
    provider.update("x", left(OBJECTS), left(ADDED))
    assert slept == []


@pytest.mark.parametrize("provider", [ArrivalsProvider(), DeparturesProvider()])
def test_another_settle_seconds_or_import_path_alone_updates_without_waiting(
    provider: ArrivalsProvider | DeparturesProvider, slept: list[float]
) -> None:
    for news in (waits(OBJECTS, 60), {**waits(OBJECTS), PROVIDER_KEY: "q"}):
        assert provider.diff("x", waits(OBJECTS), news).changes is True
        assert not provider.diff("x", waits(OBJECTS), news).replaces
        provider.update("x", waits(OBJECTS), news)
    assert slept == []


@pytest.mark.parametrize("provider", [ArrivalsProvider(), DeparturesProvider()])
def test_nothing_changed_is_no_change(provider: ArrivalsProvider | DeparturesProvider) -> None:
    before = {**waits(OBJECTS), "waits": "12 s before routes use everything"}
    assert provider.diff("x", before, waits(dict(reversed(OBJECTS.items())))).changes is False


def test_raising_the_wait_together_with_a_removal_is_refused(slept: list[float]) -> None:
    [failure] = DeparturesProvider().check(left(OBJECTS, 5), left(GONE, 12)).failures
    assert failure.property == "settleSeconds"
    assert failure.reason == (
        "raised from 5 to 12 together with the removal of east/DestinationRule/x/v1.a; "
        "raise it first, in an update of its own"
    )
    assert slept == []


@pytest.mark.parametrize(
    ("olds", "news"),
    [
        (left(OBJECTS, 12), left(GONE, 12)),
        (left(OBJECTS, 12), left(GONE, 5)),
        (left(OBJECTS, 5), left(ADDED, 12)),
        ({}, left(OBJECTS, 12)),
    ],
)
def test_other_checks_pass(olds: Props, news: Props) -> None:
    assert not DeparturesProvider().check(olds, news).failures


def test_an_environment_variable_overrides_every_wait(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, "0.5")

    ArrivalsProvider().create(waits(OBJECTS))
    ArrivalsProvider().update("x", waits(OBJECTS), waits(ADDED))
    DeparturesProvider().delete("x", left(OBJECTS))

    assert slept == [0.5, 0.5, 0.5]
    assert not DeparturesProvider().check(left(OBJECTS, 5), left(GONE, 12)).failures


@pytest.mark.parametrize(
    ("olds", "news", "text"),
    [
        ({}, GONE, "12 s before routes use west/Gateway/istio-system/a"),
        (OBJECTS, OBJECTS, "nothing"),
        (OBJECTS, ADDED, "12 s before routes use west/DestinationRule/x/v2.a"),
        (OBJECTS, CHANGED, "12 s before routes use west/Gateway/istio-system/a"),
        (OBJECTS, GONE, "nothing"),
        (OBJECTS, SWAPPED, "12 s before routes use west/DestinationRule/x/v2.a"),
    ],
)
def test_a_preview_says_how_long_it_will_wait_for_arrivals(olds: Props, news: Props, text: str) -> None:
    result = ArrivalsProvider().check(waits(olds, 5) if olds else {}, waits(news))
    assert result.inputs["waits"] == text


@pytest.mark.parametrize("olds", [{}, left(OBJECTS)], ids=["created", "replaced"])
def test_a_preview_says_how_long_it_will_wait_for_departures(olds: Props) -> None:
    """The same for both: before the engine replaces, it asks as if nothing had been there."""
    inputs = DeparturesProvider().check(olds, left(GONE, 5)).inputs
    assert inputs["waits"] == "5 s after routes have left what is gone from objects"


# -- as the engine calls them ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "provider", [AddressPoolProvider(), ArrivalsProvider(), DeparturesProvider(), RemovalsProvider()]
)
def test_state_refers_to_a_provider_by_import_path_and_holds_no_secret(provider: Any) -> None:
    assert len(serialize_provider(provider)) < 150
    assert provider.serialize_as_secret_always is False
    assert type(provider).__module__.startswith("mesh_federation.")


def test_the_address_pool_over_the_wire(port: int) -> None:
    plugin = Plugin(port, AddressPoolProvider())

    first, failures = plugin.check({}, pool(A, B))
    assert failures == []
    assert plugin.create(first) == first
    second, _ = plugin.check(first, pool(A, C))
    assert second["addresses"][A] == first["addresses"][A]
    assert second["addresses"][C] not in first["addresses"].values()
    assert plugin.diff(first, second).changes == provider_pb2.DiffResponse.DIFF_UNKNOWN
    assert plugin.update(first, second) == second
    third, _ = plugin.check(second, pool(A, C))
    assert third["resting"] == []
    assert plugin.diff(second, third).changes == provider_pb2.DiffResponse.DIFF_NONE
    _, failures = plugin.check(third, pool(A, C, pins={C: third["addresses"][A]}))
    assert failures == [
        f"{third['addresses'][A]}, pinned to {C}, is held by {A}; pin a free address, or move {A} first"
    ]


def test_arrivals_over_the_wire(port: int) -> None:
    plugin = Plugin(port, ArrivalsProvider())

    first, failures = plugin.check({}, waits(OBJECTS, 0))
    assert failures == []
    assert plugin.create(first)["objects"] == OBJECTS
    second, _ = plugin.check(first, waits(ADDED, 1))
    assert second["waits"] == "1 s before routes use west/DestinationRule/x/v2.a"
    added = plugin.diff(first, second)
    assert (added.changes, list(added.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])
    start = time.monotonic()
    plugin.update(first, second)
    assert time.monotonic() - start >= 1
    third, _ = plugin.check(second, waits(ADDED, 1))
    assert third["waits"] == "nothing"
    assert plugin.diff(second, third).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_departures_over_the_wire(port: int) -> None:
    plugin = Plugin(port, DeparturesProvider())

    first, failures = plugin.check({}, left(OBJECTS, 1))
    assert failures == []
    assert plugin.create(first)["objects"] == sorted(OBJECTS)
    _, failures = plugin.check(first, left(GONE, 2))
    assert "raise it first" in failures[0]
    second, failures = plugin.check(first, left(GONE, 0))
    assert failures == []
    gone = plugin.diff(first, second)
    assert list(gone.replaces) == ["objects"]
    assert gone.deleteBeforeReplace is False
    start = time.monotonic()
    plugin.delete(first)
    assert time.monotonic() - start >= 1
    third, _ = plugin.check(second, left(GONE, 0))
    assert plugin.diff(second, third).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_an_object_whose_digest_is_not_known_yet_counts_as_changed(port: int) -> None:
    plugin = Plugin(port, ArrivalsProvider())
    first, _ = plugin.check({}, waits(OBJECTS, 0))
    late = {**OBJECTS, "west/Gateway/istio-system/a": rpc.UNKNOWN}

    second, failures = plugin.check(first, waits(late, 0))

    assert failures == []
    assert second["waits"] == "0 s before routes use west/Gateway/istio-system/a"
    assert plugin.diff(first, second).changes == provider_pb2.DiffResponse.DIFF_SOME
