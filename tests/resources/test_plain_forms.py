"""The forms in which Python programs state a spec: what stands for plain data, and what does not."""

import asyncio
from collections import ChainMap, OrderedDict, UserList, UserString, deque
from collections.abc import Callable
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any

import pulumi
import pytest
from mesh_federation import MeshFederation

from tests.given.registration import Args, Engine, bookinfo, failing, register


class Address(str, Enum):  # noqa: UP042 -- as programs before Python 3.11 have it
    GATEWAY = "172.18.0.230"
    POOL = "240.0.0.0/12"


class Name(Enum):
    CLUSTER1 = "cluster1"


class Number(IntEnum):
    WEIGHT = 75
    ATTEMPTS = 2


class Text(str):
    __slots__ = ()


def as_others(value: Any) -> Any:
    """Each mapping and each list in another form."""
    if isinstance(value, dict):
        return MappingProxyType({Text(key): as_others(item) for key, item in value.items()})
    if isinstance(value, list):
        return UserList([as_others(item) for item in value])
    return Text(value) if isinstance(value, str) else value


HEADERS = {"request": {"set": {"x-canary": "1"}}}
FORMS: dict[str, Callable[[Args], None]] = {
    "other mappings and sequences": lambda entry: entry.update(as_others(dict(entry))),
    "layers of mappings": lambda entry: entry.update(retries=ChainMap({"attempts": 2}), headers=OrderedDict(HEADERS)),
    "what is iterated once": lambda entry: entry.update(route=(place for place in entry["route"])),
    "views of a dict": lambda entry: entry.update(route={place["version"]: place for place in entry["route"]}.values()),
    "deques and tuples": lambda entry: entry.update(route=deque(entry["route"]), match=tuple(entry["match"])),
    "texts of other types": lambda entry: entry["route"][0].update(cluster=UserString("cluster2"), version=Text("v3")),
    "numbers with names": lambda entry: entry.update(retries={"attempts": Number.ATTEMPTS}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_plain_data_gives_the_same_objects(form: str) -> None:
    args = with_istios_words(bookinfo())

    def put(stated: Args) -> None:
        FORMS[form](stated["traffic"][0]["http"][0])

    assert register(args, late=put).inputs == register(args).inputs


def test_enums_stand_for_their_values_everywhere() -> None:
    args = bookinfo()
    args["addresses"] = {"pool": "240.0.0.0/12"}
    same = bookinfo()
    same["addresses"] = {"pool": Address.POOL}
    same["clusters"]["cluster2"]["gateway"]["addresses"] = [Address.GATEWAY]
    same["traffic"][0]["http"][0]["route"][0]["weight"] = Number.WEIGHT

    assert register(same).inputs == register(args).inputs


def test_what_can_be_read_only_once_may_be_stated_twice() -> None:
    args = bookinfo()
    args["traffic"].append({**args["traffic"][0], "name": "again", "clients": {"clusters": ["cluster2"]}})

    def put(stated: Args) -> None:
        places = (place for place in stated["traffic"][0]["http"][0]["route"])
        for rule in stated["traffic"]:
            rule["http"] = [{"route": places}]

    assert register(args, late=put).inputs == register(args).inputs


def test_an_awaitable_is_an_output() -> None:
    async def address() -> str:
        await asyncio.sleep(0)
        return "172.18.0.230"

    def put(args: Args) -> None:
        args["clusters"]["cluster2"]["gateway"]["addresses"] = [address()]

    assert register(bookinfo(), late=put).inputs == register(bookinfo()).inputs


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (
            lambda args: args["clusters"]["cluster2"]["gateway"].update(addresses={"192.0.2.2", "192.0.2.1"}),
            r"clusters\.cluster2\.gateway\.addresses: \['192\.0\.2\.1', '192\.0\.2\.2'\] is a set, whose order differs",
        ),
        (
            lambda args: args["services"][0]["clusters"].update({("cluster", 3): {}}),
            r"services\[0\]\.clusters\.\['cluster', 3\]: \['cluster', 3\] is not text",
        ),
        (
            lambda args: args["clusters"].update({Name.CLUSTER1: args["clusters"]["cluster1"]}),
            r"clusters\.cluster1: 'cluster1' is stated twice; write it once",
        ),
        (
            lambda args: args["traffic"][0]["http"][0].update(headers=itself()),
            r"traffic\[0\]\.http\[0\]\.headers\.request: is a part of itself",
        ),
        (
            lambda args: args["clusters"]["cluster1"].update(render_to=False),
            r"clusters\.cluster1\.render_to: false is not the path of a directory",
        ),
        (
            lambda args: args["clusters"]["cluster1"].update(render_to=pulumi.Output.from_input("out")),
            r"clusters\.cluster1\.render_to: an output is not the path of a directory",
        ),
        (
            lambda args: args["clusters"]["cluster1"].update(provider="east"),
            r"clusters\.cluster1\.provider: 'east' is not a pulumi_kubernetes\.Provider",
        ),
        (
            lambda args: args["clusters"]["cluster2"]["gateway"].update(
                addresses=pulumi.Output.from_input(["a.example"])
            ),
            r"addresses: an output stands for several values; state these, of which each may be an output",
        ),
        (
            lambda args: args["traffic"][0]["http"][0].update(headers={"request": {"set": {"x": "\ud800"}}}),
            r"headers\.request\.set\.x: '\\ud800' is not text; it holds half of a character",
        ),
        (
            lambda args: args["traffic"][0]["http"][0].update(timeout=object()),
            r"traffic\[0\]\.http\[0\]\.timeout: an object is not a value that JSON has",
        ),
    ],
)
def test_what_is_no_plain_data_is_told_where_it_stands(put: Callable[[Args], None], message: str) -> None:
    with pytest.raises(pulumi.RunError, match=message):
        register(bookinfo(), late=put)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (None, "spec: null is not a mapping"),
        ([{}], r"spec: \[\{\}\] is not a mapping"),
        (pulumi.Output.from_input({}), "spec: an output is not a mapping"),
    ],
)
def test_a_spec_that_is_no_mapping_is_refused(args: Any, message: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"shop cannot be built:\n{message}"):
        MeshFederation("shop", args)


@pytest.mark.parametrize("name", [None, 5])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(pulumi.RunError, match="is not text"):
        MeshFederation(name, bookinfo())  # type: ignore[arg-type]


def test_the_arguments_of_a_caller_are_left_as_they_are() -> None:
    stated: list[Args] = []
    register(with_istios_words(bookinfo()), late=stated.append)

    [args] = stated
    for cluster in args["clusters"].values():
        del cluster["provider"]
    assert args == with_istios_words(bookinfo())


def with_istios_words(args: Args) -> Args:
    args["traffic"][0]["http"][0].update(match=[{"uri": {"prefix": "/"}}], retries={"attempts": 2}, headers=HEADERS)
    return args


def itself() -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["request"] = headers
    return headers


def test_nothing_is_registered_before() -> None:
    engine = Engine()
    args = bookinfo()
    args["clusters"]["cluster1"]["render_to"] = 0
    with pytest.raises(pulumi.RunError):
        failing(engine, args)
    assert engine.requests.keys() == {"k8s-cluster1", "k8s-cluster2"}
