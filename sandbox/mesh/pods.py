"""The pods of a bed: how they come, run, die and go, in their clusters' objects and on the networks."""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..processes import Processes
from . import envoy, network, workload
from .admin import Proxy
from .objects import Objects
from .record import Record
from .topology import ROOT_NAMESPACE, Workload
from .workload import Pod

_PATIENCE_SECONDS = 180.0


class Pods:
    """All pods of the bed in `directory`; `objects` gives access to those of a cluster."""

    def __init__(
        self,
        directory: Path,
        networks: network.Networks,
        record: Record,
        processes: Processes,
        objects: Callable[[str], Objects],
    ) -> None:
        self._directory = directory
        self._networks = networks
        self._record = record
        self._processes = processes
        self._objects = objects

    def all(self) -> list[Pod]:
        return [self.of(described) for described in self._record.workloads]

    def of(self, described: Workload) -> Pod:
        """The pod of a workload, running or not."""
        number = self._record.cluster_number(described.cluster)
        return Pod(
            described,
            self._networks.namespace_of(described.key),
            network.pod_address(number, self._record.number_of(described)),
            self._directory / "pods" / described.key,
            self._record.clusters[described.cluster].domain,
        )

    def make(self, pods: Sequence[Pod], root: str) -> None:
        """Everything that the programs of these pods find when they start; `root` is the common root certificate."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pod: self._make(pod, root), pods))

    def run(self, pods: Sequence[Pod]) -> None:
        """Start their programs; afterwards they are ready."""
        for pod in pods:
            pod.start_proxy(self._processes, envoy.program())
            if not pod.workload.is_gateway:
                pod.start_application(self._processes)
        for pod in pods:
            self._wait_for(pod)

    def mark(self, pods: Sequence[Pod], *, ready: bool) -> None:
        """What the kubelet says of their readiness probes, and the endpoints that follow from it."""
        for pod in pods:
            self._objects(pod.workload.cluster).apply(*workload.objects(pod.workload, pod.address, ready=ready))

    def is_running(self, pod: Pod) -> bool:
        """Whether all its programs run."""
        return all(map(self._processes.is_running, pod.programs))

    def kill(self, pods: Sequence[Pod]) -> None:
        """End their programs at once; all else stays."""
        self._processes.stop(*(name for pod in pods for name in pod.programs))

    def remove(self, pods: Sequence[Pod]) -> None:
        """All of them but what they have logged, which goes with the bed."""
        self.delete_objects(pods)
        for pod in pods:
            self._networks.remove_pod(pod.namespace)
            self._processes.stop(*pod.programs)
            shutil.rmtree(pod.directory, ignore_errors=True)
        self._record.remove([pod.workload for pod in pods])

    def delete_objects(self, pods: Sequence[Pod]) -> None:
        """The objects of these pods, but for what the bed's other pods share with them."""
        going = {pod.workload.key for pod in pods}
        shared = {place for pod in self.all() if pod.workload.key not in going for place in _objects(pod)}
        for pod in pods:
            own = {place: item for place, item in _objects(pod).items() if place not in shared}
            self._objects(pod.workload.cluster).delete(*reversed(own.values()))

    def _make(self, pod: Pod, root: str) -> None:
        cluster = pod.workload.cluster
        number = self._record.cluster_number(cluster)
        router = network.router_address(number)
        hosts = f"{router} istiod.{ROOT_NAMESPACE}.svc"
        self._networks.make_pod(pod.namespace, self._networks.router_of(cluster), pod.address, router, hosts)
        if pod.workload.is_gateway:
            self._networks.plug_into_wan(pod.namespace, pod.workload.wan)
        else:
            pod.redirect()
        self._objects(cluster).apply(*workload.objects(pod.workload, pod.address))
        pod.prepare(self._objects(cluster), root)

    def _wait_for(self, pod: Pod) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (Proxy(pod.namespace).is_ready() and pod.listens()):
            for name in pod.programs:
                if not self._processes.is_running(name) or time.monotonic() > deadline:
                    raise self._processes.failure(name)
            time.sleep(0.1)


def _objects(pod: Pod) -> dict[tuple[str, ...], dict[str, Any]]:
    """Where in which cluster → what the bed made there for this pod, and has to delete."""
    objects = workload.objects(pod.workload, pod.address)
    return {
        (pod.workload.cluster, item["kind"], pod.workload.namespace, item["metadata"]["name"]): item
        for item in objects
        if item["kind"] != "Namespace"
    }
