"""What must be true of services, and of the clusters that they name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..errors import Path, Problem
from ..policies import merged, stated_policies
from ..spec.cluster import Gateway
from ..spec.service import Import, Presence, Service
from ..unknown import Unknown, known
from .crossing import Crossing, crossing, federated_host_of_the_client
from .policy import landings, policies
from .saying import References, choices, each, fields, stated_twice


def services(references: References) -> Iterator[Problem]:
    seen: set[str] = set()
    places = landings(references)
    for index, service in known(references.federation.services):
        path = ("services", index)
        yield from each(
            service_stated_twice(path, service, seen),
            _ports((*path, "ports"), service),
            _presences(path, service, references),
            _importers((*path, "importedBy"), service, references),
            policies(path, service, places, references),
        )


def _ports(path: Path, service: Service) -> Iterator[Problem]:
    for field in ("name", "number"):
        yield from stated_twice(path, fields(service.ports, field), field)


def service_stated_twice(path: Path, service: Service, seen: set[str]) -> Iterator[Problem]:
    if service.reference in seen:
        message = f"{service.reference!r} is stated twice; put its clusters into one entry"
        yield Problem(path, "service-stated-twice", message)
    seen.add(service.reference)


def _presences(path: Path, service: Service, references: References) -> Iterator[Problem]:
    for cluster, presence in service.clusters.items():
        here = (*path, "clusters", cluster)
        yield from each(unknown_cluster(here, cluster, references))
        if not isinstance(presence, Unknown):
            yield from each(
                stated_twice((*here, "versions"), presence.versions),
                version_stated_twice(here, presence),
                missing_identity(here, presence),
                stated_twice((*here, "serviceAccounts"), presence.service_accounts),
                stated_twice((*here, "identities"), presence.identities),
                version_twice_selected(here, presence),
                version_outside_the_service(here, presence),
                unknown_port_name((*here, "ports"), presence.ports, service),
                port_number_twice((*here, "ports"), presence, service),
                shared_service(here, cluster, presence, service, references),
                unknown_port_name((*here, "targetPorts"), presence.target_ports, service),
                unknown_policy((*here, "versionPolicies"), presence),
                _gateways((*here, "gateways"), presence, cluster, references),
            )


def missing_identity(path: Path, presence: Presence) -> Iterator[Problem]:
    if presence.service_accounts is None and presence.identities is None:
        message = "is missing; state the service accounts of the pods, or their identities"
        yield Problem((*path, "serviceAccounts"), "missing-identity", message)


def version_twice_selected(path: Path, presence: Presence) -> Iterator[Problem]:
    for version in presence.version_services:
        if version in presence.versions or version in presence.subsets:
            message = f"{version!r} is selected by labels, too; state it in one place"
            yield Problem((*path, "versionServices", version), "version-twice-selected", message)


def version_outside_the_service(path: Path, presence: Presence) -> Iterator[Problem]:
    """Pods of a version are pods of the Service, so they have the labels of its selector."""
    places: dict[str, Path] = {version: ("versions", index) for index, version in known(presence.versions)}
    places |= {version: ("subsets", version) for version in presence.subsets}
    for version, place in places.items():
        for label, value in presence.labels_of(version).items():
            wanted = (presence.selector or {}).get(label, value)
            if wanted != value:
                message = (
                    f"{version!r} has pods with {f'{label}: {value}'!r}, and the Service's `selector` asks for "
                    f"{f'{label}: {wanted}'!r}; no pod has both"
                )
                yield Problem((*path, *place), "version-outside-the-service", message)


def unknown_port_name(path: Path, stated: Iterable[str], service: Service) -> Iterator[Problem]:
    names = [port.name for port in service.ports]
    for name in stated:
        if name not in names:
            message = f"the service has no port named {name!r}; it has {choices(names)}"
            yield Problem((*path, name), "unknown-port-name", message)


def port_number_twice(path: Path, presence: Presence, service: Service) -> Iterator[Problem]:
    """A cluster's own number for a port may be that of another."""
    names: dict[int, str] = {}
    for port in sorted(service.ports, key=lambda port: port.name in presence.ports):
        number = presence.ports.get(port.name, port.number)
        if (other := names.setdefault(number, port.name)) != port.name and port.name in presence.ports:
            message = f"{number} is the number of {other!r} here, too; {port.name!r} needs a number of its own"
            yield Problem((*path, port.name), "port-number-twice", message)


def shared_service(
    path: Path, cluster: str, presence: Presence, service: Service, references: References
) -> Iterator[Problem]:
    """Objects have the names of Kubernetes Services, so the one's would take the place of the other's."""
    namespace, name = service.namespace_on(cluster), service.name_on(cluster)
    owner, _ = references.owner_of.get((cluster, namespace, name), ("", ""))
    if owner and owner != service.reference:
        key = "name" if presence.name else "namespace" if presence.namespace else None
        what = f"'{name}.{namespace}' is the Service of {owner} on {cluster}"
        message = f"{what}; state its versions and ports there, or another name here"
        yield Problem((*path, key) if key else path, "shared-service", message)
    for version, own in presence.version_services.items():
        owner, other = references.owner_of.get((cluster, namespace, own), ("", ""))
        if (owner, other) in (("", ""), (service.reference, version)):
            continue
        own_policy = merged(*stated_policies(service, cluster, version))
        if own_policy != merged(*stated_policies(references.services[owner], cluster, other)):
            whose = f"{owner} {other}" if other else owner
            message = f"{own!r} is the Service of {whose}, too; calls to it have one policy, so state the same for both"
            yield Problem((*path, "versionServices", version), "shared-service", message)


def unknown_policy(path: Path, presence: Presence) -> Iterator[Problem]:
    for version in presence.version_policies:
        if version not in presence.all_versions:
            message = f"no version {version!r} runs here; there are {choices(presence.all_versions)}"
            yield Problem((*path, version), "unknown-policy", message)


def _gateways(path: Path, presence: Presence, cluster: str, references: References) -> Iterator[Problem]:
    if presence.gateways is not None and cluster in references.federation.clusters:
        gateway_of = references.federation.clusters[cluster].gateway_of
        chosen = [gateway_of[name] for _, name in known(presence.gateways) if name in gateway_of]
        yield from each(
            stated_twice(path, presence.gateways),
            unknown_gateway(path, presence.gateways, gateway_of),
            no_weight_above_zero(path, chosen, gateway_of.values()),
        )


def unknown_gateway(path: Path, names: Sequence[str], gateway_of: Mapping[str, Gateway]) -> Iterator[Problem]:
    for index, name in known(names):
        if name not in gateway_of:
            message = f"the cluster has no gateway {name!r}; it has {choices(gateway_of)}"
            yield Problem((*path, index), "unknown-gateway", message)


def no_weight_above_zero(path: Path, chosen: Sequence[Gateway], every: Iterable[Gateway]) -> Iterator[Problem]:
    if chosen and all(gateway.share == 0 for gateway in chosen) and any(gateway.share != 0 for gateway in every):
        message = "the weights of these gateways add up to 0; add a gateway whose weight is more"
        yield Problem(path, "no-weight-above-zero", message)


def version_stated_twice(path: Path, presence: Presence) -> Iterator[Problem]:
    """A version is selected by the label `version` or by labels of its own."""
    for version in presence.subsets:
        if version in presence.versions:
            message = f"{version!r} is one of `versions`, too; state it in one of them"
            yield Problem((*path, "subsets", version), "version-stated-twice", message)


def _importers(path: Path, service: Service, references: References) -> Iterator[Problem]:
    yield from stated_twice(path, fields(service.imported_by, "cluster"))
    for position, importer in known(service.imported_by):
        here = (*path, position)
        yield from each(
            unknown_cluster(here, importer.cluster, references),
            imported_from_nowhere(here, importer.cluster, service, references),
            stated_twice((*here, "versions"), importer.versions),
            version_of_nobody(here, importer, service),
            _imports(here, importer, service, references),
        )


def _imports(path: Path, importer: Import, service: Service, references: References) -> Iterator[Problem]:
    if importer.cluster not in references.federation.clusters:
        return
    for serving in sorted(service.clusters.keys() - {importer.cluster}):
        yield from each(
            crossing(path, Crossing([importer.cluster], service, serving, ""), references.federation),
            federated_host_of_the_client(service, importer.cluster, serving, references.federation),
        )


def version_of_nobody(path: Path, importer: Import, service: Service) -> Iterator[Problem]:
    presences = {cluster: presence for cluster, presence in service.clusters.items() if cluster != importer.cluster}
    versions = {version for presence in presences.values() for version in presence.all_versions}
    for index, version in known(importer.versions):
        if version not in versions:
            message = f"no other cluster has a version {version!r} of the service; there are {choices(versions)}"
            yield Problem((*path, "versions", index), "version-of-nobody", message)


def imported_from_nowhere(path: Path, client: str, service: Service, references: References) -> Iterator[Problem]:
    if client in references.federation.clusters and not service.clusters.keys() - {client}:
        message = f"the service runs nowhere but on {client!r} itself; take {client!r} out"
        yield Problem(path, "imported-from-nowhere", message)


def unknown_cluster(path: Path, name: str, references: References) -> Iterator[Problem]:
    if name not in references.federation.clusters:
        message = f"no cluster {name!r}; the federation has {choices(references.federation.clusters)}"
        yield Problem(path, "unknown-cluster", message)
