"""What must be true of services, and of the clusters that they name."""

from collections.abc import Iterator

from ..errors import Path, Problem
from ..spec.service import Presence, Service
from ..unknown import Unknown, known
from .crossing import Crossing, crossing, federated_host_of_the_client
from .saying import Stated, choices, each, stated_twice


def services(stated: Stated) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, service in known(stated.federation.services):
        path = ("services", index)
        yield from each(
            service_stated_twice(path, service, seen),
            _ports((*path, "ports"), service),
            _presences(path, service, stated),
            stated_twice((*path, "importedBy"), service.imported_by),
            _importers(path, service, stated),
        )


def service_stated_twice(path: Path, service: Service, seen: set[str]) -> Iterator[Problem]:
    if service.reference in seen:
        message = f"{service.reference!r} is stated twice; put its clusters into one entry"
        yield Problem(path, "service-stated-twice", message)
    seen.add(service.reference)


def _ports(path: Path, service: Service) -> Iterator[Problem]:
    for field in ("name", "number"):
        values = [port if isinstance(port, Unknown) else getattr(port, field) for port in service.ports]
        yield from stated_twice(path, values, field)


def _presences(path: Path, service: Service, stated: Stated) -> Iterator[Problem]:
    for cluster, presence in service.clusters.items():
        here = (*path, "clusters", cluster)
        yield from each(unknown_cluster(here, cluster, stated))
        if not isinstance(presence, Unknown):
            yield from each(
                stated_twice((*here, "versions"), presence.versions),
                version_stated_twice(here, presence),
                stated_twice((*here, "serviceAccounts"), presence.service_accounts),
            )


def version_stated_twice(path: Path, presence: Presence) -> Iterator[Problem]:
    """A version is selected by the label `version` or by labels of its own."""
    for version in presence.subsets:
        if version in presence.versions:
            message = f"{version!r} is one of `versions`, too; state it in one of them"
            yield Problem((*path, "subsets", version), "version-stated-twice", message)


def _importers(path: Path, service: Service, stated: Stated) -> Iterator[Problem]:
    for position, client in known(service.imported_by):
        here = (*path, "importedBy", position)
        yield from each(
            unknown_cluster(here, client, stated),
            imported_from_nowhere(here, client, service, stated),
            _imports(here, client, service, stated),
        )


def _imports(path: Path, client: str, service: Service, stated: Stated) -> Iterator[Problem]:
    if client not in stated.federation.clusters:
        return
    for serving in sorted(service.clusters.keys() - {client}):
        yield from each(
            crossing(path, Crossing([client], service, serving, ""), stated.federation),
            federated_host_of_the_client(service, client, serving, stated.federation),
        )


def imported_from_nowhere(path: Path, client: str, service: Service, stated: Stated) -> Iterator[Problem]:
    if client in stated.federation.clusters and not service.clusters.keys() - {client}:
        message = f"the service runs nowhere but on {client!r} itself; take {client!r} out"
        yield Problem(path, "imported-from-nowhere", message)


def unknown_cluster(path: Path, name: str, stated: Stated) -> Iterator[Problem]:
    if name not in stated.federation.clusters:
        message = f"no cluster {name!r}; the federation has {choices(stated.federation.clusters)}"
        yield Problem(path, "unknown-cluster", message)
