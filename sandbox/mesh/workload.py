"""A pod of the bed: its Kubernetes objects, and the programs that run in its network namespace."""

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import tools
from ..processes import Processes
from .network import Namespace
from .objects import Objects
from .topology import Workload

_REPOSITORY = Path(__file__).parents[2]
_PROXY_GROUP = "1337"
_TOKEN = "istio-ca"  # noqa: S105 - the audience of a token
ADMIN_PORT = 15000
READY_PORT = 15021


def objects(workload: Workload, address: str, *, ready: bool = True) -> list[dict[str, Any]]:
    """What users, the kubelet and the controllers of a real cluster would have written for this pod."""
    namespace = workload.namespace
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": workload.service_account, "namespace": namespace},
        },
        service(workload, workload.service, {"app": workload.service}),
        pod(workload, address, ready=ready),
        endpoints(workload, address, workload.service, workload.pod, ready=ready),
        *(of_its_own(workload, address, ready=ready) if workload.has_own_service else ()),
    ]


def of_its_own(workload: Workload, address: str, *, ready: bool) -> list[dict[str, Any]]:
    """The Service for this version alone, and this pod as one of its endpoints."""
    name = workload.own_service
    selector = {"app": workload.service, "version": workload.version}
    return [
        service(workload, name, selector),
        endpoints(workload, address, name, f"{name}-{workload.pod}", ready=ready),
    ]


def service(workload: Workload, name: str, selector: Mapping[str, str]) -> dict[str, Any]:
    """A Service that this pod is one of the endpoints of."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": workload.namespace, "labels": {"app": workload.service}},
        "spec": {
            "selector": dict(selector),
            "ports": [{"name": port.name, "port": port.number} for port in workload.ports],
        },
    }


def pod(workload: Workload, address: str, *, ready: bool) -> dict[str, Any]:
    """The Pod, running."""
    conditions = {"Initialized": True, "ContainersReady": ready, "Ready": ready}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": workload.pod, "namespace": workload.namespace, "labels": _labels(workload)},
        "spec": {
            "serviceAccountName": workload.service_account,
            "nodeName": f"node-of-{workload.cluster}",
            "containers": [{"name": "application", "image": "application"}],
        },
        "status": {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": kind, "status": str(value)} for kind, value in conditions.items()],
        },
    }


def endpoints(workload: Workload, address: str, service: str, name: str, *, ready: bool) -> dict[str, Any]:
    """An EndpointSlice of a Service, with this pod alone."""
    owner = {"kind": "Pod", "name": workload.pod, "namespace": workload.namespace}
    labels = {"kubernetes.io/service-name": service}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": workload.namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}, "targetRef": owner}],
        "ports": [{"name": port.name, "port": port.number, "protocol": "TCP"} for port in workload.ports],
    }


def _labels(workload: Workload) -> dict[str, str]:
    # the webhook that injects sidecars would add these
    injected = {
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": workload.service,
        "service.istio.io/canonical-revision": workload.version,
    }
    return {**workload.all_labels, **injected}


class Pod:
    """The programs of one pod: pilot-agent, the Envoy that it starts, and the application."""

    def __init__(self, workload: Workload, namespace: Namespace, address: str, directory: Path, domain: str) -> None:
        self.workload = workload
        self.namespace = namespace
        self.address = address
        self.directory = directory
        self._domain = domain

    @property
    def programs(self) -> list[str]:
        """The names under which its programs run."""
        roles = ("proxy",) if self.workload.is_gateway else ("proxy", "application")
        return [f"{self.workload.key.replace('/', '.')}.{role}" for role in roles]

    def redirect(self) -> None:
        """Lead the pod's traffic through its proxy, as Istio's init container does."""
        self.namespace.run(
            tools.program(tools.ISTIO, "pilot-agent"),
            "istio-iptables",
            *("-p", "15001", "-z", "15006", "-u", _PROXY_GROUP, "-g", _PROXY_GROUP, "-m", "REDIRECT"),
            *("-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020"),
            *(("--redirect-dns",) if self.workload.captures_dns else ()),
        )

    def prepare(self, objects: Objects, root: str) -> None:
        """Lay out what a kubelet would mount."""
        secrets = self.directory / "var/run/secrets"
        (secrets / "tokens").mkdir(parents=True, exist_ok=True)
        token = secrets / "tokens/istio-token"
        token.touch(mode=0o600)
        token.write_text(objects.token(self.workload.namespace, self.workload.service_account, _TOKEN))
        (secrets / "istio").mkdir(exist_ok=True)
        (secrets / "istio/root-cert.pem").write_text(root)

    def start_proxy(self, processes: Processes, envoy: Path) -> None:
        kind = "router" if self.workload.is_gateway else "sidecar"
        command: list[str | Path] = [
            tools.program(tools.ISTIO, "pilot-agent"),
            *("proxy", kind, "--domain", f"{self.workload.namespace}.svc.{self._domain}"),
            *("--proxyLogLevel", "warning", "--log_output_level", "default:warn"),
        ]
        # redirection leaves out the proxy by its group; as root, it reads the tools wherever they are
        as_proxy = ["setpriv", "--regid", _PROXY_GROUP, "--clear-groups", "env", f"--chdir={self.directory}"]
        self._start(processes, self.programs[0], [*as_proxy, *command], self._proxy_environment(envoy))

    def start_application(self, processes: Processes) -> None:
        workload = self.workload
        ports = [f"{port.number}:{port.protocol}" for port in workload.ports]
        identity = [workload.cluster, workload.service, workload.version, workload.pod]
        command = [sys.executable, "-m", "sandbox.mesh.application", *identity, *ports]
        self._start(processes, self.programs[1], command, {"PYTHONPATH": str(_REPOSITORY)})

    def listens(self) -> bool:
        """Whether the application serves all its ports."""
        ports = () if self.workload.is_gateway else self.workload.ports
        try:
            with self.namespace.inside():
                for port in ports:
                    socket.create_connection(("127.0.0.1", port.number), timeout=5).close()
        except OSError:
            return False
        return True

    def _start(
        self, processes: Processes, name: str, command: Sequence[str | Path], environment: Mapping[str, str]
    ) -> None:
        processes.start(name, self.namespace.command(*command), environment)

    def _proxy_environment(self, envoy: Path) -> dict[str, str]:
        workload = self.workload
        settings = {
            "binaryPath": str(envoy),
            "proxyBootstrapTemplatePath": str(tools.built(tools.ISTIO) / "envoy_bootstrap.json"),
            "concurrency": 1,
        }
        return {
            "POD_NAME": workload.pod,
            "POD_NAMESPACE": workload.namespace,
            "INSTANCE_IP": self.address,
            "SERVICE_ACCOUNT": workload.service_account,
            "TRUST_DOMAIN": workload.cluster,
            "PROXY_CONFIG": json.dumps(settings),
            "ISTIO_META_CLUSTER_ID": workload.cluster,
            "ISTIO_META_DNS_CAPTURE": str(workload.captures_dns).lower(),
            "ISTIO_META_INTERCEPTION_MODE": "REDIRECT",
            "ISTIO_META_WORKLOAD_NAME": workload.service,
            "ISTIO_METAJSON_LABELS": json.dumps(_labels(workload)),
        }
