"""The kinds of objects that we emit or read. Every other list of kinds derives from this one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of Kubernetes object, by all the names that clusters, kubectl and Pulumi have for it."""

    name: str
    api_version: str
    plural: str

    @property
    def resource(self) -> str:
        """`serviceentries.networking.istio.io`, as kubectl and the rules of a ClusterRole name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group(self) -> str:
        """The API group; `""` is Kubernetes' own."""
        return self.api_version.rpartition("/")[0]

    @property
    def token(self) -> str:
        """The type of the Pulumi resource."""
        return f"kubernetes:{self.api_version if self.group else f'core/{self.api_version}'}:{self.name}"


_NETWORKING = "networking.istio.io/v1"
_SECURITY = "security.istio.io/v1"

SERVICE_ENTRY = Kind("ServiceEntry", _NETWORKING, "serviceentries")
DESTINATION_RULE = Kind("DestinationRule", _NETWORKING, "destinationrules")
VIRTUAL_SERVICE = Kind("VirtualService", _NETWORKING, "virtualservices")
GATEWAY = Kind("Gateway", _NETWORKING, "gateways")

ROUTING = (SERVICE_ENTRY, DESTINATION_RULE, VIRTUAL_SERVICE, GATEWAY)
"""Istio's kinds that a federation makes."""

SERVICE = Kind("Service", "v1", "services")
"""Kubernetes' own kind: a name where the service itself does not run."""

EMITTED = (*ROUTING, SERVICE)
"""What a federation makes."""

READ = (
    Kind("Sidecar", _NETWORKING, "sidecars"),
    Kind("WorkloadEntry", _NETWORKING, "workloadentries"),
    Kind("AuthorizationPolicy", _SECURITY, "authorizationpolicies"),
    Kind("PeerAuthentication", _SECURITY, "peerauthentications"),
)
"""What changes the meaning of those, made by others."""

BY_NAME = {kind.name: kind for kind in (*EMITTED, *READ)}
