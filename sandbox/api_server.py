"""One cluster's API server, and the controllers that end deletes as they end in a real cluster."""

import base64
import json
import re
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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


_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NAME = re.compile(r"^  name: (\S+)$", re.MULTILINE)
"""Of a definition: `plural.group`."""
_VERSION = re.compile(r"^(?:  - |    )name: (v[0-9]\w*)$", re.MULTILINE)
"""Of a definition; each that is served has one."""
_ASK_AGAIN = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
_PATIENCE_SECONDS = 60.0


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
        try:
            with self._requests() as requests:
                if requests.status_of("/readyz") != HTTPStatus.OK:
                    return False
        except (urllib3.exceptions.HTTPError, OSError):
            return False
        config = yaml.safe_load(self.kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        cluster["certificate-authority-data"] = base64.b64encode(authority.read_bytes()).decode()
        write_private(self.kubeconfig, yaml.safe_dump(config))
        return True

    def install_istio(self, definitions: Path) -> None:
        """Make Istio's CustomResourceDefinitions and its root namespace; afterwards its kinds are served."""
        crds = definitions.read_text().split("\n---\n")
        root = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ROOT_NAMESPACE}})
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self._requests() as requests:
            for crd in crds:
                self._apply(requests, f"{_DEFINITIONS}/{_NAME.findall(crd)[0]}", crd, deadline)
            self._apply(requests, f"/api/v1/namespaces/{ROOT_NAMESPACE}", root, deadline)
            for crd in crds:
                plural, _, group = _NAME.findall(crd)[0].partition(".")
                objects = f"/apis/{group}/{_VERSION.findall(crd)[0]}/{plural}?limit=1"
                self._until_ok(partial(requests.send, "GET", objects), objects, deadline)

    def _apply(self, requests: "_Requests", path: str, manifest: str, deadline: float) -> None:
        apply = partial(requests.send, "PATCH", f"{path}?fieldManager=sandbox&force=true", manifest)
        self._until_ok(apply, path, deadline)

    def _until_ok(self, ask: Callable[[], urllib3.BaseHTTPResponse], what: str, deadline: float) -> None:
        """Ask again while the server is busy, or does not know what is asked for yet. Raises `StartError`."""
        while True:
            try:
                answer = ask()
            except (urllib3.exceptions.HTTPError, OSError) as error:
                status, complaint = 0, str(error)
            else:
                status, complaint = answer.status, answer.data.decode(errors="replace")
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                return
            if 0 < status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _ASK_AGAIN:
                raise StartError(f"{self.cluster} does not take {what}: {complaint}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.cluster} does not answer to {what} in time: {complaint}")
            time.sleep(0.05)

    def start_controllers(self) -> None:
        """Start them when all kinds are known: the garbage collector looks for new ones only every 30 seconds."""
        command = [
            tools.program(tools.KUBERNETES, "kube-controller-manager"),
            *("--kubeconfig", self.kubeconfig, "--controllers", ",".join(CONTROLLERS)),
            *("--leader-elect=false", "--secure-port", "0"),
        ]
        self.processes.start(self.programs[1], list(map(str, command)))

    @contextmanager
    def _requests(self) -> Iterator["_Requests"]:
        config = yaml.safe_load(self.kubeconfig.read_text())
        context = ssl.create_default_context(cafile=str(self.directory / "pki" / "apiserver.crt"))
        headers = {
            "Authorization": f"Bearer {config['users'][0]['user']['token']}",
            "Content-Type": "application/apply-patch+yaml",
        }
        server = config["clusters"][0]["cluster"]["server"]
        with urllib3.PoolManager(headers=headers, ssl_context=context, retries=False, timeout=10) as pool:
            yield _Requests(pool, server)

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


@dataclass(frozen=True, slots=True)
class _Requests:
    """What the administrator asks of the server, over connections that are kept."""

    pool: urllib3.PoolManager
    server: str

    def send(self, method: str, path: str, body: str | None = None) -> urllib3.BaseHTTPResponse:
        return self.pool.request(method, f"{self.server}{path}", body=body)

    def status_of(self, path: str) -> int:
        return self.send("GET", path).status


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
