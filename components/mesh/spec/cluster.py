"""Clusters: their control planes, their trust domains, and the gateways by which others reach them."""

from typing import Annotated, ClassVar

from pydantic import PrivateAttr

from .part import Part
from .values import (
    DnsLabel,
    DnsName,
    GatewayAddress,
    IstioVersion,
    Labels,
    NonEmpty,
    PortNumber,
    State,
    Text,
    TrustDomain,
)


class Istio(Part):
    """The control plane of a cluster."""

    version: IstioVersion | None = None
    """Istio's minor release. Without it, every object is right in any supported release."""
    namespace: DnsLabel = "istio-system"
    """The root namespace of the mesh."""


class Gateway(Part):
    """A cluster's east-west gateway: where other clusters dial, and the Gateway objects that let them in."""

    addresses: Annotated[list[GatewayAddress], NonEmpty]
    """IP addresses or DNS names that other clusters dial. A dot at the end of a name spares it the search domains."""
    port: PortNumber = 15443
    """The port that other clusters dial."""
    listener_port: PortNumber = 15443
    """The port in the Gateway objects."""
    selector: Labels = {"istio": "eastwestgateway"}
    """Labels of the gateway's pods."""
    namespace: DnsLabel | None = None
    """Where the gateway's pods run; Istio's root namespace if it is left out."""
    manage: bool = True
    """`false` where a server of your own admits the hosts already."""


class Cluster(Part):
    """A Kubernetes cluster with a mesh of its own."""

    elsewhere: ClassVar = frozenset({"context", "kubeconfig", "renderTo", "identity", "provider"})

    trust_domain: TrustDomain = "cluster.local"
    """The trust domain of the mesh: its workloads' identities begin with it."""
    domain: DnsName = "cluster.local"
    """The domain of the cluster's Services."""
    istio: Istio = Istio()
    """The control plane."""
    locality: Text | None = None
    """`region/zone/subzone` of the cluster, as far as they are known."""
    state: State = "active"
    """Whether the cluster takes calls."""
    gateway: Gateway | None = None
    """The east-west gateway; needed where other clusters call this one."""

    _name: str = PrivateAttr("")

    @property
    def name(self) -> str:
        """The key of the cluster in the federation."""
        return self._name

    def named(self, name: str) -> "Cluster":
        """This cluster, which knows its name from now on."""
        self._name = name
        return self

    @property
    def gateway_namespace(self) -> str:
        """Where the pods of the east-west gateway run."""
        return (self.gateway and self.gateway.namespace) or self.istio.namespace
