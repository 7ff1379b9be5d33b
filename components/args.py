"""What a program states: the same tree as in stack configuration, in snake_case.

Structure is plain data; only the leaves typed `pulumi.Input` and those in Istio's own words may be outputs of other
resources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import Provider

from .mesh.spec.federation import Federation

Istio = Mapping[str, Any]
"""A value in Istio's own words, which keep Istio's spelling."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A spec that has been read, and how its clusters are reached."""

    federation: Federation
    providers: Mapping[str, Provider]
    """Cluster → its provider; one for each cluster."""
    rendered: frozenset[str]
    """Clusters whose provider only writes files: nothing waits for them."""


class StackArgs(dict[str, Any]):
    """`FederationArgs` as a stack's configuration states them, together with what reading them has given."""

    def __init__(self, args: Mapping[str, Any], same: Mapping[str, Any], configuration: Configuration) -> None:
        """`same` is equal to `args` and shares no part with it, but for providers: what is edited is seen by it."""
        super().__init__(args)
        self._before = dict(same)
        self._configuration = configuration

    @property
    def configuration(self) -> Configuration | None:
        """What reading these arguments gives; nothing once they have been edited, for then they must be read anew."""
        return self._configuration if self == self._before else None


class IstioArgs(TypedDict, total=False):
    version: str
    """Istio's minor release, such as `"1.31"`; any supported release by default."""
    namespace: str
    """Istio's root namespace; `istio-system` by default."""


class GatewayTargetArgs(TypedDict):
    address: pulumi.Input[str]
    """An IP address or a DNS name."""
    clients: NotRequired[Sequence[str]]
    """The clusters that can dial it; all by default."""


class GatewayArgs(TypedDict):
    addresses: Sequence[pulumi.Input[str] | GatewayTargetArgs]
    """IP addresses or DNS names that other clusters dial; at least one."""
    port: NotRequired[int]
    """The port that other clusters dial; `15443` by default."""
    listener_port: NotRequired[int]
    """The port in the Gateway objects; `15443` by default."""
    selector: NotRequired[Mapping[str, str]]
    """Labels of the gateway's pods; `{"istio": "eastwestgateway"}` by default."""
    namespace: NotRequired[str]
    """Where the gateway's pods run; Istio's root namespace by default."""
    manage: NotRequired[bool]
    """False where a server of your own admits these hosts already; `True` by default."""


class NamedGatewayArgs(GatewayArgs):
    weight: NotRequired[int]
    """The gateway's share of the calls; each address counts alike by default."""


class ClusterArgs(TypedDict):
    provider: Provider
    """The way to the cluster's API server. Give it a `cluster_identifier`, or a new kubeconfig replaces everything."""
    render_to: NotRequired[str]
    """State it when `provider` renders to a directory: nothing waits for a cluster that is only rendered."""
    trust_domain: NotRequired[str]
    """The trust domain of the mesh; `cluster.local` by default."""
    domain: NotRequired[str]
    """The domain of the cluster's Services; `cluster.local` by default."""
    istio: NotRequired[IstioArgs]
    """The control plane."""
    locality: NotRequired[str]
    """`region/zone/subzone`, as far as they are known."""
    ip_families: NotRequired[Sequence[Literal["IPv4", "IPv6"]]]
    """The IP families of the pods; addresses of another family are kept from callers here. None is kept by default."""
    state: NotRequired[Literal["active", "draining", "retired"]]
    """Whether calls go there; `active` by default."""
    settle_seconds: NotRequired[int]
    """How long a change waits for the proxies of this cluster; the federation's by default."""
    gateway: NotRequired[GatewayArgs]
    """Needed where other clusters call this one; or `gateways`."""
    gateways: NotRequired[Mapping[str, NamedGatewayArgs]]
    """Several gateways, by name; `gateway` is short for one that is named `default`."""


class PortArgs(TypedDict):
    name: str
    """The port's name in the Service."""
    number: int
    """The port's number in the Service."""
    protocol: str
    """HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, REDIS or MYSQL."""


class PresenceArgs(TypedDict, total=False):
    name: str
    """The Service's name on this cluster, where it differs."""
    namespace: str
    """The Service's namespace on this cluster, where it differs."""
    ports: Mapping[str, int]
    """Numbers of ports that differ on this cluster, by the name of the port."""
    target_ports: Mapping[str, int]
    """Where the pods listen on this cluster if not at the Service's numbers, by the name of the port."""
    selector: Mapping[str, str]
    """The Service's selector on this cluster; needed where calls fail over from this cluster's own pods, or to them."""
    versions: Sequence[str]
    """`v1` means the pods labelled `version: v1`."""
    subsets: Mapping[str, Mapping[str, str]]
    """Versions that other labels select."""
    version_services: Mapping[str, str]
    """Versions that are Services of their own: version → Service."""
    service_accounts: Sequence[str]
    """The service accounts of the pods. Callers on other clusters accept these and `identities`, and nobody else."""
    identities: Sequence[str]
    """Identities of the pods that are not `ns/<namespace>/sa/<account>` of the trust domain."""
    traffic_policy: Istio
    """Istio's `trafficPolicy` for destinations on this cluster; narrows the service's, field by field."""
    version_policies: Mapping[str, Istio]
    """The same for single versions; narrows that of the cluster."""
    gateways: Sequence[str]
    """The cluster's gateways that lead to the service; all by default."""


class ImportArgs(TypedDict):
    cluster: str
    """The client cluster."""
    versions: NotRequired[Sequence[str]]
    """Versions that are subsets of the federated hosts there."""


class ServiceArgs(TypedDict):
    name: str
    """The Service's name."""
    namespace: str
    """The Service's namespace."""
    ports: Sequence[PortArgs]
    """The ports that other clusters may call."""
    clusters: Mapping[str, PresenceArgs]
    """Where it runs."""
    headless: NotRequired[bool]
    """Whether the Service has `clusterIP: None`; `False` by default."""
    traffic_policy: NotRequired[Istio]
    """Istio's `trafficPolicy` for every destination of the service; without `tls` and `portLevelSettings`."""
    imported_by: NotRequired[Sequence[str | ImportArgs]]
    """Clusters that may dial its federated hosts directly, beyond what routes need."""


class SubstituteArgs(TypedDict):
    cluster: str
    """The serving cluster."""
    service: NotRequired[str]
    """`<service>.<namespace>`; the destination's service, and no other."""
    version: NotRequired[str]
    """Any pod of the service there by default."""


class DestinationArgs(TypedDict):
    cluster: str
    """The serving cluster."""
    service: NotRequired[str]
    """`<service>.<namespace>`; the rule's own by default."""
    version: NotRequired[str]
    """Any pod of the service there by default."""
    port: NotRequired[int]
    """The caller's by default."""
    weight: NotRequired[int]
    """Needed where there are several destinations; they need not add up to 100."""
    headers: NotRequired[Istio]
    """Istio's `headers`, for this destination alone."""
    failover: NotRequired[Sequence[SubstituteArgs]]
    """Its substitutes, in order: the first that can answer takes the share, as long as nobody before it can."""


class MirrorArgs(TypedDict):
    cluster: str
    """The cluster that gets the copies."""
    service: NotRequired[str]
    """`<service>.<namespace>`; the rule's own by default."""
    version: NotRequired[str]
    """Any pod of the service there by default."""
    port: NotRequired[int]
    """The caller's by default."""
    percentage: NotRequired[Istio]
    """Istio's `percentage`, such as `{"value": 12.5}`; every call by default."""


class HttpEntryArgs(TypedDict, total=False):
    """An entry without fields of Istio's HTTPRoute. With `timeout`, `retries` and the like beside, it is `Istio`."""

    name: str
    """The entry's name, in outputs and in the proxies' logs."""
    match: Sequence[Istio]
    """Istio's conditions, of which one must hold; every call by default."""
    route: Sequence[DestinationArgs]
    """Who answers; left out where the proxy answers by itself."""
    mirrors: Sequence[MirrorArgs]
    """Who gets copies."""


class TcpEntryArgs(TypedDict):
    match: NotRequired[Sequence[Istio]]
    """Istio's conditions, of which one must hold; every connection by default."""
    route: Sequence[DestinationArgs]
    """Who answers."""


class TlsEntryArgs(TypedDict):
    match: Sequence[Istio]
    """Istio's conditions, of which one must hold; each has `sniHosts`."""
    route: Sequence[DestinationArgs]
    """Who answers."""


class ClientsArgs(TypedDict):
    clusters: Sequence[str]
    """The client clusters."""
    namespaces: NotRequired[Sequence[str]]
    """The namespaces of the callers; all by default."""
    labels: NotRequired[Mapping[str, str]]
    """Labels of the callers' pods; any by default."""
    gateways: NotRequired[Sequence[str]]
    """`mesh` for workloads, `<namespace>/<Gateway>` for an ingress gateway; `["mesh"]` by default."""


class RuleArgs(TypedDict):
    name: NotRequired[str]
    """The rule's name, in messages and in the names of objects."""
    service: str
    """`<service>.<namespace>`, as callers know it."""
    hosts: NotRequired[Sequence[str]]
    """More names that callers use, such as `shop.example.com` at an ingress gateway."""
    clients: ClientsArgs
    """Who calls."""
    port: NotRequired[int]
    """The port that the rule speaks for; every port that fits by default."""
    otherwise: NotRequired[Literal["clientCluster", "notFound"]]
    """What happens to calls that no entry takes; the service on the client cluster by default, if it runs there."""
    create_service: NotRequired[bool | Literal["handOver"]]
    """Whether a Service is made on client clusters that do not run the service; `True` by default.

    With `handOver` it is made, and stays when it is no longer ours to make.
    """
    http: NotRequired[Sequence[HttpEntryArgs | Istio]]
    """The entries for HTTP, HTTP2, GRPC and GRPC-WEB, tried in order."""
    tcp: NotRequired[Sequence[TcpEntryArgs]]
    """The entries for TCP, MONGO, REDIS and MYSQL, tried in order."""
    tls: NotRequired[Sequence[TlsEntryArgs]]
    """The entries for TLS and HTTPS, tried in order."""


class AddressesArgs(TypedDict, total=False):
    pool: str
    """A network; `240.0.0.0/12` by default."""
    pools: Sequence[str]
    """A network of each IP family, in place of `pool`."""
    pins: Mapping[str, str | Sequence[str]]
    """Federated host → address, or a list with an address of each family, by hand."""
    taken: Sequence[str]
    """Networks that others use, such as another federation's pool."""


class FederationArgs(TypedDict):
    clusters: Mapping[str, ClusterArgs]
    """The clusters, by name."""
    services: NotRequired[Sequence[ServiceArgs]]
    """The services that clusters offer each other."""
    traffic: NotRequired[Sequence[RuleArgs]]
    """The rules."""
    addresses: NotRequired[AddressesArgs]
    """Where virtual IPs come from."""
    hosts: NotRequired[str]
    """The template of federated hosts; `{service}.{namespace}.svc.{cluster}.global` by default."""
    global_hosts: NotRequired[str]
    """The template of one more host for each service, which means it on every cluster, wherever it runs."""
    settle_seconds: NotRequired[int]
    """How long a change waits until every proxy knows of it; `12` by default."""
