"""What is on a cluster beside the federation's objects: Services, Pods, and what its users wrote themselves."""

from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from tests.oracle.inventory import Cluster, Gateway, Inventory, Pod, Port, Presence

Object = dict[str, Any]


def surroundings(inventory: Inventory, cluster: str, unready: Collection[str] = ()) -> list[Object]:
    """Everything that the stack file takes for granted on a cluster.

    `unready`: addresses of pods that do not answer, as Kubernetes tells it.
    """
    there = inventory.clusters[cluster]
    pods = [pod for pod in inventory.pods if pod.presence.cluster == cluster]
    return [
        *(_namespace(name) for name in sorted(_namespaces(inventory))),
        _node(there),
        *(item for presence in inventory.presences if presence.cluster == cluster for item in _services(presence)),
        *(item for pod in pods for item in _pod(pod, is_ready=pod.address not in unready)),
        *(item for gateway in there.gateways for item in _server_of_the_user(inventory, there, gateway)),
    ]


def _namespaces(inventory: Inventory) -> set[str]:
    gateways = (gateway.namespace for cluster in inventory.clusters.values() for gateway in cluster.gateways)
    roots = (cluster.root_namespace for cluster in inventory.clusters.values())
    return {presence.namespace for presence in inventory.presences} | {*gateways} | {*roots}


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _node(cluster: Cluster) -> Object:
    """All pods of a cluster are on one; where that is, says where they are."""
    keys = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")
    labels = dict(zip(keys, cluster.locality.split("/"), strict=False)) if cluster.locality else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node", "labels": labels}}


def _services(presence: Presence) -> Iterator[Object]:
    yield _service(presence, presence.name, presence.selector)
    for version, name in presence.version_services.items():
        yield _service(presence, name, presence.versions[version])


def _service(presence: Presence, name: str, selector: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": presence.namespace},
        "spec": {"selector": dict(selector), "ports": [_service_port(port) for port in presence.ports]},
    }


def _service_port(port: Port) -> Object:
    return {
        "name": port.name,
        "port": port.number,
        "targetPort": port.number,
        "protocol": "TCP",
        "appProtocol": port.protocol.lower(),
    }


def _pod(pod: Pod, *, is_ready: bool) -> Iterator[Object]:
    namespace = pod.presence.namespace
    status = "True" if is_ready else "False"
    yield {
        "apiVersion": "v1",
        "kind": "Pod",
        # the webhook that injects sidecars would add the label
        "metadata": {
            "name": pod.name,
            "namespace": namespace,
            "labels": {**pod.labels, "security.istio.io/tlsMode": "istio"},
        },
        "spec": {
            "serviceAccountName": pod.account,
            "nodeName": "node",
            "containers": [{"name": "application", "image": "application"}],
        },
        "status": {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": kind, "status": status} for kind in ("Initialized", "ContainersReady", "Ready")],
        },
    }
    selecting = [pod.presence.name]
    if pod.version in pod.presence.version_services:
        selecting.append(pod.presence.version_services[pod.version])
    for service in selecting:
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{service}-{pod.name}",
                "namespace": namespace,
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": f"IPv{ip_address(pod.address).version}",
            "endpoints": [
                {
                    "addresses": [pod.address],
                    "conditions": {"ready": is_ready},
                    "targetRef": {"kind": "Pod", "name": pod.name, "namespace": namespace},
                }
            ],
            "ports": [{"name": port.name, "port": port.number, "protocol": "TCP"} for port in pod.presence.ports],
        }


def _server_of_the_user(inventory: Inventory, cluster: Cluster, gateway: Gateway) -> Iterator[Object]:
    """`manage: false` says that a server admits these hosts already."""
    hosts = [
        f"{presence.name}.{presence.namespace}.svc.{cluster.domain}"
        for presence in inventory.presences
        if presence.cluster == cluster.name
    ]
    if gateway.is_managed or not hosts:
        return
    server = {
        "hosts": hosts,
        "port": {"name": "tls", "number": gateway.listener_port, "protocol": "TLS"},
        "tls": {"mode": "AUTO_PASSTHROUGH"},
    }
    yield {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": f"users-own-{gateway.name}", "namespace": gateway.namespace},
        "spec": {"selector": dict(gateway.labels), "servers": [server]},
    }
