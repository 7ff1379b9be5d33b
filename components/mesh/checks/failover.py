"""What must be true of clusters that stand in for each other: one server name, and one host, fit them all."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from .. import names
from ..errors import Path, Problem
from ..ip_addresses import is_ip_address
from ..policies import defaults, merged, stated_policies
from ..shares import spread_over
from ..spec.cluster import Cluster
from ..spec.federation import Federation
from ..spec.rule import Destination, Rule, Substitute
from ..spec.service import Service
from ..spec.values import PROTOCOLS_OF
from ..unknown import Unknown, UnknownError, as_far_as_known, as_late, known
from ..wording import joined
from .crossing import MAX_TOTAL, Crossing, crossing, longest_server_name
from .saying import References, each, is_retired

Members = Sequence[tuple[str, str]]
"""(cluster, version), in order; `""` is any version."""


def failover(path: Path, destination: Destination, rule: Rule, references: References) -> Iterator[Problem]:
    """`path` is where a destination stands that may have substitutes."""
    target = references.service(destination.service or rule.service)
    if target is None or not destination.failover:
        return
    for index, substitute in known(destination.failover):
        here = (*path, "failover", index)
        before: list[Destination | Substitute] = [destination, *(one for _, one in known(destination.failover[:index]))]
        yield from each(
            substitute_stated_twice(here, substitute, before),
            substitute_of_another_service(here, substitute, target),
            _server_name_of(here, substitute, destination, target, references),
        )
    yield from each(
        no_labels_at_home(path, destination, rule, target, references.federation),
        ranked_twice(path, destination, target),
        never_ejected(path, destination, target),
        unranked_names(path, destination, rule, target, references),
        failover_host_too_long(path, destination, target, references),
    )


def _server_name_of(
    path: Path, substitute: Substitute, destination: Destination, target: Service, references: References
) -> Iterator[Problem]:
    """A substitute needs the server name of the first member that is not retired."""
    if not is_retired(substitute.cluster, references.federation):
        members: list[Destination | Substitute] = [destination, *(one for _, one in known(destination.failover))]
        first = next(one for one in members if not is_retired(one.cluster, references.federation))
        own, other = ((one.cluster, one.version or "") for one in (substitute, first))
        yield from no_common_server_name((*path, "cluster"), own, other, target, references.federation)


def members_of(destination: Destination) -> Members:
    first = (destination.cluster, destination.version or "")
    return [first, *((one.cluster, one.version or "") for one in destination.failover)]


def substitute_stated_twice(
    path: Path, substitute: Substitute, before: Iterable[Destination | Substitute]
) -> Iterator[Problem]:
    """What a gateway gets says which cluster's turn it is by nothing but the server name, which is the same for all."""
    if substitute.cluster in [one.cluster for one in before if not isinstance(one.cluster, Unknown)]:
        message = f"{substitute.cluster!r} has its turn already; one server name leads to one version on each cluster"
        yield Problem((*path, "cluster"), "substitute-stated-twice", message)


def substitute_of_another_service(path: Path, substitute: Substitute, target: Service) -> Iterator[Problem]:
    if substitute.service and substitute.service != target.reference:
        message = (
            f"{substitute.service!r} is not the destination's service, {target.reference}; "
            "one server name leads to one service, so a substitute is of the same"
        )
        yield Problem((*path, "service"), "substitute-of-another-service", message)


def no_common_server_name(
    path: Path, member: tuple[str, str], first: tuple[str, str], service: Service, federation: Federation
) -> Iterator[Problem]:
    """The server name that a call asks for holds the Service's host and its port; members are (cluster, version)."""
    if {member[0], first[0]} <= federation.clusters.keys() & service.clusters.keys():
        one, other = (_name_there(*who, service, federation) for who in (first, member))
        if one != other:
            message = (
                f"{member[0]!r} has {other}, and {first[0]} has {one}; where clusters stand in for each other, one "
                "server name must fit all, so names, namespaces, domains and ports must be equal"
            )
            yield Problem(path, "no-common-server-name", message)


def _name_there(cluster: str, version: str, service: Service, federation: Federation) -> str:
    """`reviews.default.svc.cluster.local:9080`, with each port."""
    host = service.host_behind(federation.clusters[cluster], version)
    return f"{host}:{','.join(str(service.number_on(cluster, port.number)) for port in service.ports)}"


def no_labels_at_home(
    path: Path, destination: Destination, rule: Rule, target: Service, federation: Federation
) -> Iterator[Problem]:
    """The client cluster's own pods are selected by labels; of a version that is a Service we know none."""
    for cluster, version in members_of(destination):
        if is_retired(cluster, federation):
            continue
        presence = target.clusters.get(cluster)
        if cluster in rule.clients.clusters and presence and version in presence.version_services:
            message = (
                f"{version!r} is a Service of its own on {cluster}, whose callers this rule is for; "
                "there calls fail over between pods with labels, so state it under `subsets`"
            )
            yield Problem((*path, "failover"), "no-labels-at-home", message)


def ranked_twice(path: Path, destination: Destination, target: Service) -> Iterator[Problem]:
    """A policy of the destination's that ranks endpoints, too."""
    presence = target.clusters.get(destination.cluster)
    version = presence.version_policies.get(destination.version or "") if presence else None
    for policy in (target.traffic_policy, presence and presence.traffic_policy, version):
        balancer = policy.get("loadBalancer") if isinstance(policy, dict) else None
        for field in ("localityLbSetting", "zoneAwareLbSetting"):
            if isinstance(balancer, dict) and balancer.get(field) is not None:
                ranked = joined([one.cluster for one in destination.failover])
                message = (
                    f"`failover` ranks {ranked}, and so does {field!r} of the policy of {target.reference} on "
                    f"{destination.cluster}; state one of them"
                )
                yield Problem((*path, "failover"), "ranked-twice", message)


def never_ejected(path: Path, destination: Destination, target: Service) -> Iterator[Problem]:
    """A substitute answers once Envoy has ejected what is before it; without an error that counts, it never does."""
    if destination.cluster not in target.clusters:
        return  # which is told by itself
    stated = list(stated_policies(target, destination.cluster, destination.version or ""))
    outliers = as_late(merged(defaults(stated), *stated)["outlierDetection"])
    counts = ["consecutive5xxErrors", "consecutiveGatewayErrors"]
    if outliers.get("splitExternalLocalOriginErrors") is not False:
        counts.append("consecutiveLocalOriginFailures")
    if all(outliers.get(count) in (0, None) for count in counts):
        message = (
            f"{joined([one.cluster for one in destination.failover])} would never answer: no error of "
            f"{target.reference} on {destination.cluster} counts, by the policy's `outlierDetection`; state "
            "`consecutiveGatewayErrors`"
        )
        yield Problem((*path, "failover"), "never-ejected", message)


def unranked_names(
    path: Path, destination: Destination, rule: Rule, target: Service, references: References
) -> Iterator[Problem]:
    """Beside a client cluster's own pods, Istio ranks gateways with a DNS name by region alone (`plan.ranking`)."""
    federation = references.federation
    members = [cluster for cluster, _ in members_of(destination) if references.takes_calls(cluster)]
    for _, name in known(rule.clients.clusters):
        client = federation.clusters.get(name)
        if client is None or name not in members or not _dials_names(client, members, target, federation):
            continue
        most = len(names.FARTHER_REGIONS) if client.locality else 1
        if members[0] != name or len(members) - 1 > most:
            order = f"{name} itself and then one substitute, or two if its `locality` is stated"
            message = f"{joined(members)} are not an order for {name!r}, where a gateway may have a DNS name; {order}"
            yield Problem((*path, "failover"), "unranked-names", message)


def _dials_names(client: Cluster, members: Sequence[str], target: Service, federation: Federation) -> bool:
    """Whether it dials what may be a DNS name: an output, too, but of what is encrypted nobody says so."""
    return any(
        not isinstance(address, Unknown) and not is_ip_address(address)
        for name in members
        if name in federation.clusters and name in target.clusters and name != client.name
        for gateway in target.gateways_on(federation.clusters[name]).values()
        for _, address in gateway.addresses_for(client)
    )


def failover_host_too_long(
    path: Path, destination: Destination, service: Service, references: References
) -> Iterator[Problem]:
    federation = references.federation
    members = [member for member in members_of(destination) if references.takes_calls(member[0])]
    if len(members) < 2:
        return  # the destination's own host
    host = federation.failover_host_of(service, members)
    name = names.subset_name("pods", host)
    if not names.HOST.fullmatch(host) or len(name) > names.MAX_HOST:
        message = (
            f"{host!r}, the host of all of them, needs an object {name!r} of {len(name)} characters, of labels of at "
            f"most 63; the name of an object has at most {names.MAX_HOST}"
        )
        yield Problem((*path, "failover"), "failover-host-too-long", message)
    there = [(cluster, version) for cluster, version in members if cluster in service.clusters]
    subsets = {"" if version in service.clusters[cluster].version_services else version for cluster, version in there}
    alias = names.failover_label(members) if len(subsets) > 1 else None
    server_name = max(
        (longest_server_name(service, cluster, version, alias, federation) for cluster, version in there),
        key=len,
        default="",
    )
    if len(server_name) > names.MAX_SNI:
        message = f"the server name {server_name!r} has {len(server_name)} bytes; Envoy takes at most {names.MAX_SNI}"
        yield Problem((*path, "failover"), "failover-host-too-long", message)


def missing_selector(references: References) -> Iterator[Problem]:
    """Where a client cluster's own pods and other clusters stand in for each other, we select the pods."""
    by_rules = _callers_at_home(references)
    clusters = references.federation.clusters
    everywhere = {
        name
        for name, cluster in clusters.items()
        if references.federation.global_hosts and not isinstance(cluster, Unknown) and cluster.state != "retired"
    }
    for index, service in known(references.federation.services):
        yield from as_far_as_known(_missing_selectors(("services", index), service, by_rules, everywhere))


def _missing_selectors(
    path: Path, service: Service, by_rules: Mapping[tuple[str, str], str], everywhere: Collection[str]
) -> Iterator[Problem]:
    for cluster, presence in service.clusters.items():
        by_rule = by_rules.get((service.reference, cluster))
        reason = by_rule or ("`globalHosts`" if cluster in everywhere else "")
        if reason and not isinstance(presence, Unknown) and presence.selector is None:
            message = (
                f"is missing; calls from {cluster!r} go to its own pods or elsewhere, by {reason}, "
                "so state the selector of the Service there"
            )
            yield Problem((*path, "clusters", cluster, "selector"), "missing-selector", message)


def _callers_at_home(references: References) -> Mapping[tuple[str, str], str]:
    """(service, client cluster that may answer its own calls itself) → by which rule."""
    needed: dict[tuple[str, str], str] = {}
    for number, rule in known(references.federation.traffic):
        with suppress(UnknownError):
            for destination in _with_substitutes(rule):
                for cluster, _ in members_of(destination):
                    if cluster in rule.clients.clusters and not is_retired(cluster, references.federation):
                        key = (destination.service or rule.service, cluster)
                        needed.setdefault(key, f"`failover` in traffic[{number}]")
    return needed


def _with_substitutes(rule: Rule) -> Iterable[Destination]:
    for kind in PROTOCOLS_OF:
        for _, entry in known(getattr(rule, kind)):
            for _, destination in known(entry.route):
                if destination.failover:
                    yield destination


def global_hosts(references: References) -> Iterator[Problem]:
    """One name for each service on every cluster."""
    if references.federation.global_hosts:
        for index, service in known(references.federation.services):
            yield from each(
                global_host_is_taken(service, references),
                _everywhere(("services", index), service, references),
            )


def global_host_is_taken(service: Service, references: References) -> Iterator[Problem]:
    federation = references.federation
    host = federation.global_host_of(service)
    gives = f"{federation.global_hosts!r} gives {host!r}"
    if host.endswith(".local"):
        message = f"{gives}, which ends in .local; gateways that admit *.local would expose it"
        yield Problem(("globalHosts",), "global-host-is-taken", message)
        return
    for name, cluster in federation.clusters.items():
        if not isinstance(cluster, Unknown) and host.endswith(f".svc.{cluster.domain}"):
            message = f"{gives}, a name of {name}'s own Services (domain {cluster.domain!r}); choose another"
            yield Problem(("globalHosts",), "global-host-is-taken", message)
    for other in references.services.values():
        for name in other.clusters:
            if host == federation.host_of(other, name):
                message = f"{gives}, which means {other.reference} on {name}, by `hosts`; choose another"
                yield Problem(("globalHosts",), "global-host-is-taken", message)


def _everywhere(path: Path, service: Service, references: References) -> Iterator[Problem]:
    clusters = references.federation.clusters
    serving = [name for name in service.clusters if name in clusters and clusters[name].state != "retired"]
    clients = [name for name, cluster in clusters.items() if cluster.state != "retired"]
    for name in serving[:1]:
        yield from each(number_at_a_global_host((*path, "clusters", name, "ports"), name, service, references))
    for client in clients:
        yield from each(weights_too_large_together(path, serving, service, clusters[client], references.federation))
    for name in serving:
        here = (*path, "clusters", name)
        if callers := [client for client in clients if client != name]:
            yield from each(
                crossing(here, Crossing(callers, service, name, ""), references.federation),
                no_common_server_name(here, (name, ""), (serving[0], ""), service, references.federation),
            )


def weights_too_large_together(
    path: Path, serving: Sequence[str], service: Service, client: Cluster, federation: Federation
) -> Iterator[Problem]:
    """Envoy adds up the weights of all addresses of the host, in 32 bits."""
    clusters = [
        [gateway.group for gateway in service.gateways_dialled(federation.clusters[name], client)]
        for name in serving
        if name != client.name
    ]
    groups = [group for groups in clusters for group in groups]
    weights = spread_over([groups for groups in clusters if groups])
    total = sum(weight * size for weight, (_, size) in zip(weights, groups, strict=True))
    if total > MAX_TOTAL:
        message = (
            f"spread over the addresses of {joined(serving)} that {client.name} dials, the weights of gateways add up "
            f"to {total}; Envoy takes at most {MAX_TOTAL}"
        )
        yield Problem(path, "weights-too-large-together", message)


def number_at_a_global_host(path: Path, serving: str, service: Service, references: References) -> Iterator[Problem]:
    """A rule has the numbers of the client cluster, and the global host those of the service."""
    for port in service.ports:
        number = service.number_on(serving, port.number)
        if number != port.number:
            host = references.federation.global_host_of(service)
            message = f"{number} is not {port.number}, which {port.name!r} has at {host!r}; state one number for both"
            yield Problem((*path, port.name), "number-at-a-global-host", message)
