"""Rules: how calls to a service, made on some clusters, are spread."""

from typing import Annotated, ClassVar

from .part import Part
from .values import DnsLabel, NonEmpty, PortNumber, ServiceReference, Weight


class Destination(Part):
    """Who answers: cluster × service × version, with a weight."""

    later: ClassVar = frozenset({"failover", "headers"})

    cluster: DnsLabel
    """The serving cluster."""
    service: ServiceReference | None = None
    """`<service>.<namespace>`; the rule's service if it is left out."""
    version: DnsLabel | None = None
    """A version of the service there; any of its pods if it is left out."""
    port: PortNumber | None = None
    """The port of the service there; the port that was called if it is left out."""
    weight: Weight | None = None
    """The destination's share. Several destinations need weights; they need not add up to 100."""


class HttpEntry(Part):
    """An entry of a VirtualService's `http`, whose destinations are ours."""

    later: ClassVar = frozenset(
        {
            "corsPolicy",
            "directResponse",
            "fault",
            "headers",
            "match",
            "mirror",
            "mirrorPercentage",
            "mirrors",
            "name",
            "redirect",
            "retries",
            "rewrite",
            "timeout",
        }
    )

    route: Annotated[list[Destination], NonEmpty]
    """Who answers, and in which proportion."""


class Clients(Part):
    """Whose workloads a rule is for."""

    later: ClassVar = frozenset({"gateways", "labels", "namespaces"})

    clusters: Annotated[list[DnsLabel], NonEmpty]
    """The client clusters."""


class Rule(Part):
    """How calls to one service, made on some clusters, are spread."""

    later: ClassVar = frozenset({"createService", "hosts", "name", "otherwise", "tcp", "tls"})

    service: ServiceReference
    """`<service>.<namespace>`, as callers know it."""
    clients: Clients
    """Who calls."""
    port: PortNumber | None = None
    """The port that the rule speaks for; every port that speaks HTTP, HTTP2 or GRPC if it is left out."""
    http: Annotated[list[HttpEntry], NonEmpty]
    """The entries, tried in order."""
