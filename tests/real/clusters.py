"""The sandbox's clusters as tests look at them: which objects exist, and what the API servers recorded."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mesh_federation.mesh.istio import kinds

from sandbox.clusters import Sandbox, kubectl
from sandbox.mesh.objects import Objects

KINDS = {kind.plural: kind.name for kind in kinds.ROUTING}
"""Plural → kind, of what a federation makes in Istio's API."""
RESOURCES = ",".join(kind.resource for kind in kinds.EMITTED)
"""What a federation makes, as kubectl names it."""
_KIND_OF = {kind.plural: kind.name for kind in kinds.EMITTED}
_OF_THE_SERVER = "kubernetes"
"""The Service that an API server makes for itself."""


@dataclass(frozen=True, order=True)
class Write:
    """A write that an API server accepted, at the server's own time (seconds since the epoch)."""

    time: float
    cluster: str
    verb: str
    kind: str
    name: str
    """`namespace/name`."""
    agent: str

    @property
    def key(self) -> str:
        """`cluster/kind/namespace/name`, as in the names of resources."""
        return f"{self.cluster}/{self.kind}/{self.name}"

    @property
    def change(self) -> str:
        """`verb cluster/kind/namespace/name`."""
        return f"{self.verb} {self.key}"


class Clusters:
    """Looks at every cluster of a sandbox, and can empty them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def kubectl(self, cluster: str, *arguments: str, given: str | None = None) -> str:
        return kubectl(self.sandbox, cluster, *arguments, stdin=given)

    def objects(self, *clusters: str) -> dict[str, dict[str, Any]]:
        """`cluster/kind/namespace/name` → object, of the kinds that we make; of all clusters by default."""
        return {
            f"{cluster}/{item['kind']}/{item['metadata']['namespace']}/{item['metadata']['name']}": item
            for cluster in clusters or self.sandbox.clusters
            for item in self._items(cluster)
        }

    def _items(self, cluster: str) -> Iterator[dict[str, Any]]:
        objects = Objects(self.sandbox.kubeconfig_of(cluster))
        for kind in kinds.EMITTED:
            for item in objects.all(kind.api_version, kind.name):
                if item["metadata"]["name"] != _OF_THE_SERVER:
                    # a list says once what all of it is
                    yield {"apiVersion": kind.api_version, "kind": kind.name, **item}

    def uids(self, *clusters: str) -> dict[str, str]:
        """`cluster/kind/namespace/name` → the API server's own identity: an object that is made again has another."""
        return {key: obj["metadata"]["uid"] for key, obj in self.objects(*clusters).items()}

    def record(self) -> "Record":
        return Record(self, {cluster: self._log(cluster).stat().st_size for cluster in self.sandbox.clusters})

    def _log(self, cluster: str) -> Path:
        return self.sandbox.api_server(cluster).audit_log

    def recorded(self, cluster: str, offset: int) -> Iterable[Write]:
        """The writes of a cluster's record after a byte of it."""
        with self._log(cluster).open() as log:
            log.seek(offset)
            lines = log.read()
        # the last one may be on its way
        for line in lines[: lines.rfind("\n") + 1].splitlines():
            event = json.loads(line)
            target = event["objectRef"]
            refused = event["responseStatus"]["code"] >= 300
            if refused or "dryRun" in parse_qs(urlsplit(event["requestURI"]).query):
                continue
            if target.get("name", _OF_THE_SERVER) == _OF_THE_SERVER:
                continue
            yield Write(
                datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
                cluster,
                event["verb"],
                _KIND_OF.get(target["resource"], target["resource"]),
                f"{target['namespace']}/{target['name']}",
                event.get("userAgent", ""),
            )

    def add_namespace(self, name: str) -> None:
        manifest = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for cluster in self.sandbox.clusters:
            self.kubectl(cluster, "apply", "--server-side", "-f", "-", given=manifest)

    def wipe(self) -> None:
        """Start those that are down, and remove every object of the kinds that we make."""
        for cluster in self.sandbox.clusters:
            if not self.sandbox.answers(cluster):
                self.sandbox.start(cluster)
            # a foreground delete that a killed update began ends a little later
            objects = Objects(self.sandbox.kubeconfig_of(cluster))
            while items := list(self._items(cluster)):
                objects.delete(*items)


@dataclass(frozen=True)
class Record:
    """What the API servers recorded after the moment it was made; cheap to ask again and again."""

    clusters: Clusters
    offsets: dict[str, int]

    def writes(self) -> list[Write]:
        """In the order of time. Dry runs and refusals are no writes."""
        return sorted(
            write for cluster, offset in self.offsets.items() for write in self.clusters.recorded(cluster, offset)
        )

    def changes(self) -> list[Write]:
        """The writes, but those with which the clusters' own controllers end a delete."""
        return [write for write in self.writes() if not write.agent.startswith("kube-controller-manager")]
