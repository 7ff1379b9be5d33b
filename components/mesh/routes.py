"""Who answers each call: the one resolved form that stands between the spec and everybody who reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .spec.callers import Callers
from .spec.cluster import Cluster, Gateway
from .spec.federation import Federation
from .spec.service import Service


class Member(NamedTuple):
    """A version of a service on one of several clusters that stand in for each other."""

    serving: Cluster
    version: str
    """`""` is any version."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A version of a service on a serving cluster, and its part of an entry's calls."""

    service: Service
    serving: Cluster
    version: str
    """`""` is any version."""
    port: int
    """The port that is called there."""
    stated_port: int | None = None
    weight: int | None = None
    """None where there is only one destination: it takes every call."""
    istio: Mapping[str, Any] = field(default_factory=dict)
    """What the entry says of it in Istio's words: `headers`; of a mirror, `percentage`."""
    substitutes: tuple[Member, ...] = ()
    """Who takes its calls while nobody there can, in this order."""

    @property
    def members(self) -> tuple[Member, ...]:
        """Who may answer its calls, in this order."""
        return (Member(self.serving, self.version), *self.substitutes)


@dataclass(frozen=True, slots=True)
class Entry:
    """Calls that are answered alike."""

    destinations: tuple[Destination, ...]
    """In canonical order: by cluster, service, version and port. None where the proxy answers by itself."""
    name: str | None = None
    matches: tuple[Mapping[str, Any], ...] = ({},)
    """Istio's conditions, of which one must hold; `{}` holds for every call."""
    mirrors: tuple[Destination, ...] = ()
    """Who gets copies, in the order of the spec."""
    istio: Mapping[str, Any] = field(default_factory=dict)
    """The entry's other fields, in Istio's words."""


@dataclass(frozen=True, slots=True)
class Route:
    """The calls of some callers of one client cluster to one port of a service."""

    client: Cluster
    service: Service
    callers: Callers
    kind: str
    """`http`, `tcp` or `tls`: whose entries these are."""
    port: int | None
    """None at ingress gateways, whose ports are others."""
    entries: tuple[Entry, ...]
    """Tried in this order."""
    narrowed: bool = False
    """Whether other ports of the service may have other entries."""
    hosts: tuple[str, ...] = ()
    """More names that these callers use for the service."""


@dataclass(slots=True)
class Use:
    """A client cluster's use of a service on a serving cluster, which may be itself."""

    client: Cluster
    service: Service
    serving: Cluster
    versions: set[str] = field(default_factory=set)
    """What may be called there; `""` is any version."""
    dialled: set[str] = field(default_factory=set)
    """Those of `versions` that routes and imports reach by the federated host of the serving cluster alone."""
    routed: set[str] = field(default_factory=set)
    """What routes name."""
    is_timed: bool = False
    """Whether an entry that leads there ends calls after a time of its own."""
    is_imported: bool = False
    """Whether callers may dial the federated host themselves."""

    @property
    def is_routed(self) -> bool:
        """Whether a route leads there."""
        return bool(self.routed)

    @property
    def crosses(self) -> bool:
        """Whether a call leaves its cluster."""
        return self.client is not self.serving

    @property
    def pair(self) -> tuple[str, str]:
        """Client and serving cluster."""
        return self.client.name, self.serving.name

    def service_behind(self, version: str) -> str:
        """The name of the Service on the serving cluster that a version is reached by."""
        return self.service.service_behind(self.serving.name, version)

    def host_behind(self, version: str) -> str:
        """The same as a host of the serving cluster."""
        return self.service.host_behind(self.serving, version)

    def subset_behind(self, version: str) -> str:
        """The subset of that host; `""` where the version is a Service of its own."""
        return self.service.subset_behind(self.serving.name, version)

    @property
    def gateways(self) -> dict[str, Gateway]:
        """Name → gateway of the serving cluster that leads to the service (`checks.crossing`: there is one)."""
        return self.service.gateways_on(self.serving)


@dataclass(slots=True)
class Failover:
    """A host of a client cluster at which several clusters may answer."""

    client: Cluster
    service: Service
    host: str
    tiers: list[list[tuple[Use, str]]]
    """(use of a serving cluster, version). The first tier of which somebody can answer takes all calls."""
    subset: str
    """What each of these clusters calls its version, so that one server name fits all; `""` is any version."""
    is_common: bool
    """Whether `subset` is a version that the spec states on each of them, or is any version."""
    is_routed: bool = False
    """Whether a route leads there; otherwise callers dial it."""
    is_timed: bool = False
    """Whether an entry that leads there ends calls after a time of its own."""

    @property
    def members(self) -> Iterator[tuple[Use, str]]:
        """All of them, in the order of the tiers."""
        return (member for tier in self.tiers for member in tier)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The client, with each cluster that may answer."""
        return tuple(sorted({use.pair for use, _ in self.members}))

    @property
    def at_home(self) -> tuple[Use, str] | None:
        """The member on the client cluster itself."""
        return next((member for member in self.members if not member[0].crosses), None)


class Absent(NamedTuple):
    """A service that does not run on a client cluster, and whose name is to exist there."""

    client: Cluster
    service: Service
    stays: bool
    """Whether the name stays there once it is no longer ours to make."""


@dataclass(frozen=True, slots=True)
class Routes:
    """A federation, resolved. Nothing in it depends on the order of its services and clusters."""

    federation: Federation
    routes: tuple[Route, ...]
    """By client cluster, service, callers and port."""
    uses: tuple[Use, ...]
    """By client cluster, service and serving cluster."""
    failovers: tuple[Failover, ...]
    """By client cluster and host."""
    absent: tuple[Absent, ...]
    """By client cluster and service."""

    @property
    def crossings(self) -> Iterator[Use]:
        """The uses that leave their cluster."""
        return (use for use in self.uses if use.crosses)

    def host_of(self, use: Use) -> str:
        """The federated host of the service that is used."""
        return self.federation.host_of(use.service, use.serving.name)

    @property
    def federated_hosts(self) -> list[str]:
        """Every federated host that some client cluster needs, sorted."""
        own = (self.host_of(use) for use in self.crossings if use.dialled)
        return sorted({*own, *(failover.host for failover in self.failovers)})
