"""What a program states: the same tree as in stack configuration, in snake_case.

Structure is plain data; only the leaves typed `pulumi.Input` may be outputs of other resources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import Provider

from .mesh.spec.federation import Federation


@dataclass(frozen=True, slots=True)
class Stated:
    """A spec that has been read, and how its clusters are reached."""

    federation: Federation
    providers: Mapping[str, Provider]
    """Cluster → its provider; one for each cluster."""
    rendered: frozenset[str]
    """Clusters whose provider only writes files: nothing waits for them."""


class IstioArgs(TypedDict, total=False):
    version: str
    """Istio's minor release, such as `"1.31"`; any supported release by default."""
    namespace: str
    """Istio's root namespace; `istio-system` by default."""


class GatewayArgs(TypedDict):
    addresses: Sequence[pulumi.Input[str]]
    """IP addresses or DNS names that other clusters dial; at least one."""
    port: NotRequired[int]
    """The port that other clusters dial; 15443 by default."""
    listener_port: NotRequired[int]
    """The port in the Gateway object; 15443 by default."""
    selector: NotRequired[Mapping[str, str]]
    """Labels of the gateway's pods; `{"istio": "eastwestgateway"}` by default."""
    namespace: NotRequired[str]
    """Where the gateway's pods run; Istio's root namespace by default."""
    manage: NotRequired[bool]
    """False where a server of your own admits these hosts already."""


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
    locality: NotRequired[str]
    """`region/zone/subzone`, as far as they are known."""
    state: NotRequired[str]
    """`active` by default."""
    gateway: NotRequired[GatewayArgs]
    """Needed where other clusters call this one."""


class PortArgs(TypedDict):
    name: str
    number: int
    protocol: str
    """HTTP, HTTP2, GRPC, HTTPS, TLS, TCP, MONGO, REDIS or MYSQL."""


class PresenceArgs(TypedDict):
    service_accounts: Sequence[str]
    """The identities that callers insist on; at least one."""
    versions: NotRequired[Sequence[str]]
    """`v1` means the pods labelled `version: v1`."""
    subsets: NotRequired[Mapping[str, Mapping[str, str]]]
    """Versions that other labels select."""


class ServiceArgs(TypedDict):
    name: str
    namespace: str
    ports: Sequence[PortArgs]
    clusters: Mapping[str, PresenceArgs]
    """Where it runs."""
    imported_by: NotRequired[Sequence[str]]
    """Clusters that may dial its federated hosts directly, beyond what routes need."""


class DestinationArgs(TypedDict):
    cluster: str
    service: NotRequired[str]
    """`<service>.<namespace>`; the rule's own by default."""
    version: NotRequired[str]
    """Any pod of the service there by default."""
    port: NotRequired[int]
    """The caller's by default."""
    weight: NotRequired[int]
    """Needed where there are several destinations; they need not add up to 100."""


class HttpRouteArgs(TypedDict):
    route: Sequence[DestinationArgs]


class ClientsArgs(TypedDict):
    clusters: Sequence[str]


class RuleArgs(TypedDict):
    service: str
    """`<service>.<namespace>`, as callers know it."""
    clients: ClientsArgs
    http: Sequence[HttpRouteArgs]
    port: NotRequired[int]
    """Every port that speaks HTTP, HTTP2 or GRPC by default."""


class AddressesArgs(TypedDict, total=False):
    pool: str
    """A network; `240.0.0.0/12` by default."""
    pins: Mapping[str, str]
    """Federated host → address, by hand."""
    taken: Sequence[str]
    """Networks that others use, such as another federation's pool."""


class FederationArgs(TypedDict):
    clusters: Mapping[str, ClusterArgs]
    services: NotRequired[Sequence[ServiceArgs]]
    traffic: NotRequired[Sequence[RuleArgs]]
    addresses: NotRequired[AddressesArgs]
    hosts: NotRequired[str]
    """The template of federated hosts; `{service}.{namespace}.svc.{cluster}.global` by default."""
    settle_seconds: NotRequired[int]
    """How long a change waits until every proxy knows of it; 12 by default."""
