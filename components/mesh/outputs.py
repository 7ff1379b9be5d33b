"""What a stack tells about a federation: who answers whom, under which host, and which trust domains it takes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .plan import destinations, imports
from .spec import Destination, Federation, Rule


def traffic(federation: Federation) -> dict[str, dict[str, dict[str, str]]]:
    """Client cluster → service → destination → share of the calls, so that a diff of it is the meaning of a change.

    Shares of one service add up to 100.00 %. A rule that is narrowed to a port is listed as `<service>:<port>`.
    """
    table: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for rule in federation.traffic:
        shares = percentages([1 if d.weight is None else d.weight for d in destinations(rule)])
        for client in rule.clients.clusters:
            name = rule.service if rule.port is None else f"{rule.service}:{rule.port}"
            table[client][name] = {
                _described(destination, rule, client): share
                for destination, share in zip(destinations(rule), shares, strict=True)
            }
    return {client: dict(sorted(table[client].items())) for client in sorted(table)}


def percentages(weights: Sequence[int]) -> list[str]:
    """Each weight's share with two decimals; together exactly 100.00 %, each less than 0.01 off."""
    total = sum(weights)
    hundredths = [weight * 10_000 // total for weight in weights]
    remainders = [weight * 10_000 % total for weight in weights]
    largest_first = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in largest_first[: 10_000 - sum(hundredths)]:
        hundredths[index] += 1
    return [f"{share // 100}.{share % 100:02} %" for share in hundredths]


def _described(destination: Destination, rule: Rule, client: str) -> str:
    """`v3 on cluster2`, `v1 here (cluster1)`"""
    what = destination.version or "any version"
    if destination.service not in (None, rule.service):
        what = f"{destination.service} {what}"
    if destination.port is not None:
        what = f"{what}, port {destination.port},"
    return f"{what} here ({client})" if destination.cluster == client else f"{what} on {destination.cluster}"


def hosts(federation: Federation) -> dict[str, dict[str, str]]:
    """Service → serving cluster → federated host, for every host that some cluster knows."""
    table: dict[str, dict[str, str]] = defaultdict(dict)
    for _, service, serving in imports(federation):
        table[service.reference][serving] = federation.host_of(service, serving)
    return {service: dict(sorted(table[service].items())) for service in sorted(table)}


def trust(federation: Federation) -> dict[str, dict[str, Any]]:
    """Per serving cluster that foreign trust domains call: the fragment its mesh configuration needs.

    Not `trustDomainAliases`: those would widen every AuthorizationPolicy of that mesh.
    """
    callers: dict[str, set[str]] = defaultdict(set)
    for client, _, serving in imports(federation):
        foreign = federation.clusters[client].trust_domain
        if foreign != federation.clusters[serving].trust_domain:
            callers[serving].add(foreign)
    return {
        serving: {
            "caCertificates": [{"pem": "<the common root certificate>", "trustDomains": sorted(callers[serving])}]
        }
        for serving in sorted(callers)
    }
