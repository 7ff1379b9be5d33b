"""From routes to uses: which services of which clusters a client cluster must be able to reach."""

from collections.abc import Sequence

from . import names
from .routes import Destination, Entry, Failover, Member, Route, Use
from .spec.cluster import Cluster
from .spec.federation import Federation
from .spec.service import Service


class Uses:
    """Filled by routes, imports and global hosts, in any order."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self._uses: dict[tuple[str, str, str], Use] = {}
        self._failovers: dict[tuple[str, str], Failover] = {}

    @property
    def uses(self) -> tuple[Use, ...]:
        """By client cluster, service and serving cluster."""
        return tuple(use for _, use in sorted(self._uses.items()))

    @property
    def failovers(self) -> tuple[Failover, ...]:
        """By client cluster and host."""
        return tuple(failover for _, failover in sorted(self._failovers.items()))

    def by_route(self, route: Route) -> None:
        """What the destinations and mirrors of a route need."""
        for entry in route.entries:
            for destination in (*entry.destinations, *entry.mirrors):
                if destination.substitutes:
                    self._route_to_several(route.client, destination, entry)
                    continue
                there = self._use(route.client, destination.service, destination.serving)
                there.versions.add(destination.version)
                there.dialled.add(destination.version)
                there.routed.add(destination.version)
                there.is_timed |= _is_timed(entry)

    def by_imports(self) -> None:
        """What callers may dial themselves."""
        for service in self.federation.services:
            for importer in service.imported_by:
                client = self.federation.clusters[importer.cluster]
                for serving in self._imported(service, client):
                    named = {v for v in importer.versions if v in service.clusters[serving].all_versions}
                    imported = self._use(client, service, self.federation.clusters[serving])
                    imported.versions.update({"", *named})
                    imported.dialled.update({"", *named})
                    imported.is_imported = True

    def by_global_hosts(self) -> None:
        """One host for each service, on every cluster that is not retired."""
        for service in self.federation.services if self.federation.global_hosts else ():
            for client in self.federation.clusters.values():
                if client.state != "retired" and (tiers := self._nearest_first(client, service)):
                    host = self.federation.global_host_of(service)
                    self._failover(client, service, host, [[Member(one, "") for one in tier] for tier in tiers])

    def _nearest_first(self, client: Cluster, service: Service) -> list[list[Cluster]]:
        """Those that run the service: the client itself, then those with the most of its locality in common."""
        running = [self.federation.clusters[name] for name in sorted(service.clusters)]
        serving = [cluster for cluster in running if cluster.state == "active"] or [
            cluster for cluster in running if cluster.state == "draining"
        ]
        tiers: dict[int, list[Cluster]] = {}
        for cluster in serving:
            tiers.setdefault(_distance(client, cluster), []).append(cluster)
        return [tier for _, tier in sorted(tiers.items())]

    def _use(self, client: Cluster, service: Service, serving: Cluster) -> Use:
        key = (client.name, service.reference, serving.name)
        return self._uses.setdefault(key, Use(client, service, serving))

    def _route_to_several(self, client: Cluster, destination: Destination, entry: Entry) -> None:
        members = destination.members
        host = self.federation.failover_host_of(
            destination.service, [(member.serving.name, member.version) for member in members]
        )
        failover = self._failover(client, destination.service, host, [[member] for member in members])
        failover.is_routed = True
        failover.is_timed |= _is_timed(entry)
        for use, version in failover.members:
            if use.crosses:
                use.routed.add(_called_version(use, version, is_common=failover.is_common))

    def _failover(self, client: Cluster, service: Service, host: str, tiers: Sequence[Sequence[Member]]) -> Failover:
        if (client.name, host) in self._failovers:
            return self._failovers[client.name, host]
        members = [[(self._use(client, service, member.serving), member.version) for member in tier] for tier in tiers]
        subsets = {use.subset_behind(version) for tier in members for use, version in tier}
        is_common = len(subsets) == 1
        everybody = [(member.serving.name, member.version) for tier in tiers for member in tier]
        subset = subsets.pop() if is_common else names.failover_label(everybody)
        for tier in members:
            for use, version in tier:
                if use.crosses:
                    use.versions.add(_called_version(use, version, is_common=is_common))
        failover = self._failovers[client.name, host] = Failover(client, service, host, members, subset, is_common)
        return failover

    def _imported(self, service: Service, client: Cluster) -> set[str]:
        """Who answers at the federated hosts of the service; whoever dials one knows where it leads."""
        if client.state == "retired":
            return set()
        others = service.clusters.keys() - {client.name}
        return {name for name in others if self.federation.clusters[name].state != "retired"}


def _distance(client: Cluster, serving: Cluster) -> int:
    """0 is the client cluster itself; otherwise the fewer of region, zone and subzone both share, the more."""
    if client is serving:
        return 0
    shared = 0
    for here, there in zip((client.locality or "").split("/"), (serving.locality or "").split("/"), strict=False):
        if not here or here != there:
            break
        shared += 1
    return 4 - shared


def _called_version(use: Use, version: str, *, is_common: bool) -> str:
    """The version by which a failover calls a member; `""`, any, where a subset of another name picks its pods."""
    return version if is_common or not use.subset_behind(version) else ""


def _is_timed(entry: Entry) -> bool:
    return "timeout" in entry.istio or "perTryTimeout" in (entry.istio.get("retries") or {})
