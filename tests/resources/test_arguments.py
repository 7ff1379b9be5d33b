"""What `MeshFederation` takes: gateway addresses that are known late, and nothing that cannot be built."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from mesh_federation import MeshFederation
from mesh_federation.cluster import known_later
from pulumi.runtime import mocks
from pulumi_kubernetes import Provider

from tests.given import core
from tests.given.registration import ARRIVALS_2, ENTRY, HOST, OBJECTS, POLICY, Args, Engine, bookinfo, failing, register


def late_addresses(*values: str | None) -> Callable[[Args], None]:
    """Addresses of cluster2's gateway as outputs; None is not known yet."""

    def put(args: Args) -> None:
        args["clusters"]["cluster2"]["gateway"]["addresses"] = [output(value) for value in values]

    return put


def output(value: str | None) -> pulumi.Output[Any]:
    if value is not None:
        return pulumi.Output.from_input(value)
    loop = asyncio.get_event_loop()
    nothing, unknown = loop.create_future(), loop.create_future()
    nothing.set_result(None)
    unknown.set_result(False)
    return pulumi.Output(set(), nothing, unknown)


@pytest.mark.parametrize(
    ("values", "resolution"),
    [
        (["172.18.0.230"], "STATIC"),
        (["2001:db8::1"], "STATIC"),
        (["gateway.example.com"], "DNS"),
        (["172.18.0.230", "gateway.example.com"], "DNS"),
    ],
)
def test_a_late_gateway_address_decides_the_resolution(values: list[str], resolution: str) -> None:
    engine = register(bookinfo(), late=late_addresses(*values))
    spec = engine.inputs[ENTRY]["spec"]
    assert [endpoint["address"] for endpoint in spec["endpoints"]] == values
    assert spec["resolution"] == resolution


@pytest.mark.parametrize(
    ("value", "address"),
    [("GW.Example.com.", "gw.example.com."), ("gw.example.com", "gw.example.com"), ("2001:DB8:0::1", "2001:db8::1")],
)
def test_a_late_gateway_address_is_spelt_as_any_other(value: str, address: str) -> None:
    engine = register(bookinfo(), late=late_addresses(value))
    assert [endpoint["address"] for endpoint in engine.inputs[ENTRY]["spec"]["endpoints"]] == [address]


@pytest.mark.parametrize(
    ("value", "why"),
    [(None, "is neither an IP address nor a DNS name"), ("172.18.0", "is neither an IP address nor a DNS name")],
)
def test_a_late_gateway_address_that_is_none_is_refused(value: str | None, why: str) -> None:
    """As of a load balancer that has a host name alone, or nothing yet."""
    mocks.set_mocks(Engine(), project="mesh", stack="demo")

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> Any:
        args = bookinfo()
        clusters = args["clusters"]
        clusters["cluster1"]["context"], clusters["cluster2"]["context"] = "one", "two"
        clusters["cluster2"]["gateway"]["addresses"] = ["172.18.0.230", pulumi.Output.from_input(value)]
        manifests = core.new_stack(core.read(args)).plan.manifests["cluster1"]
        (entry,) = (manifest for manifest in manifests if manifest.kind == "ServiceEntry")
        return known_later(entry.spec["endpoints"][1])["address"]

    with pytest.raises(pulumi.RunError, match=rf"clusters\.cluster2\.gateway\.addresses\[1\]: {value!r} {why}"):
        program()


def test_late_addresses_change_no_name_and_no_order() -> None:
    plain, late = register(bookinfo()), register(bookinfo(), late=late_addresses("172.18.0.230"))
    assert set(late.requests) == set(plain.requests)
    assert late.inputs[ENTRY] == plain.inputs[ENTRY]
    assert late.inputs[ARRIVALS_2] == plain.inputs[ARRIVALS_2]


def test_an_address_that_is_not_known_yet_leaves_the_rest_of_the_preview_complete() -> None:
    engine = register(bookinfo(), preview=True, late=late_addresses(None))
    assert {*engine.requests} >= OBJECTS
    spec = engine.inputs[ENTRY]["spec"]
    assert spec["hosts"] == [HOST]
    objects = engine.inputs[ARRIVALS_2]["objects"]
    known = {key for key, digest in objects.items() if isinstance(digest, str)}
    assert ENTRY.removeprefix("bookinfo/") not in known
    assert POLICY.removeprefix("bookinfo/") in known


def test_every_problem_is_told_before_anything_is_registered() -> None:
    args = bookinfo()
    args["traffic"][0]["http"][0]["route"][0]["version"] = "v4"
    args["clusters"]["cluster2"]["gateway"]["listner_port"] = 1
    engine = Engine()

    with pytest.raises(pulumi.RunError) as caught:
        failing(engine, args)

    assert str(caught.value) == (
        "bookinfo cannot be built:\n"
        "clusters.cluster2.gateway.listner_port: 'listner_port' is not a known key; did you mean 'listener_port'? "
        "it takes addresses, listener_port, manage, namespace, port, selector\n"
        "traffic[0].http[0].route[0].version: reviews on cluster2 has no version 'v4'; it has v3"
    )
    assert engine.requests.keys() == {"k8s-cluster1", "k8s-cluster2"}


@pytest.mark.parametrize("provider", [{}, {"provider": "cluster1"}, {"context": "cluster1"}])
def test_a_cluster_without_a_provider_is_refused(provider: Args) -> None:
    args = bookinfo()
    args["clusters"]["cluster1"] |= provider
    engine = Engine()

    with pytest.raises(pulumi.RunError, match=r"bookinfo cannot be built:\nclusters\.cluster1.*provider"):
        failing(engine, args, provide=["cluster2"])

    assert "bookinfo" not in engine.requests


def test_a_clusters_identity_is_its_providers_to_say() -> None:
    args = bookinfo()
    args["clusters"]["cluster1"]["identity"] = "second"

    with pytest.raises(pulumi.RunError, match=r"clusters\.cluster1\.identity: .* the provider's `cluster_identifier`"):
        failing(Engine(), args)


def test_two_clusters_never_have_one_provider() -> None:
    args = bookinfo()

    def share(args: Args) -> None:
        args["clusters"]["cluster2"]["provider"] = args["clusters"]["cluster1"]["provider"]

    with pytest.raises(pulumi.RunError, match=r"clusters\.cluster2\.provider: is also the provider of cluster1"):
        register(args, late=share)


def test_a_name_that_no_label_can_hold_is_refused() -> None:
    mocks.set_mocks(Engine(), project="mesh", stack="demo")
    with pytest.raises(pulumi.RunError, match="name: 'Book Info', a label of every object, is not the value"):
        MeshFederation("Book Info", bookinfo())  # type: ignore[arg-type]


def test_a_federation_with_an_object_of_another_is_refused_and_the_other_is_not_registered_either() -> None:
    engine = Engine()
    mocks.set_mocks(engine, project="mesh", stack="demo", monitor=engine)
    args = bookinfo()

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        for name, cluster in args["clusters"].items():
            cluster["provider"] = Provider(f"k8s-{name}", context=name)
        MeshFederation("shop", args)  # type: ignore[arg-type]
        MeshFederation("bank", args)  # type: ignore[arg-type]

    with pytest.raises(pulumi.RunError, match="VirtualService default/reviews on cluster1 is made by shop"):
        program()

    assert engine.requests.keys() <= {"k8s-cluster1", "k8s-cluster2"}


def test_the_keys_that_an_unknown_one_may_stand_for_are_spelt_as_in_python() -> None:
    args = bookinfo()
    args["clusters"]["cluster1"]["rendr_to"] = "out"
    args["foo"] = 1
    args["traffic"][0]["http"][0]["corspolicy"] = {}

    with pytest.raises(pulumi.RunError) as refusal:
        register(args)

    message = str(refusal.value)
    assert "'rendr_to' is not a known key; did you mean 'render_to'?" in message
    assert (
        "foo: 'foo' is not a known key; it takes addresses, clusters, global_hosts, hosts, services, settle" in message
    )
    assert "did you mean 'corsPolicy'?" in message, "Istio's words are Istio's"


def test_a_warning_does_not_look_like_an_error_beside_one() -> None:
    args = bookinfo()
    args["traffic"][0]["http"][0] |= {"timeout": "1s", "retries": {"attempts": 3, "perTryTimeout": "1s"}}
    args["clusters"]["cluster1"]["trust_domian"] = "east"

    with pytest.raises(pulumi.RunError) as refusal:
        register(args)

    _, error, warning = str(refusal.value).split("\n")
    assert error.startswith("clusters.cluster1.trust_domian: ")
    assert warning.startswith("warning: traffic[0].http[0].timeout: '1s' ends a call before its 4 attempts")


def test_warnings_reach_the_engines_log_and_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", logged.append)
    args = bookinfo()
    args["traffic"][0]["http"][0] |= {"timeout": "1s", "retries": {"attempts": 3, "perTryTimeout": "1s"}}

    engine = register(args)

    assert {*engine.requests} >= OBJECTS
    [warning] = logged
    assert warning.startswith("bookinfo: traffic[0].http[0].timeout: '1s' ends a call before its 4 attempts")
