"""What a bed consists of, as plain data: clusters, their services, and the workloads behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROOT_NAMESPACE = "istio-system"
GATEWAY_SERVICE = "istio-eastwestgateway"
GATEWAY_PORT = 15443
INGRESS_SERVICE = "istio-ingressgateway"


@dataclass(frozen=True, slots=True)
class BedCluster:
    """A cluster with an Istio of its own; its trust domain is its name."""

    name: str
    domain: str = "cluster.local"
    root_namespace: str = ROOT_NAMESPACE
    accepts: tuple[str, ...] = ()
    """Trust domains of the callers that its workloads accept beside their own."""
    mesh_config: Mapping[str, Any] = field(default_factory=dict)
    """More of Istio's `meshConfig`. A key that the bed sets, too, has the value stated here."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service; its pods listen on the same number."""

    number: int = 9080
    name: str = "http"
    """Tells Istio the protocol, as Kubernetes' naming convention has it: `http`, `grpc-web`, …"""

    @property
    def protocol(self) -> str:
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Workload:
    """One pod behind the service of that name: an application with a sidecar, or a gateway."""

    cluster: str
    service: str
    version: str = "v1"
    account: str = ""
    """Its service account; `bookinfo-<service>` unless stated."""
    ports: tuple[Port, ...] = (Port(),)
    namespace: str = "default"
    replica: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels beside `app` and `version`."""
    has_own_service: bool = False
    """Whether a further Service, `<service>-<version>`, is for the pods of this version alone."""
    captures_dns: bool = True
    """Whether its proxy answers its questions for names. If not, the cluster's name server does."""
    wan: tuple[str, ...] = ()
    """Addresses on the network that all clusters share. Whoever has one is a gateway: a proxy without application."""

    @property
    def service_account(self) -> str:
        return self.account or f"bookinfo-{self.service}"

    @property
    def pod(self) -> str:
        return f"{self.service}-{self.version}-{self.replica}"

    @property
    def key(self) -> str:
        """Its name in the whole bed."""
        return f"{self.cluster}/{self.namespace}/{self.pod}"

    @property
    def own_service(self) -> str:
        """The name of the Service for this version alone, which exists where the version `has_own_service`."""
        return f"{self.service}-{self.version}"

    @property
    def all_labels(self) -> dict[str, str]:
        return {"app": self.service, "version": self.version, **self.labels}

    @property
    def is_gateway(self) -> bool:
        return bool(self.wan)


def gateway(cluster: str, *addresses: str, namespace: str = ROOT_NAMESPACE, **labels: str) -> Workload:
    """A cluster's east-west gateway."""
    return Workload(
        cluster,
        GATEWAY_SERVICE,
        account=GATEWAY_SERVICE,
        ports=(Port(GATEWAY_PORT, "tls"),),
        namespace=namespace,
        labels=labels or {"istio": "eastwestgateway"},
        wan=addresses,
    )


def ingress_gateway(cluster: str, *addresses: str, namespace: str = "istio-ingress") -> Workload:
    """A gateway for clients outside of the mesh."""
    return Workload(
        cluster,
        INGRESS_SERVICE,
        account=INGRESS_SERVICE,
        ports=(Port(80, "http"), Port(443, "https")),
        namespace=namespace,
        labels={"istio": "ingressgateway"},
        wan=addresses,
    )


BOOKINFO = (
    Workload("cluster1", "productpage"),
    Workload("cluster1", "reviews", "v1"),
    Workload("cluster1", "reviews", "v2"),
    Workload("cluster2", "reviews", "v3"),
)
