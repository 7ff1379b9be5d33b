"""Which filter chain of a listener takes a connection: Envoy's rules, for what istiod's chains ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """What a proxy can see of a connection before it chooses."""

    address: str
    port: int
    server_name: str = ""
    transport: str = "raw_buffer"
    """or `tls`"""
    protocols: tuple[str, ...] = ()
    """ALPN of TLS; of plain text what its first bytes look like: `http/1.1`, `h2c`."""


def chain_for(listener: Message, connection: Connection) -> Message | None:
    """The chain that takes the connection. None: it is closed.

    Envoy goes by one condition after the other, keeps the most specific chains of each, and never turns back.
    """
    chains: list[Message] = [*listener.get("filter_chains", ())]
    for specificity in _CONDITIONS:
        ranks = [specificity(chain.get("filter_chain_match", {}), connection) for chain in chains]
        best = max(ranks, default=_NO_MATCH)
        if best == _NO_MATCH:
            otherwise: Message | None = listener.get("default_filter_chain")
            return otherwise
        chains = [chain for chain, rank in zip(chains, ranks, strict=True) if rank == best]
    return chains[0]


def last_filter(chain: Message) -> Message:
    """The configuration of the filter that passes a chain's connections on."""
    configuration: Message = chain["filters"][-1]["typed_config"]
    return configuration


_NO_MATCH = -1


def _port(match: Message, connection: Connection) -> int:
    if "destination_port" not in match:
        return 0
    return 1 if match["destination_port"] == connection.port else _NO_MATCH


def _address(match: Message, connection: Connection) -> int:
    if "prefix_ranges" not in match:
        return 0
    networks = (ip_network(f"{part['address_prefix']}/{part.get('prefix_len', 0)}") for part in match["prefix_ranges"])
    address = ip_address(connection.address)
    return max((network.prefixlen + 1 for network in networks if address in network), default=_NO_MATCH)


def _server_name(match: Message, connection: Connection) -> int:
    if "server_names" not in match:
        return 0
    name = connection.server_name.lower()
    return max((_likeness(wanted, name) for wanted in match["server_names"]), default=_NO_MATCH)


def _likeness(wanted: str, name: str) -> int:
    """The name itself is closest, then the longest wildcard."""
    if wanted == name:
        return len(name) + 1
    return len(wanted) if wanted.startswith("*.") and name.endswith(wanted[1:]) else _NO_MATCH


def _transport(match: Message, connection: Connection) -> int:
    return _stated(match.get("transport_protocol"), {connection.transport: 1})


def _protocols(match: Message, connection: Connection) -> int:
    wanted = match.get("application_protocols")
    if not wanted:
        return 0
    return 1 if {*wanted} & {*connection.protocols} else _NO_MATCH


def _stated(wanted: str | None, ranks: Mapping[str, int]) -> int:
    return ranks.get(wanted, _NO_MATCH) if wanted else 0


_CONDITIONS: tuple[Callable[[Message, Connection], int], ...] = (_port, _address, _server_name, _transport, _protocols)
