"""ServiceEntry and DestinationRule: a host at which several clusters answer, one tier after the other.

A call never comes back the way it went: gateways send it to pods of their own cluster, and know nothing of the host.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import names
from ..istio.kinds import DESTINATION_RULE, SERVICE_ENTRY
from ..manifest import Late, Manifest
from ..routes import Failover, Routes, Use
from .crossing import policy_of_failover
from .endpoints import endpoints, resolution_of, virtual_ips_for
from .planned import Pair, Planned
from .ranking import Ranking, ranking
from .subset import local_subset


def failovers(routes: Routes, addresses: Mapping[str, Sequence[Late]]) -> Iterator[Planned]:
    """For each host a ServiceEntry with the gateways, another with the client cluster's own pods, and the policy."""
    for failover in routes.failovers:
        client, host, pairs = failover.client, failover.host, failover.pairs
        # a ServiceEntry selects pods of its own namespace, and two for one host are one only within a namespace
        namespace = failover.service.namespace_on(client.name) if failover.at_home else client.istio.namespace
        order = ranking(failover)
        own = virtual_ips_for(client, addresses[host], routes.federation)
        for name, spec in _service_entries(failover, own, order):
            manifest = Manifest.of(SERVICE_ENTRY, client.name, namespace, name, spec)
            # callers that dial the host are on their way as soon as it is there
            yield Planned(manifest, serves=pairs) if failover.is_routed else Planned(manifest, leads=pairs)
        policy = policy_of_failover(failover, order.setting)
        spec = {"exportTo": ["*"], "host": host, "trafficPolicy": policy}
        yield Planned(Manifest.of(DESTINATION_RULE, client.name, namespace, host, spec), serves=pairs)
    yield from _common_subsets(routes)


def _service_entries(
    failover: Failover, addresses: Sequence[Late], order: Ranking
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name → spec."""
    resolution = resolution_of([use for use, _ in failover.members if use.crosses])
    if gateways := list(_endpoints(failover, order)):
        yield failover.host, {**_service_entry(failover, addresses, resolution), "endpoints": gateways}
    if failover.at_home:
        whole = _service_entry(failover, addresses, resolution)
        ports = [{**port, "targetPort": _target_port(failover, port)} for port in whole["ports"]]
        labels = {"labels": _labels_at_home(*failover.at_home)}
        name = names.subset_name("pods", failover.host)
        yield name, {**whole, "ports": ports, "workloadSelector": labels}


def _service_entry(failover: Failover, addresses: Sequence[Late], resolution: Late) -> dict[str, Any]:
    ports = sorted(failover.service.ports, key=lambda port: port.number)
    return {
        "addresses": list(addresses),
        "exportTo": ["*"],
        "hosts": [failover.host],
        "location": "MESH_INTERNAL",
        "ports": [{"name": port.name, "number": port.number, "protocol": port.protocol} for port in ports],
        "resolution": resolution,
    }


def _endpoints(failover: Failover, order: Ranking) -> Iterator[dict[str, Any]]:
    """The addresses of the members' gateways, marked by their tier; where these really are plays no part."""
    for tier, marks in zip(failover.tiers, order.marks, strict=True):
        for endpoint in endpoints(use for use, _ in tier if use.crosses):
            own = {key: value for key, value in endpoint.items() if key != "locality"}
            yield {**own, **marks, "labels": {**endpoint["labels"], **marks.get("labels", {})}}


def _labels_at_home(use: Use, version: str) -> dict[str, str]:
    presence = use.service.clusters[use.serving.name]
    assert presence.selector is not None, f"{use.pair} has no selector; checks.failover.missing_selector refuses that"
    return dict(sorted({**presence.selector, **presence.labels_of(version)}.items()))


def _target_port(failover: Failover, port: Mapping[str, Any]) -> int:
    presence = failover.service.clusters[failover.client.name]
    return presence.target_ports.get(port["name"], failover.service.number_on(failover.client.name, port["number"]))


def _common_subsets(routes: Routes) -> Iterator[Planned]:
    """On each serving cluster, the version that it has in a failover, by the name that all its clusters have for it."""
    pairs_of: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    member_of: dict[tuple[str, str, str], tuple[Use, str]] = {}
    for failover in routes.failovers:
        if not failover.is_common:
            for use, version in failover.members:
                if use.crosses:
                    key = (failover.service.reference, use.serving.name, failover.subset)
                    member_of[key] = (use, version)
                    pairs_of[key].append(use.pair)
    for key, (use, version) in sorted(member_of.items(), key=lambda item: item[0]):
        service, (_, serving, subset) = use.service, key
        spec = local_subset(use.host_behind(version), subset, service.clusters[serving].labels_of(version))
        name = names.subset_name(subset, service.name_on(serving))
        manifest = Manifest.of(DESTINATION_RULE, serving, service.namespace_on(serving), name, spec)
        yield Planned(manifest, serves=tuple(pairs_of[key]))
