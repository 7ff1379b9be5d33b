"""Rules: how calls to a service, made on some clusters, are spread."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from .part import Part
from .values import (
    DnsLabel,
    DnsName,
    GatewayName,
    Headers,
    InIstiosWords,
    LabelKey,
    LabelValue,
    Match,
    NonEmpty,
    Percentage,
    PortNumber,
    ServiceReference,
    TcpMatch,
    Text,
    TlsMatch,
    Weight,
    wrong,
)


def _create_service(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        raise wrong("not-a-choice", "is not one of true, false or 'handOver'") from None


CreateService = Annotated[bool | Literal["handOver"], WrapValidator(_create_service)]


_OF_A_DESTINATION = {
    "destination": "`cluster`, `service`, `version` and `port` say where calls go",
    "host": "`cluster` and `service` say it",
    "subset": "`version` says it",
}


class Substitute(Part):
    """Who takes a destination's calls while nobody there can answer."""

    instead: ClassVar[Mapping[str, str]] = _OF_A_DESTINATION

    cluster: DnsLabel
    """The serving cluster."""
    service: ServiceReference | None = None
    """`<service>.<namespace>`; the destination's service, and no other."""
    version: DnsLabel | None = None
    """A version of the service there; any of its pods if it is left out."""


class Destination(Part):
    """Who answers: cluster × service × version, with a weight."""

    instead: ClassVar[Mapping[str, str]] = _OF_A_DESTINATION

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
    headers: Headers = None
    """Istio's `headers`, for http alone: what changes in the requests to this destination, and in its responses."""
    failover: list[Substitute] = []
    """Its substitutes, in order: the first that can answer takes the share, as long as nobody before it can."""


class Mirror(Part):
    """Who gets a copy of a call; nobody waits for the answer."""

    instead: ClassVar[Mapping[str, str]] = _OF_A_DESTINATION

    cluster: DnsLabel
    """The cluster that gets the copies."""
    service: ServiceReference | None = None
    """`<service>.<namespace>`; the rule's service if it is left out."""
    version: DnsLabel | None = None
    """A version of the service there; any of its pods if it is left out."""
    port: PortNumber | None = None
    """The port of the service there; the port that was called if it is left out."""
    percentage: Percentage = None
    """Istio's `percentage`: `{value: 12.5}` copies one call in eight; every call if it is left out."""


class HttpEntry(Part):
    """An entry of a VirtualService's `http`. Its destinations and mirrors are ours.

    Every other field of Istio's HTTPRoute stands here as in Istio: `timeout`, `retries`, `fault`, `headers`,
    `corsPolicy`, `rewrite`, `redirect`, `directResponse`.
    """

    model_config = ConfigDict(extra="allow")

    name: Text | None = None
    """The entry's name, in outputs and in the proxies' logs."""
    match: Match = None
    """Istio's conditions, of which one must hold; every call if it is left out."""
    route: list[Destination] = []
    """Who answers, and in which proportion; left out where the proxy answers by itself."""
    mirrors: list[Mirror] = []
    """Who gets copies."""

    @property
    def istio(self) -> dict[str, Any]:
        """Istio's own fields."""
        return self.model_extra or {}

    @staticmethod
    def words(field: str) -> InIstiosWords:
        """How a field of Istio's is read."""
        return InIstiosWords("VirtualService", ("http", 0, field))

    @model_validator(mode="after")
    def _in_istios_words(self) -> "HttpEntry":
        for field, value in self.istio.items():
            self.istio[field] = self.words(field)(value)
        return self


class TcpEntry(Part):
    """An entry of a VirtualService's `tcp`, whose destinations are ours."""

    match: TcpMatch = None
    """Istio's conditions, of which one must hold; every connection if it is left out."""
    route: Annotated[list[Destination], NonEmpty]
    """Who answers, and in which proportion."""


class TlsEntry(Part):
    """An entry of a VirtualService's `tls`, whose destinations are ours."""

    match: TlsMatch
    """Istio's conditions, of which one must hold; each has `sniHosts`."""
    route: Annotated[list[Destination], NonEmpty]
    """Who answers, and in which proportion."""


class Clients(Part):
    """Whose workloads a rule is for."""

    clusters: Annotated[list[DnsLabel], NonEmpty]
    """The client clusters."""
    namespaces: list[DnsLabel] = []
    """The namespaces of the callers; all if it is empty."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels of the callers' pods; any if it is empty."""
    gateways: Annotated[list[GatewayName], NonEmpty] = ["mesh"]
    """Istio's `gateways`: `mesh` for workloads, `<namespace>/<Gateway>` for an ingress gateway."""

    @property
    def match(self) -> dict[str, Any]:
        """A match in Istio's words that each of their calls fits."""
        return {"sourceLabels": dict(sorted(self.labels.items()))} if self.labels else {}


class Rule(Part):
    """How calls to one service, made on some clusters, are spread."""

    instead: ClassVar[Mapping[str, str]] = {
        "failover": "a destination has its own `failover`",
        "gateways": "`clients.gateways` says it",
        "route": "an entry of `http`, `tcp` or `tls` has its own `route`",
    }

    name: DnsLabel | None = None
    """The rule's name, in messages and in the names of objects."""
    service: ServiceReference
    """`<service>.<namespace>`, as callers know it."""
    hosts: list[DnsName] = []
    """More names that callers use, such as `shop.example.com` at an ingress gateway."""
    clients: Clients
    """Who calls."""
    port: PortNumber | None = None
    """The port that the rule speaks for; every port that fits if it is left out."""
    otherwise: Literal["clientCluster", "notFound"] | None = None
    """What happens to calls that no entry takes: the service on the client cluster, or 404.

    The service on the client cluster if it is left out and runs there.
    """
    create_service: CreateService = True
    """Whether a Service is made on client clusters that do not run the service, so that its name exists there.

    With `handOver` it is made, and stays on the cluster when it is no longer ours to make.
    """
    http: list[HttpEntry] = []
    """The entries for HTTP, HTTP2, GRPC and GRPC-WEB, tried in order."""
    tcp: list[TcpEntry] = []
    """The entries for TCP, MONGO, REDIS and MYSQL, tried in order."""
    tls: list[TlsEntry] = []
    """The entries for TLS and HTTPS, tried in order; server names that none of them matches are not affected."""

    def takes_the_rest(self, kind: str) -> bool:
        """Whether `otherwise` takes the calls of its callers that no entry of this kind has taken before.

        404 is an answer of HTTP alone. For `tls`, there is no rest: server names that nothing matches pass through.
        """
        answers = {"http": ("clientCluster", "notFound"), "tcp": ("clientCluster",), "tls": ()}
        return bool(getattr(self, kind)) and self.otherwise in answers[kind]
