"""Clusters: their control planes, their trust domains, and the gateways by which others reach them."""

from functools import cached_property
from typing import Annotated, ClassVar

from ..manifest import Late
from .part import Part
from .values import (
    DnsLabel,
    DnsName,
    GatewayAddress,
    IstioVersion,
    Labels,
    NonEmpty,
    PortNumber,
    Seconds,
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


class GatewayTarget(Part):
    """An address that other clusters dial."""

    shorthand: ClassVar = "address"

    address: GatewayAddress
    """An IP address or a DNS name."""
    clients: Annotated[list[DnsLabel], NonEmpty] | None = None
    """The clusters that can dial it; all if it is left out."""


class Gateway(Part):
    """A cluster's east-west gateway: where other clusters dial, and the Gateway objects that let them in."""

    addresses: Annotated[list[GatewayTarget], NonEmpty]
    """IP addresses or DNS names that other clusters dial. A dot at the end of a name spares it the search domains.

    Each is an address, or `{address, clients}` where only some clusters can dial it.
    """
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

    def addresses_for(self, client: str) -> list[tuple[int, Late]]:
        """The addresses that a cluster can dial, each with its index."""
        return [
            (index, target.address)
            for index, target in enumerate(self.addresses)
            if target.clients is None or client in target.clients
        ]


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
    """`draining`: no call goes there, and its own callers leave it. `retired`: no object of others names it."""
    settle_seconds: Seconds | None = None
    """How long a change waits for the proxies of this cluster; the federation's if it is left out."""
    gateway: Gateway | None = None
    """The east-west gateway; needed where other clusters call this one."""

    @cached_property
    def name(self) -> str:
        """The key of the cluster in the federation, which tells it."""
        raise AttributeError("a cluster has a name only in a federation")

    def named(self, name: str) -> None:
        """Tells the cluster its name; looked up some 10 times for each object, so it is a plain attribute."""
        self.__dict__["name"] = name

    @property
    def gateway_namespace(self) -> str:
        """Where the pods of the east-west gateway run."""
        return (self.gateway and self.gateway.namespace) or self.istio.namespace
