"""What must be true of an entry's destinations and mirrors."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ..errors import Path, Problem, spelled
from ..istio.match import narrowed
from ..spec.rule import Destination, HttpEntry, Mirror, Rule, Substitute, TcpEntry, TlsEntry
from ..spec.service import Service
from ..spec.values import PROTOCOLS_OF
from ..unknown import UnknownError, is_known, known
from .crossing import MAX_TOTAL, Crossing, crossing, federated_host_of_the_client
from .failover import failover
from .saying import References, choices, each, is_retired
from .service import unknown_cluster

Entry = HttpEntry | TcpEntry | TlsEntry
_KINDS: dict[type, str] = {HttpEntry: "http", TcpEntry: "tcp", TlsEntry: "tls"}


def entries(path: Path, entries_of_kind: Sequence[Entry], rule: Rule, references: References) -> Iterator[Problem]:
    """`path` is where the rule's list of entries of a kind stands."""
    for index, entry in known(entries_of_kind):
        here = (*path, index)
        yield from each(_route((*here, "route"), entry, rule, references))
        if isinstance(entry, HttpEntry):
            yield from each(_mirrors((*here, "mirrors"), entry, rule, references))


def _mirrors(path: Path, entry: HttpEntry, rule: Rule, references: References) -> Iterator[Problem]:
    for position, mirror in known(entry.mirrors):
        here = (*path, position)
        yield from each(
            version_of_a_headless_service(here, mirror, rule, references),
            _target(here, entry, mirror, rule, references),
        )


def _route(path: Path, entry: Entry, rule: Rule, references: References) -> Iterator[Problem]:
    route = entry.route
    seen: set[tuple[object, ...]] = set()
    yield from each(
        missing_weight(path, route),
        no_weight_above_zero(path, route),
        weights_too_large(path, route),
        nobody_left(path, route, rule, references),
    )
    for index, destination in known(route):
        here = (*path, index)
        yield from each(
            destination_stated_twice(here, entry, destination, rule, references, seen=seen),
            version_of_a_headless_service(here, destination, rule, references),
            _target(here, entry, destination, rule, references),
            _substitutes((*here, "failover"), destination, rule, references),
            failover(here, destination, rule, references),
        )


def _substitutes(path: Path, destination: Destination, rule: Rule, references: References) -> Iterator[Problem]:
    for index, substitute in known(destination.failover):
        here = (*path, index)
        yield from each(
            unknown_cluster((*here, "cluster"), substitute.cluster, references),
            _where_it_runs(here, substitute, destination, rule, references),
        )


def any_version_includes_weight_0(references: References) -> Iterator[Problem]:
    """A version is kept from calls by weight 0, and still gets some where a destination states no version."""
    kept_from_calls: dict[tuple[str, str], list[tuple[Path, str]]] = defaultdict(list)
    for path, reference, destination in _destinations(references):
        if destination.weight == 0 and destination.version:
            kept_from_calls[reference, destination.cluster].append((path, destination.version))
    for path, reference, destination in _destinations(references):
        places = kept_from_calls.get((reference, destination.cluster), ())
        if places and not destination.version and destination.weight != 0:
            versions = choices(version for _, version in places)
            message = (
                f"any version of {reference} on {destination.cluster!r} includes {versions}, which has weight 0 at "
                f"{spelled(places[0][0])}; state a version"
            )
            yield Problem(path, "any-version-includes-weight-0", message, "warning")


def _destinations(references: References) -> Iterator[tuple[Path, str, Destination]]:
    """Those of routes that are right: where each stands, its service and itself."""
    for number, rule in known(references.federation.traffic):
        for kind in PROTOCOLS_OF:
            with suppress(UnknownError):
                for index, entry in known(getattr(rule, kind)):
                    if any(destination.weight != 0 for destination in entry.route):
                        for position, destination in known(entry.route):
                            path = ("traffic", number, kind, index, "route", position)
                            yield path, destination.service or rule.service, destination


def missing_weight(path: Path, route: Sequence[Destination]) -> Iterator[Problem]:
    for index, destination in known(route):
        if destination.weight is None and len(route) > 1:
            message = "is missing; of several destinations each needs a weight"
            yield Problem((*path, index, "weight"), "missing-weight", message)


def no_weight_above_zero(path: Path, route: Sequence[Destination]) -> Iterator[Problem]:
    if route and all(destination.weight == 0 for destination in route):
        yield Problem(path, "no-weight-above-zero", "the weights add up to 0; at least one must be more")


def weights_too_large(path: Path, route: Sequence[Destination]) -> Iterator[Problem]:
    """Envoy adds them up in 32 bits."""
    total = sum(destination.weight or 0 for destination in route)
    if total > MAX_TOTAL:
        message = f"the weights add up to {total}; Envoy takes at most {MAX_TOTAL}"
        yield Problem(path, "weights-too-large", message)


def nobody_left(path: Path, route: Sequence[Destination], rule: Rule, references: References) -> Iterator[Problem]:
    """The shares of clusters that are draining or retired go to the others."""
    clusters = references.federation.clusters
    if _is_called_by_nobody(rule, references):
        return
    states = {d.cluster: clusters[d.cluster].state for d in route if d.cluster in clusters}
    left = [d for d in route if states.get(d.cluster, "active") == "active"]
    left += [d for d in route if d not in left and any(references.takes_calls(one.cluster) for one in d.failover)]
    if not any(d.weight is None or d.weight for d in left) and set(states.values()) - {"active"}:
        words = ", ".join(f"{name!r} is {state}" for name, state in sorted(states.items()) if state != "active")
        yield Problem(path, "nobody-left", f"{words}, and no other destination has a share; add one")


def _is_called_by_nobody(rule: Rule, references: References) -> bool:
    """Whether all of its client clusters are known to be retired."""
    with suppress(UnknownError):
        return all(is_retired(client, references.federation) for client in rule.clients.clusters)
    return False


def version_of_a_headless_service(
    path: Path, destination: Destination | Mirror, rule: Rule, references: References
) -> Iterator[Problem]:
    """A caller's sidecar sends its calls to the pod that DNS named (istiod makes the cluster ORIGINAL_DST)."""
    service = references.service(destination.service or rule.service)
    if service and service.headless and destination.version and destination.cluster in rule.clients.clusters:
        message = (
            f"{destination.version!r} has no effect on {destination.cluster}, where callers of the headless "
            f"{service.reference} reach the pod that DNS names; leave the version out"
        )
        yield Problem((*path, "version"), "version-of-a-headless-service", message)


def destination_stated_twice(  # noqa: PLR0913 - what tells destinations apart
    path: Path,
    entry: Entry,
    destination: Destination,
    rule: Rule,
    references: References,
    *,
    seen: set[tuple[object, ...]],
) -> Iterator[Problem]:
    """A call keeps its port, so a rule that speaks for one port needs no destination to name it."""
    reference = destination.service or rule.service
    port = destination.port
    if port is None and reference == rule.service:
        # a port that cannot be read hides no destination that is stated twice in the same words
        with suppress(UnknownError):
            called = references.service(rule.service)
            ports = called.ports_for(_KINDS[type(entry)], rule.port) if called else []
            port = ports[0] if len(ports) == 1 and is_known(ports) else None
    identity = (destination.cluster, reference, destination.version, port)
    if identity in seen:
        words = f"{reference} {destination.version or 'any version'} on {destination.cluster}"
        yield Problem(path, "destination-stated-twice", f"{words!r} is stated twice; add the weights up")
    seen.add(identity)


def _target(
    path: Path, entry: Entry, destination: Destination | Mirror, rule: Rule, references: References
) -> Iterator[Problem]:
    yield from each(
        unknown_cluster((*path, "cluster"), destination.cluster, references),
        _unknown_service((*path, "service"), destination, references),
        _where_it_runs(path, destination, destination, rule, references),
        unknown_port(path, destination, rule, references),
        missing_port(path, entry, destination, rule, references),
    )


def unknown_service(path: Path, reference: str, references: References) -> Iterator[Problem]:
    if references.service(reference) is None:
        message = f"no service {reference!r}; the federation has {choices(references.services)}"
        yield Problem(path, "unknown-service", message)


def _unknown_service(path: Path, destination: Destination | Mirror, references: References) -> Iterator[Problem]:
    if destination.service:
        yield from unknown_service(path, destination.service, references)


def _where_it_runs(
    path: Path,
    destination: Destination | Mirror | Substitute,
    of: Destination | Mirror,
    rule: Rule,
    references: References,
) -> Iterator[Problem]:
    """`of` is the destination, or whose substitute it is: that one says which service is called."""
    cluster, target = destination.cluster, references.service(of.service or rule.service)
    if target is None or cluster not in references.federation.clusters:
        return
    if cluster not in target.clusters:
        yield from service_not_on_cluster((*path, "cluster"), cluster, target)
        return
    yield from each(unknown_version(path, destination, target))
    clusters = references.federation.clusters.keys() - {cluster}
    others = list(dict.fromkeys(client for _, client in known(rule.clients.clusters) if client in clusters))
    if others:
        call = Crossing(others, target, cluster, destination.version or "")
        yield from each(crossing((*path, "cluster"), call, references.federation))
    for client in others:
        yield from each(federated_host_of_the_client(target, client, cluster, references.federation))


def service_not_on_cluster(path: Path, cluster: str, target: Service) -> Iterator[Problem]:
    message = f"{target.reference} does not run on {cluster!r}; it runs on {choices(target.clusters)}"
    yield Problem(path, "service-not-on-cluster", message)


def unknown_version(path: Path, destination: Destination | Mirror | Substitute, target: Service) -> Iterator[Problem]:
    presence = target.clusters[destination.cluster]
    if destination.version and destination.version not in presence.all_versions:
        message = (
            f"{target.name} on {destination.cluster} has no version {destination.version!r}; "
            f"it has {choices(presence.all_versions)}"
        )
        yield Problem((*path, "version"), "unknown-version", message)


def unknown_port(
    path: Path, destination: Destination | Mirror, rule: Rule, references: References
) -> Iterator[Problem]:
    target = references.service(destination.service or rule.service)
    if target and destination.port is not None:
        numbers = [port.number for port in target.ports]
        if destination.port not in numbers:
            message = f"{target.reference} has no port {destination.port}; it has {choices(numbers)}"
            yield Problem((*path, "port"), "unknown-port", message)


def missing_port(
    path: Path, entry: Entry, destination: Destination | Mirror, rule: Rule, references: References
) -> Iterator[Problem]:
    """A call keeps its port, unless the destination states another."""
    service, target = references.service(rule.service), references.service(destination.service or rule.service)
    if destination.port is not None or service is None or target is None:
        return
    numbers = [port.number for port in target.ports]
    lacking = [port for port in service.ports_for(_KINDS[type(entry)], rule.port) if port not in numbers]
    if lacking := [port for port in lacking if _takes_calls_to(port, entry, rule)]:
        message = (
            f"is missing; callers use port {lacking[0]}, which {target.reference} does not have; "
            f"it has {choices(numbers)}"
        )
        yield Problem((*path, "port"), "missing-port", message)


def _takes_calls_to(port: int, entry: Entry, rule: Rule) -> bool:
    """Whether a match of the entry may hold there; at an ingress gateway, `port` of a match is the gateway's."""
    if not isinstance(entry.match, list) or not entry.match or set(rule.clients.gateways) != {"mesh"}:
        return True
    return any(not isinstance(match, dict) or narrowed(match, port, ("mesh",)) is not None for match in entry.match)
