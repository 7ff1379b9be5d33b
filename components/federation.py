"""MeshFederation: traffic specs and cluster providers in, managed Istio objects on every cluster out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from .address_pool import AddressPool
from .args import Configuration, FederationArgs, StackArgs
from .claims import Claims, claims_under, undisputed
from .cluster import DependsOn, MeshCluster, digest, known_later
from .convergence import Arrivals, ConvergencePlugin, Departures
from .kubeconfig import servers
from .mesh import names, outputs
from .mesh.errors import Problem, SpecError
from .mesh.istio.kinds import SERVICE
from .mesh.manifest import PART_OF, key_of
from .mesh.plan.plan import Edge, Plan, plan
from .mesh.reach import shared_cluster, split_by_keys
from .mesh.read import read
from .mesh.resolve import resolve
from .mesh.routes import Routes
from .mesh.wording import shown
from .plain_data import plain_data
from .removals import Names, Removals


class MeshFederation(pulumi.ComponentResource):
    """Istio objects on several clusters, from sentences about traffic.

    Options reach every object: `protect`, `retain_on_delete` and `deleted_with` are inherited, `depends_on` is handed
    on. Raises `pulumi.RunError` with everything that is wrong with `args`, before anything is registered, and where
    another federation of the program makes one of its objects, before any object of either is (see `claims`).
    """

    addresses: pulumi.Output[dict[str, Any]]
    """Federated host → virtual IP; with two pools, a list with one of each, IPv4 before IPv6."""
    hosts: pulumi.Output[dict[str, dict[str, str]]]
    """Service → serving cluster → federated host."""
    traffic: pulumi.Output[dict[str, dict[str, dict[str, Any]]]]
    """Client cluster → service → destination → share of the calls, in percent; or entry → destination → share."""
    trust: pulumi.Output[dict[str, dict[str, Any]]]
    """Serving cluster → the fragment that its mesh configuration needs to accept its callers' trust domains."""

    requirements: pulumi.Output[dict[str, dict[str, str]]]
    """Cluster → name → what must be true of the cluster, in sentences that a person can check."""

    def __init__(self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        configuration = _read(name, args)
        routes = resolve(configuration.federation)
        claims = {cluster: claims_under(provider) for cluster, provider in configuration.providers.items()}
        super().__init__(
            "mesh:index:MeshFederation",
            name,
            None,
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[undisputed(claims.values())])),
        )
        prerequisites = opts.depends_on if opts else None
        pool = AddressPool(
            f"{name}/addresses",
            routes.federated_hosts,
            configuration.federation.addresses,
            pulumi.ResourceOptions(parent=self, depends_on=prerequisites),
        )
        clusters = {
            cluster: MeshCluster(f"{name}/{cluster}", provider, pulumi.ResourceOptions(parent=self))
            for cluster, provider in configuration.providers.items()
        }
        addresses = {host: pool.addresses_of(host) for host in routes.federated_hosts}
        objects = _Objects(plan(routes, addresses, part_of=name), clusters, configuration, prerequisites)
        objects.claim(claims)
        registered_routes = objects.register()
        reached = {
            cluster: None if configuration.federation.clusters[cluster].state == "retired" else provider
            for cluster, provider in configuration.providers.items()
            if cluster not in configuration.rendered
        }
        Removals(
            f"{name}/removals",
            objects.registered,
            servers(reached),
            Names(frozenset(_names_called(routes)), objects.plan.staying),
            pulumi.ResourceOptions(parent=self, depends_on=registered_routes or prerequisites),
        )
        for component in clusters.values():
            component.register_outputs({})
        self.addresses = pool.by_host
        self.hosts = pulumi.Output.from_input(outputs.hosts(routes))
        self.traffic = pulumi.Output.from_input(known_later(outputs.traffic(routes)))
        self.trust = pulumi.Output.from_input(outputs.trust(routes))
        self.requirements = pulumi.Output.from_input(outputs.requirements(routes))
        self.register_outputs(
            {
                "addresses": self.addresses,
                "hosts": self.hosts,
                "traffic": self.traffic,
                "trust": self.trust,
                "requirements": self.requirements,
            }
        )


class _Objects:
    """Registers a plan's objects so that the engine's order is the choreography of a change.

    Created and updated in the order of their dependencies, then deleted in reverse: what routes need, the wait until
    it is known everywhere, the routes; then the same backwards for what is to go.
    """

    def __init__(  # `plan` names the federation
        self,
        plan: Plan,
        clusters: Mapping[str, MeshCluster],
        configuration: Configuration,
        prerequisites: DependsOn,
    ) -> None:
        self.name = plan.labels[PART_OF]
        self.plan = plan
        self.clusters = clusters
        self.settle_seconds_of = configuration.federation.settle_seconds_of
        self.rendered = configuration.rendered
        self.prerequisites = prerequisites
        self.manifest_of = {manifest.key: manifest for manifest in self.plan}
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
        """The routes; everything else is registered before them, but for names that are to come last."""
        prerequisites: dict[str, list[pulumi.Resource]] = {key: [] for edge in self.plan.edges for key in edge.routes}
        after = self.plan.after
        last = {key for key, others in after.items() if not prerequisites.keys().isdisjoint(others)}
        # what must exist before others needs nothing itself, so it is registered first
        first = self.manifest_of.keys() - prerequisites.keys() - last
        for key in sorted(first, key=lambda key: (key in after, key)):
            self._object(key, [self.registered[other] for other in after.get(key, ())])
        for edge in self.plan.edges:
            before_routes = self._pauses(edge) if self._has_pauses(edge) else self._needs(edge)
            for route in edge.routes:
                prerequisites[route].extend(before_routes)
        for route, resources in sorted(prerequisites.items()):
            self._object(route, resources)
        for key in sorted(last):
            self._object(key, [self.registered[other] for other in after[key]])
        return [self.registered[route] for route in sorted(prerequisites)]

    def _object(self, key: str, after: Sequence[pulumi.Resource]) -> None:
        manifest = self.manifest_of[key]
        cluster = self.clusters[manifest.cluster]
        stays = key in self.plan.staying
        self.registered[key] = cluster.add(f"{self.name}/{key}", manifest, after or self.prerequisites, stays=stays)

    def _needs(self, edge: Edge) -> list[pulumi.Resource]:
        return [self.registered[key] for key in sorted(edge.needs)]

    def _has_pauses(self, edge: Edge) -> bool:
        return bool(edge.needs) and edge.client not in self.rendered

    def _pauses(self, edge: Edge) -> list[pulumi.Resource]:
        component = self.clusters[edge.client]
        prefix = f"{self.name}/{edge.client}/Convergence"
        if edge.client not in self.plugins:
            self.plugins[edge.client] = ConvergencePlugin(prefix, pulumi.ResourceOptions(parent=component))
        settle_seconds = self.settle_seconds_of(edge.client, edge.serving)
        digests = {key: digest(self.manifest_of[key]) for key in edge.needs}
        opts = pulumi.ResourceOptions(
            parent=component, provider=self.plugins[edge.client], depends_on=self._needs(edge)
        )
        return [
            Arrivals(f"{prefix}/{edge.serving}/arrivals", digests, settle_seconds, opts),
            Departures(f"{prefix}/{edge.serving}/departures", sorted(digests), settle_seconds, opts),
        ]


def _names_called(routes: Routes) -> Iterator[str]:
    """Keys of the Services whose names workloads call by some rule, whoever made them."""
    for route in routes.routes:
        if not route.callers.gateways:
            client, service = route.client.name, route.service
            yield key_of(client, SERVICE.name, service.namespace_on(client), service.name_on(client))


def _read(name: str, args: FederationArgs) -> Configuration:
    if isinstance(args, StackArgs) and (configuration := args.configuration) and not [*_name_problems(name)]:
        return configuration
    data, problems = plain_data(args)
    if not isinstance(data, dict):
        words = "is not a mapping; state the keys of a spec, of which single values may be outputs"
        raise pulumi.RunError(f"{name} cannot be built:\nspec: {shown(data)} {words}")
    mesh, ways = _split(data)
    problems = (*problems, *_provider_problems(mesh, ways), *_name_problems(name))
    try:
        federation, warnings = read(mesh, problems, text=data)
    except SpecError as error:
        raise pulumi.RunError(f"{name} cannot be built:\n{error}") from None
    for warning in warnings:
        pulumi.log.warn(f"{name}: {warning}")
    return Configuration(
        federation,
        {cluster: ways[cluster]["provider"] for cluster in federation.clusters},
        frozenset(cluster for cluster, way in ways.items() if way.get("render_to") is not None),
    )


def _name_problems(name: Any) -> Iterator[Problem]:
    if not isinstance(name, str):
        yield Problem(("name",), "not-text", f"{shown(name)} is not text; the federation needs a name")
    elif not names.LABEL_VALUE.fullmatch(name):
        message = f"{name!r}, a label of every object, {names.NOT_A_LABEL_VALUE}"
        yield Problem(("name",), "not-a-label-value", message)


def _split(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The spec, and per cluster how it is reached."""
    mesh, taken = split_by_keys(data, _WAYS)
    return mesh, {name: {_WAYS[key]: value for key, value in own.items()} for name, own in taken.items()}


_FOR_STACK_FILES = {"context": "context", "kubeconfig": "kubeconfig", "identity": "cluster_identifier"}
_WAYS = {
    "provider": "provider",
    "render_to": "render_to",
    "renderTo": "render_to",
    **{key: key for key in _FOR_STACK_FILES},
}


def _provider_problems(mesh: Mapping[str, Any], ways: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for name, way in ways.items():
        if "provider" not in way:
            message = "is missing; each cluster needs a pulumi_kubernetes.Provider"
            yield Problem(("clusters", name, "provider"), "missing-provider", message)
        elif not isinstance(way["provider"], Provider):
            message = f"{shown(way['provider'])} is not a pulumi_kubernetes.Provider; each cluster needs one"
            yield Problem(("clusters", name, "provider"), "missing-provider", message)
        directory = way.get("render_to")
        if directory is not None and not (isinstance(directory, str) and directory):
            message = f"{shown(directory)} is not the path of a directory; state the one of the provider, or nothing"
            yield Problem(("clusters", name, "render_to"), "not-text", message)
        for key in way.keys() & _FOR_STACK_FILES.keys():
            # a kubeconfig may be secret
            value = "" if key == "kubeconfig" else f"{shown(way[key])} "
            message = f"{value}is for stack files; here it is the provider's `{_FOR_STACK_FILES[key]}`"
            yield Problem(("clusters", name, key), "for-stack-files", message)
    providers = {name: id(way["provider"]) for name, way in ways.items() if isinstance(way.get("provider"), Provider)}
    yield from shared_cluster(mesh, providers, "provider")
