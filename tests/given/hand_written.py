"""A federation whose Istio objects are written by hand: the service `cart`, v1 on east and v2 on west."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

CONFIG = {
    "mesh:clusters": {
        "east": {"trustDomain": "east", "gateway": {"addresses": ["203.0.113.10"]}},
        "west": {"trustDomain": "west", "gateway": {"addresses": ["203.0.113.20"]}},
    },
    "mesh:services": [
        {
            "name": "cart",
            "namespace": "shop",
            "ports": [
                {"name": "http", "number": 8080, "protocol": "HTTP"},
                {"name": "tcp", "number": 9000, "protocol": "TCP"},
            ],
            "clusters": {
                "east": {"versions": ["v1"], "serviceAccounts": ["cart"]},
                "west": {"versions": ["v2"], "serviceAccounts": ["cart"]},
            },
        }
    ],
}
SERVICE_HOST = "cart.shop.svc.cluster.local"
FEDERATED_HOST = "cart.shop.svc.west.global"
V1 = {"destination": {"host": SERVICE_HOST, "subset": "v1", "port": {"number": 8080}}}
V2 = {"destination": {"host": FEDERATED_HOST, "subset": "v2", "port": {"number": 8080}}}
AT_V1 = {"cluster": "east", "service": "cart.shop", "version": "v1", "port": 8080, "share": 100}
AT_V2 = {"cluster": "west", "service": "cart.shop", "version": "v2", "port": 8080, "share": 100}
ANYBODY = {"cluster": "east", "service": "cart.shop", "port": 8080, "share": 100}


def istio(kind: str, namespace: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def tls(version: str) -> Object:
    """The way to a version on west; to any pod, without one."""
    sni = f"outbound_.8080_.{version}_.{SERVICE_HOST}"
    return {"mode": "ISTIO_MUTUAL", "sni": sni, "subjectAltNames": ["spiffe://west/ns/shop/sa/cart"]}


def federation(*http: Object) -> dict[str, list[Object]]:
    """Objects that nobody has generated: v1 on east, v2 on west by the federated host, and these entries on east."""
    gateways = [{"address": "203.0.113.20", "ports": {"http": 15443}}]
    entry = {
        "hosts": [FEDERATED_HOST],
        "addresses": ["240.0.0.7"],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"name": "http", "number": 8080, "protocol": "HTTP"}],
        "endpoints": gateways,
    }
    away = {
        "host": FEDERATED_HOST,
        "trafficPolicy": {"tls": tls("")},
        "subsets": [{"name": "v2", "trafficPolicy": {"tls": tls("v2")}}],
    }
    server = {
        "hosts": [SERVICE_HOST],
        "port": {"name": "tls", "number": 15443, "protocol": "TLS"},
        "tls": {"mode": "AUTO_PASSTHROUGH"},
    }
    return {
        "east": [
            istio("DestinationRule", "shop", "cart", {"host": SERVICE_HOST, "subsets": [subset("v1")]}),
            istio("ServiceEntry", "istio-system", "away", entry),
            istio("DestinationRule", "istio-system", "away", away),
            istio("VirtualService", "shop", "cart", {"hosts": [SERVICE_HOST], "http": [*http]}),
        ],
        "west": [
            istio("DestinationRule", "shop", "cart", {"host": SERVICE_HOST, "subsets": [subset("v2")]}),
            istio("Gateway", "istio-system", "cart", {"selector": {"istio": "eastwestgateway"}, "servers": [server]}),
        ],
    }


def subset(version: str) -> Object:
    return {"name": version, "labels": {"version": version}}


def expected(outcome: Mapping[str, Any], **request: Any) -> Object:
    return {
        "about": "a call",
        "client": "east",
        "from": {"namespace": "shop", "labels": {"app": "web"}},
        "request": {"host": "cart", "port": 8080, "method": "GET", "path": "/", **request},
        "outcome": outcome,
    }
