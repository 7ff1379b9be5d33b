"""From resolved routes to the objects that each cluster needs: the whole translation in one call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from .. import cycle_collector
from ..addresses import Ledger, allocate
from ..manifest import MANAGED_BY, PART_OF, Late, Manifest
from ..routes import Routes
from .destination_rule import destination_rules
from .failover import failovers
from .gateway import gateways
from .planned import Planned
from .service import services
from .service_entry import service_entries
from .virtual_service import virtual_services


@dataclass(slots=True)
class Edge:
    """A client cluster's routes to one serving cluster (which may be itself).

    `needs` are the keys of what must be in place on both before `routes`, the keys of the client's VirtualServices,
    may lead there; and may only go once they no longer do.
    """

    client: str
    serving: str
    needs: set[str] = field(default_factory=set)
    routes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Plan:
    """All objects of a federation. Nothing in it depends on the order in which the spec states things."""

    manifests: dict[str, list[Manifest]]
    """Per cluster, sorted by key; a cluster that needs no object has an empty list."""
    edges: list[Edge]
    """Sorted by client, then serving cluster."""
    after: dict[str, tuple[str, ...]]
    """Key → keys of what must exist before it, beyond what edges say."""
    labels: dict[str, str]
    """What tells the federation's objects from all others."""
    staying: frozenset[str]
    """Keys of what stays on its cluster when it leaves the plan."""

    def __iter__(self) -> Iterator[Manifest]:
        return (manifest for manifests in self.manifests.values() for manifest in manifests)


def plan(routes: Routes, addresses: Mapping[str, Sequence[Late]], part_of: str) -> Plan:
    """Every object of every cluster, and what must be in place before what.

    `addresses` has, for each of `routes.federated_hosts`, an address of each network of the spec; `part_of` names the
    federation on its objects.
    Raises `UnknownError` where an object's name or number depends on a value that is encrypted.
    """
    makers = (
        partial(service_entries, addresses=addresses),
        partial(failovers, addresses=addresses),
        destination_rules,
        services,
        virtual_services,
        gateways,
    )
    with cycle_collector.paused():
        planned = _joined(item for maker in makers for item in maker(routes))
        labels = {**MANAGED_BY, PART_OF: part_of}
        manifests: dict[str, list[Manifest]] = {name: [] for name in sorted(routes.federation.clusters)}
        for _, item in sorted(planned.items()):
            item.manifest.object["metadata"]["labels"] = dict(labels)
            manifests[item.manifest.cluster].append(item.manifest)
        after = {key: item.after for key, item in planned.items() if item.after}
        staying = frozenset(key for key, item in planned.items() if item.stays)
        return Plan(manifests, _edges(planned), after, labels, staying)


def _joined(items: Iterable[Planned]) -> dict[str, Planned]:
    """By key; an object that two parts of the spec need is one."""
    planned: dict[str, Planned] = {}
    for item in items:
        key = item.manifest.key
        before = planned.get(key)
        assert before is None or before.manifest == item.manifest, f"{key} is two objects; checks.service refuses that"
        planned[key] = before.joined(item) if before else item
    return planned


def fresh(routes: Routes, part_of: str) -> Plan:
    """The plan as a new stack would have it. Raises `AllocationError` where a pool is too small."""
    return plan(routes, fresh_addresses(routes), part_of)


def fresh_addresses(routes: Routes) -> dict[str, list[str]]:
    """Federated host → an address of each network of the spec. Raises `AllocationError` where one is too small."""
    pool = routes.federation.addresses
    ledgers = [
        allocate(routes.federated_hosts, network, Ledger(), pins=pool.pins_in(network), taken=pool.taken)
        for network in pool.networks
    ]
    return {host: [ledger.addresses[host] for ledger in ledgers] for host in routes.federated_hosts}


def _edges(planned: Mapping[str, Planned]) -> list[Edge]:
    edges: dict[tuple[str, str], Edge] = {}
    for key, item in planned.items():
        for pair in item.leads:
            edges.setdefault(pair, Edge(*pair)).routes.add(key)
    for key, item in planned.items():
        for pair in item.serves:
            edges[pair].needs.add(key)
    return [edge for _, edge in sorted(edges.items())]
