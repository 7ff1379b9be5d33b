"""What `MeshFederation` registers: under which parent, with which provider, after what. The engine is a mock."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from mesh_federation import MeshFederation
from mesh_federation.cluster import known_later
from mesh_federation.mesh.parse import parse
from mesh_federation.mesh.plan import plan
from pulumi.runtime import mocks, rpc
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import Namespace

HOST = "reviews.default.svc.cluster2.global"
ENTRY = f"bookinfo/cluster1/ServiceEntry/istio-system/{HOST}"
POLICY = f"bookinfo/cluster1/DestinationRule/istio-system/{HOST}"
SUBSET = f"bookinfo/cluster1/DestinationRule/istio-system/v3.{HOST}"
ROUTE = "bookinfo/cluster1/VirtualService/default/reviews"
GATEWAY = "bookinfo/cluster2/Gateway/istio-system/reviews-default-bdabf1b129"
HOME = [f"bookinfo/cluster1/DestinationRule/default/{version}.reviews" for version in ("v1", "v2")]
THERE = "bookinfo/cluster2/DestinationRule/default/v3.reviews"
TO_CLUSTER1, TO_CLUSTER2 = (f"bookinfo/cluster1/Convergence/{serving}/arrivals" for serving in ("cluster1", "cluster2"))
LEFT_CLUSTER1, LEFT_CLUSTER2 = (
    f"bookinfo/cluster1/Convergence/{serving}/departures" for serving in ("cluster1", "cluster2")
)
PAUSES = (TO_CLUSTER1, TO_CLUSTER2, LEFT_CLUSTER1, LEFT_CLUSTER2)
WAITS = (*PAUSES, "bookinfo/cluster1/Convergence")
OBJECTS = {ENTRY, POLICY, SUBSET, ROUTE, GATEWAY, *HOME, THERE}


@dataclass
class Engine(mocks.MockMonitor, mocks.Mocks):
    """Remembers every request to register a resource, in order."""

    requests: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 -- the name that the SDK calls
        if request.type != "pulumi:pulumi:Stack":
            self.requests[request.name] = request
            self.inputs[request.name] = rpc.deserialize_properties(request.object)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ.endswith("AddressPool"):
            addresses = {host: f"240.0.0.{number}" for number, host in enumerate(args.inputs["hosts"], start=1)}
            return "pool", {**args.inputs, "addresses": addresses}
        return f"{args.name}-id", args.inputs

    def call(self, _args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError("nothing is looked up")

    def type_of(self, name: str) -> str:
        return str(self.requests[name].type)

    def parent_of(self, name: str) -> str:
        return name_of(self.requests[name].parent)

    def dependencies_of(self, name: str) -> set[str]:
        """Directly, as the engine is told."""
        return {name_of(urn) for urn in self.requests[name].dependencies}

    def after(self, name: str) -> set[str]:
        """Everything that is registered, created and updated before it, directly or not."""
        direct = self.dependencies_of(name)
        return direct.union(*map(self.after, direct))

    def provider_of(self, name: str) -> str:
        urn, _, _ = self.requests[name].provider.rpartition("::")
        return name_of(urn)


def name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


Args = dict[str, Any]


def article() -> Args:
    """The article's example in Python's form; providers are made by `register`."""
    return {
        "clusters": {
            "cluster1": {"gateway": {"addresses": ["172.18.0.229"]}},
            "cluster2": {"trust_domain": "cluster2", "gateway": {"addresses": ["172.18.0.230"]}},
        },
        "services": [
            {
                "name": "reviews",
                "namespace": "default",
                "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
                "clusters": {
                    "cluster1": {"versions": ["v1", "v2"], "service_accounts": ["bookinfo-reviews"]},
                    "cluster2": {"versions": ["v3"], "service_accounts": ["bookinfo-reviews"]},
                },
            }
        ],
        "traffic": [
            {
                "service": "reviews.default",
                "clients": {"clusters": ["cluster1"]},
                "http": [
                    {
                        "route": [
                            {"cluster": "cluster2", "version": "v3", "weight": 75},
                            {"cluster": "cluster1", "version": "v1", "weight": 15},
                            {"cluster": "cluster1", "version": "v2", "weight": 10},
                        ]
                    }
                ],
            }
        ],
    }


def register(
    args: Args,
    *,
    preview: bool = False,
    opts: Callable[[], pulumi.ResourceOptions | None] = lambda: None,
    late: Callable[[Args], None] = lambda _: None,
) -> Engine:
    """All that a program with this federation registers. `late` puts outputs into the arguments."""
    engine = Engine()
    mocks.set_mocks(engine, project="mesh", stack="demo", preview=preview, monitor=engine)
    told: dict[str, Any] = {}

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> Any:
        stated = copy.deepcopy(args)
        for name, cluster in stated["clusters"].items():
            cluster.setdefault("provider", Provider(f"k8s-{name}", context=name))
        late(stated)
        federation = MeshFederation("bookinfo", stated, opts())  # type: ignore[arg-type]
        outputs = {key: getattr(federation, key) for key in ("addresses", "hosts", "traffic", "trust")}
        return pulumi.Output.all(**outputs).apply(told.update)

    program()
    engine.inputs["outputs"] = told
    return engine


@pytest.fixture(params=[True, False], ids=["preview", "up"])
def preview(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# -- parents, names, types, providers ----------------------------------------------------------------------------


def test_every_object_is_registered_under_its_identity(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    objects = {
        name for name in engine.requests if engine.type_of(name).startswith("kubernetes:networking.istio.io/v1:")
    }
    assert objects == OBJECTS
    for name in objects:
        assert engine.type_of(name).rpartition(":")[2] == name.split("/")[2]


def test_names_are_the_objects_own(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
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
    engine = register(article(), preview=preview)
    assert engine.type_of("bookinfo") == "mesh:index:MeshFederation"
    for cluster in ("cluster1", "cluster2"):
        assert engine.type_of(f"bookinfo/{cluster}") == "mesh:index:MeshCluster"
        assert engine.parent_of(f"bookinfo/{cluster}") == "bookinfo"
    assert engine.parent_of("bookinfo/addresses") == "bookinfo"
    for name in OBJECTS | {TO_CLUSTER1, TO_CLUSTER2}:
        assert engine.parent_of(name) == "/".join(name.split("/")[:2])


def test_every_object_goes_to_its_own_clusters_provider(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    assert {name: engine.provider_of(name) for name in OBJECTS} == {
        name: f"k8s-{name.split('/')[1]}" for name in OBJECTS
    }


def test_objects_say_what_the_plan_says(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    assert engine.inputs[ENTRY]["spec"]["addresses"] == ["240.0.0.1"]
    assert engine.inputs[ENTRY]["spec"]["resolution"] == "STATIC"
    [http] = engine.inputs[ROUTE]["spec"]["http"]
    assert [route["weight"] for route in http["route"]] == [15, 10, 75]


def test_outputs(*, preview: bool) -> None:
    assert register(article(), preview=preview).inputs["outputs"] == {
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
            "cluster2": {
                "caCertificates": [{"pem": "<the common root certificate>", "trustDomains": ["cluster.local"]}]
            }
        },
    }


# -- what comes after what ---------------------------------------------------------------------------------------


def test_what_routes_need_then_the_wait_then_the_routes(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    assert engine.dependencies_of(TO_CLUSTER1) == {*HOME}
    assert engine.dependencies_of(TO_CLUSTER2) >= {ENTRY, POLICY, SUBSET, GATEWAY, THERE}
    assert not engine.dependencies_of(TO_CLUSTER2) & {*HOME, ROUTE}
    assert engine.dependencies_of(LEFT_CLUSTER1) == engine.dependencies_of(TO_CLUSTER1)
    assert engine.dependencies_of(LEFT_CLUSTER2) == {ENTRY, POLICY, SUBSET, GATEWAY, THERE}
    assert engine.dependencies_of(ROUTE) >= {*PAUSES}
    assert POLICY in engine.dependencies_of(ENTRY)
    assert "bookinfo/addresses" in engine.after(ENTRY)
    assert not any(ROUTE in engine.after(name) for name in engine.requests)


def test_what_routes_need_waits_for_nothing(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    for name in (POLICY, SUBSET, GATEWAY, THERE, *HOME):
        assert engine.dependencies_of(name) == set()


def test_a_convergence_knows_a_digest_of_each_object_it_stands_behind(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    objects = engine.inputs[TO_CLUSTER2]["objects"]
    assert set(objects) == {name.removeprefix("bookinfo/") for name in (ENTRY, POLICY, SUBSET, GATEWAY, THERE)}
    assert len(set(objects.values())) == len(objects)
    assert engine.inputs[LEFT_CLUSTER2]["objects"] == sorted(objects)
    for name in PAUSES:
        assert engine.inputs[name]["settleSeconds"] == 12
        assert "bookinfo" not in str({key: v for key, v in engine.inputs[name].items() if key != "__provider"})


def test_a_digest_follows_the_objects_spec_alone() -> None:
    before = register(article()).inputs[TO_CLUSTER2]["objects"]
    args = article()
    args["clusters"]["cluster2"]["gateway"]["port"] = 443
    args["clusters"]["cluster2"]["gateway"]["listener_port"] = 8443

    after = register(args).inputs[TO_CLUSTER2]["objects"]

    changed = {key for key in before if before[key] != after[key]}
    assert changed == {ENTRY.removeprefix("bookinfo/"), GATEWAY.removeprefix("bookinfo/")}


def test_weights_are_no_business_of_a_convergence() -> None:
    args = article()
    args["traffic"][0]["http"][0]["route"][0]["weight"] = 1

    before, after = register(article()), register(args)

    assert before.inputs[ROUTE] != after.inputs[ROUTE]
    for name in PAUSES:
        assert before.inputs[name] == after.inputs[name]


def test_the_convergences_of_a_client_cluster_share_a_plugin_of_their_own(*, preview: bool) -> None:
    engine = register(article(), preview=preview)
    for name in PAUSES:
        assert engine.provider_of(name) == "bookinfo/cluster1/Convergence"
    assert engine.type_of("bookinfo/cluster1/Convergence") == "pulumi:providers:pulumi-python"
    assert "bookinfo/cluster2/Convergence" not in engine.requests


def test_nothing_waits_for_a_cluster_that_is_only_rendered(*, preview: bool) -> None:
    args = article()
    args["clusters"]["cluster1"]["render_to"] = "out"

    engine = register(args, preview=preview)

    assert not [name for name in engine.requests if "Convergence" in name]
    assert engine.dependencies_of(ROUTE) >= {ENTRY, POLICY, SUBSET, GATEWAY, THERE, *HOME}


def test_routes_to_any_version_at_home_wait_for_nothing() -> None:
    args = article()
    args["traffic"][0]["http"][0]["route"] = [{"cluster": "cluster1"}]

    engine = register(args)

    assert {n for n in engine.requests if n.startswith("bookinfo/cluster1/")} == {ROUTE}
    assert engine.dependencies_of(ROUTE) == set()


# -- late gateway addresses --------------------------------------------------------------------------------------


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
    engine = register(article(), late=late_addresses(*values))
    spec = engine.inputs[ENTRY]["spec"]
    assert [endpoint["address"] for endpoint in spec["endpoints"]] == values
    assert spec["resolution"] == resolution


@pytest.mark.parametrize(
    ("value", "why"),
    [(None, "should be an IP address or a DNS name"), ("172.18.0", "is neither an IP address nor a DNS name")],
)
def test_a_late_gateway_address_that_is_none_is_refused(value: str | None, why: str) -> None:
    """As of a load balancer that has a host name alone, or nothing yet."""
    mocks.set_mocks(Engine(), project="mesh", stack="demo")

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> Any:
        args = article()
        clusters = args["clusters"]
        clusters["cluster1"]["context"], clusters["cluster2"]["context"] = "one", "two"
        clusters["cluster2"]["gateway"]["addresses"] = ["172.18.0.230", pulumi.Output.from_input(value)]
        manifests = plan(parse(args), {HOST: "240.0.0.1"}, "bookinfo").manifests["cluster1"]
        (entry,) = (manifest for manifest in manifests if manifest.kind == "ServiceEntry")
        return known_later(entry.spec["endpoints"][1])["address"]

    with pytest.raises(pulumi.RunError, match=rf"clusters\.cluster2\.gateway\.addresses\[1\]: {value!r} {why}"):
        program()


def test_late_addresses_change_no_name_and_no_order() -> None:
    plain, late = register(article()), register(article(), late=late_addresses("172.18.0.230"))
    assert set(late.requests) == set(plain.requests)
    assert late.inputs[ENTRY] == plain.inputs[ENTRY]
    assert late.inputs[TO_CLUSTER2] == plain.inputs[TO_CLUSTER2]


def test_an_address_that_is_not_known_yet_leaves_the_rest_of_the_preview_complete() -> None:
    engine = register(article(), preview=True, late=late_addresses(None))
    assert {*engine.requests} >= OBJECTS
    spec = engine.inputs[ENTRY]["spec"]
    assert spec["hosts"] == [HOST]
    objects = engine.inputs[TO_CLUSTER2]["objects"]
    known = {key for key, digest in objects.items() if isinstance(digest, str)}
    assert ENTRY.removeprefix("bookinfo/") not in known
    assert POLICY.removeprefix("bookinfo/") in known


# -- options -----------------------------------------------------------------------------------------------------


def test_protection_reaches_every_object_but_never_a_convergence() -> None:
    engine = register(article(), opts=lambda: pulumi.ResourceOptions(protect=True))
    for name in OBJECTS | {"bookinfo/addresses"}:
        assert engine.requests[name].protect is True, name
    for name in WAITS:
        assert engine.requests[name].protect is False, name


def test_what_the_engine_inherits_is_stated_on_the_component_and_overridden_on_each_convergence() -> None:
    """`retain_on_delete` and `deleted_with` reach children in the engine, wherever they state none of their own."""

    def opts() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(retain_on_delete=True, deleted_with=Namespace("first"))

    engine = register(article(), opts=opts)

    assert engine.requests["bookinfo"].retainOnDelete is True
    assert name_of(engine.requests["bookinfo"].deletedWith) == "first"
    for name in OBJECTS | {"bookinfo/cluster1", "bookinfo/cluster2", "bookinfo/addresses"}:
        assert not engine.requests[name].HasField("retainOnDelete"), name
        assert not engine.requests[name].deletedWith, name
    for name in WAITS:
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

    engine = register(article(), opts=opts)

    for name in ("bookinfo/addresses", POLICY, SUBSET, GATEWAY, THERE, *HOME):
        assert engine.dependencies_of(name) == {"first"}, name
    for name in OBJECTS | {TO_CLUSTER1, TO_CLUSTER2}:
        assert "first" in engine.after(name), name
    assert "first" not in engine.dependencies_of(ROUTE)


def test_aliases_are_not_copied_to_children() -> None:
    engine = register(article(), opts=lambda: pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))
    assert len(engine.requests["bookinfo"].aliases) == 1
    for name in OBJECTS:
        assert not any(alias.spec.name == "old" for alias in engine.requests[name].aliases)


# -- errors ------------------------------------------------------------------------------------------------------


def test_every_problem_is_told_before_anything_is_registered() -> None:
    args = article()
    args["traffic"][0]["http"][0]["route"][0]["version"] = "v4"
    args["clusters"]["cluster2"]["gateway"]["listner_port"] = 1
    engine = Engine()

    with pytest.raises(pulumi.RunError) as caught:
        failing(engine, args)

    assert str(caught.value) == (
        "bookinfo cannot be built:\n"
        "clusters.cluster2.gateway.listner_port: unknown key; did you mean 'listener_port'? "
        "it takes addresses, listener_port, manage, namespace, port, selector\n"
        "traffic[0].http[0].route[0].version: reviews on cluster2 has no version 'v4'; it has v3"
    )
    assert engine.requests.keys() == {"k8s-cluster1", "k8s-cluster2"}


@pytest.mark.parametrize("provider", [{}, {"provider": "cluster1"}, {"context": "cluster1"}])
def test_a_cluster_without_a_provider_is_refused(provider: Args) -> None:
    args = article()
    args["clusters"]["cluster1"] |= provider
    engine = Engine()

    with pytest.raises(pulumi.RunError, match=r"bookinfo cannot be built:\nclusters\.cluster1.*provider"):
        failing(engine, args, provide=["cluster2"])

    assert "bookinfo" not in engine.requests


def test_a_clusters_identity_is_its_providers_to_say() -> None:
    args = article()
    args["clusters"]["cluster1"]["identity"] = "second"

    with pytest.raises(pulumi.RunError, match=r"clusters\.cluster1\.identity: .* the provider's `cluster_identifier`"):
        failing(Engine(), args)


def test_two_clusters_never_have_one_provider() -> None:
    args = article()

    def share(args: Args) -> None:
        args["clusters"]["cluster2"]["provider"] = args["clusters"]["cluster1"]["provider"]

    with pytest.raises(pulumi.RunError, match=r"clusters\.cluster2\.provider: is also the provider of cluster1"):
        register(args, late=share)


def test_a_name_that_no_label_can_hold_is_refused() -> None:
    mocks.set_mocks(Engine(), project="mesh", stack="demo")
    with pytest.raises(pulumi.RunError, match="name: 'Book Info', a label of every object, is no value"):
        MeshFederation("Book Info", article())  # type: ignore[arg-type]


def test_a_federation_with_an_object_of_another_is_refused_and_the_other_is_not_registered_either() -> None:
    engine = Engine()
    mocks.set_mocks(engine, project="mesh", stack="demo", monitor=engine)
    args = article()

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        for name, cluster in args["clusters"].items():
            cluster["provider"] = Provider(f"k8s-{name}", context=name)
        MeshFederation("shop", args)  # type: ignore[arg-type]
        MeshFederation("bank", args)  # type: ignore[arg-type]

    with pytest.raises(pulumi.RunError, match="VirtualService default/reviews on cluster1 is made by shop"):
        program()

    assert engine.requests.keys() <= {"k8s-cluster1", "k8s-cluster2"}


def failing(engine: Engine, args: Args, provide: tuple[str, ...] | list[str] = ("cluster1", "cluster2")) -> None:
    mocks.set_mocks(engine, project="mesh", stack="demo", monitor=engine)

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        for name in provide:
            args["clusters"][name]["provider"] = Provider(f"k8s-{name}", context=name)
        MeshFederation("bookinfo", args)  # type: ignore[arg-type]

    program()
