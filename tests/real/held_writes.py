"""Holds writes back: an API server asks here before it makes an object, and a test says when it is answered."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

import yaml

from tests.real.clusters import Clusters

_PATIENCE_SECONDS = 25
"""An API server waits no longer than 30."""


class Gate:
    """What the API servers ask."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}
        self._changed = Condition()

    @contextmanager
    def closed_after(self, count: int, about: str) -> Iterator[None]:
        """Within the block, so many objects with `about` in their names are made; after it, the next ones are refused.

        In other words, whoever would make one more waits, and learns that it was in vain.
        """
        with self._changed:
            self._left[about] = count
        try:
            yield
        finally:
            with self._changed:
                del self._left[about]
                self._changed.notify_all()

    def lets_in(self, name: str) -> bool:
        with self._changed:
            about = next((about for about in self._left if about in name), None)
            if about is None:
                return True
            self._left[about] -= 1
            if self._left[about] >= 0:
                return True
            self._changed.wait_for(lambda: about not in self._left, _PATIENCE_SECONDS)
            return False


@contextmanager
def gate_before_writes(clusters: Clusters, about: str) -> Iterator[Gate]:
    """A gate before every Istio object with `about` in its name or namespace, on all clusters."""
    gate = Gate()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    server.socket = _as_api_server(clusters).wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    configuration = _configuration(clusters, server.server_port, about)
    for cluster in clusters.sandbox.clusters:
        clusters.kubectl(cluster, "apply", "-f", "-", given=json.dumps(configuration))
    try:
        yield gate
    finally:
        for cluster in clusters.sandbox.clusters:
            clusters.kubectl(cluster, "delete", "validatingwebhookconfiguration", configuration["metadata"]["name"])
        server.shutdown()
        server.server_close()


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            metadata = request["object"]["metadata"]
            allowed = request["dryRun"] or gate.lets_in(f"{metadata['namespace']}/{metadata['name']}")
            answer = {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {"uid": request["uid"], "allowed": allowed},
            }
            with suppress(OSError):  # nobody waits any more
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _as_api_server(clusters: Clusters) -> ssl.SSLContext:
    """With the certificate of an API server, which is one for 127.0.0.1."""
    pki = clusters.sandbox.api_server(clusters.sandbox.clusters[0]).directory / "pki"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    return context


def _configuration(clusters: Clusters, port: int, about: str) -> dict[str, Any]:
    kubeconfig = yaml.safe_load(clusters.sandbox.kubeconfig_of(clusters.sandbox.clusters[0]).read_text())
    authority = kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]
    named = f"(object.metadata.namespace + '/' + object.metadata.name).contains('{about}')"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "gate"},
        "webhooks": [
            {
                "name": "gate.mesh-federation.test",
                "clientConfig": {"url": f"https://127.0.0.1:{port}", "caBundle": authority},
                "rules": [
                    {
                        "apiGroups": ["networking.istio.io"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE"],
                        "resources": ["*"],
                    }
                ],
                "matchConditions": [{"name": "named", "expression": named}],
                "sideEffects": "NoneOnDryRun",
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail",
                "timeoutSeconds": 30,
            }
        ],
    }
