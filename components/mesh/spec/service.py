"""Services: their ports, and the clusters that run them."""

from typing import Annotated, ClassVar

from .part import Part
from .values import Account, DnsLabel, Labels, NonEmpty, PortNumber, Protocol

PROTOCOLS_OF = {
    "http": ("HTTP", "HTTP2", "GRPC"),
    "tcp": ("TCP", "MONGO", "REDIS", "MYSQL"),
    "tls": ("TLS", "HTTPS"),
}
"""Kind of entry → the protocols of the ports for which it can speak."""


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

    later: ClassVar = frozenset(
        {"identities", "name", "namespace", "ports", "selector", "trafficPolicy", "versionPolicies", "versionServices"}
    )

    versions: list[DnsLabel] = []
    """Versions that the label `version` selects: `v1` means the pods with `version: v1`."""
    subsets: dict[DnsLabel, Labels] = {}
    """Versions that other labels select."""
    service_accounts: Annotated[list[Account], NonEmpty]
    """The service accounts of the pods; callers on other clusters accept no others."""

    def labels_of(self, version: str) -> dict[str, str] | None:
        """The labels of a version's pods; None if there is no such version."""
        if version in self.subsets:
            return dict(self.subsets[version])
        return {"version": version} if version in self.versions else None

    @property
    def all_versions(self) -> list[str]:
        return [*self.versions, *self.subsets]


class Import(Part):
    """A cluster that may dial a service's federated hosts directly."""

    shorthand: ClassVar = "cluster"

    cluster: DnsLabel
    """The client cluster."""
    versions: list[DnsLabel] = []
    """Versions that are subsets of the federated hosts there."""


class Service(Part):
    """A Kubernetes Service, and the clusters that run it."""

    later: ClassVar = frozenset({"headless", "trafficPolicy"})

    name: DnsLabel
    """The Service's name."""
    namespace: DnsLabel
    """The Service's namespace."""
    ports: Annotated[list[Port], NonEmpty]
    """The ports that other clusters may call."""
    clusters: Annotated[dict[DnsLabel, Presence], NonEmpty]
    """Where the service runs."""
    imported_by: list[Import] = []
    """Clusters that may dial its federated hosts directly, beyond what routes need.

    Each is a name, or `{cluster, versions}` where a VirtualService of one's own names versions as subsets.
    """

    @property
    def reference(self) -> str:
        """The name by which rules speak of it."""
        return f"{self.name}.{self.namespace}"

    def ports_for(self, kind: str, only: int | None) -> list[int]:
        """The numbers of the ports for which an entry of `kind` speaks, ascending; `only` narrows it to one port."""
        fitting = PROTOCOLS_OF[kind]
        return sorted(port.number for port in self.ports if port.protocol in fitting and only in (None, port.number))
