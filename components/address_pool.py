"""The engine's half of address allocation: Pulumi's state remembers what `allocate` decided."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from .mesh.addresses import AllocationError, Ledger, allocate

if TYPE_CHECKING:  # the plugin process that unpickles the provider needs no spec, which takes 0.1 s to import
    from .mesh.spec.federation import Addresses

_REMEMBERED = ("addresses", "freed", "resting")
_IPV6 = "ipv6"
"""Where the second pool stands: that of IPv6, beside that of IPv4."""


class AddressPoolProvider(dynamic.ResourceProvider):
    """Adds `addresses` to the inputs, so that the very first preview knows them.

    State refers to this class by its import path: never move or rename it.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """The engine hands over the previous update's inputs; on failure nothing has been touched.

        A pool goes on from the one of its family, wherever that stood before.
        """
        held = {ip_network(pool["pool"]).version: pool for pool in (_olds, _olds.get(_IPV6)) if pool}
        try:
            checked = {**news, **_allocated(news, news, held)}
            if second := news.get(_IPV6):
                checked[_IPV6] = {**second, **_allocated(second, news, held)}
        except AllocationError as error:
            return dynamic.CheckResult(news, [dynamic.CheckFailure("addresses", str(error))])
        return dynamic.CheckResult(checked, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """That an address has rested is remembered, but it is no change that anybody need look at."""
        if _shown(_olds) == _shown(_news):
            return dynamic.DiffResult(changes=False)
        return dynamic.DiffResult()  # the engine's own comparison reads well: one line per host

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["pool"], dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(dict(_news))


def _allocated(pool: Mapping[str, Any], news: Mapping[str, Any], held: Mapping[Any, Mapping[str, Any]]) -> Any:
    """What a pool remembers from now on."""
    network = ip_network(pool["pool"])
    before = held.get(network.version, {})
    ledger = allocate(
        news["hosts"],
        network,
        Ledger(before.get("addresses") or {}, tuple(before.get("freed") or ()), tuple(before.get("resting") or ())),
        pins=pool["pins"],
        taken=[ip_network(taken) for taken in news["taken"]],
    )
    return {"addresses": ledger.addresses, "freed": list(ledger.freed), "resting": list(ledger.resting)}


def _shown(pool: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in pool.items() if key != "resting"}
    return {**own, _IPV6: _shown(pool[_IPV6])} if pool.get(_IPV6) else own


class AddressPool(dynamic.Resource, module="mesh", name="AddressPool"):
    """One virtual IP per federated host and pool, kept for as long as the host stays."""

    addresses: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, hosts: Sequence[str], pool: "Addresses", opts: pulumi.ResourceOptions | None = None
    ) -> None:
        first, *second = ({"pool": str(network), "pins": pool.pins_in(network)} for network in pool.networks)
        props = {
            "hosts": sorted(hosts),
            **first,
            "taken": sorted(map(str, pool.taken)),
            **dict.fromkeys(_REMEMBERED),
            **dict(zip([_IPV6], second, strict=False)),
        }
        super().__init__(AddressPoolProvider(), name, props, opts)
        of_second = [getattr(self, _IPV6).apply(_addresses_of) for _ in second]
        # once: `all` makes an output of every address in it
        self._pools = [pulumi.Output.all(self.urn, addresses) for addresses in (self.addresses, *of_second)]

    def addresses_of(self, host: str) -> list[pulumi.Output[str]]:
        """The virtual IPs of one of the hosts, one of each pool; IPv4 before IPv6."""
        return [pool.apply(lambda urn_and_addresses: _look_up(host, *urn_and_addresses)) for pool in self._pools]

    @property
    def by_host(self) -> pulumi.Output[dict[str, Any]]:
        """Host → virtual IP; with two pools, a list with one of each."""
        if len(self._pools) == 1:
            return self.addresses
        return pulumi.Output.all(*self._pools).apply(lambda pools: _together([addresses for _, addresses in pools]))


def _addresses_of(second: Mapping[str, Any] | None) -> dict[str, str]:
    """None where the second pool is new, and the resource is not a target."""
    return (second or {}).get("addresses") or {}


def _together(pools: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    return {host: [addresses[host] for addresses in pools if host in addresses] for host in sorted(pools[0])}


def _look_up(host: str, urn: str, addresses: Mapping[str, str]) -> str:
    if host not in addresses:
        raise pulumi.RunError(f"{host} has no address yet, and the pool is not a target: add --target '{urn}'")
    return addresses[host]
