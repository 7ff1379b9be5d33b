"""The `trafficPolicy` of services, clusters and versions, held against Istio's schemas and its webhook."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Path, Problem
from ..istio import rules as webhook
from ..istio import schema
from ..istio.kinds import DESTINATION_RULE
from ..istio.releases import RELEASES
from ..spec.service import Presence, Service
from ..unknown import Unknown
from .saying import References, each, istio_versions

_KIND = DESTINATION_RULE.name
_PLACE = ("trafficPolicy",)
_OURS = {
    "portLevelSettings": "is ours; a policy holds for every port of the service",
    "tls": "is ours; calls between clusters are mutual TLS, always",
}


def policies(path: Path, service: Service, references: References) -> Iterator[Problem]:
    """Of one service; `path` is where it stands."""
    yield from each(_policy((*path, "trafficPolicy"), service.traffic_policy, references))
    for cluster, presence in service.clusters.items():
        if not isinstance(presence, Unknown):
            yield from each(_of_a_cluster((*path, "clusters", cluster), presence, references))


def _of_a_cluster(path: Path, presence: Presence, references: References) -> Iterator[Problem]:
    yield from each(
        _policy((*path, "trafficPolicy"), presence.traffic_policy, references),
        *(
            _policy((*path, "versionPolicies", version), policy, references)
            for version, policy in presence.version_policies.items()
        ),
    )


def _policy(path: Path, policy: Any, references: References) -> Iterator[Problem]:
    if policy is not None:
        yield from each(
            field_of_ours(path, policy),
            policy_refused_by_istio(path, policy, references),
            hash_across_clusters(path, policy),
        )


def field_of_ours(path: Path, policy: Any) -> Iterator[Problem]:
    for field in policy if isinstance(policy, dict) else ():
        if field in _OURS:
            yield Problem((*path, field), "field-of-ours", f"{field!r} {_OURS[field]}")


def policy_refused_by_istio(path: Path, policy: Any, references: References) -> Iterator[Problem]:
    """The policy may land on any cluster: on those that call the service, and on those that run it."""
    own = (
        {field: value for field, value in policy.items() if field not in _OURS} if isinstance(policy, dict) else policy
    )
    reported: set[Path] = set()
    for release, cluster in _releases(references).items():
        for problem in schema.problems(own, _KIND, release, _PLACE, path):
            if problem.path not in reported:
                later = problem.name in ("field-of-a-later-release", "value-of-a-later-release")
                yield problem._replace(message=f"{problem.message}; {cluster}") if later else problem
            reported.add(problem.path)
    for problem in webhook.problems(own, _KIND, _PLACE, path):
        if problem.path not in reported:
            yield problem


def _releases(references: References) -> Mapping[str, str]:
    """Release → words on a cluster that may run it, the newest first."""
    clusters: dict[str, str] = {}
    for name, version in istio_versions(references.federation, references.federation.clusters).items():
        if version:
            clusters.setdefault(version, f"{name} runs {version}")
        else:
            for release in RELEASES:
                clusters.setdefault(release, f"state `istio.version` of {name} if it runs that or later")
    return dict(sorted(clusters.items(), key=lambda item: -RELEASES.index(item[0])))


def hash_across_clusters(path: Path, policy: Any) -> Iterator[Problem]:
    """For another cluster it chooses one of the gateway's addresses, and the gateway chooses the pod."""
    balancer = policy.get("loadBalancer") if isinstance(policy, dict) else None
    if isinstance(balancer, dict) and balancer.get("consistentHash") is not None:
        message = "'consistentHash' chooses a pod on the client cluster alone; elsewhere it chooses a gateway address"
        yield Problem((*path, "loadBalancer", "consistentHash"), "hash-across-clusters", message, "warning")
