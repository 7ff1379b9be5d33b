"""Which clusters are asked before something is deleted, and what happens if one is silent."""

import socket
from typing import Any

import grpc  # type: ignore[import-untyped,unused-ignore]
import pytest
from mesh_federation import reachability
from mesh_federation.removals import FORGET, RemovalsProvider, UnreachableError
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from tests.real.dynamic_plugin import Plugin, Props

OBJECTS = ["east/DestinationRule/x/v1.a", "west/Gateway/istio-system/a"]
ADDED = [*OBJECTS, "west/DestinationRule/x/v2.a"]
GONE = ["west/Gateway/istio-system/a"]
SWAPPED = [*GONE, "west/DestinationRule/x/v2.a"]

EAST, WEST, SOUTH = ({"server": f"https://{name}:6443"} for name in ("east", "west", "south"))


def holds(*objects: str, **servers: Any) -> Props:
    """What the program states."""
    return {"objects": sorted(objects), "servers": servers, "called": [], "staying": [], PROVIDER_KEY: "p"}


BEFORE = holds(*OBJECTS, east=EAST, west=WEST)
LOST = ["east/DestinationRule/x/v1.a"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """Server → why it is silent: who was asked, and whom the test makes silent. Nobody is asked in truth."""
    reasons: dict[str, str | None] = {}
    monkeypatch.setattr(reachability, "why_unreachable", lambda server: reasons.setdefault(server["server"]))
    monkeypatch.delenv(FORGET, raising=False)
    return reasons


@pytest.mark.parametrize(
    ("olds", "news", "losing"),
    [
        ({}, BEFORE, []),
        (BEFORE, BEFORE, []),
        (BEFORE, holds(*ADDED, east=EAST, west=WEST), []),
        (BEFORE, holds(*GONE, east=EAST, west=WEST), LOST),
        (BEFORE, holds(*SWAPPED, east=EAST, west=WEST), LOST),
        (BEFORE, holds(*OBJECTS, east=SOUTH, west=WEST), []),
    ],
)
def test_removals_change_only_where_something_goes(olds: Props, news: Props, losing: list[str]) -> None:
    inputs = RemovalsProvider().check(olds, news).inputs
    assert inputs["losing"] == losing
    assert RemovalsProvider().diff("x", BEFORE, inputs).changes is bool(losing)


NAME = "east/Service/x/a"


@pytest.mark.parametrize(
    ("called", "staying", "going", "refused"),
    [
        ([], [], [NAME], []),
        (["east/Service/x/b"], [], [NAME], []),
        ([NAME], [], [], []),
        ([NAME], [], [NAME], [NAME]),
        ([NAME], ["east/Service/x/b"], [NAME], [NAME]),
        ([NAME], [NAME], [NAME], []),
    ],
)
def test_a_name_that_is_called_goes_only_where_it_stayed_in_the_update_before(
    called: list[str], staying: list[str], going: list[str], refused: list[str]
) -> None:
    olds = {**holds(*OBJECTS, NAME, east=EAST), "staying": staying}
    news = {**holds(*OBJECTS, *({NAME} - {*going}), east=EAST), "called": called}

    failures = [(failure.property, failure.reason) for failure in RemovalsProvider().check(olds, news).failures]

    reason = (
        " is to go, and its name is still called; hand it over first, in an update of its own, "
        "with `createService: handOver`"
    )
    assert failures == ([("objects", f"{name}{reason}") for name in refused])


def test_another_import_path_of_removals_is_a_change() -> None:
    assert RemovalsProvider().diff("x", BEFORE, {**BEFORE, "losing": [], PROVIDER_KEY: "q"}).changes is True


def test_only_clusters_that_lose_something_are_asked(asked: dict[str, str | None]) -> None:
    provider = RemovalsProvider()
    inputs = provider.check(BEFORE, holds(*GONE, east=EAST, west=WEST)).inputs
    provider.update("x", {PROVIDER_KEY: "p"}, inputs)
    assert asked == {"https://east:6443": None}


def test_nobody_is_asked_when_they_are_created_or_deleted(asked: dict[str, str | None]) -> None:
    RemovalsProvider().create(RemovalsProvider().check({}, BEFORE).inputs)
    RemovalsProvider().delete("x", BEFORE)
    assert asked == {}


def test_a_cluster_that_has_left_the_program_is_asked_where_it_was_reached(asked: dict[str, str | None]) -> None:
    provider = RemovalsProvider()
    inputs = provider.check(BEFORE, holds(*GONE, west=WEST)).inputs
    provider.update("x", BEFORE, inputs)
    assert asked == {"https://east:6443": None}

    assert provider.check(inputs, holds(*GONE, west=WEST)).inputs["servers"] == {"west": WEST}


def test_a_cluster_is_asked_where_it_is_reached_now(asked: dict[str, str | None]) -> None:
    provider = RemovalsProvider()
    provider.update("x", BEFORE, provider.check(BEFORE, holds(*GONE, east=SOUTH, west=WEST)).inputs)
    assert asked == {"https://south:6443": None}


def test_nobody_is_asked_where_a_cluster_is_reached_in_a_way_that_cannot_be_told(
    asked: dict[str, str | None],
) -> None:
    provider = RemovalsProvider()
    for before in (holds(*OBJECTS, west=WEST), holds(*OBJECTS, east=None, west=WEST)):
        provider.update("x", before, provider.check(before, holds(*GONE, west=WEST)).inputs)
        provider.update("x", before, provider.check(before, holds(*GONE, east=None, west=WEST)).inputs)
    assert asked == {}


def test_every_silent_cluster_is_named_with_what_it_is_to_lose(asked: dict[str, str | None]) -> None:
    asked.update({"https://east:6443": "timed out", "https://west:6443": "Connection refused"})
    inputs = RemovalsProvider().check(BEFORE, holds(east=EAST, west=WEST)).inputs

    with pytest.raises(UnreachableError) as raised:
        RemovalsProvider().update("x", BEFORE, inputs)

    assert raised.value.reasons == {"east": "timed out", "west": "Connection refused"}
    assert str(raised.value) == (
        "nothing is deleted on any cluster, until one more update when these are back:\n"
        "  east (timed out), to lose DestinationRule/x/v1.a\n"
        "  west (Connection refused), to lose Gateway/istio-system/a\n"
        "With PULUMI_K8S_DELETE_UNREACHABLE=true, an update forgets what is on a cluster that does not come back."
    )


def test_nobody_is_asked_where_the_engine_is_told_to_forget(
    asked: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FORGET, "true")
    RemovalsProvider().update("x", BEFORE, RemovalsProvider().check(BEFORE, holds(*GONE, west=WEST)).inputs)
    assert asked == {}


def test_removals_over_the_wire_also_while_a_kubeconfig_is_not_known_yet(port: int) -> None:
    plugin = Plugin(port, RemovalsProvider())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = {"server": f"https://127.0.0.1:{listener.getsockname()[1]}"}

    first, failures = plugin.check({}, holds(*OBJECTS, east=closed))
    assert failures == []
    state = plugin.create(first)
    second, _ = plugin.check(first, {**holds(*GONE), "servers": rpc.UNKNOWN})
    assert second["losing"] == LOST
    assert plugin.diff(state, second).changes == provider_pb2.DiffResponse.DIFF_SOME
    third, _ = plugin.check(first, holds(*GONE))
    with pytest.raises(grpc.RpcError, match=r"east \(.*refused\), to lose DestinationRule/x/v1\.a"):
        plugin.update(state, third)
    fourth, _ = plugin.check(third, holds(*GONE))
    assert plugin.diff(state, fourth).changes == provider_pb2.DiffResponse.DIFF_NONE
