"""The whole bed: networks, control planes and workloads on a sandbox's clusters, and the way back to nothing.

A bed leaves two things to its clusters, since they may be of use to others: namespaces, and the ConfigMap with the root
certificate that istiod puts into each of them.
"""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from ..clusters import Sandbox
from ..ports import free_port
from ..processes import Processes
from . import network
from .admin import Proxy
from .certificates import Root
from .istiod import PORTS, Istiod
from .objects import Objects
from .pods import Pods
from .record import Record
from .topology import ROOT_NAMESPACE, BedCluster, Workload
from .workload import Pod

_REPOSITORY = Path(__file__).parents[2]
_SETTLE_SECONDS = 120.0
_TRIES = 3


class BedError(RuntimeError):
    """The bed cannot do as asked; says why, and what to do."""


class Outsider(NamedTuple):
    """A client without a proxy."""

    namespace: network.Namespace


class Bed:
    """A mesh on the clusters of `sandbox`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.directory = sandbox.directory / "mesh"
        self.networks = network.Networks(self.directory)
        self.names = self.directory / "names.json"
        """What the clusters' name servers know: name → addresses; read anew for each question."""
        self._record = Record(self.directory / "bed.json")
        self._processes = Processes(self.directory)
        self._objects: dict[str, Objects] = {}
        self._pods = Pods(self.directory, self.networks, self._record, self._processes, self.objects)

    @classmethod
    def up(
        cls,
        sandbox: Sandbox,
        clusters: Sequence[BedCluster],
        workloads: Sequence[Workload],
        istiod_environment: Mapping[str, str] | None = None,
    ) -> "Bed":
        """A new bed, ready for its first request; where it cannot be made, nothing is left of it."""
        if reason := network.obstacle():
            raise BedError(reason)
        bed = cls(sandbox)
        for tries_left in reversed(range(_TRIES)):
            bed.down()
            try:
                bed._make(clusters, istiod_environment or {})
                bed.start(*workloads)
            except BaseException as error:
                bed.down()
                # a port that was free may be taken before istiod has it; then others are tried
                if not tries_left or "address already in use" not in str(error):
                    raise
            else:
                break
        return bed

    def down(self) -> None:
        """Nothing of the bed runs or exists; the clusters stay, without its objects. Cleans up after a crash, too."""
        self.networks.remove()
        if not self.directory.exists():
            return
        self._processes.stop(*self._processes.names())
        if self._record.exists and self.sandbox.is_running:
            self._pods.delete_objects(self.pods())
        shutil.rmtree(self.directory)

    @property
    def is_up(self) -> bool:
        """Whether everything runs that belongs to it."""
        pods = self.pods() if self._record.exists else []
        names = {*self._processes.names(), *(name for pod in pods for name in pod.programs)}
        return bool(pods) and all(map(self._processes.is_running, names))

    def start(self, *workloads: Workload) -> None:
        """Add these to the bed; afterwards their proxies are ready and everybody knows of them.

        Where that cannot be done, nothing is left of them.
        """
        self._record.add(workloads)
        pods = list(map(self.pod, workloads))
        try:
            self._pods.make(pods, self.root)
            self._pods.run(pods)
            self.settle()
        except BaseException:
            self._pods.remove(pods)
            raise

    def stop(self, *workloads: Workload) -> None:
        """Take these out of the bed: first out of the clusters' objects, then off the network."""
        pods = list(map(self.pod, workloads))
        self._pods.delete_objects(pods)
        self.settle()
        self._pods.remove(pods)

    def kill(self, *workloads: Workload) -> None:
        """End the programs of these at once. Nobody is told: their objects stay, and so do their endpoints."""
        self._pods.kill(list(map(self.pod, workloads)))

    def revive(self, *workloads: Workload) -> None:
        """Start those that were killed anew; afterwards they are as before."""
        self._pods.run(list(map(self.pod, workloads)))
        self.settle()

    @contextmanager
    def unready(self, *workloads: Workload) -> Iterator[None]:
        """These fail their readiness probes while the block runs: callers leave them, and their programs go on."""
        pods = list(map(self.pod, workloads))
        self._pods.mark(pods, ready=False)
        self.settle()
        try:
            yield
        finally:
            self._pods.mark(pods, ready=True)
            self.settle()

    def settle(self, *, quiet: float = 1.2) -> None:
        """Until the proxies of all clusters have acknowledged everything that was sent, for `quiet` seconds on end.

        `quiet` is longer than what istiod itself waits for before it sends: 0.1 seconds, unless configured. A proxy
        that refuses something never settles.
        """
        proxies = Counter(pod.workload.cluster for pod in self.pods() if self._pods.is_running(pod))
        istiods = [self.istiod(cluster) for cluster in self.clusters]
        began = quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < quiet:
            waiting = [istiod for istiod in istiods if istiod.settled() < proxies[istiod.cluster.name]]
            if waiting:
                quiet_since = time.monotonic()
            if time.monotonic() - began > _SETTLE_SECONDS:
                names = ", ".join(istiod.cluster.name for istiod in waiting or istiods)
                refused = [line for istiod in waiting for line in istiod.refusals()] or ["nothing"]
                raise TimeoutError("\n".join([f"the proxies of {names} do not settle; they refused:", *refused]))
            time.sleep(0.05)

    def restart_istiods(self, environment: Mapping[str, str]) -> None:
        """Start the control planes anew, with what `environment` says; the proxies go on with what they have."""
        for cluster in self.clusters:
            self.istiod(cluster).stop()
            self.istiod(cluster).start(self.sandbox.kubeconfig_of(cluster), self.root, environment)
        for cluster in self.clusters:
            self.istiod(cluster).wait()
        self.settle()

    @property
    def clusters(self) -> dict[str, BedCluster]:
        return self._record.clusters

    def pods(self) -> list[Pod]:
        return self._pods.all()

    def pod(self, described: Workload) -> Pod:
        return self._pods.of(described)

    def caller(self, name: str) -> Pod:
        """The first pod of `cluster/service`."""
        if not self.is_up:
            raise BedError("no mesh is up here: `make mesh` starts one")
        pods = {f"{pod.workload.cluster}/{pod.workload.service}": pod for pod in reversed(self.pods())}
        if name not in pods:
            raise BedError(f"the mesh has no workload {name}; it has {', '.join(sorted(pods))}")
        return pods[name]

    def proxy(self, described: Workload) -> Proxy:
        return Proxy(self.pod(described).namespace)

    def proxy_log(self, described: Workload) -> str:
        """What the proxy has logged: a line for each request, among others."""
        return self._processes.log_of(self.pod(described).programs[0]).read_text(errors="replace")

    def istiod(self, cluster: str) -> Istiod:
        directory = self.directory / "istiod" / cluster
        return Istiod(self.clusters[cluster], directory, self._record.ports_of(cluster), self._processes)

    def objects(self, cluster: str) -> Objects:
        if cluster not in self._objects:
            self._objects[cluster] = Objects(self.sandbox.kubeconfig_of(cluster))
        return self._objects[cluster]

    @property
    def outside(self) -> Outsider:
        """A client outside of every mesh, on the network that the clusters share."""
        return Outsider(self.networks.outside)

    @property
    def root(self) -> str:
        """The common root certificate."""
        return (self.directory / "root-cert.pem").read_text()

    def _make(self, clusters: Sequence[BedCluster], istiod_environment: Mapping[str, str]) -> None:
        self.directory.mkdir(mode=0o700)
        self.names.write_text("{}")
        self._record.begin(clusters, {cluster.name: {name: free_port() for name in PORTS} for cluster in clusters})
        root = Root()
        (self.directory / "root-cert.pem").write_text(root.pem)
        for cluster in clusters:
            root.issue(cluster.name, self.directory / "istiod" / cluster.name / "ca")
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ROOT_NAMESPACE}}
            self.objects(cluster.name).apply(namespace)
            kubeconfig = self.sandbox.kubeconfig_of(cluster.name)
            self.istiod(cluster.name).start(kubeconfig, root.pem, istiod_environment)
        self.networks.make_wan()
        self.networks.make_outside()
        for number, cluster in enumerate(clusters, 1):
            self.networks.make_cluster(cluster.name, number)
            self._start_relay(cluster.name, network.router_address(number))
        for cluster in clusters:
            self.istiod(cluster.name).wait()

    def _start_relay(self, cluster: str, address: str) -> None:
        target = str(self.istiod(cluster).ports["xds"])
        arguments = [self.networks.router_of(cluster).name, address, "15012", target, str(self.names)]
        command = [sys.executable, "-m", "sandbox.mesh.relay", *arguments]
        self._processes.start(f"relay-{cluster}", command, {"PYTHONPATH": str(_REPOSITORY)})


@contextmanager
def sandbox_for_beds(directory: Path, clusters: Iterable[str]) -> Iterator[Sandbox]:
    """Clusters to make beds on, while the block runs; nothing is left of either afterwards."""
    sandbox = Sandbox.up(directory, [*clusters])
    with ExitStack() as leaving:
        leaving.callback(sandbox.down)
        leaving.callback(Bed(sandbox).down)
        yield sandbox
