"""The `trafficPolicy` of services, clusters and versions, held against Istio's schemas, its webhook and Envoy.

Each is judged alone, and so is what they become together for the calls of each client cluster.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..errors import Path, Problem
from ..istio import envoy, schema
from ..istio import rules as webhook
from ..istio.kinds import DESTINATION_RULE
from ..istio.releases import NEWEST, RELEASES
from ..policies import defaults, merged
from ..spec.rule import Destination, Mirror, Rule
from ..spec.service import Presence, Service
from ..spec.values import PROTOCOLS_OF
from ..unknown import Unknown, UnknownError, known
from .saying import References, each, istio_versions, not_retired

_KIND = DESTINATION_RULE.name
_PLACE = ("trafficPolicy",)
_OURS = {
    "portLevelSettings": "is ours; a policy holds for every port of the service",
    "tls": "is ours; calls between clusters are mutual TLS, always",
}
_LATER = ("field-of-a-later-release", "value-of-a-later-release")
_MADE_GOOD = ("empty", "missing-field")
"""Names of problems that another policy may mend by what it adds."""


class Landing(NamedTuple):
    """Where the policy of a version of a service lands; `""` is any version."""

    client: str
    serving: str
    version: str
    crosses: bool
    """Whether calls leave the client cluster, and the policy has our defaults."""


class _Level(NamedTuple):
    """A policy that the user states, and where it stands."""

    path: Path
    policy: Any


def landings(references: References) -> Mapping[str, set[Landing]]:
    """Service → where its policies land, as far as that is known."""
    places: dict[str, set[Landing]] = defaultdict(set)
    with suppress(UnknownError):
        for _, rule in known(references.federation.traffic):
            with suppress(UnknownError):
                for reference, landing in _by_rule(rule, references):
                    places[reference].add(landing)
    with suppress(UnknownError):
        for _, service in known(references.federation.services):
            with suppress(UnknownError):
                for landing in (*_by_imports(service, references), *_by_the_global_host(service, references)):
                    places[service.reference].add(landing)
    return places


def _by_rule(rule: Rule, references: References) -> Iterator[tuple[str, Landing]]:
    with suppress(UnknownError):
        clients = not_retired((client for _, client in known(rule.clients.clusters)), references.federation)
        for destination in _destinations(rule):
            with suppress(UnknownError):
                for client in clients:
                    for landing in _by_destination(client, destination, references):
                        yield destination.service or rule.service, landing
        for client in clients:
            if _leaves_calls(rule):
                yield rule.service, Landing(client, client, "", crosses=False)


def _leaves_calls(rule: Rule) -> bool:
    """Whether calls of the rule may go to the service on the client cluster because no entry takes them."""
    takes_all = rule.otherwise == "notFound" or any(not entry.match for _, entry in known(rule.http))
    return bool(rule.http) and not takes_all


def _destinations(rule: Rule) -> Iterator[Destination | Mirror]:
    for kind in PROTOCOLS_OF:
        with suppress(UnknownError):
            for _, entry in known(getattr(rule, kind)):
                with suppress(UnknownError):
                    yield from (destination for _, destination in known(entry.route))
                    yield from (mirror for _, mirror in known(getattr(entry, "mirrors", ())))


def _by_destination(client: str, destination: Destination | Mirror, references: References) -> Iterator[Landing]:
    substitutes = [] if isinstance(destination, Mirror) else destination.failover
    members = [one for one in (destination, *substitutes) if references.takes_calls(one.cluster)]
    if members:
        # all members have the policy of the first
        serving, crosses = members[0].cluster, len(members) > 1 or members[0].cluster != client
        for version in {"", members[0].version or ""}:
            yield Landing(client, serving, version, crosses)


def _by_imports(service: Service, references: References) -> Iterator[Landing]:
    for _, importer in known(service.imported_by):
        for client in not_retired([importer.cluster], references.federation):
            for serving in not_retired(service.clusters.keys() - {client}, references.federation):
                for version in ("", *importer.versions):
                    yield Landing(client, serving, version, crosses=True)


def _by_the_global_host(service: Service, references: References) -> Iterator[Landing]:
    if references.federation.global_hosts:
        serving = [name for name in service.clusters if references.takes_calls(name)]
        for client in not_retired(references.federation.clusters, references.federation):
            for name in [client] if client in serving else serving:
                yield Landing(client, name, "", crosses=True)


def policies(
    path: Path, service: Service, places: Mapping[str, set[Landing]], references: References
) -> Iterator[Problem]:
    """Of one service; `path` is where it stands, and `places` are the `landings` of all."""
    here: list[Landing] = []
    with suppress(UnknownError):
        here = [one for one in places.get(service.reference, ()) if _is_there(service.clusters.get(one.serving))]
    reported: set[Path] = set()
    yield from each(
        *(_alone(level, clients, reported, references) for level, clients in _levels(path, service, here)),
        _together(path, service, here, reported, references),
    )


def _is_there(presence: Presence | None) -> bool:
    """Whether a service runs on a cluster, and the part that says it can be read."""
    return presence is not None and not isinstance(presence, Unknown)


def _levels(path: Path, service: Service, places: Sequence[Landing]) -> Iterator[tuple[_Level, list[str]]]:
    """Each policy of a service, and the clusters where it lands."""
    if service.traffic_policy is not None:
        yield _Level((*path, "trafficPolicy"), service.traffic_policy), [landing.client for landing in places]
    for cluster, presence in service.clusters.items():
        if isinstance(presence, Unknown):
            continue
        there = [landing for landing in places if landing.serving == cluster]
        if presence.traffic_policy is not None:
            yield _of_cluster(path, cluster, presence), [landing.client for landing in there]
        if not isinstance(presence.version_policies, Unknown):
            for version in presence.version_policies:
                clients = [landing.client for landing in there if landing.version == version]
                yield _of_version(path, cluster, presence, version), clients


def _of_cluster(path: Path, cluster: str, presence: Presence) -> _Level:
    return _Level((*path, "clusters", cluster, "trafficPolicy"), presence.traffic_policy)


def _of_version(path: Path, cluster: str, presence: Presence, version: str) -> _Level:
    place = (*path, "clusters", cluster, "versionPolicies", version)
    return _Level(place, presence.version_policies.get(version))


def _alone(level: _Level, clients: Sequence[str], reported: set[Path], references: References) -> Iterator[Problem]:
    yield from each(
        field_of_ours(level.path, level.policy),
        policy_refused_by_istio(level, clients, reported, references),
        order_at_a_global_host(level.path, level.policy, references),
    )


def field_of_ours(path: Path, policy: Any) -> Iterator[Problem]:
    for field in policy if isinstance(policy, dict) else ():
        if field in _OURS:
            yield Problem((*path, field), "field-of-ours", f"{field!r} {_OURS[field]}")


def policy_refused_by_istio(
    level: _Level, clients: Sequence[str], reported: set[Path], references: References
) -> Iterator[Problem]:
    """`clients` are the clusters on which the policy lands. What others may add to it is not missed here."""
    own = _without_ours(level.policy)
    if own == {}:
        return
    for problem in _refused(own, clients, references):
        path = (*level.path, *problem.path)
        if problem.name not in _MADE_GOOD and path not in reported:
            reported.add(path)
            yield problem._replace(path=path)


def _without_ours(policy: Any) -> Any:
    if not isinstance(policy, dict):
        return policy
    return {field: value for field, value in policy.items() if field not in _OURS}


def _refused(policy: Any, clients: Iterable[str], references: References) -> Iterator[Problem]:
    """What the clusters on which a policy lands refuse; where it lands nowhere, what every later release refuses."""
    refused: set[Path] = set()
    for release, cluster in (_releases(clients, references) or {NEWEST: ""}).items():
        for problem in schema.problems(policy, _KIND, release, _PLACE):
            refused.add(problem.path)
            yield problem._replace(message=f"{problem.message}; {cluster}") if problem.name in _LATER else problem
    for problem in (*webhook.problems(policy, _KIND, _PLACE), *envoy.problems_of_a_policy(policy)):
        if problem.path not in refused:
            yield problem


def _releases(clients: Iterable[str], references: References) -> Mapping[str, str]:
    """Release → words on a cluster that may run it, the newest first."""
    clusters: dict[str, str] = {}
    for name, version in istio_versions(references.federation, dict.fromkeys(clients)).items():
        if version:
            clusters.setdefault(version, f"{name} runs {version}")
        else:
            for release in RELEASES:
                clusters.setdefault(release, f"state `istio.version` of {name} if it runs that or later")
    return dict(sorted(clusters.items(), key=lambda item: -RELEASES.index(item[0])))


def _together(
    path: Path, service: Service, places: Iterable[Landing], reported: set[Path], references: References
) -> Iterator[Problem]:
    """The problems of what policies become together, on the path of the narrowest that has a part in it."""
    clients_of: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for landing in sorted(places):
        clients_of[landing.serving, landing.version, landing.crosses].append(landing.client)
    judged: list[tuple[list[_Level], bool, list[str]]] = []
    for (serving, version, crosses), clients in clients_of.items():
        presence = service.clusters[serving]
        stated = [
            _Level((*path, "trafficPolicy"), service.traffic_policy),
            _of_cluster(path, serving, presence),
            _of_version(path, serving, presence, version),
        ]
        levels = [level for level in stated if level.policy and isinstance(level.policy, dict)]
        if levels and (levels, crosses, clients) not in judged:
            judged.append((levels, crosses, clients))
            own = [_without_ours(level.policy) for level in levels]
            whole = merged(*([defaults(own)] if crosses else []), *own)
            problems = [*_refused(whole, clients, references)] if whole else []
            across = (*hash_across_clusters((), whole), *passthrough_across_clusters((), whole)) if crosses else ()
            for problem in (*problems, *across):
                if (place := _narrowest(problem.path, levels)) not in reported:
                    reported.add(place)
                    yield problem._replace(path=place)


def _narrowest(path: Path, levels: Sequence[_Level]) -> Path:
    """The place of a path of the whole policy in the last of those that state the most of it."""
    return (*max(enumerate(levels), key=lambda item: (_depth(path, item[1].policy), item[0]))[1].path, *path)


def _depth(path: Path, part: Any) -> int:
    """How many steps of a path there are."""
    for depth, step in enumerate(path):
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            return depth
    return len(path)


def order_at_a_global_host(path: Path, policy: Any, references: References) -> Iterator[Problem]:
    """There, the nearest cluster comes first, and the order of its pods is the mesh's."""
    balancer = policy.get("loadBalancer") if isinstance(policy, dict) else None
    if isinstance(balancer, dict) and references.federation.global_hosts:
        for field in ("localityLbSetting", "zoneAwareLbSetting"):
            if balancer.get(field) is not None:
                message = f"{field!r} does not hold for calls to the global host; it has an order of its own"
                yield Problem((*path, "loadBalancer", field), "order-at-a-global-host", message, "warning")


def hash_across_clusters(path: Path, policy: Any) -> Iterator[Problem]:
    """For another cluster it chooses one of the gateway's addresses, and the gateway chooses the pod."""
    balancer = policy.get("loadBalancer") if isinstance(policy, dict) else None
    if isinstance(balancer, dict) and balancer.get("consistentHash") is not None:
        message = "'consistentHash' chooses a pod on the client cluster alone; elsewhere it chooses a gateway address"
        yield Problem((*path, "loadBalancer", "consistentHash"), "hash-across-clusters", message, "warning")


def passthrough_across_clusters(path: Path, policy: Any) -> Iterator[Problem]:
    """It leads a call to the address that the caller has asked for, and no pod has that of another cluster's host."""
    balancer = policy.get("loadBalancer") if isinstance(policy, dict) else None
    if isinstance(balancer, dict) and balancer.get("simple") == "PASSTHROUGH":
        message = "'PASSTHROUGH' ends no call at a pod of another cluster; write for example LEAST_REQUEST"
        yield Problem((*path, "loadBalancer", "simple"), "passthrough-across-clusters", message)
