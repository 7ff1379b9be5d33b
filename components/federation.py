"""MeshFederation: traffic specs and cluster providers in, managed Istio objects on every cluster out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from .address_pool import AddressPool
from .api_server import servers
from .args import FederationArgs
from .claims import Claims, claims_under, undisputed
from .cluster import DependsOn, MeshCluster, digest
from .convergence import Arrivals, ConvergencePlugin, Departures
from .mesh import names, outputs
from .mesh.errors import Problem, SpecError
from .mesh.parse import parse
from .mesh.plan import Edge, federated_hosts, plan
from .mesh.spec import Federation
from .removals import Removals


class MeshFederation(pulumi.ComponentResource):
    """Istio objects on several clusters, from sentences about traffic.

    Options reach every object: `protect`, `retain_on_delete` and `deleted_with` are inherited, `depends_on` is handed
    on. Raises `pulumi.RunError` with everything that is wrong with `args`, before anything is registered, and where
    another federation of the program makes one of its objects, before any object of either is (see `claims`).
    """

    addresses: pulumi.Output[dict[str, str]]
    """Federated host → virtual IP."""
    hosts: pulumi.Output[dict[str, dict[str, str]]]
    """Service → serving cluster → federated host."""
    traffic: pulumi.Output[dict[str, dict[str, dict[str, str]]]]
    """Client cluster → service → destination → share of the calls, in percent."""
    trust: pulumi.Output[dict[str, dict[str, Any]]]
    """Serving cluster → the fragment that its mesh configuration needs to accept its callers' trust domains."""

    def __init__(self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        federation = _parse(name, args)
        providers = {cluster: _provider(settings.provider) for cluster, settings in federation.clusters.items()}
        claims = {cluster: claims_under(provider) for cluster, provider in providers.items()}
        super().__init__(
            "mesh:index:MeshFederation",
            name,
            None,
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[undisputed(claims.values())])),
        )
        first = opts.depends_on if opts else None
        pool = AddressPool(
            f"{name}/addresses",
            federated_hosts(federation),
            federation.addresses,
            pulumi.ResourceOptions(parent=self, depends_on=first),
        )
        clusters = {
            cluster: MeshCluster(f"{name}/{cluster}", provider, pulumi.ResourceOptions(parent=self))
            for cluster, provider in providers.items()
        }
        objects = _Objects(name, federation, pool, clusters, first)
        objects.claim(claims)
        routes = objects.register()
        reached = {cluster: p for cluster, p in providers.items() if federation.clusters[cluster].render_to is None}
        Removals(
            f"{name}/removals",
            objects.registered,
            servers(reached),
            pulumi.ResourceOptions(parent=self, depends_on=routes or first),
        )
        for component in clusters.values():
            component.register_outputs({})
        self.addresses = pool.addresses
        self.hosts = pulumi.Output.from_input(outputs.hosts(federation))
        self.traffic = pulumi.Output.from_input(outputs.traffic(federation))
        self.trust = pulumi.Output.from_input(outputs.trust(federation))
        self.register_outputs(
            {"addresses": self.addresses, "hosts": self.hosts, "traffic": self.traffic, "trust": self.trust}
        )


class _Objects:
    """Registers a plan's objects so that the engine's order is the choreography of a change.

    Created and updated in the order of their dependencies, then deleted in reverse: what routes need, the wait until
    it is known everywhere, the routes; then the same backwards for what is to go.
    """

    def __init__(
        self,
        name: str,
        federation: Federation,
        pool: AddressPool,
        clusters: Mapping[str, MeshCluster],
        first: DependsOn,
    ) -> None:
        self.name = name
        self.federation = federation
        self.clusters = clusters
        self.first = first
        addresses = {host: pool.address_of(host) for host in federated_hosts(federation)}
        self.plan = plan(federation, addresses, part_of=name)
        self.manifest_of = {m.key: m for manifests in self.plan.manifests.values() for m in manifests}
        self.registered: dict[str, pulumi.Resource] = {}
        self.plugins: dict[str, ConvergencePlugin] = {}

    def claim(self, claims: Mapping[str, Claims]) -> None:
        """Take part in what the program makes under each provider, or else refuse all that takes part there."""
        common = [
            f"  {m.kind} {m.namespace}/{m.name} on {cluster} is made by {maker}"
            for cluster in self.clusters
            for m, maker in claims[cluster].claim(self.name, self.plan.manifests[cluster])
        ]
        if common:
            reason = f"{self.name} cannot be built; federations on the same clusters need disjoint services:"
            refusal = "\n".join([reason, *common])
            for claim in claims.values():
                claim.refusal = refusal
            raise pulumi.RunError(refusal)

    def register(self) -> list[pulumi.Resource]:
        """The routes; everything else is registered before them."""
        gates: dict[str, list[pulumi.Resource]] = {route: [] for edge in self.plan.edges for route in edge.routes}
        # a policy has none itself, so it comes before what it is the policy of
        for key in sorted(self.manifest_of.keys() - gates.keys(), key=lambda key: (key in self.plan.policy_of, key)):
            policy = self.plan.policy_of.get(key)
            self._object(key, [self.registered[policy]] if policy else [])
        for edge in self.plan.edges:
            gate = self._pauses(edge) if self._waits(edge) else self._needs(edge)
            for route in edge.routes:
                gates[route].extend(gate)
        for route, gate in sorted(gates.items()):
            self._object(route, gate)
        return [self.registered[route] for route in sorted(gates)]

    def _object(self, key: str, after: Sequence[pulumi.Resource]) -> None:
        manifest = self.manifest_of[key]
        cluster = self.clusters[manifest.cluster]
        self.registered[key] = cluster.add(f"{self.name}/{key}", manifest, after or self.first)

    def _needs(self, edge: Edge) -> list[pulumi.Resource]:
        return [self.registered[key] for key in sorted(edge.needs)]

    def _waits(self, edge: Edge) -> bool:
        return bool(edge.needs) and self.federation.clusters[edge.client].render_to is None

    def _pauses(self, edge: Edge) -> list[pulumi.Resource]:
        component = self.clusters[edge.client]
        prefix = f"{self.name}/{edge.client}/Convergence"
        if edge.client not in self.plugins:
            self.plugins[edge.client] = ConvergencePlugin(prefix, pulumi.ResourceOptions(parent=component))
        digests = {key: digest(self.manifest_of[key]) for key in edge.needs}
        settle_seconds = self.federation.settle_seconds
        opts = pulumi.ResourceOptions(
            parent=component, provider=self.plugins[edge.client], depends_on=self._needs(edge)
        )
        return [
            Arrivals(f"{prefix}/{edge.serving}/arrivals", digests, settle_seconds, opts),
            Departures(f"{prefix}/{edge.serving}/departures", sorted(digests), settle_seconds, opts),
        ]


def _parse(name: str, args: FederationArgs) -> Federation:
    problems: list[Problem] = []
    if not names.LABEL_VALUE.fullmatch(name):
        problems.append(Problem(("name",), f"{name!r}, a label of every object, {names.NO_LABEL_VALUE}"))
    try:
        federation = parse(args)
    except SpecError as error:
        problems += error.problems
    else:
        problems += [
            Problem(("clusters", cluster, "provider"), "is missing; each cluster needs a pulumi_kubernetes.Provider")
            for cluster, settings in federation.clusters.items()
            if not isinstance(settings.provider, Provider)
        ]
        if not problems:
            return federation
    raise pulumi.RunError(f"{name} cannot be built:\n{SpecError(problems)}")


def _provider(provider: Any) -> Provider:
    assert isinstance(provider, Provider), "_parse refuses anything else"
    return provider
