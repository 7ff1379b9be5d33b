"""Virtual IPs for federated hosts: a pure function from what was to what is."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from .errors import MeshError

Network = IPv4Network | IPv6Network


class AllocationError(MeshError):
    """`host` cannot be given an address of `pool`; says why, and what to do."""

    def __init__(self, host: str, pool: Network, message: str) -> None:
        super().__init__(message)
        self.host = host
        self.pool = pool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who holds which address, and who gave one up.

    `freed` lists addresses nobody holds any more, the one given up longest ago first. Those in `resting` were freed by
    the latest update: if it failed half-way, the objects that carry them may still be alive.
    """

    addresses: Mapping[str, str] = field(default_factory=dict)
    freed: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()


def allocate(
    hosts: Collection[str],
    pool: Network,
    held: Ledger,
    *,
    pins: Mapping[str, str] | None = None,
    taken: Iterable[Network] = (),
) -> Ledger:
    """Give each host an address of `pool`, moving none that already holds one.

    No two hosts share an address; none is handed out again in the update that frees it, nor in the next; later only
    when no address is left that was never used, and then the one freed longest ago. A new host starts at the slot that
    its name hashes to, so that with an empty `held` (a lost state) nearly every host gets the same address again.

    Raises `AllocationError` if the pool is exhausted, or a pin is outside it, taken, stated twice, held by another host
    or freed a moment ago.
    """
    wanted = set(hosts)
    space = _Space(pool, taken)
    pinned = {host: address for host, address in (pins or {}).items() if host in wanted}
    kept = {
        host: address
        for host, address in held.addresses.items()
        if host in wanted and pinned.get(host, address) == address and space.contains(address)
    }
    leaving = sorted(set(held.addresses.values()) - set(kept.values()), key=ip_address)
    blocked = {*leaving, *held.resting}
    _check_pins(pinned, kept, blocked, space)
    kept |= pinned
    in_use = set(kept.values())
    freed = [address for address in (*held.freed, *leaving) if address not in in_use and space.contains(address)]
    space.occupy(kept.values())
    space.occupy(freed)
    space.occupy(blocked)
    reusable = iter([address for address in freed if address not in blocked])
    for host in sorted(wanted - kept.keys()):
        address = space.next_unused(host) or next(reusable, None)
        if address is None:
            raise AllocationError(host, pool, _exhausted(host, pool, blocked))
        kept[host] = address
    in_use = set(kept.values())
    return Ledger(
        dict(sorted(kept.items())), tuple(address for address in freed if address not in in_use), tuple(leaving)
    )


def is_usable(address: str, pool: Network) -> bool:
    """Whether a host may get `address`: it lies in the pool, and is neither its first nor its last."""
    return _Space(pool, ()).contains(address)


class _Space:
    """The pool as numbers: making address objects for every step would cost ten times as much."""

    def __init__(self, pool: Network, taken: Iterable[Network]) -> None:
        self.pool = pool
        self.make: type[IPv4Address | IPv6Address] = IPv4Address if pool.version == 4 else IPv6Address
        self.first = int(pool.network_address) + 1
        self.size = max(pool.num_addresses - 2, 0)  # neither the network nor the broadcast address
        self.taken = sorted(
            (int(net.network_address), int(net.broadcast_address)) for net in taken if net.version == pool.version
        )
        self.occupied: set[int] = set()
        self.full = False
        self.number_of: dict[str, int] = {}
        """Address text → number. Parsing an address twice would take half of an allocation's time."""

    def contains(self, address: str) -> bool:
        parsed = ip_address(address)
        number = self.number_of[address] = int(parsed)
        return (
            parsed.version == self.pool.version
            and self.first <= number < self.first + self.size
            and self._past_taken(number) == number
        )

    def occupy(self, addresses: Iterable[str]) -> None:
        self.occupied.update(self.number_of.get(address) or int(ip_address(address)) for address in addresses)

    def next_unused(self, host: str) -> str | None:
        """The first address that nobody uses or ever used, from the slot that the host's name hashes to."""
        if self.full:
            return None
        for number in self._probe(host):
            if number not in self.occupied:
                self.occupied.add(number)
                return str(self.make(number))
        self.full = True
        return None

    def _probe(self, host: str) -> Iterator[int]:
        """Every address that is not taken, once."""
        if not self.size:
            return
        digest = int.from_bytes(blake2b(host.encode(), digest_size=_DIGEST_BYTES).digest())
        start = self.first + digest % self.size
        for begin, end in ((start, self.first + self.size), (self.first, start)):
            number = self._past_taken(begin)
            while number < end:
                yield number
                number = self._past_taken(number + 1)

    def _past_taken(self, number: int) -> int:
        for low, high in self.taken:
            if low <= number <= high:
                number = high + 1
        return number


_DIGEST_BYTES = 8
"""64 bits reach every address of a /64. Another size would move the hosts of a stack that has lost its state."""


def _check_pins(pinned: Mapping[str, str], kept: Mapping[str, str], blocked: Collection[str], space: _Space) -> None:
    holder = {address: host for host, address in kept.items()}
    for host, address in sorted(pinned.items()):
        if not space.contains(address):
            raise AllocationError(
                host,
                space.pool,
                f"{address}, pinned to {host}, is outside the pool {space.pool} or taken; pin another address",
            )
        if (other := holder.setdefault(address, host)) != host:
            raise AllocationError(
                host,
                space.pool,
                f"{address}, pinned to {host}, is held by {other}; pin a free address, or move {other} first",
            )
        if address in blocked:
            raise AllocationError(
                host,
                space.pool,
                f"{address}, pinned to {host}, was given up a moment ago and may still be in use; "
                "take the pin out, update, and put it back",
            )


def _exhausted(host: str, pool: Network, blocked: Collection[str]) -> str:
    later = (
        f"; {len(blocked)} given up by this update or the last can be used in the second after it" if blocked else ""
    )
    return f"no free address in {pool} for {host}: widen the pool{later}"
