"""istiod without a cluster: what it would send to proxies, from objects alone.

The program behind it, sandbox/tools/istiod-configuration, is Istio's own code. One process answers for all clusters of
a test run, and ends with it.
"""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_network
from typing import Any, Literal

from sandbox import tools
from tests.oracle.configuration import Configuration

Object = dict[str, Any]

_ENVIRONMENT = {
    # filters that only Istio's own build of Envoy has
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    # memory for time: a third fewer processor seconds
    "GOGC": "400",
}
_OLDEST_OBJECT = datetime(2026, 1, 1, tzinfo=UTC)
_SERVICES = {4: ip_network("10.96.0.0/16"), 6: ip_network("fd96::/112")}
_PROXY = {4: "192.0.2.1", 6: "2001:db8::1"}


class RefusalError(ValueError):
    """istiod's own validation refuses an object, or cannot read it; says which and why."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """What an istiod knows of its own cluster beside the objects there."""

    cluster: str = "Kubernetes"
    domain: str = "cluster.local"
    trust_domain: str = "cluster.local"
    root_namespace: str = "istio-system"
    options: Mapping[str, Any] = field(default_factory=dict)
    """More of Istio's MeshConfig, in its own words."""
    versions: tuple[int, ...] = (4,)
    """The IP versions, 4 and 6, of its pods and its Services."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who asks istiod for its configuration: the sidecar of a workload, or a gateway."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    type: Literal["sidecar", "router"] = "sidecar"
    locality: str = ""
    """`region/zone/subzone`"""
    version: str = "1.32.0"
    """Of the Istio that it belongs to; a newer istiod spares an older proxy what it would not understand."""


def configure(
    objects: Sequence[Object], proxies: Mapping[str, Proxy], mesh: Mesh | None = None
) -> dict[str, Configuration]:
    """What each proxy is sent on a cluster with these objects. The earlier object is the older one.

    Raises `RefusalError`.
    """
    mesh = mesh or Mesh()
    answer = _program().ask(
        {
            "cluster": mesh.cluster,
            "domain": mesh.domain,
            "mesh": {"rootNamespace": mesh.root_namespace, "trustDomain": mesh.trust_domain, **mesh.options},
            "objects": [*_stored(objects, mesh.versions)],
            "proxies": {name: _question(proxy, mesh) for name, proxy in proxies.items()},
        }
    )
    if error := answer.get("error"):
        raise RefusalError(error)
    return {name: Configuration.read(sent, mesh.domain, mesh.versions) for name, sent in answer["proxies"].items()}


def _stored(objects: Sequence[Object], versions: Sequence[int]) -> Iterator[Object]:
    """The objects as an API server would keep them: each with its time of creation, each Service with an address."""
    number = 0
    for second, item in enumerate(objects):
        created = (_OLDEST_OBJECT + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
        stored = {**item, "metadata": {"creationTimestamp": created, **item["metadata"]}}
        if item["kind"] == "Service":
            number += 1
            addresses = [str(_SERVICES[version][number]) for version in versions]
            stored["spec"] = {"clusterIP": addresses[0], "clusterIPs": addresses, **item["spec"]}
        yield stored


def _question(proxy: Proxy, mesh: Mesh) -> dict[str, Any]:
    metadata = {
        "LABELS": dict(proxy.labels),
        "CLUSTER_ID": mesh.cluster,
        "NAMESPACE": proxy.namespace,
        "ISTIO_VERSION": proxy.version,
        "DNS_CAPTURE": "true",
    }
    return {
        "type": proxy.type,
        "namespace": proxy.namespace,
        "locality": proxy.locality,
        "addresses": [_PROXY[version] for version in mesh.versions],
        "metadata": metadata,
    }


class _Program:
    """The process: a line is a question, a line is its answer."""

    def __init__(self) -> None:
        program = tools.built(tools.ISTIOD_CONFIGURATION) / "istiod-configuration"
        # it ends when its input does, at the latest with this process
        self._process = subprocess.Popen(
            [str(program)],
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._one_at_a_time = threading.Lock()

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        asking, answering = self._process.stdin, self._process.stdout
        assert asking
        assert answering
        with self._one_at_a_time:
            asking.write(json.dumps(question).encode() + b"\n")
            asking.flush()
            line = answering.readline()
        assert line, f"istiod-configuration has ended with {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer


@cache
def _program() -> _Program:
    return _Program()
