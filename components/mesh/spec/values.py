"""The values of a spec: what each may be, and what a user is told of those that are not.

A message begins with the offending value; `read` puts it there.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import chain
from typing import Annotated, Any, LiteralString

from annotated_types import MinLen
from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from .. import names
from ..errors import Path, Problem, SpecError
from ..istio.meant import as_meant, is_single
from ..istio.releases import RELEASES
from ..manifest import Late, is_late
from ..unknown import Unknown
from ..wording import not_text


def wrong(name: LiteralString, message: LiteralString, **parts: str) -> PydanticCustomError:
    """The problem `name`; `message` goes on from the offending value."""
    return PydanticCustomError(name, message, parts)


def _dns_label(value: str) -> str:
    if not names.LABEL.fullmatch(value):
        raise wrong("not-a-dns-label", _NOT_A_DNS_LABEL)
    return value


_NOT_A_DNS_LABEL = "is not a DNS label; a-z, 0-9 and -, at most 63 characters, and no - at either end"


def _version(value: str) -> str:
    """Kubernetes has labels such as `version: 1.2.3`, but a version is part of the server names of calls."""
    named = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
    if not names.LABEL.fullmatch(value) and names.LABEL_VALUE.fullmatch(value) and names.LABEL.fullmatch(named):
        label = f"{{{named}: {{version: {value!r}}}}}"
        raise wrong("not-a-dns-label", _NOT_A_DNS_LABEL + "; give it a name: subsets: {subsets}", subsets=label)
    return _dns_label(value)


def _locality(value: str) -> str:
    if not re.fullmatch(r"[^/*\s]+(/[^/*\s]+){0,2}", value):
        raise wrong("not-a-locality", "is not a locality; write a region, region/zone or region/zone/subzone")
    return value


def _dns_name(value: str) -> str:
    if len(value) > names.MAX_HOST or not names.HOST.fullmatch(value):
        if value.startswith("*."):
            raise wrong("not-a-dns-name", "is a wildcard, which is not taken here; state each DNS name by itself")
        raise wrong("not-a-dns-name", "is not a DNS name; DNS labels in lower case, joined by dots, at least two")
    return value


def _dns_labels(value: str) -> str:
    if len(value) > names.MAX_HOST or not all(names.LABEL.fullmatch(part) for part in value.split(".")):
        raise wrong("not-dns-labels", "is not made of DNS labels; lower case, joined by dots")
    return value


def gateway_address(value: Late) -> Late:
    """An IP address in its shortest form, or a DNS name in lower case, with or without the dot of an absolute name.

    A late value passes: nobody knows yet what it will be.
    """
    if is_late(value):
        return value
    if not isinstance(value, str):
        raise wrong("not-text", "{words}", words=not_text(value))
    try:
        address = _ip_address(value)
    except ValueError:
        pass
    else:
        if any(ip_address(address) in network for network in OF_NO_OTHER_MACHINE):
            raise wrong("not-a-gateway-address", "is an address that no other cluster can dial")
        return address
    name = value.lower()
    host = name.removesuffix(".")
    # an all-digit last label would be a mistyped IPv4 address
    if len(host) > names.MAX_HOST or not names.HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise wrong("not-a-gateway-address", "is neither an IP address nor a DNS name{hint}", hint=_hint(value))
    return name


def _hint(address: str) -> str:
    if "://" in address:
        return "; leave the scheme out"
    if address.startswith("["):
        return "; leave the brackets out, and state a port as `port`"
    return "; state the port as `port`" if re.fullmatch(r"[^:]+:[0-9]+", address) else ""


def known_gateway_address(path: Path, value: Any) -> str:
    """A late address once it is known.

    Raises `SpecError` if it is not one, as of a load balancer without any; `UnknownError` if it is encrypted.
    """
    if isinstance(value, Unknown):
        return str(value)
    try:
        # nobody wrote it, so nobody can take its key out
        return str(gateway_address("" if value is None else value))
    except PydanticCustomError as error:
        raise SpecError([Problem(path, error.type, f"{value!r} {error.message()}")]) from None


def _ip_address(text: str) -> str:
    """In its shortest form. Raises `ValueError`, also for a zone (`fe80::1%eth0`), which is one machine's affair."""
    if "%" in text:
        raise ValueError(text)
    return str(ip_address(text))


def _not_a_boolean(value: Any) -> Any:
    """Python takes `true` for 1."""
    if isinstance(value, bool):
        raise wrong("not-an-integer", "is not an integer")
    return value


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    is_prefix = all(names.LABEL.fullmatch(part) for part in prefix.split(".")) if slash else True
    if not (names.LABEL_VALUE.fullmatch(name) and is_prefix):
        raise wrong(
            "not-a-label-key", "is not the key of a Kubernetes label; a name, or a DNS prefix, a slash and a name"
        )
    return value


def _label_value(value: str) -> str:
    if value and not names.LABEL_VALUE.fullmatch(value):
        raise wrong("not-a-label-value", names.NOT_A_LABEL_VALUE)
    return value


def _service_reference(value: str) -> str:
    name, dot, namespace = value.partition(".")
    if not (dot and names.LABEL.fullmatch(name) and names.LABEL.fullmatch(namespace)):
        raise wrong("not-a-service-reference", "is not `<service>.<namespace>`")
    return value


def _host_template(value: str) -> str:
    return _template(value, names.PLACEHOLDERS)


def _global_host_template(value: str) -> str:
    _template(value, names.PLACEHOLDERS[:-1])
    labels = names.federated_host(value, service="a", namespace="a", cluster="").split(".")
    if labels[2:] in ([], ["svc"]):
        raise wrong(
            "short-names-of-services",
            "gives short names that Services have on their own clusters, such as reviews.default; "
            "end it with a domain, such as .global",
        )
    return value


def _template(value: str, placeholders: Sequence[str]) -> str:
    every = f"{', '.join(placeholders[:-1])} and {placeholders[-1]}"
    if any(value.count(placeholder) != 1 for placeholder in placeholders):
        raise wrong("incomplete-template", "does not hold {every} once each", every=every)
    if not all("." in text for text in _between(value, placeholders)):
        raise wrong("ambiguous-template", "needs a dot between its placeholders, or two services could share a host")
    if others := [other for other in re.findall(r"{[^{}]*}", value) if other not in placeholders]:
        raise wrong(
            "unknown-placeholder",
            "has '{other}', which is none of its placeholders; they are {every}",
            other=others[0],
            every=every,
        )
    if value.count("{") != len(placeholders) or value.count("}") != len(placeholders):
        raise wrong("not-a-dns-name", "does not give DNS names; a brace stands outside of its placeholders")
    example = names.federated_host(value, service="a", namespace="a", cluster="a")
    if not names.HOST.fullmatch(example):
        raise wrong("not-a-dns-name", "does not give DNS names in lower case; each part should be a DNS label")
    return value


def _between(template: str, placeholders: Sequence[str]) -> list[str]:
    """What stands between one placeholder and the next."""
    text = template
    for placeholder in placeholders:
        text = text.replace(placeholder, "\0")
    return text.split("\0")[1:-1]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _istio_version(value: Any) -> Any:
    """YAML reads an unquoted 1.31 as a number, and 1.30 as 1.3."""
    if isinstance(value, float) and f"{value}0" in RELEASES:
        raise wrong(
            "not-a-choice", "is a number, which has no last 0; write it in quotes: '{right}'", right=f"{value}0"
        )
    return str(value) if isinstance(value, float) else value


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise wrong("not-a-choice", "is not one of {choices}", choices=", ".join(choices))
        return value

    return check


def _network(value: Any) -> Any:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str):
        raise wrong("not-text", "{words}", words=not_text(value))
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        whole = str(ip_network(value, strict=False))
    except ValueError:
        raise wrong("not-a-network", "is not a network; write for example 240.0.0.0/12 or fd00::/64") from None
    raise wrong("not-a-network", "is an address inside of a network; the network is {whole}", whole=whole)


def plain_or_late(value: Any) -> Any:
    """What Istio's fields hold: JSON, in which any value may be late."""
    _has_output(value)
    return value


def _has_output(value: Any) -> bool:
    """Whether a value in Istio's words has an output in it; refuses what is neither JSON nor late."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise wrong("not-text", "has a key that is not text")
        return True in [*map(_has_output, value.values())]
    if isinstance(value, list | tuple):
        return True in [*map(_has_output, value)]
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise wrong("not-text", "is not text; it holds half of a character")
    if isinstance(value, date | bytes):
        raise wrong("not-text", "{words}", words=not_text(value))
    if value is None or isinstance(value, str | bool | int | float | Unknown):
        return False
    if not is_late(value):
        raise wrong("not-json", "is not a value that JSON has")
    return True


@dataclass(frozen=True, slots=True)
class InIstiosWords:
    """A value at a place of one of Istio's kinds: read as it is meant, and held against Istio's schemas by `checks`."""

    kind: str
    place: Path

    def __call__(self, value: Any) -> Any:
        if _has_output(value) and _is_needed(self, value):
            raise wrong("needed-now", "has an output in it that a plan has to know")
        return as_meant(value, self.kind, self.place)

    def inner(self, step: str | int) -> "InIstiosWords":
        """The same for a part of the value."""
        return InIstiosWords(self.kind, (*self.place, step))

    def needed(self, value: Any) -> str | None:
        """Why an output cannot stand here: which objects there are depends on plain data alone."""
        if isinstance(value, Unknown) or not is_late(value):
            return None
        if not is_single(self.kind, self.place):
            return SEVERAL_VALUES
        if "match" not in self.place:
            return None
        # behind the index; deeper, names of headers and labels are the user's to choose
        field = self.place[self.place.index("match") + 2 :][:1]
        return "decides which entry answers; state it" if _DECIDING.intersection(map(str, field)) else None


def _is_needed(words: InIstiosWords, value: Any) -> bool:
    """Whether a plan has to know an output in the value."""
    if isinstance(value, dict):
        return any(_is_needed(words.inner(key), item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_is_needed(words.inner(0), item) for item in value)
    return words.needed(value) is not None


SEVERAL_VALUES = "stands for several values; state these, of which each may be an output"

_DECIDING = {"destinationSubnets", "gateways", "port"}
"""Fields of a match by whose values a plan tells entries apart."""


def _gateway_name(value: str) -> str:
    namespace, slash, name = value.partition("/")
    if value != "mesh" and not (slash and names.LABEL.fullmatch(namespace) and names.LABEL.fullmatch(name)):
        raise wrong("not-a-gateway-name", "is neither `mesh` nor `<namespace>/<Gateway>`")
    return value


def _identity(value: str) -> str:
    """Istio compares the identities of peers as text; a wildcard would let in whole trust domains."""
    trust_domain, slash, path = value.removeprefix("spiffe://").partition("/")
    if not (value.startswith("spiffe://") and trust_domain and slash and path) or "*" in value:
        raise wrong("not-an-identity", "is not a SPIFFE identity; spiffe://<trust domain>/<path>, without wildcards")
    return value


def as_list(value: Any) -> Any:
    """One value may stand for a list of it."""
    return value if isinstance(value, list | tuple) else [value]


def _address(value: str) -> str:
    try:
        return _ip_address(value)
    except ValueError:
        raise wrong("not-an-ip-address", "is not an IP address") from None


OF_NO_OTHER_MACHINE = tuple(
    map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255", "::", "::1", "ff00::/8"))
)
"""Addresses that mean this machine, or several: none leads to one other machine (RFC 6890)."""

PROTOCOLS_OF = {
    "http": ("HTTP", "HTTP2", "GRPC", "GRPC-WEB"),
    "tcp": ("TCP", "MONGO", "REDIS", "MYSQL"),
    "tls": ("TLS", "HTTPS"),
}
"""Kind of entry → the protocols of the ports for which it can speak."""
PROTOCOLS = tuple(chain.from_iterable(PROTOCOLS_OF.values()))

PlainText = Annotated[str, Strict()]
"""Bytes are no text."""
Number = Annotated[int, BeforeValidator(_not_a_boolean)]
"""Text that is a number counts as one: Pulumi rewrites numbers so."""
NonEmpty = MinLen(1)
Text = Annotated[PlainText, StringConstraints(min_length=1)]
Locality = Annotated[PlainText, AfterValidator(_locality)]
DnsLabel = Annotated[PlainText, AfterValidator(_dns_label)]
Version = Annotated[PlainText, AfterValidator(_version)]
LabelKey = Annotated[PlainText, AfterValidator(_label_key)]
LabelValue = Annotated[PlainText, AfterValidator(_label_value)]
Labels = Annotated[dict[LabelKey, LabelValue], NonEmpty]
DnsName = Annotated[PlainText, AfterValidator(_dns_name)]
TrustDomain = Annotated[PlainText, AfterValidator(_dns_labels)]
Account = Annotated[PlainText, AfterValidator(_dns_labels)]
GatewayAddress = Annotated[Any, AfterValidator(gateway_address)]
ServiceReference = Annotated[PlainText, AfterValidator(_service_reference)]
HostTemplate = Annotated[PlainText, AfterValidator(_host_template)]
GlobalHostTemplate = Annotated[PlainText, AfterValidator(_global_host_template)]
PortNumber = Annotated[Number, Field(ge=1, le=65535)]
Weight = Annotated[Number, Field(ge=0, le=2**31 - 1)]
"""Istio's weights are 32-bit integers."""
Seconds = Annotated[Number, Field(ge=0, le=3600)]
"""An hour: istiod waits for ten seconds at most, so more is a mistake for minutes."""
Match = Annotated[Any, AfterValidator(InIstiosWords("VirtualService", ("http", 0, "match")))]
Headers = Annotated[Any, AfterValidator(InIstiosWords("VirtualService", ("http", 0, "route", 0, "headers")))]
Percentage = Annotated[Any, AfterValidator(InIstiosWords("VirtualService", ("http", 0, "mirrors", 0, "percentage")))]
TcpMatch = Annotated[Any, AfterValidator(InIstiosWords("VirtualService", ("tcp", 0, "match")))]
TlsMatch = Annotated[Any, AfterValidator(InIstiosWords("VirtualService", ("tls", 0, "match")))]
TrafficPolicy = Annotated[Any, AfterValidator(InIstiosWords("DestinationRule", ("trafficPolicy",)))]
Identity = Annotated[str, AfterValidator(_identity)]
GatewayName = Annotated[str, AfterValidator(_gateway_name)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Address = Annotated[PlainText, AfterValidator(_address)]
AddressOrList = Annotated[list[Address], NonEmpty, BeforeValidator(as_list)]
IP_FAMILIES = ("IPv4", "IPv6")
IpFamily = Annotated[PlainText, AfterValidator(_one_of(IP_FAMILIES))]
Protocol = Annotated[PlainText, BeforeValidator(_upper), AfterValidator(_one_of(PROTOCOLS))]
STATES = ("active", "draining", "retired")
State = Annotated[str, AfterValidator(_one_of(STATES))]
IstioVersion = Annotated[PlainText, BeforeValidator(_istio_version), AfterValidator(_one_of(RELEASES))]
