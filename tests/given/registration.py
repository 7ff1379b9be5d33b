"""Runs a program with a federation and remembers all that it registers. The engine is a mock."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from mesh_federation import MeshFederation
from pulumi.runtime import mocks, rpc
from pulumi_kubernetes import Provider

from tests.given import specs
from tests.given.specs import for_program

HOST = "reviews.default.svc.cluster2.global"
ENTRY = f"bookinfo/cluster1/ServiceEntry/istio-system/{HOST}"
POLICY = f"bookinfo/cluster1/DestinationRule/istio-system/{HOST}"
SUBSET = f"bookinfo/cluster1/DestinationRule/istio-system/v3.{HOST}"
ROUTE = "bookinfo/cluster1/VirtualService/default/reviews"
GATEWAY = "bookinfo/cluster2/Gateway/istio-system/reviews-default-bdabf1b129"
CLIENT_SUBSETS = [f"bookinfo/cluster1/DestinationRule/default/{version}.reviews" for version in ("v1", "v2")]
SERVING_SUBSET = "bookinfo/cluster2/DestinationRule/default/v3.reviews"
ARRIVALS_1, ARRIVALS_2 = (f"bookinfo/cluster1/Convergence/{serving}/arrivals" for serving in ("cluster1", "cluster2"))
DEPARTURES_1, DEPARTURES_2 = (
    f"bookinfo/cluster1/Convergence/{serving}/departures" for serving in ("cluster1", "cluster2")
)
PAUSES = (ARRIVALS_1, ARRIVALS_2, DEPARTURES_1, DEPARTURES_2)
NEVER_PROTECTED = (*PAUSES, "bookinfo/cluster1/Convergence")
REMOVALS = "bookinfo/removals"
OBJECTS = {ENTRY, POLICY, SUBSET, ROUTE, GATEWAY, *CLIENT_SUBSETS, SERVING_SUBSET}


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
            second = {host: f"fd00::{number}" for number, host in enumerate(args.inputs["hosts"], start=1)}
            of_second = {"ipv6": {**args.inputs["ipv6"], "addresses": second}} if "ipv6" in args.inputs else {}
            return "pool", {**args.inputs, "addresses": addresses, **of_second}
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


def bookinfo() -> Args:
    """The bookinfo example as a program states it; `register` makes the providers."""
    return for_program(specs.bookinfo(settle=None))


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
    values: dict[str, Any] = {}

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> Any:
        stated = copy.deepcopy(args)
        for name, cluster in stated["clusters"].items():
            cluster.setdefault("provider", Provider(f"k8s-{name}", context=name))
        late(stated)
        federation = MeshFederation("bookinfo", stated, opts())  # type: ignore[arg-type]
        outputs = {key: getattr(federation, key) for key in ("addresses", "hosts", "traffic", "trust")}
        return pulumi.Output.all(**outputs).apply(values.update)

    program()
    engine.inputs["outputs"] = values
    return engine


def failing(engine: Engine, args: Args, provide: tuple[str, ...] | list[str] = ("cluster1", "cluster2")) -> None:
    mocks.set_mocks(engine, project="mesh", stack="demo", monitor=engine)

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        for name in provide:
            args["clusters"][name]["provider"] = Provider(f"k8s-{name}", context=name)
        MeshFederation("bookinfo", args)  # type: ignore[arg-type]

    program()
