"""VirtualService: how a client cluster spreads the calls to one of its services."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Share(NamedTuple):
    """A destination as the client cluster sees it."""

    host: str
    subset: str
    port: int
    weight: int | None

    def as_route(self) -> dict[str, Any]:
        destination: dict[str, Any] = {"host": self.host, "port": {"number": self.port}}
        if self.subset:
            destination["subset"] = self.subset
        # a single destination takes every call; a weight would only be one more thing to read
        return (
            {"destination": destination}
            if self.weight is None
            else {
                "destination": destination,
                "weight": self.weight,
            }
        )


def virtual_service(host: str, shares_of: Mapping[int, Sequence[Share]]) -> dict[str, Any]:
    """The spec that spreads calls to `host`, port by port; ports that are not listed stay as they are."""
    return {
        "exportTo": ["*"],
        "hosts": [host],
        "http": [
            {"match": [{"port": port}], "route": [share.as_route() for share in shares]}
            for port, shares in sorted(shares_of.items())
        ],
    }
