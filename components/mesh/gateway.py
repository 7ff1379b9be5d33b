"""Gateway: the serving cluster lets in calls for one service, whoever of the common root makes them."""

from typing import Any

from . import names
from .spec import Cluster, Service


def gateway(service: Service, cluster: Cluster) -> dict[str, Any]:
    """The spec that admits exactly `service`'s host.

    istiod gives an AUTO_PASSTHROUGH server one filter chain per port and subset of its hosts; a wildcard beside an
    exact host would give two equal chains, and Envoy refuses the whole listener.
    """
    settings = cluster.gateway
    assert settings is not None, "a cluster without a gateway exports nothing; checks.py refuses that"
    return {
        "selector": dict(sorted(settings.selector.items())),
        "servers": [
            {
                "hosts": [names.local_host(service.name, service.namespace, cluster.domain)],
                "port": {"name": "tls", "number": settings.listener_port, "protocol": "TLS"},
                "tls": {"mode": "AUTO_PASSTHROUGH"},
            }
        ],
    }
