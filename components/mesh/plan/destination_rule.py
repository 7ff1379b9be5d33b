"""DestinationRules: one object for each thing that can come and go by itself.

Istio merges the pieces of one host in one namespace when their `exportTo` is literally the same, so every piece says
`["*"]`; two objects never edit the same list, and a version comes or goes without touching another.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .. import names
from ..istio.kinds import DESTINATION_RULE
from ..manifest import Manifest
from ..policies import merged, stated_policies
from ..routes import Routes, Use
from .crossing import policy_across_clusters
from .planned import Pair, Planned
from .subset import local_subset


def destination_rules(routes: Routes) -> Iterator[Planned]:
    """The versions where they run, and policies for them; for each federated host a policy, and its versions."""
    yield from _versions_where_they_run(routes)
    yield from _policies_where_it_runs(routes)
    for use in routes.crossings:
        host = routes.host_of(use)
        for version in sorted({"", *use.dialled} if use.dialled else ()):
            spec = federated_subset(use, host, version) if version else federated_policy(use, host)
            name, root = names.subset_name(version, host), use.client.istio.namespace
            manifest = Manifest.of(DESTINATION_RULE, use.client.name, root, name, spec)
            is_needed = version in use.routed if version else use.is_routed
            yield Planned(manifest, serves=(use.pair,) if is_needed else ())


def _versions_where_they_run(routes: Routes) -> Iterator[Planned]:
    pairs_of: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    use_of: dict[tuple[str, str, str], Use] = {}
    for use in routes.uses:
        for version in {use.subset_behind(version) for version in use.versions} - {""}:
            key = (use.service.reference, use.serving.name, version)
            use_of[key] = use
            if version in use.routed:
                pairs_of[key].append(use.pair)
    for (_, serving, version), use in sorted(use_of.items(), key=lambda item: item[0]):
        service = use.service
        labels = service.clusters[serving].labels_of(version)
        # a subset without labels is every pod
        assert labels, f"{service.reference} has no version {version}; checks.entry.unknown_version refuses that"
        called_here = any(pair == (serving, serving) for pair in pairs_of[service.reference, serving, version])
        policy = merged(*stated_policies(use.service, use.serving.name, version)) if called_here else {}
        spec = local_subset(routes.federation.local_host_of(service, serving), version, labels, policy)
        name = names.subset_name(version, service.name_on(serving))
        manifest = Manifest.of(DESTINATION_RULE, serving, service.namespace_on(serving), name, spec)
        yield Planned(manifest, serves=tuple(pairs_of[service.reference, serving, version]))


def _policies_where_it_runs(routes: Routes) -> Iterator[Planned]:
    """What the user states for the destinations of a client cluster on that cluster itself."""
    for use in routes.uses:
        if use.crosses or not use.is_routed:
            continue
        namespace = use.service.namespace_on(use.serving.name)
        for version in sorted(version for version in {"", *use.versions} if not use.subset_behind(version)):
            if policy := merged(*stated_policies(use.service, use.serving.name, version)):
                spec = {"exportTo": ["*"], "host": use.host_behind(version), "trafficPolicy": policy}
                name = use.service_behind(version)
                manifest = Manifest.of(DESTINATION_RULE, use.serving.name, namespace, name, spec)
                yield Planned(manifest, serves=(use.pair,))


def federated_policy(use: Use, host: str) -> dict[str, Any]:
    """Mutual TLS with any pod of the service on the serving cluster, for whoever dials `host`."""
    return {"exportTo": ["*"], "host": host, "trafficPolicy": policy_across_clusters(use, "")}


def federated_subset(use: Use, host: str, version: str) -> dict[str, Any]:
    """Mutual TLS with one version of the service on the serving cluster.

    The subset has no labels: it selects every gateway endpoint; the server name selects the pods behind them.
    """
    policy = policy_across_clusters(use, version)
    return {"exportTo": ["*"], "host": host, "subsets": [{"name": version, "trafficPolicy": policy}]}
