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


class AddressPoolProvider(dynamic.ResourceProvider):
    """Adds `addresses` to the inputs, so that the very first preview knows them.

    State refers to this class by its import path: never move or rename it.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """The engine hands over the previous update's inputs; on failure nothing has been touched."""
        held = Ledger(_olds.get("addresses") or {}, tuple(_olds.get("freed", ())), tuple(_olds.get("resting", ())))
        try:
            ledger = allocate(
                news["hosts"],
                ip_network(news["pool"]),
                held,
                pins=news["pins"],
                taken=[ip_network(network) for network in news["taken"]],
            )
        except AllocationError as error:
            return dynamic.CheckResult(news, [dynamic.CheckFailure("addresses", str(error))])
        remembered = {
            "addresses": ledger.addresses,
            "freed": list(ledger.freed),
            "resting": list(ledger.resting),
        }
        return dynamic.CheckResult({**news, **remembered}, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """That an address has rested is remembered, but it is no change that anybody need look at."""
        shown = [key for key in {**_olds, **_news} if key != "resting"]
        if all(_olds.get(key) == _news.get(key) for key in shown):
            return dynamic.DiffResult(changes=False)
        return dynamic.DiffResult()  # the engine's own comparison reads well: one line per host

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["pool"], dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(dict(_news))


class AddressPool(dynamic.Resource, module="mesh", name="AddressPool"):
    """One virtual IP per federated host, kept for as long as the host stays."""

    addresses: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, hosts: Sequence[str], pool: "Addresses", opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "hosts": sorted(hosts),
            "pool": str(pool.pool),
            "pins": dict(sorted(pool.pins.items())),
            "taken": sorted(map(str, pool.taken)),
            **dict.fromkeys(_REMEMBERED),
        }
        super().__init__(AddressPoolProvider(), name, props, opts)
        # once: `all` makes an output of every address in it
        self._known = pulumi.Output.all(self.urn, self.addresses)

    def address_of(self, host: str) -> pulumi.Output[str]:
        """The virtual IP of one of the hosts."""
        return self._known.apply(lambda known: _look_up(host, *known))


def _look_up(host: str, urn: str, addresses: Mapping[str, str]) -> str:
    if host not in addresses:
        raise pulumi.RunError(f"{host} has no address yet, and the pool is not a target: add --target '{urn}'")
    return addresses[host]
