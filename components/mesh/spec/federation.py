"""The whole spec."""

from collections.abc import Sequence
from ipaddress import IPv4Network, ip_address
from typing import Annotated, Any

from .. import names
from ..unknown import Unknown
from .cluster import Cluster
from .part import Part
from .rule import Rule
from .service import Service
from .values import AddressOrList, DnsLabel, DnsName, GlobalHostTemplate, HostTemplate, Network, NonEmpty, Seconds


class Addresses(Part):
    """Where virtual IPs come from."""

    pool: Network = IPv4Network("240.0.0.0/12")
    """The network in which virtual IPs lie."""
    pools: Annotated[list[Network], NonEmpty] | None = None
    """A network of each IP family, in place of `pool`: each federated host has an address in each of them."""
    pins: dict[DnsName, AddressOrList] = {}
    """Federated host → address, or a list with an address of each family, by hand."""
    taken: list[Network] = []
    """Networks that others use, such as another federation's pool."""

    @property
    def networks(self) -> list[Network]:
        """The networks in which each federated host has an address, IPv4 before IPv6."""
        return sorted([self.pool] if self.pools is None else self.pools, key=lambda network: network.version)

    def pins_in(self, network: Network) -> dict[str, str]:
        """Federated host → pinned address of the network's family."""
        pinned = ((host, address) for host, addresses in self.pins.items() for address in addresses)
        return {host: address for host, address in sorted(pinned) if ip_address(address).version == network.version}


class Federation(Part):
    """Clusters, the services that they offer each other, and who calls what."""

    clusters: Annotated[dict[DnsLabel, Cluster], NonEmpty]
    """The clusters, by name."""
    services: list[Service] = []
    """The services that clusters offer each other."""
    traffic: list[Rule] = []
    """The rules."""
    addresses: Addresses = Addresses()
    """Where virtual IPs come from."""
    hosts: HostTemplate = "{service}.{namespace}.svc.{cluster}.global"
    """The template of federated hosts."""
    global_hosts: GlobalHostTemplate | None = None
    """The template of one more host for each service, which means it on every cluster, wherever it runs."""
    settle_seconds: Seconds = 12
    """How long a change waits until every proxy knows of it, before the next step builds on it."""

    def model_post_init(self, _context: Any, /) -> None:
        """Clusters know their names, so that whoever has the one need not carry the other."""
        if not isinstance(self.clusters, Unknown):
            for name, cluster in self.clusters.items():
                if not isinstance(cluster, Unknown):
                    cluster.named(name)

    def host_of(self, service: Service, cluster: str) -> str:
        """The federated host of `service` on the serving cluster `cluster`."""
        return names.federated_host(self.hosts, service=service.name, namespace=service.namespace, cluster=cluster)

    def global_host_of(self, service: Service) -> str:
        """The host that means `service` on every cluster. The federation states `globalHosts`."""
        assert self.global_hosts is not None, "no template; every caller asks for one first"
        return names.federated_host(self.global_hosts, service=service.name, namespace=service.namespace, cluster="")

    def failover_host_of(self, service: Service, members: Sequence[tuple[str, str]]) -> str:
        """The federated host at which the first of several (cluster, version) that can answer does so."""
        return names.federated_host(
            self.hosts, service=service.name, namespace=service.namespace, cluster=names.failover_label(members)
        )

    def settle_seconds_of(self, client: str, serving: str) -> int:
        """How long a change between two clusters waits, until the slower one's proxies know of it."""
        own = (self.clusters[name].settle_seconds for name in (client, serving))
        return max(self.settle_seconds if seconds is None else seconds for seconds in own)

    def local_host_of(self, service: Service, cluster: str) -> str:
        """The name of `service` on `cluster` itself."""
        return service.host_behind(self.clusters[cluster], "")

    def own_hosts_of(self, service: Service, cluster: str) -> list[str]:
        """The names that every workload of a client cluster may use for `service`."""
        everywhere = [self.global_host_of(service)] if self.global_hosts else []
        return [self.local_host_of(service, cluster), *everywhere]
