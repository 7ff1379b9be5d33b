"""A cluster's control plane: istiod as a process on loopback, reading the cluster's API server."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from .. import tools
from ..processes import Processes
from .topology import ROOT_NAMESPACE, BedCluster

PORTS = ("xds", "http", "monitoring")
_PATIENCE_SECONDS = 120.0


class Istiod:
    """One cluster's istiod."""

    def __init__(self, cluster: BedCluster, directory: Path, ports: Mapping[str, int], processes: Processes) -> None:
        self.cluster = cluster
        self.name = f"istiod-{cluster.name}"
        self.ports = ports
        self._directory = directory
        self._processes = processes

    def start(self, kubeconfig: Path, root: str, environment: Mapping[str, str]) -> None:
        """Start it with the authority in `directory`/ca. `environment` says what differs from Istio's defaults."""
        self._configuration.write_text(yaml.safe_dump(mesh_configuration(self.cluster, root)))
        loopback = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        command: list[str | Path] = [
            tools.program(tools.ISTIO, "pilot-discovery"),
            "discovery",
            *(
                "--kubeconfig",
                kubeconfig,
                "--meshConfig",
                self._configuration,
                "--namespace",
                self.cluster.root_namespace,
            ),
            *("--clusterID", self.cluster.name, "--domain", self.cluster.domain),
            *("--secureGRPCAddr", loopback["xds"], "--httpAddr", loopback["http"]),
            *("--monitoringAddr", loopback["monitoring"], "--grpcAddr=", "--httpsAddr=", "--ctrlz_port", "0"),
        ]
        self._processes.start(self.name, command, {**self._environment(), **environment})

    def stop(self) -> None:
        self._processes.stop(self.name)

    def wait(self) -> None:
        """Until it is ready to serve proxies."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                self._get("/ready")
            except OSError:
                if not self._processes.is_running(self.name) or time.monotonic() > deadline:
                    raise self._processes.failure(self.name) from None
                time.sleep(0.1)
            else:
                return

    def configuration(self) -> dict[str, Any]:
        """Its mesh configuration."""
        stored: dict[str, Any] = yaml.safe_load(self._configuration.read_text())
        return stored

    def configure(self, configuration: Mapping[str, Any]) -> None:
        """Change its mesh configuration; it takes notice by itself."""
        self._configuration.write_text(yaml.safe_dump(dict(configuration)))

    def settled(self) -> int:
        """How many proxies have acknowledged everything that was sent to them."""
        return sum(
            _has_acknowledged(proxy.get("resources", {}).values()) for proxy in json.loads(self._get("/debug/syncz"))
        )

    def pushes(self) -> list[float]:
        """For each time that it told its proxies of changes, since it started first: the seconds of quiet before."""
        log = self._processes.log_of(self.name).read_text(errors="replace")
        quiets = re.findall(r"Push debounce stable.*: ([\d.]+)(m?)s since last change", log)
        return [float(number) / (1000 if milli else 1) for number, milli in quiets]

    def refusals(self) -> list[str]:
        """What proxies have refused lately, in their words."""
        lines = self._processes.log_of(self.name).read_text(errors="replace").splitlines()
        return [line for line in lines if "ACK ERROR" in line][-5:]

    @property
    def _configuration(self) -> Path:
        return self._directory / "mesh.yaml"

    def _get(self, path: str) -> str:
        port = self.ports["http"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def _environment(self) -> dict[str, str]:
        return {
            "POD_NAME": self.name,
            "POD_NAMESPACE": self.cluster.root_namespace,
            # the name by which the pods know it, wherever it is
            "ISTIOD_CUSTOM_HOST": f"istiod.{ROOT_NAMESPACE}.svc",
            "ROOT_CA_DIR": str(self._directory / "ca"),
            "PILOT_CERT_PROVIDER": "istiod",
            "ENABLE_LEADER_ELECTION": "false",
            "INJECT_ENABLED": "false",
            "VALIDATION_WEBHOOK_CONFIG_NAME": "",
            "INJECTION_WEBHOOK_CONFIG_NAME": "",
            "PILOT_ENABLE_GATEWAY_API": "false",
            # filters that only Istio's own build of Envoy has
            "PILOT_ENABLE_ALPN_FILTER": "false",
            "PILOT_ENABLE_METADATA_EXCHANGE": "false",
        }


def mesh_configuration(cluster: BedCluster, root: str) -> dict[str, Any]:
    """Istio's `meshConfig` of the cluster; `root` is the certificate that all clusters have in common."""
    authorities = [{"pem": root, "trustDomains": list(cluster.accepts)}] if cluster.accepts else []
    return {
        "rootNamespace": cluster.root_namespace,
        "trustDomain": cluster.name,
        "caCertificates": authorities,
        "accessLogFile": "/dev/stdout",
        "defaultConfig": {"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}},
        **cluster.mesh_config,
    }


def _has_acknowledged(resources: Collection[Mapping[str, Any]]) -> bool:
    """A proxy that has just connected has been sent nothing yet."""
    return bool(resources) and all(item.get("sent") and item.get("acked") == item["sent"] for item in resources)
