"""One cluster's API server, and the controllers that end deletes as they end in a real cluster."""

import base64
import json
import secrets
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import urllib3
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import tools
from .kubeconfig import write_private
from .processes import Processes, StartError

CONTROLLERS = ("garbage-collector-controller", "namespace-controller")
"""Without the first, no foreground delete ever ends; without the second, no namespace."""

ROOT_NAMESPACE = "istio-system"

AUDIT_POLICY: Mapping[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "verbs": ["create", "update", "patch", "delete"],
            "resources": [{"group": "networking.istio.io"}, {"group": "", "resources": ["services"]}],
        },
        {"level": "None"},
    ],
}


class Place(NamedTuple):
    """Where an API server is, on loopback and in etcd; each `generation` is a new cluster without any object."""

    port: int
    generation: int


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The programs of one cluster; their files are in `directory`."""

    cluster: str
    directory: Path
    processes: Processes

    @property
    def programs(self) -> tuple[str, str]:
        return f"{self.cluster}-kube-apiserver", f"{self.cluster}-kube-controller-manager"

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Every write to Istio's objects and to Services, a line of JSON each, with its time."""
        return self.directory / "audit.log"

    def start(self, etcd_port: int, place: Place) -> None:
        self._prepare(place.port)
        command = [
            tools.program(tools.KUBERNETES, "kube-apiserver"),
            *("--etcd-servers", f"http://127.0.0.1:{etcd_port}"),
            *("--etcd-prefix", f"/{self.cluster}/{place.generation}"),
            *("--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", place.port),
            *("--endpoint-reconciler-type", "none", "--cert-dir", self.directory / "pki"),
            *("--service-cluster-ip-range", "10.96.0.0/16"),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-account-key-file", self._account_key, "--service-account-signing-key-file", self._account_key),
            *("--authorization-mode", "RBAC", "--token-auth-file", self._tokens),
            # no controller makes default service accounts here
            *("--disable-admission-plugins", "ServiceAccount"),
            *("--audit-policy-file", self._audit_policy, "--audit-log-path", self.audit_log),
        ]
        # by default, a tenth of what a start takes goes into collecting garbage
        self.processes.start(self.programs[0], list(map(str, command)), {"GOGC": "300"})

    def is_ready(self) -> bool:
        """Whether it answers; its kubeconfig is complete then."""
        authority = self.directory / "pki" / "apiserver.crt"
        if not authority.exists():
            return False
        config = yaml.safe_load(self.kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        try:
            context = ssl.create_default_context(cafile=str(authority))
            with urllib3.PoolManager(ssl_context=context, retries=False, timeout=5) as pool:
                answer = pool.request("GET", f"{cluster['server']}/readyz", headers=headers)
        except (urllib3.exceptions.HTTPError, OSError):
            return False
        if answer.status != HTTPStatus.OK:
            return False
        cluster["certificate-authority-data"] = base64.b64encode(authority.read_bytes()).decode()
        write_private(self.kubeconfig, yaml.safe_dump(config))
        return True

    def install_istio(self, definitions: Path) -> None:
        """Apply Istio's CustomResourceDefinitions and its root namespace; afterwards its kinds are served."""
        namespace = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ROOT_NAMESPACE}})
        apply = ("apply", "--server-side", "--force-conflicts", "--filename")
        self._kubectl(*apply, str(definitions))
        self._kubectl(*apply, "-", stdin=namespace)
        self._kubectl(
            "wait", "--for", "condition=Established", "--timeout", "60s", "customresourcedefinitions", "--all"
        )

    def start_controllers(self) -> None:
        """Start them when all kinds are known: the garbage collector looks for new ones only every 30 seconds."""
        command = [
            tools.program(tools.KUBERNETES, "kube-controller-manager"),
            *("--kubeconfig", self.kubeconfig, "--controllers", ",".join(CONTROLLERS)),
            *("--leader-elect=false", "--secure-port", "0"),
        ]
        self.processes.start(self.programs[1], list(map(str, command)))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> None:
        command = [str(tools.program(tools.KUBERNETES, "kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        run = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if run.returncode:
            raise StartError(f"{self.cluster} does not take Istio's schemas: {run.stderr.strip()}")

    def _prepare(self, port: int) -> None:
        self.directory.mkdir(mode=0o700, exist_ok=True)
        if not self._tokens.exists():
            write_private(self._tokens, f"{secrets.token_hex(16)},admin,admin,system:masters\n")
        if not self._account_key.exists():
            write_private(self._account_key, _new_key())
        self._audit_policy.write_text(json.dumps(AUDIT_POLICY))
        write_private(self.kubeconfig, yaml.safe_dump(self._kubeconfig(port)))

    def _kubeconfig(self, port: int) -> dict[str, Any]:
        name = self.cluster
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": f"https://127.0.0.1:{port}"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-admin"}}],
            "users": [{"name": f"{name}-admin", "user": {"token": self._tokens.read_text().partition(",")[0]}}],
        }

    @property
    def _tokens(self) -> Path:
        return self.directory / "tokens.csv"

    @property
    def _account_key(self) -> Path:
        return self.directory / "service-account.key"

    @property
    def _audit_policy(self) -> Path:
        return self.directory / "audit-policy.json"


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
