"""What must be true between clusters."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from ..errors import Path, Problem
from ..spec.cluster import Cluster, Gateway, GatewayTarget, NamedGateway
from ..spec.federation import Federation
from ..unknown import Unknown, known
from ..wording import shown
from .saying import choices, each, stated_twice

Owner = tuple[str, str]
"""A cluster, and the name of a gateway of it."""


def clusters(federation: Federation) -> Iterator[Problem]:
    owner_of: dict[str, Owner] = {}
    for name, cluster in federation.clusters.items():
        yield from each(_gateways(name, cluster, federation, owner_of))


def _gateways(name: str, cluster: Cluster, federation: Federation, owner_of: dict[str, Owner]) -> Iterator[Problem]:
    path = ("clusters", name)
    named = cluster.gateways or {}
    yield from each(
        stated_twice((*path, "ipFamilies"), cluster.ip_families),
        gateway_stated_twice(path, cluster),
        missing_weight((*path, "gateways"), named),
        no_weight_above_zero((*path, "gateways"), named),
        *(gateways_of_the_same_pods(path, cluster, *pair) for pair in combinations(cluster.gateway_of, 2)),
        *(
            _gateway((*path, *cluster.path_of(one)), (name, one), gateway, federation, owner_of)
            for one, gateway in cluster.gateway_of.items()
        ),
    )


def gateway_stated_twice(path: Path, cluster: Cluster) -> Iterator[Problem]:
    if cluster.gateway is not None and cluster.gateways is not None:
        message = "'gateway' is stated beside 'gateways'; move it in there, under the name 'default'"
        yield Problem((*path, "gateway"), "gateway-stated-twice", message)


def missing_weight(path: Path, gateways: Mapping[str, NamedGateway]) -> Iterator[Problem]:
    without = [name for name, gateway in gateways.items() if gateway.weight is None]
    if len(without) < len(gateways):
        for name in without:
            message = "is missing; where one gateway has a weight, each needs one"
            yield Problem((*path, name, "weight"), "missing-weight", message)


def no_weight_above_zero(path: Path, gateways: Mapping[str, NamedGateway]) -> Iterator[Problem]:
    if gateways and all(gateway.weight == 0 for gateway in gateways.values()):
        yield Problem(path, "no-weight-above-zero", "the weights add up to 0; at least one must be more")


def gateways_of_the_same_pods(path: Path, cluster: Cluster, one: str, other: str) -> Iterator[Problem]:
    """Istio looks for the pods of a Gateway in every namespace, and takes a host once on each of their ports."""
    first, second = cluster.gateway_of[one], cluster.gateway_of[other]
    if first.listener_port != second.listener_port or not (first.manage or second.manage):
        return
    labels, others = first.selector.items(), second.selector.items()
    if labels <= others or others <= labels:
        message = (
            f"'selector' is {shown(second.selector)}, which selects pods of the gateway {one!r}, "
            "on the same listenerPort; tell the pods of the two apart by the value of a label"
        )
        yield Problem((*path, *cluster.path_of(other), "selector"), "gateways-of-the-same-pods", message)


def _gateway(
    path: Path, owner: Owner, gateway: Gateway, federation: Federation, owner_of: dict[str, Owner]
) -> Iterator[Problem]:
    # two that are late may yet differ
    texts = [_text_of(target) or object() for target in gateway.addresses]
    yield from each(
        stated_twice((*path, "addresses"), texts),
        shared_gateway((*path, "addresses"), owner, gateway, owner_of),
        unknown_client((*path, "addresses"), gateway, federation),
    )


def shared_gateway(path: Path, owner: Owner, gateway: Gateway, owner_of: dict[str, Owner]) -> Iterator[Problem]:
    """A server name leads through a gateway to the services of one cluster only."""
    for index, target in enumerate(gateway.addresses):
        if address := _text_of(target):
            place = f"{address}:{gateway.port}"
            if (other := owner_of.setdefault(place, owner)) != owner:
                whose = f"the gateway {other[1]!r}; each gateway" if other[0] == owner[0] else None
                message = f"{place!r} is also {whose or f'the gateway of {other[0]}; each cluster'} has its own"
                yield Problem((*path, index), "shared-gateway", message)


def _text_of(target: GatewayTarget | Unknown) -> str:
    """The address, as far as it is known."""
    return target.address if isinstance(target, GatewayTarget) and isinstance(target.address, str) else ""


def unknown_client(path: Path, gateway: Gateway, federation: Federation) -> Iterator[Problem]:
    """Of a gateway address that only some clusters can dial."""
    for index, target in known(gateway.addresses):
        for position, client in known(target.clients or ()):
            if client not in federation.clusters:
                message = f"no cluster {client!r}; the federation has {choices(federation.clusters)}"
                yield Problem((*path, index, "clients", position), "unknown-client", message)
