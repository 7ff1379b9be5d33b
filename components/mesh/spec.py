"""What the user states: clusters, the services they offer to each other, and who calls what.

A key in a model's `later` is part of the language but not of this release; using it is an error that says so.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from . import names
from .errors import Path, Problem, SpecError
from .manifest import Late

HTTP_PROTOCOLS = frozenset({"HTTP", "HTTP2", "GRPC"})

T = TypeVar("T")


class Broken:
    """Stands where a part of the spec could not be read, so that the rest can be read and checked all the same."""

    def __init__(self, error: ValidationError) -> None:
        self.error = error


def _tolerate(value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    try:
        return read(value)
    except ValidationError as error:
        if info.context is TOLERANT:
            return Broken(error)
        raise


TOLERANT = {"tolerant": True}
"""The context to read a spec with whose broken parts shall leave a `Broken`."""

Part = Annotated[T, WrapValidator(_tolerate)]
"""A part that is read on its own, so that what is wrong with it hides nothing else."""


def _label(value: str) -> str:
    if not names.LABEL.fullmatch(value):
        raise PydanticCustomError("label", "is no DNS label (at most 63 of a-z, 0-9 and -, not at either end)")
    return value


def _host(value: str) -> str:
    if len(value) > names.MAX_HOST or not names.HOST.fullmatch(value):
        raise PydanticCustomError("host", "is no DNS name in lower case")
    return value


def _labels(value: str) -> str:
    if len(value) > names.MAX_HOST or not all(names.LABEL.fullmatch(part) for part in value.split(".")):
        raise PydanticCustomError("labels", "should be DNS labels in lower case, joined by dots")
    return value


def _gateway_address(value: Late) -> Late:
    """Plain text must be an IP address or a DNS name; anything else is late and passes."""
    if not isinstance(value, str):
        if value is None or isinstance(value, int | float | list | dict):
            raise PydanticCustomError("gateway_address", "should be an IP address or a DNS name")
        return value
    try:
        return str(ip_address(value))
    except ValueError:
        pass
    # an all-digit last label would be a mistyped IPv4 address
    if len(value) > names.MAX_HOST or not names.HOST.fullmatch(value) or value.rpartition(".")[2].isdigit():
        raise PydanticCustomError("gateway_address", "is neither an IP address nor a DNS name in lower case")
    return value


def known_gateway_address(path: Path, value: Any) -> str:
    """A late address once it is known. Raises `SpecError` if it is none, as of a load balancer without any."""
    try:
        return str(_gateway_address(value))
    except PydanticCustomError as error:
        raise SpecError([Problem(path, f"{value!r} {error.message()}")]) from None


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    is_prefix = all(names.LABEL.fullmatch(part) for part in prefix.split(".")) if slash else True
    if not (names.LABEL_VALUE.fullmatch(name) and is_prefix):
        raise PydanticCustomError("label_key", "is no key of a Kubernetes label")
    return value


def _label_value(value: str) -> str:
    if value and not names.LABEL_VALUE.fullmatch(value):
        raise PydanticCustomError("label_value", "{why}", {"why": names.NO_LABEL_VALUE})
    return value


def _service_reference(value: str) -> str:
    name, dot, namespace = value.partition(".")
    if not (dot and names.LABEL.fullmatch(name) and names.LABEL.fullmatch(namespace)):
        raise PydanticCustomError("service", "should be `<service>.<namespace>`")
    return value


def _host_template(value: str) -> str:
    parts = [value.find(placeholder) for placeholder in names.PLACEHOLDERS]
    if min(parts) < 0 or any(value.count(placeholder) != 1 for placeholder in names.PLACEHOLDERS):
        raise PydanticCustomError("hosts", "should hold {service}, {namespace} and {cluster} once each")
    if not all("." in text for text in _between(value)):
        raise PydanticCustomError("hosts", "needs a dot between its placeholders, or two services could share a host")
    example = names.federated_host(value, service="a", namespace="a", cluster="a")
    if not names.HOST.fullmatch(example):
        raise PydanticCustomError("hosts", "gives no DNS names in lower case")
    if example.endswith(".local"):
        raise PydanticCustomError("hosts", "must not end in .local: a gateway that admits *.local would expose it")
    return value


def _between(template: str) -> list[str]:
    """What stands between one placeholder and the next."""
    text = template
    for placeholder in names.PLACEHOLDERS:
        text = text.replace(placeholder, "\0")
    return text.split("\0")[1:-1]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _istio_version(value: Any) -> Any:
    """YAML reads an unquoted 1.31 as a number; 1.30 becomes 1.3, which is refused with the choices."""
    return str(value) if isinstance(value, float) else value


def _state(value: Any) -> Any:
    if value in ("draining", "retired"):
        raise PydanticCustomError("later", "{state} is not supported yet", {"state": value})
    return value


def _network(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError as error:
        raise PydanticCustomError("network", "is no network: {why}", {"why": str(error)}) from None


def _address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise PydanticCustomError("address", "is no IP address") from None


Text = Annotated[str, StringConstraints(min_length=1)]
Label = Annotated[str, AfterValidator(_label)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
Host = Annotated[str, AfterValidator(_host)]
TrustDomain = Annotated[str, AfterValidator(_labels)]
Account = Annotated[str, AfterValidator(_labels)]
GatewayAddress = Annotated[Any, AfterValidator(_gateway_address)]
ServiceReference = Annotated[str, AfterValidator(_service_reference)]
HostTemplate = Annotated[str, AfterValidator(_host_template)]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
Weight = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seconds = Annotated[int, Field(ge=0, le=3600)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Address = Annotated[str, AfterValidator(_address)]
Protocol = Annotated[
    Literal["HTTP", "HTTP2", "GRPC", "HTTPS", "TLS", "TCP", "MONGO", "REDIS", "MYSQL"], BeforeValidator(_upper)
]
State = Annotated[Literal["active"], BeforeValidator(_state)]
IstioVersion = Annotated[Literal["1.27", "1.28", "1.29", "1.30", "1.31"], BeforeValidator(_istio_version)]


class Spec(BaseModel):
    """Base of all specs: immutable, camelCase or snake_case outside.

    Unknown keys are ignored here, for `parse` refuses them: one of them shall not hide what else is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)
    later: ClassVar[frozenset[str]] = frozenset()


class Istio(Spec):
    """The control plane of a cluster; `namespace` is its root namespace."""

    version: IstioVersion = "1.31"
    namespace: Label = "istio-system"


class Gateway(Spec):
    """A cluster's east-west gateway: where other clusters knock, and the object that lets them in."""

    addresses: Annotated[list[GatewayAddress], Field(min_length=1)]
    port: PortNumber = 15443
    listener_port: PortNumber = 15443
    selector: Annotated[dict[LabelKey, LabelValue], Field(min_length=1)] = {"istio": "eastwestgateway"}
    namespace: Label | None = None
    manage: bool = True


class Cluster(Spec):
    """A Kubernetes cluster with its own mesh, and the way to its API server."""

    provider: Any = Field(default=None, repr=False)
    context: Text | None = None
    kubeconfig: Annotated[Any, Field(repr=False)] = None
    render_to: Text | None = None
    trust_domain: TrustDomain = "cluster.local"
    domain: Host = "cluster.local"
    istio: Istio = Istio()
    locality: Text | None = None
    state: State = "active"
    identity: Text | None = None
    gateway: Gateway | None = None


class Port(Spec):
    """A port of a service, the same on every cluster that runs it."""

    name: Label
    number: PortNumber
    protocol: Protocol


class Presence(Spec):
    """A service on one of its clusters: which versions run there, and as whom."""

    later: ClassVar = frozenset({"trafficPolicy", "versionPolicies"})

    versions: list[Label] = []
    subsets: dict[Label, Annotated[dict[LabelKey, LabelValue], Field(min_length=1)]] = {}
    service_accounts: Annotated[list[Account], Field(min_length=1)]

    def labels_of(self, version: str) -> dict[str, str] | None:
        """The labels of a version's pods; None if there is no such version."""
        if version in self.subsets:
            return dict(self.subsets[version])
        return {"version": version} if version in self.versions else None

    @property
    def all_versions(self) -> list[str]:
        return [*self.versions, *self.subsets]


class Service(Spec):
    """A Kubernetes service and the clusters it runs on."""

    later: ClassVar = frozenset({"trafficPolicy"})

    name: Label
    namespace: Label
    ports: Annotated[list[Port], Field(min_length=1)]
    clusters: Annotated[dict[Label, Part[Presence]], Field(min_length=1)]
    imported_by: list[Label] = []

    @property
    def reference(self) -> str:
        return f"{self.name}.{self.namespace}"


class Destination(Spec):
    """A share of the traffic: cluster × service × version. Without `version`, any pod of the service there."""

    cluster: Label
    service: ServiceReference | None = None
    version: Label | None = None
    port: PortNumber | None = None
    weight: Weight | None = None


class HttpRoute(Spec):
    """An entry of a VirtualService's `http`, whose destinations are ours."""

    later: ClassVar = frozenset(
        {
            *("name", "match", "timeout", "retries", "fault", "mirror", "mirrors", "headers"),
            *("corsPolicy", "rewrite", "redirect", "directResponse"),
        }
    )

    route: Annotated[list[Part[Destination]], Field(min_length=1)]


class Clients(Spec):
    """Whose workloads a rule is for."""

    later: ClassVar = frozenset({"namespaces", "labels"})

    clusters: Annotated[list[Label], Field(min_length=1)]


class Rule(Spec):
    """How calls to one service, made on some clusters, are spread."""

    later: ClassVar = frozenset({"name", "tcp", "tls", "failover", "mode", "drain"})

    service: ServiceReference
    clients: Clients
    port: PortNumber | None = None
    http: Annotated[list[Part[HttpRoute]], Field(min_length=1)]


class Addresses(Spec):
    """Where virtual IPs come from. `pins`: host → address, by hand; `taken`: networks others use."""

    pool: Network = IPv4Network("240.0.0.0/12")
    pins: dict[Host, Address] = {}
    taken: list[Network] = []


class Federation(Spec):
    """The whole spec."""

    clusters: Annotated[dict[Label, Part[Cluster]], Field(min_length=1)]
    services: list[Part[Service]] = []
    traffic: list[Part[Rule]] = []
    addresses: Part[Addresses] = Addresses()
    hosts: Part[HostTemplate] = "{service}.{namespace}.svc.{cluster}.global"
    settle_seconds: Part[Seconds] = 12

    def host_of(self, service: Service, cluster: str) -> str:
        """The federated host of `service` on the serving cluster `cluster`."""
        return names.federated_host(self.hosts, service=service.name, namespace=service.namespace, cluster=cluster)
