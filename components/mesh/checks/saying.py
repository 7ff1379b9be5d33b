"""What all checks have in common: how they are put together, and words that several of them use."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from ..errors import Path, Problem
from ..istio import schema
from ..istio.kinds import VIRTUAL_SERVICE
from ..istio.releases import RELEASES
from ..spec.federation import Federation
from ..spec.rule import HttpEntry, TcpEntry, TlsEntry
from ..spec.service import Service
from ..unknown import Unknown, UnknownError, is_known, known


def each(*checks: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of independent checks: what one of them cannot know silences no other."""
    for check in checks:
        # one generator less than `as_far_as_known`, for each check of each part
        try:
            yield from check
        except UnknownError:
            continue


Place = tuple[str, str, str]
"""Cluster, namespace and name of a Kubernetes Service."""


class References:
    """What other parts may refer to. A look-up that could only fail by what is unknown raises `UnknownError`."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.services: dict[str, Service] = {}
        self._unknown: list[tuple[Service | None, UnknownError]] = []
        """Services of which not all can be read; None if nobody knows which there are."""
        try:
            for service in federation.services:
                self._note(service)
        except UnknownError as error:
            self._unknown.append((None, error))

    def _note(self, service: Service) -> None:
        try:
            self.services.setdefault(service.reference, service)
        except UnknownError as error:
            self._unknown.append((service, error))

    def service(self, reference: str) -> Service | None:
        service = self.services.get(reference)
        for other, error in () if service else self._unknown:
            if _may_be(other, reference):
                raise error
        return service

    @cached_property
    def owner_of(self) -> Mapping[Place, tuple[str, str]]:
        """A Kubernetes Service → the service, and its version, that is reached by it; `""` is any version."""
        owners: dict[Place, tuple[str, str]] = {}
        for version_services in (False, True):
            for service in self.services.values():
                clusters = service.clusters
                for cluster, presence in () if isinstance(clusters, Unknown) else clusters.items():
                    with suppress(UnknownError):
                        names = presence.version_services if version_services else {"": service.name_on(cluster)}
                        for version, name in names.items():
                            place = (cluster, service.namespace_on(cluster), name)
                            owners.setdefault(place, (service.reference, version))
        return owners

    @cached_property
    def federated_hosts(self) -> Mapping[str, str]:
        """A host that means one service wherever it is called → which, in words."""
        hosts: dict[str, str] = {}
        for service in self.services.values():
            with suppress(UnknownError):
                if self.federation.global_hosts:
                    hosts[self.federation.global_host_of(service)] = service.reference
                for cluster in service.clusters:
                    hosts[self.federation.host_of(service, cluster)] = f"{service.reference} on {cluster}"
        return hosts

    def meaning(self, host: str, client: str) -> str | None:
        """What a host means to the workloads of a client cluster by the services of the spec, in words."""
        name, _, namespace = host.removesuffix(f".svc.{self.federation.clusters[client].domain}").partition(".")
        owner, _ = self.owner_of.get((client, namespace.removesuffix(".svc"), name), (None, ""))
        return owner or self.federated_hosts.get(host)

    def takes_calls(self, cluster: str) -> bool:
        """Whether the federation has the cluster, and routes may lead there."""
        clusters = self.federation.clusters
        return cluster in clusters and clusters[cluster].state == "active"


def _may_be(service: Service | None, reference: str) -> bool:
    """Whether what is known of a service allows that rules call it so."""
    if service is None or isinstance(service, Unknown):
        return True
    own, stated = (service.name, service.namespace), reference.split(".")
    return all(isinstance(part, Unknown) or part == other for part, other in zip(own, stated, strict=False))


def is_retired(cluster: str, federation: Federation) -> bool:
    """Whether no object of another cluster names it, and its own callers have no rules."""
    return cluster in federation.clusters and federation.clusters[cluster].state == "retired"


def not_retired(clusters: Iterable[str], federation: Federation) -> list[str]:
    """Those that the federation has and that are not retired, as far as that is known."""
    some: list[str] = []
    for name in clusters:
        with suppress(UnknownError):
            if name in federation.clusters and not is_retired(name, federation):
                some.append(name)
    return some


def stated_matches(entry: HttpEntry | TcpEntry | TlsEntry) -> list[dict[str, Any]] | None:
    """Istio's conditions, of which one must hold; `{}` holds for every call. None if nobody knows what they ask for."""
    if not is_known(entry.match) or (isinstance(entry, HttpEntry) and not entry.match and _may_be_misspelt(entry)):
        return None
    if not entry.match and (entry.match is None or isinstance(entry.match, list)):
        return [{}]
    is_readable = isinstance(entry.match, list) and all(isinstance(match, dict) for match in entry.match)
    return list(entry.match) if is_readable else None


def _may_be_misspelt(entry: HttpEntry) -> bool:
    """Whether a key that nobody knows may stand for `match`."""
    known_keys = [*schema.fields(VIRTUAL_SERVICE.name, RELEASES[-1], ("http", 0)), *HttpEntry.model_fields]
    return any(get_close_matches(key, known_keys, n=1) == ["match"] for key in entry.istio if key not in known_keys)


def fields(parts: Iterable[object], name: str) -> list[object]:
    """The values of a field; a part that is unknown keeps its place."""
    return [part if isinstance(part, Unknown) else getattr(part, name) for part in parts]


def stated_twice(path: Path, values: Sequence[object] | None, *field: str) -> Iterator[Problem]:
    """`path` is where the list of `values` stands, or of what has them as its `field`."""
    seen: set[object] = set()
    for index, value in known(() if values is None else values):
        if value in seen:
            yield Problem((*path, index, *field), "stated-twice", f"{value!r} is stated twice")
        seen.add(value)


def choices(values: Iterable[object] | Mapping[object, object]) -> str:
    """`a, b, c`, sorted; `none` if there are none."""
    return ", ".join(sorted({str(value) for value in values if not isinstance(value, Unknown)})) or "none"


def istio_versions(federation: Federation, clusters: Iterable[str]) -> dict[str, str | None]:
    """Cluster → the release that it states, or None; without those of which nobody knows."""
    versions: dict[str, str | None] = {}
    for name in clusters:
        with suppress(UnknownError):
            if name in federation.clusters and not isinstance(
                version := federation.clusters[name].istio.version, Unknown
            ):
                versions[name] = version
    return versions
