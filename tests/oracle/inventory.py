"""A stack file as plain data, read without the product: clusters, where each service runs, and its pods there.

Only what an answer to a call depends on is read here; what the file says about routes is the product's to translate.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from tests.given.specs import spec_of_config

Part = Mapping[str, Any]

STRAY = "not-in-the-spec"
"""A version that runs beside those of the spec, so that *any pod* and *pods of the one version* can be told apart."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """An east-west gateway of a cluster."""

    cluster: str
    namespace: str
    labels: Mapping[str, str]
    listener_port: int
    dialled_port: int
    addresses: Mapping[str, frozenset[str]]
    """Address → the clusters that can dial it; none is stated: all can."""
    is_managed: bool
    name: str
    weight: int | None

    def addresses_for(self, client: "Cluster") -> set[str]:
        """What callers on the client cluster dial."""
        return {
            address
            for address, clients in self.addresses.items()
            if (not clients or client.name in clients) and _version(address) in (0, *(client.versions or (4, 6)))
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    name: str
    domain: str
    trust_domain: str
    root_namespace: str
    locality: str
    gateways: tuple[Gateway, ...]
    versions: tuple[int, ...]
    """The IP versions, 4 and 6, of its pods and its Services; empty where the stack file does not say."""


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    number: int
    protocol: str
    general: int
    """The number by which the spec calls it."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A service on one cluster."""

    service: str
    """`name.namespace`, as the spec calls it."""
    cluster: str
    name: str
    namespace: str
    ports: tuple[Port, ...]
    versions: Mapping[str, Mapping[str, str]]
    """Version → the labels that select its pods."""
    version_services: Mapping[str, str]
    """Version → the Service that stands for it alone."""
    selector: Mapping[str, str]
    accounts: tuple[str, ...]
    identities: tuple[str, ...]
    """Whoever answers has one of these; first those of the accounts, in their order."""
    gateways: frozenset[str] | None
    """Those of the cluster that lead here; None is all."""


@dataclass(frozen=True, slots=True)
class Pod:
    presence: Presence
    version: str
    address: str
    labels: Mapping[str, str]
    account: str
    identity: str

    @property
    def name(self) -> str:
        return f"{self.presence.name}-{self.version}"


class Inventory:
    """The clusters, gateways and pods of a stack file."""

    def __init__(self, config: Part) -> None:
        self._config = spec_of_config(config)

    @cached_property
    def clusters(self) -> dict[str, Cluster]:
        return {str(name): _cluster(str(name), part or {}) for name, part in self._config["clusters"].items()}

    @cached_property
    def presences(self) -> list[Presence]:
        return [
            _presence(service, self.clusters[str(cluster)], part or {})
            for service in self._config.get("services") or ()
            for cluster, part in service["clusters"].items()
        ]

    @cached_property
    def pods(self) -> list[Pod]:
        """One for each version of each service on each cluster, and a stray one beside them."""
        places = {name: number for number, name in enumerate(self.clusters, 1)}
        return [
            pod
            for number, presence in enumerate(self.presences)
            for pod in _pods(presence, self._network(presence.cluster, f"{places[presence.cluster]}", f"{number}"))
        ]

    @cached_property
    def public_names(self) -> set[str]:
        """The names that rules add to their services': DNS of the user's answers for them."""
        return {str(host) for rule in self._config.get("traffic") or () for host in rule.get("hosts") or ()}

    def _network(self, cluster: str, *parts: str) -> str:
        """What the addresses of pods begin with."""
        return f"fd10:{':'.join(parts)}:" if self.clusters[cluster].versions[:1] == (6,) else f"10.{'.'.join(parts)}."

    def presence(self, service: str, cluster: str) -> Presence:
        """Where the service runs on that cluster. Raises `LookupError`."""
        for presence in self.presences:
            if (presence.service, presence.cluster) == (service, cluster):
                return presence
        raise LookupError(f"{service!r} does not run on {cluster!r}")

    def pods_of(self, cluster: str, service: str, version: str | None = None) -> frozenset[str]:
        """The addresses of all pods of the service there, or of those that a version selects."""
        presence = self.presence(service, cluster)
        labels = presence.versions[version] if version else {}
        return frozenset(
            pod.address for pod in self.pods if pod.presence is presence and labels.items() <= pod.labels.items()
        )

    def gateways_to(self, service: str, cluster: str, client: Cluster) -> list[Gateway]:
        """Those that callers on the client cluster dial."""
        chosen = self.presence(service, cluster).gateways
        return [
            gateway
            for gateway in self.clusters[cluster].gateways
            if gateway.weight != 0 and gateway.addresses_for(client) and (chosen is None or gateway.name in chosen)
        ]

    def gateway_at(self, address: str, port: int) -> Gateway | None:
        """Whom a client reaches at an address."""
        for cluster in self.clusters.values():
            for gateway in cluster.gateways:
                if address.lower() in gateway.addresses and port == gateway.dialled_port:
                    return gateway
        return None


def _cluster(name: str, part: Part) -> Cluster:
    root = (part.get("istio") or {}).get("namespace", "istio-system")
    gateways = part.get("gateways") or {"default": part["gateway"]} if "gateway" in part or "gateways" in part else {}
    return Cluster(
        name,
        part.get("domain", "cluster.local"),
        part.get("trustDomain", "cluster.local"),
        root,
        part.get("locality", ""),
        tuple(_gateway(name, own_name, gateway, root) for own_name, gateway in gateways.items()),
        tuple(int(family.removeprefix("IPv")) for family in part.get("ipFamilies") or ()),
    )


def _gateway(cluster: str, name: str, part: Part, root: str) -> Gateway:
    stated = (
        (item["address"], item.get("clients") or ()) if isinstance(item, Mapping) else (item, ())
        for item in part["addresses"]
    )
    return Gateway(
        cluster,
        part.get("namespace", root),
        part.get("selector", {"istio": "eastwestgateway"}),
        int(part.get("listenerPort", 15443)),
        int(part.get("port", 15443)),
        {_usual_form(str(address)): frozenset(clients) for address, clients in stated},
        is_managed=str(part.get("manage", True)).lower() != "false",
        name=name,
        weight=int(part["weight"]) if "weight" in part else None,
    )


def _version(address: str) -> int:
    """0 of a name."""
    try:
        return ip_address(address).version
    except ValueError:
        return 0


def _usual_form(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address.lower()


def _presence(service: Part, cluster: Cluster, part: Part) -> Presence:
    name = str(part.get("name", service["name"]))
    namespace = str(part.get("namespace", service["namespace"]))
    accounts = tuple(part.get("serviceAccounts") or ())
    numbers = part.get("ports") or {}
    separate = part.get("versionServices") or {}
    versions = {
        **{version: {"version": version} for version in part.get("versions") or ()},
        **(part.get("subsets") or {}),
        **{version: {"version-service": name} for version, name in separate.items()},
    }
    return Presence(
        f"{service['name']}.{service['namespace']}",
        cluster.name,
        name,
        namespace,
        tuple(_port(port, numbers) for port in service["ports"]),
        versions,
        separate,
        part.get("selector") or {"app": name},
        accounts,
        (
            *(f"spiffe://{cluster.trust_domain}/ns/{namespace}/sa/{account}" for account in accounts),
            *(part.get("identities") or ()),
        ),
        frozenset(part["gateways"]) if part.get("gateways") else None,
    )


def _port(port: Part, numbers: Part) -> Port:
    number = int(port["number"])
    return Port(port["name"], int(numbers.get(port["name"], number)), str(port["protocol"]).upper(), number)


def _pods(presence: Presence, network: str) -> Iterator[Pod]:
    versions = {**presence.versions, STRAY: {"version": STRAY}}
    for number, (version, labels) in enumerate(versions.items()):
        accounts = presence.accounts or ("default",)
        turn = number % len(accounts)
        identity = presence.identities[turn] if presence.identities else ""
        address = f"{network}{':' if ':' in network else ''}{number + 1}"
        yield Pod(presence, version, address, {**presence.selector, **labels}, accounts[turn], identity)
