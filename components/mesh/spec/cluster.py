"""Clusters: their control planes, their trust domains, and the gateways by which others reach them."""

from functools import cached_property
from typing import Annotated, ClassVar, NamedTuple

from .. import names
from ..errors import Path
from ..ip_addresses import ip_version
from ..manifest import Late
from ..unknown import Unknown
from .part import Part
from .values import (
    DnsLabel,
    DnsName,
    GatewayAddress,
    IpFamily,
    IstioVersion,
    Labels,
    Locality,
    NonEmpty,
    PortNumber,
    Seconds,
    State,
    TrustDomain,
    Weight,
)


class Istio(Part):
    """The control plane of a cluster."""

    version: IstioVersion | None = None
    """Istio's minor release. Without it, every object is right in any supported release."""
    namespace: DnsLabel = names.DEFAULT_ROOT_NAMESPACE
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

    @property
    def share(self) -> int | None:
        """Its weight among the cluster's gateways; None: each address counts alike."""
        return None

    def addresses_for(self, client: "Cluster") -> list[tuple[int, Late]]:
        """The addresses that a cluster can dial, each with its index."""
        return [
            (index, target.address)
            for index, target in enumerate(self.addresses)
            if (target.clients is None or client.name in target.clients)
            and (client.ip_families is None or _is_of_a_family(target.address, client))
        ]


def _is_of_a_family(address: Late, client: "Cluster") -> bool:
    """Whether a cluster may have the family of an address: a name and an output may be of either.

    Raises `UnknownError` if the address is encrypted.
    """
    version = ip_version(str(address) if isinstance(address, Unknown) else address)
    return not version or client.has_family(version)


class NamedGateway(Gateway):
    """One of a cluster's east-west gateways, with pods of its own."""

    weight: Weight | None = None
    """The gateway's share of the calls; each address counts alike if it is left out.

    With 0, the Gateway objects are made and no call goes there.
    """

    @property
    def share(self) -> int | None:
        return self.weight


class DialledGateway(NamedTuple):
    """A gateway of a serving cluster to which a client cluster sends calls."""

    name: str
    gateway: Gateway
    addresses: list[tuple[int, Late]]
    """Those that the client cluster can dial, each with its index."""

    @property
    def group(self) -> tuple[int, int]:
        """Its weight and the number of its addresses, for `shares.spread`; without a weight, each counts alike."""
        share, size = self.gateway.share, len(self.addresses)
        return size if share is None else share, size


class Cluster(Part):
    """A Kubernetes cluster with a mesh of its own."""

    elsewhere: ClassVar = frozenset({"context", "kubeconfig", "renderTo", "identity", "provider"})

    trust_domain: TrustDomain = "cluster.local"
    """The trust domain of the mesh: its workloads' identities begin with it."""
    domain: DnsName = "cluster.local"
    """The domain of the cluster's Services."""
    istio: Istio = Istio()
    """The control plane."""
    locality: Locality | None = None
    """`region/zone/subzone` of the cluster, as far as they are known."""
    ip_families: Annotated[list[IpFamily], NonEmpty] | None = None
    """The IP families of the pods, as Kubernetes calls them.

    Addresses of another family are kept from the callers here; no address is if it is left out.
    """
    state: State = "active"
    """`draining`: no call goes there, and its own callers leave it. `retired`: no object of others names it."""
    settle_seconds: Seconds | None = None
    """How long a change waits for the proxies of this cluster; the federation's if it is left out."""
    gateway: Gateway | None = None
    """The east-west gateway; it or `gateways` is needed where other clusters call this one."""
    gateways: Annotated[dict[DnsLabel, NamedGateway], NonEmpty] | None = None
    """Several east-west gateways, by name. `gateway` is short for one that is named `default`."""

    @cached_property
    def name(self) -> str:
        """The key of the cluster in the federation, which tells it."""
        raise AttributeError("a cluster has a name only in a federation")

    def named(self, name: str) -> None:
        """Tells the cluster its name; looked up some 10 times for each object, so it is a plain attribute."""
        self.__dict__["name"] = name

    @cached_property
    def gateway_of(self) -> dict[str, Gateway]:
        """Name → east-west gateway, by name; none where other clusters cannot call this one."""
        several = {} if self.gateways is None else self.gateways
        one = {} if self.gateway is None else {names.DEFAULT_GATEWAY: self.gateway}
        return dict(sorted({**several, **one}.items()))

    def has_family(self, version: int) -> bool:
        """Whether the pods have addresses of IP version 4 or 6, as far as the spec says."""
        return self.ip_families is None or f"IPv{version}" in self.ip_families

    def path_of(self, gateway: str) -> Path:
        """Where a gateway stands in the cluster."""
        is_alone = gateway == names.DEFAULT_GATEWAY and self.gateway is not None
        return ("gateway",) if is_alone else ("gateways", gateway)

    def namespace_of(self, gateway: Gateway) -> str:
        """Where the pods of an east-west gateway run."""
        return gateway.namespace or self.istio.namespace
