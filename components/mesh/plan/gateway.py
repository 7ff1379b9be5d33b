"""Gateway: lets the serving cluster's east-west gateway accept calls for one service."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .. import names
from ..istio.kinds import GATEWAY
from ..manifest import Manifest
from ..routes import Routes, Use
from ..spec.cluster import Gateway
from .planned import Pair, Planned


def gateways(routes: Routes) -> Iterator[Planned]:
    """One for each Service that other clusters call, and each gateway of its serving cluster that we manage."""
    pairs_of: dict[tuple[str, str, str, str], list[Pair]] = defaultdict(list)
    use_of: dict[tuple[str, str, str, str], Use] = {}
    for use in routes.crossings:
        namespace = use.service.namespace_on(use.serving.name)
        for service in sorted({use.service_behind(version) for version in {"", *use.versions}}):
            for name in use.gateways:
                key = (use.serving.name, namespace, service, name)
                use_of[key] = use
                if use.is_routed:
                    pairs_of[key].append(use.pair)
    for key, use in use_of.items():
        serving, namespace, service, name = key
        gateway = use.gateways[name]
        if gateway.manage:
            spec = gateway_spec(gateway, names.local_host(service, namespace, use.serving.domain))
            own_name = names.gateway_name(service, namespace, name)
            manifest = Manifest.of(GATEWAY, serving, use.serving.namespace_of(gateway), own_name, spec)
            yield Planned(manifest, serves=tuple(pairs_of[key]))


def gateway_spec(gateway: Gateway, host: str) -> dict[str, Any]:
    """The spec that admits exactly `host`.

    istiod gives an AUTO_PASSTHROUGH server one filter chain per port and subset of its hosts; a wildcard beside an
    exact host would give two equal chains, and Envoy refuses the whole listener.
    """
    return {
        "selector": dict(sorted(gateway.selector.items())),
        "servers": [
            {
                "hosts": [host],
                "port": {"name": "tls", "number": gateway.listener_port, "protocol": "TLS"},
                "tls": {"mode": "AUTO_PASSTHROUGH"},
            }
        ],
    }
