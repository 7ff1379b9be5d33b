"""What istiod sends to one proxy, read in Istio's terms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from tests.oracle.listeners import Connection, chain_for, last_filter
from tests.oracle.routes import Route, read_route

Message = dict[str, Any]
"""An Envoy message as JSON, with the field names of its protobuf."""


class UnknownNameError(LookupError):
    """A caller looks up a name that nobody answers for."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What a proxy says, and asks for, when it opens a connection by mutual TLS."""

    sni: str
    identities: frozenset[str]
    """Subject alternative names, one of which the other side must have; none: whoever has a certificate of the mesh."""
    protocols: frozenset[str]
    """ALPN"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where connections of a cluster may lead to."""

    address: str
    port: int
    priority: int
    weight: int
    tls: Tls | None
    """None: plain text."""
    is_ready: bool = True
    """Whether Kubernetes says so; istiod may tell Envoy of the others, too, which then calls none of them."""


@dataclass(frozen=True)
class Configuration:
    """All that one proxy holds."""

    domain: str
    listeners: Mapping[str, Message]
    tables: Mapping[str, Message]
    """Route tables."""
    clusters: Mapping[str, Message]
    loads: Mapping[str, Message]
    """The endpoints of clusters that learn them from istiod."""
    names: Mapping[str, Message]
    """Host → its addresses."""
    versions: tuple[int, ...] = (4,)
    """The IP versions that its workload can dial."""

    @classmethod
    def read(cls, sent: Mapping[str, Any], domain: str, versions: tuple[int, ...]) -> "Configuration":
        return cls(
            domain,
            {message["name"]: message for message in sent["listeners"] or ()},
            {message["name"]: message for message in sent["routes"] or ()},
            {message["name"]: message for message in sent["clusters"] or ()},
            {message["cluster_name"]: message for message in sent["endpoints"] or ()},
            sent["names"].get("table", {}),
            versions,
        )

    def address_of(self, host: str, namespace: str) -> str:
        """What DNS answers a workload of that namespace for a host; an address is itself.

        Raises `UnknownNameError`.
        """
        try:
            return str(ip_address(host))
        except ValueError:
            pass
        suffixes = (f".{namespace}.svc.{self.domain}", f".svc.{self.domain}", f".{self.domain}", "")
        for suffix in [""] if host.endswith(".") else suffixes:
            entry = self.names.get(f"{host.rstrip('.')}{suffix}".lower(), {"ips": []})
            for version in self.versions:
                for address in entry["ips"]:
                    if ip_address(address).version == version:
                        return str(address)
        raise UnknownNameError(f"{host!r} has no address for callers in {namespace!r}")

    def chain_at(self, connection: Connection) -> Message | None:
        """The filter chain that takes an outgoing connection; None: it is closed."""
        for listener in self._outbound(connection):
            return chain_for(listener, connection)
        return None

    def chain_of_gateway(self, port: int) -> Message | None:
        """The filter chain that takes plain connections to a port of an ingress gateway; None: nobody listens."""
        listener = self.listeners.get(f"0.0.0.0_{port}")
        return chain_for(listener, Connection("0.0.0.0", port, protocols=("http/1.1",))) if listener else None

    def table_at(self, address: str, port: int) -> Message | None:
        """The route table for HTTP requests to an address and port; None if these are not routed as HTTP."""
        chain = self.chain_at(Connection(address, port, protocols=("http/1.1",)))
        rds = last_filter(chain).get("rds") if chain else None
        return self.tables[rds["route_config_name"]] if rds else None

    def routes(self, host: str, port: int, namespace: str = "default") -> list[Route]:
        """The routes of requests to a host and port, in order."""
        table = self.table_at(self.address_of(host, namespace), port)
        if table is None:
            return []
        by_domain = {
            domain: virtual_host for virtual_host in table["virtual_hosts"] for domain in virtual_host["domains"]
        }
        virtual_host = by_domain.get(host) or by_domain.get("*") or {}
        return [read_route(route) for route in virtual_host.get("routes", ())]

    def endpoints(self, cluster: str) -> tuple[Endpoint, ...]:
        """Of a cluster that there is. Those of one whose names are resolved have names for addresses."""
        message = self.clusters[cluster]
        load = self.loads.get(cluster) or message.get("load_assignment", {})
        return tuple(
            Endpoint(
                socket["address"],
                socket.get("port_value", 0),
                locality.get("priority", 0),
                endpoint.get("load_balancing_weight", 1),
                _tls(message, endpoint),
                is_ready=endpoint.get("health_status") != "UNHEALTHY",
            )
            for locality in load.get("endpoints", ())
            for endpoint in locality.get("lb_endpoints", ())
            for socket in [endpoint["endpoint"]["address"]["socket_address"]]
        )

    def gateway_chains(self, port: int) -> dict[str, str]:
        """Server name → the cluster that its connections go to, of a gateway that passes TLS through."""
        return {
            name: last_filter(chain)["cluster"]
            for chain in self.listeners.get(f"0.0.0.0_{port}", {}).get("filter_chains", ())
            for name in chain.get("filter_chain_match", {}).get("server_names", ())
        }

    def _outbound(self, connection: Connection) -> Iterator[Message]:
        """The listeners for a connection, the closest first; the last is for what has none of its own."""
        for address in (connection.address, "0.0.0.0", "::"):
            if listener := self._by_socket.get((address, connection.port)):
                yield listener
        yield self.listeners["virtualOutbound"]

    @cached_property
    def _by_socket(self) -> dict[tuple[str, int], Message]:
        return {
            (socket["address"], socket["port_value"]): listener
            for listener in self.listeners.values()
            if not listener["name"].startswith("virtual")
            for socket in [listener["address"]["socket_address"]]
        }


def _tls(cluster: Message, endpoint: Message) -> Tls | None:
    """How a connection to an endpoint is secured: as the cluster says, or as it says for endpoints of this kind."""
    socket = cluster.get("transport_socket")
    kind = endpoint.get("metadata", {}).get("filter_metadata", {}).get("envoy.transport_socket_match", {})
    for match in cluster.get("transport_socket_matches", ()):
        if match.get("match", {}).items() <= kind.items():
            socket = match["transport_socket"]
            break
    if not socket or "tls" not in socket["name"]:
        return None
    context = socket["typed_config"]
    common = context["common_tls_context"]
    return Tls(
        context.get("sni", ""),
        frozenset(_identities(common)),
        frozenset(common.get("alpn_protocols", ())),
    )


def _identities(common: Message) -> Sequence[str]:
    validation = common.get("combined_validation_context", {}).get("default_validation_context", {})
    names = validation.get("match_subject_alt_names") or [
        typed["matcher"] for typed in validation.get("match_typed_subject_alt_names", ())
    ]
    return [name["exact"] for name in names]
