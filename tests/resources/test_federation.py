"""What `MeshFederation` registers: under which parent, with which provider, after what. The engine is a mock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc
from pulumi_kubernetes.core.v1 import Namespace

from tests.given.registration import (
    ARRIVALS_1,
    ARRIVALS_2,
    CLIENT_SUBSETS,
    DEPARTURES_1,
    DEPARTURES_2,
    ENTRY,
    GATEWAY,
    HOST,
    NEVER_PROTECTED,
    OBJECTS,
    PAUSES,
    POLICY,
    REMOVALS,
    ROUTE,
    SERVING_SUBSET,
    SUBSET,
    Args,
    bookinfo,
    name_of,
    register,
)


@pytest.fixture(params=[True, False], ids=["preview", "up"])
def preview(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# -- parents, names, types, providers ----------------------------------------------------------------------------


def test_every_object_is_registered_under_its_identity(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    objects = {
        name for name in engine.requests if engine.type_of(name).startswith("kubernetes:networking.istio.io/v1:")
    }
    assert objects == OBJECTS
    for name in objects:
        assert engine.type_of(name).rpartition(":")[2] == name.split("/")[2]


def test_names_are_the_objects_own(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    for name in OBJECTS:
        _, _, kind, namespace, own = name.split("/")
        inputs = engine.inputs[name]
        assert (inputs["kind"], inputs["metadata"]["namespace"], inputs["metadata"]["name"]) == (kind, namespace, own)
        assert inputs["apiVersion"] == "networking.istio.io/v1"
        assert inputs["metadata"]["labels"] == {
            "app.kubernetes.io/managed-by": "mesh-federation",
            "app.kubernetes.io/part-of": "bookinfo",
        }


def test_components_have_their_types_and_stand_above_their_objects(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    assert engine.type_of("bookinfo") == "mesh:index:MeshFederation"
    for cluster in ("cluster1", "cluster2"):
        assert engine.type_of(f"bookinfo/{cluster}") == "mesh:index:MeshCluster"
        assert engine.parent_of(f"bookinfo/{cluster}") == "bookinfo"
    assert engine.parent_of("bookinfo/addresses") == "bookinfo"
    for name in OBJECTS | {ARRIVALS_1, ARRIVALS_2}:
        assert engine.parent_of(name) == "/".join(name.split("/")[:2])


def test_every_object_goes_to_its_own_clusters_provider(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    assert {name: engine.provider_of(name) for name in OBJECTS} == {
        name: f"k8s-{name.split('/')[1]}" for name in OBJECTS
    }


def test_objects_say_what_the_plan_says(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    assert engine.inputs[ENTRY]["spec"]["addresses"] == ["240.0.0.1"]
    assert engine.inputs[ENTRY]["spec"]["resolution"] == "STATIC"
    [http] = engine.inputs[ROUTE]["spec"]["http"]
    assert [route["weight"] for route in http["route"]] == [15, 10, 75]


def test_the_inputs_of_one_pool_are_those_that_states_remember() -> None:
    stated = {"hosts": [HOST], "pool": "240.0.0.0/12", "pins": {}, "taken": []}
    inputs = register(bookinfo()).inputs["bookinfo/addresses"]

    assert {key: value for key, value in inputs.items() if key in stated} == stated
    assert "ipv6" not in inputs


def test_two_pools_give_each_host_an_address_of_each(*, preview: bool) -> None:
    args = bookinfo()
    args["addresses"] = {"pools": ["fd00::/64", "240.0.0.0/12"], "pins": {HOST: ["fd00::9", "240.0.0.9"]}}

    engine = register(args, preview=preview)

    inputs = engine.inputs["bookinfo/addresses"]
    assert (inputs["pool"], inputs["pins"]) == ("240.0.0.0/12", {HOST: "240.0.0.9"})
    assert inputs["ipv6"] == {"pool": "fd00::/64", "pins": {HOST: "fd00::9"}}
    assert engine.inputs[ENTRY]["spec"]["addresses"] == ["240.0.0.1", "fd00::1"]
    assert engine.inputs["outputs"]["addresses"] == {HOST: ["240.0.0.1", "fd00::1"]}


def test_outputs(*, preview: bool) -> None:
    assert register(bookinfo(), preview=preview).inputs["outputs"] == {
        "addresses": {HOST: "240.0.0.1"},
        "hosts": {"reviews.default": {"cluster2": HOST}},
        "traffic": {
            "cluster1": {
                "reviews.default": {
                    "v1 here (cluster1)": "15.00 %",
                    "v2 here (cluster1)": "10.00 %",
                    "v3 on cluster2": "75.00 %",
                }
            }
        },
        "trust": {
            "cluster2": {"caCertificates": [{"pem": "<the common root certificate>", "trustDomains": ["cluster1"]}]}
        },
    }


# -- what comes after what ---------------------------------------------------------------------------------------


def test_what_routes_need_then_the_wait_then_the_routes(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    assert engine.dependencies_of(ARRIVALS_1) == {*CLIENT_SUBSETS}
    assert engine.dependencies_of(ARRIVALS_2) >= {ENTRY, POLICY, SUBSET, GATEWAY, SERVING_SUBSET}
    assert not engine.dependencies_of(ARRIVALS_2) & {*CLIENT_SUBSETS, ROUTE}
    assert engine.dependencies_of(DEPARTURES_1) == engine.dependencies_of(ARRIVALS_1)
    assert engine.dependencies_of(DEPARTURES_2) == {ENTRY, POLICY, SUBSET, GATEWAY, SERVING_SUBSET}
    assert engine.dependencies_of(ROUTE) >= {*PAUSES}
    assert POLICY in engine.dependencies_of(ENTRY)
    assert "bookinfo/addresses" in engine.after(ENTRY)
    assert [name for name in engine.requests if ROUTE in engine.after(name)] == [REMOVALS]


def test_removals_know_every_object_and_stand_behind_the_routes(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    assert ROUTE in engine.dependencies_of(REMOVALS)
    assert engine.parent_of(REMOVALS) == "bookinfo"
    assert engine.inputs[REMOVALS]["objects"] == sorted(name.removeprefix("bookinfo/") for name in OBJECTS)


def test_removals_know_where_each_cluster_is_reached_unless_it_is_only_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        "contexts: [{name: cluster1, context: {cluster: one}}, {name: cluster2, context: {cluster: two}}]\n"
        "clusters: [{name: one, cluster: {server: 'https://one'}}, {name: two, cluster: {server: 'https://two'}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    args = bookinfo()
    assert told_to_removals(args) == {"cluster1": {"server": "https://one"}, "cluster2": {"server": "https://two"}}

    args["clusters"]["cluster1"]["render_to"] = "out"
    assert told_to_removals(args) == {"cluster2": {"server": "https://two"}}


def told_to_removals(args: Args) -> Any:
    """The SDK puts KUBECONFIG's value into a provider, where it is a kubeconfig's path."""
    secret = register(args).inputs[REMOVALS]["servers"]
    assert rpc.is_rpc_secret(secret)
    return rpc.unwrap_rpc_secret(secret)


def test_what_routes_need_waits_for_nothing(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    for name in (POLICY, SUBSET, GATEWAY, SERVING_SUBSET, *CLIENT_SUBSETS):
        assert engine.dependencies_of(name) == set()


def test_a_convergence_knows_a_digest_of_each_object_it_stands_behind(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    objects = engine.inputs[ARRIVALS_2]["objects"]
    assert set(objects) == {name.removeprefix("bookinfo/") for name in (ENTRY, POLICY, SUBSET, GATEWAY, SERVING_SUBSET)}
    assert len(set(objects.values())) == len(objects)
    assert engine.inputs[DEPARTURES_2]["objects"] == sorted(objects)
    for name in PAUSES:
        assert engine.inputs[name]["settleSeconds"] == 12
        assert "bookinfo" not in str({key: v for key, v in engine.inputs[name].items() if key != "__provider"})


def test_a_digest_follows_the_objects_spec_alone() -> None:
    before = register(bookinfo()).inputs[ARRIVALS_2]["objects"]
    args = bookinfo()
    args["clusters"]["cluster2"]["gateway"]["port"] = 443
    args["clusters"]["cluster2"]["gateway"]["listener_port"] = 8443

    after = register(args).inputs[ARRIVALS_2]["objects"]

    changed = {key for key in before if before[key] != after[key]}
    assert changed == {ENTRY.removeprefix("bookinfo/"), GATEWAY.removeprefix("bookinfo/")}


def test_weights_are_no_business_of_a_convergence() -> None:
    args = bookinfo()
    args["traffic"][0]["http"][0]["route"][0]["weight"] = 1

    before, after = register(bookinfo()), register(args)

    assert before.inputs[ROUTE] != after.inputs[ROUTE]
    for name in PAUSES:
        assert before.inputs[name] == after.inputs[name]


def test_the_convergences_of_a_client_cluster_share_a_plugin_of_their_own(*, preview: bool) -> None:
    engine = register(bookinfo(), preview=preview)
    for name in PAUSES:
        assert engine.provider_of(name) == "bookinfo/cluster1/Convergence"
    assert engine.type_of("bookinfo/cluster1/Convergence") == "pulumi:providers:pulumi-python"
    assert "bookinfo/cluster2/Convergence" not in engine.requests


def test_nothing_waits_for_a_cluster_that_is_only_rendered(*, preview: bool) -> None:
    args = bookinfo()
    args["clusters"]["cluster1"]["render_to"] = "out"

    engine = register(args, preview=preview)

    assert not [name for name in engine.requests if "Convergence" in name]
    assert engine.dependencies_of(ROUTE) >= {ENTRY, POLICY, SUBSET, GATEWAY, SERVING_SUBSET, *CLIENT_SUBSETS}


def test_routes_to_any_version_at_home_wait_for_nothing() -> None:
    args = bookinfo()
    args["traffic"][0]["http"][0]["route"] = [{"cluster": "cluster1"}]

    engine = register(args)

    assert {n for n in engine.requests if n.startswith("bookinfo/cluster1/")} == {ROUTE}
    assert engine.dependencies_of(ROUTE) == set()


# -- options -----------------------------------------------------------------------------------------------------


def test_protection_reaches_every_object_but_never_a_convergence() -> None:
    engine = register(bookinfo(), opts=lambda: pulumi.ResourceOptions(protect=True))
    for name in OBJECTS | {"bookinfo/addresses"}:
        assert engine.requests[name].protect is True, name
    for name in NEVER_PROTECTED:
        assert engine.requests[name].protect is False, name


def test_what_the_engine_inherits_is_stated_on_the_component_and_overridden_on_each_convergence() -> None:
    """`retain_on_delete` and `deleted_with` reach children in the engine, wherever they state none of their own."""

    def opts() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(retain_on_delete=True, deleted_with=Namespace("first"))

    engine = register(bookinfo(), opts=opts)

    assert engine.requests["bookinfo"].retainOnDelete is True
    assert name_of(engine.requests["bookinfo"].deletedWith) == "first"
    for name in OBJECTS | {"bookinfo/cluster1", "bookinfo/cluster2", "bookinfo/addresses"}:
        assert not engine.requests[name].HasField("retainOnDelete"), name
        assert not engine.requests[name].deletedWith, name
    for name in NEVER_PROTECTED:
        assert engine.requests[name].HasField("retainOnDelete"), name
        assert engine.requests[name].retainOnDelete is False, name


FORMS: dict[str, Callable[[pulumi.Resource], Any]] = {
    "one": lambda first: first,
    "list": lambda first: [first],
    "output": lambda first: pulumi.Output.from_input([first]),
}


@pytest.mark.parametrize("form", FORMS)
def test_depends_on_is_handed_to_what_depends_on_none_of_ours(form: str) -> None:
    def opts() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(depends_on=FORMS[form](Namespace("first")))

    engine = register(bookinfo(), opts=opts)

    for name in ("bookinfo/addresses", POLICY, SUBSET, GATEWAY, SERVING_SUBSET, *CLIENT_SUBSETS):
        assert engine.dependencies_of(name) == {"first"}, name
    for name in OBJECTS | {ARRIVALS_1, ARRIVALS_2}:
        assert "first" in engine.after(name), name
    assert "first" not in engine.dependencies_of(ROUTE)


def test_aliases_are_not_copied_to_children() -> None:
    engine = register(bookinfo(), opts=lambda: pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))
    assert len(engine.requests["bookinfo"].aliases) == 1
    for name in OBJECTS:
        assert not any(alias.spec.name == "old" for alias in engine.requests[name].aliases)
