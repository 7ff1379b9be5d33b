"""Services: their ports, and the clusters that run them."""

from typing import Annotated, ClassVar

from .. import names
from .cluster import Cluster, DialledGateway, Gateway
from .part import Part
from .values import (
    PROTOCOLS_OF,
    Account,
    DnsLabel,
    Identity,
    Labels,
    NonEmpty,
    PortNumber,
    Protocol,
    TrafficPolicy,
    Version,
)


class Port(Part):
    """A port of a service, the same on every cluster that runs it."""

    name: DnsLabel
    """The port's name in the Service."""
    number: PortNumber
    """The port's number in the Service."""
    protocol: Protocol
    """What the port speaks, as Istio names it."""


class Presence(Part):
    """A service on one of its clusters: which versions run there, and as whom."""

    name: DnsLabel | None = None
    """The Service's name on this cluster, where it differs."""
    namespace: DnsLabel | None = None
    """The Service's namespace on this cluster, where it differs."""
    ports: dict[DnsLabel, PortNumber] = {}
    """Numbers of ports that differ on this cluster, by the name of the port."""
    target_ports: dict[DnsLabel, PortNumber] = {}
    """Where the pods listen on this cluster if not at the Service's numbers, by the name of the port."""
    selector: Annotated[Labels, NonEmpty] | None = None
    """The Service's selector on this cluster; needed where calls fail over from this cluster's own pods, or to them."""
    versions: list[Version] = []
    """Versions that the label `version` selects: `v1` means the pods with `version: v1`."""
    subsets: dict[DnsLabel, Labels] = {}
    """Versions that other labels select."""
    version_services: dict[DnsLabel, DnsLabel] = {}
    """Versions that are Services of their own, as rollout controllers make them: version → Service."""
    service_accounts: Annotated[list[Account], NonEmpty] | None = None
    """The service accounts of the pods; callers on other clusters accept no others."""
    identities: Annotated[list[Identity], NonEmpty] | None = None
    """Identities of the pods that are not `ns/<namespace>/sa/<account>` of the trust domain."""
    traffic_policy: TrafficPolicy = None
    """Istio's `trafficPolicy` for destinations on this cluster; narrows the service's, field by field."""
    version_policies: dict[DnsLabel, TrafficPolicy] = {}
    """The same for single versions; narrows that of the cluster."""
    gateways: Annotated[list[DnsLabel], NonEmpty] | None = None
    """The cluster's gateways that lead to the service; all if it is left out."""

    def labels_of(self, version: str) -> dict[str, str]:
        """The labels by which a version's pods are told from the others of its Service.

        Empty for a version with a Service of its own, and for `""`, any version.
        """
        if not version:
            return {}
        if version in self.subsets:
            return dict(self.subsets[version])
        return {"version": version} if version in self.versions else {}

    @property
    def all_versions(self) -> list[str]:
        return [*self.versions, *self.subsets, *self.version_services]


class Import(Part):
    """A cluster that may dial a service's federated hosts directly."""

    shorthand: ClassVar = "cluster"

    cluster: DnsLabel
    """The client cluster."""
    versions: list[DnsLabel] = []
    """Versions that are subsets of the federated hosts there."""


class Service(Part):
    """A Kubernetes Service, and the clusters that run it."""

    name: DnsLabel
    """The Service's name."""
    namespace: DnsLabel
    """The Service's namespace."""
    ports: Annotated[list[Port], NonEmpty]
    """The ports that other clusters may call."""
    clusters: Annotated[dict[DnsLabel, Presence], NonEmpty]
    """Where the service runs."""
    headless: bool = False
    """Whether the Service has `clusterIP: None`. Its own cluster's callers reach the pod that DNS names."""
    traffic_policy: TrafficPolicy = None
    """Istio's `trafficPolicy` for every destination of the service; without `tls` and `portLevelSettings`."""
    imported_by: list[Import] = []
    """Clusters that may dial its federated hosts directly, beyond what routes need.

    Each is a name, or `{cluster, versions}` where a VirtualService of one's own names versions as subsets.
    """

    @property
    def reference(self) -> str:
        """The name by which rules speak of it."""
        return f"{self.name}.{self.namespace}"

    def name_on(self, cluster: str) -> str:
        """The Service's name on a cluster; the general one where the service does not run."""
        presence = self.clusters.get(cluster)
        return (presence and presence.name) or self.name

    def namespace_on(self, cluster: str) -> str:
        """The Service's namespace on a cluster; the general one where the service does not run."""
        presence = self.clusters.get(cluster)
        return (presence and presence.namespace) or self.namespace

    def service_behind(self, cluster: str, version: str) -> str:
        """The name of the Service on a cluster that a version is reached by; `""` is any version."""
        presence = self.clusters.get(cluster)
        own = presence.version_services.get(version) if presence else None
        return own or self.name_on(cluster)

    def host_behind(self, cluster: Cluster, version: str) -> str:
        """The same as a host of the cluster."""
        service = self.service_behind(cluster.name, version)
        return names.local_host(service, self.namespace_on(cluster.name), cluster.domain)

    def subset_behind(self, cluster: str, version: str) -> str:
        """The subset of that host; `""` where the version is a Service of its own."""
        presence = self.clusters.get(cluster)
        return "" if presence and version in presence.version_services else version

    def gateways_on(self, cluster: Cluster) -> dict[str, Gateway]:
        """Name → gateway of a serving cluster that leads to the service there."""
        presence = self.clusters.get(cluster.name)
        chosen = None if presence is None else presence.gateways
        if chosen is None:
            return cluster.gateway_of
        return {name: gateway for name, gateway in cluster.gateway_of.items() if name in chosen}

    def gateways_dialled(self, serving: Cluster, client: Cluster) -> list[DialledGateway]:
        """Those to which a client cluster sends calls for the service, by name. Istio takes weight 0 for 1."""
        return [
            DialledGateway(name, gateway, addresses)
            for name, gateway in self.gateways_on(serving).items()
            if gateway.share != 0 and (addresses := gateway.addresses_for(client))
        ]

    def number_on(self, cluster: str, number: int) -> int:
        """The number that a port has on a cluster."""
        presence = self.clusters.get(cluster)
        names = {port.number: port.name for port in self.ports} if presence and presence.ports else {}
        return presence.ports.get(names.get(number, ""), number) if presence else number

    def ports_for(self, kind: str, only: int | None) -> list[int]:
        """The numbers of the ports for which an entry of `kind` speaks, ascending; `only` narrows it to one port."""
        fitting = PROTOCOLS_OF[kind]
        return sorted(port.number for port in self.ports if port.protocol in fitting and only in (None, port.number))
