"""A proxy's own account of itself: whether it is ready, its configuration, its counters."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

from .network import Namespace
from .workload import ADMIN_PORT, READY_PORT


class Proxy:
    """The Envoy in one network namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def is_ready(self) -> bool:
        try:
            status, _ = self._ask("GET", READY_PORT, "/healthz/ready")
        except (OSError, http.client.HTTPException):
            return False
        return status == 200

    def clusters(self) -> dict[str, dict[str, Any]]:
        """Name → what the proxy knows of it, without its endpoints."""
        return {entry["cluster"]["name"]: entry["cluster"] for entry in self._dump("dynamic_active_clusters")}

    def listeners(self) -> dict[str, dict[str, Any]]:
        entries = self._dump("dynamic_listeners")
        return {entry["name"]: entry["active_state"]["listener"] for entry in entries if "active_state" in entry}

    def refused_listeners(self) -> dict[str, str]:
        """Name → why; a proxy keeps what it had before."""
        return {
            entry["name"]: entry["error_state"]["details"]
            for entry in self._dump("dynamic_listeners")
            if "error_state" in entry
        }

    def routes(self) -> dict[str, dict[str, Any]]:
        return {entry["route_config"]["name"]: entry["route_config"] for entry in self._dump("dynamic_route_configs")}

    def endpoints(self, cluster: str) -> list[str]:
        """`address:port` of each endpoint of one of its clusters."""
        return sorted(self._hosts(cluster))

    def ejected(self, cluster: str) -> list[str]:
        """Those that outlier detection has taken out for now."""
        hosts = self._hosts(cluster).items()
        return sorted(address for address, host in hosts if host["health_status"].get("failed_outlier_check"))

    def connections(self, cluster: str) -> dict[str, int]:
        """`address:port` of each endpoint of one of its clusters → how many connections to it are open."""
        return self._counts(cluster, "cx_active")

    def requests(self, cluster: str) -> dict[str, int]:
        """`address:port` of each endpoint of one of its clusters → how many requests it was sent so far."""
        return self._counts(cluster, "rq_total")

    def _counts(self, cluster: str, name: str) -> dict[str, int]:
        return {
            address: next(int(stat.get("value", 0)) for stat in host["stats"] if stat["name"] == name)
            for address, host in self._hosts(cluster).items()
        }

    def _hosts(self, cluster: str) -> dict[str, dict[str, Any]]:
        status, text = self._ask("GET", ADMIN_PORT, "/clusters?format=json")
        assert status == 200, text
        return {
            f"{address['address']}:{address['port_value']}": host
            for status in json.loads(text)["cluster_statuses"]
            if status["name"] == cluster
            for host in status.get("host_statuses", [])
            for address in [host["address"]["socket_address"]]
        }

    def _dump(self, resource: str) -> Iterator[dict[str, Any]]:
        _, text = self._ask("GET", ADMIN_PORT, f"/config_dump?resource={resource}")
        yield from json.loads(text).get("configs", [])

    def _ask(self, method: str, port: int, path: str) -> tuple[int, str]:
        with self._namespace.inside():
            connected = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.sock = connected
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
