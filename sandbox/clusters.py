"""API servers on loopback, one for each cluster, with Istio's schemas and an engine set up to apply to them."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from . import tools
from .api_server import ApiServer, Place
from .engine import Engine
from .kubeconfig import merged, write_private
from .ports import free_port
from .processes import Processes, StartError

CLUSTERS = ("cluster1", "cluster2")
_PATIENCE_SECONDS = 180.0
_TRIES = 3
_MARK = "this-is-a-sandbox"
"""A file in every sandbox's directory: only what has it is ever removed."""


class SandboxError(RuntimeError):
    """The sandbox cannot do as asked; says why, and what to do."""


@dataclass(slots=True)
class _State:
    """What a later command has to know of the sandbox in a directory."""

    etcd: int
    """etcd's port."""
    clusters: dict[str, Place]

    @classmethod
    def read(cls, file: Path) -> "_State":
        if not file.exists():
            return cls(0, {})
        stored = json.loads(file.read_text())
        return cls(stored["etcd"], {name: Place(*place) for name, place in stored["clusters"].items()})

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({"etcd": self.etcd, "clusters": self.clusters}, indent=2))


class Sandbox:
    """What runs in one directory: etcd, and an API server with its controllers for each cluster.

    Everything listens on loopback, at ports that were free; nothing is written outside the directory. Several
    sandboxes, each in a directory of its own, run side by side.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._processes = Processes(self.directory)
        self._engine = Engine(self.directory / "pulumi")

    @classmethod
    def up(cls, directory: Path, clusters: Sequence[str] = CLUSTERS) -> "Sandbox":
        """The sandbox in `directory`, running, with at least these clusters; all of it may run already.

        Where it cannot be started, nothing is left of what was not there before, clusters that ran go on running, and
        the error says why.
        """
        sandbox = cls(directory)
        sandbox._refuse_what_is_not_ours()
        before = sandbox._state_file.read_text() if sandbox._state_file.exists() else None
        kept = sandbox._sound()
        new = [server for server in map(sandbox.api_server, clusters) if not server.directory.exists()]
        try:
            sandbox._start([*dict.fromkeys([*sandbox.clusters, *clusters])], kept)
        except BaseException:
            if before is None:
                sandbox.down()
            else:
                sandbox._stop_all_but(kept)
                sandbox._state_file.write_text(before)
                for server in new:
                    shutil.rmtree(server.directory, ignore_errors=True)
                    for name in server.programs:
                        sandbox._processes.log_of(name).unlink(missing_ok=True)
            raise
        return sandbox

    @property
    def clusters(self) -> list[str]:
        """The clusters that this sandbox has, running or not."""
        return [*_State.read(self._state_file).clusters]

    @property
    def is_running(self) -> bool:
        servers = list(map(self.api_server, self.clusters))
        return bool(servers) and self._sound().issuperset(name for server in servers for name in server.programs)

    def down(self) -> None:
        """End every process of this sandbox and remove its directory."""
        self._refuse_what_is_not_ours()
        if not self.directory.exists():
            return
        self._processes.stop(*self._processes.names())
        self._engine.end_orphans()
        shutil.rmtree(self.directory)

    def environment(self) -> dict[str, str]:
        """What a process needs to find the tools and the clusters: PATH, KUBECONFIG and Pulumi's variables.

        KUBECONFIG has a context for each cluster, of the same name.
        """
        path = [*map(str, [*tools.pulumi(), *self._tool_directories()]), os.environ.get("PATH", "")]
        return {
            **self._engine.environment(),
            "PATH": os.pathsep.join(path),
            "KUBECONFIG": str(self._kubeconfig),
        }

    def kubeconfig_of(self, cluster: str) -> Path:
        """A kubeconfig of the cluster's administrator, with one context of the cluster's name."""
        return self.api_server(cluster).kubeconfig

    def api_server(self, cluster: str) -> ApiServer:
        return ApiServer(cluster, self.directory / cluster, self._processes)

    def answers(self, cluster: str) -> bool:
        """Whether the cluster's API server runs."""
        return self._processes.is_running(self.api_server(cluster).programs[0])

    def stop(self, cluster: str) -> None:
        """The cluster's API server answers no more, until `start`."""
        self._processes.stop(*self.api_server(cluster).programs)

    def start(self, cluster: str) -> None:
        """It answers again, at the same address, with the objects it had."""
        state = _State.read(self._state_file)
        self.api_server(cluster).start(state.etcd, state.clusters[cluster])
        self._wait([self.api_server(cluster)])
        self.api_server(cluster).start_controllers()

    def rebuild(self, cluster: str) -> None:
        """The cluster is a new one, without any object, under the old name and address."""
        self.stop(cluster)
        state = _State.read(self._state_file)
        port, generation = state.clusters[cluster]
        state.clusters[cluster] = Place(port, generation + 1)
        state.write(self._state_file)
        self.start(cluster)

    @property
    def _state_file(self) -> Path:
        return self.directory / "sandbox.json"

    def _refuse_what_is_not_ours(self) -> None:
        is_ours = (self.directory / _MARK).exists()
        if not is_ours and self.directory.exists() and any(self.directory.iterdir()):
            raise SandboxError(f"{self.directory} holds something else than a sandbox; choose another directory")

    @property
    def _kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    def _sound(self) -> set[str]:
        """The programs that need no start: etcd and, if it runs, those of every cluster that was ready."""
        if not self._processes.is_running("etcd"):
            return set()
        # a cluster's controllers begin when it is ready
        pairs = [self.api_server(cluster).programs for cluster in self.clusters]
        return {"etcd", *(name for pair in pairs if all(map(self._processes.is_running, pair)) for name in pair)}

    def _stop_all_but(self, kept: set[str]) -> None:
        self._processes.stop(*(name for name in self._processes.names() if name not in kept))

    def _start(self, clusters: Sequence[str], kept: set[str]) -> None:
        """Start what is not among the programs `kept`."""
        self._tool_directories()
        tools.istio_crds()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / _MARK).touch()
        self._engine.prepare()
        self._stop_all_but(kept)
        servers = list(map(self.api_server, clusters))
        new = [server for server in servers if not kept.issuperset(server.programs)]
        if not new:
            return
        _with_other_ports(lambda: self._start_servers(new, kept))
        for server in servers:
            server.start_controllers()
        # one file: Pulumi's SDK does not take a list of them from KUBECONFIG
        write_private(self._kubeconfig, yaml.safe_dump(merged(server.kubeconfig for server in servers)))

    def _start_servers(self, new: Sequence[ApiServer], kept: set[str]) -> None:
        """Start these, and etcd unless it is kept, at ports that are free now."""
        state = _State.read(self._state_file)
        if "etcd" not in kept:
            state.etcd = free_port()
        for server in new:
            _, generation = state.clusters.get(server.cluster, Place(0, 0))
            state.clusters[server.cluster] = Place(free_port(), generation)
        state.write(self._state_file)
        try:
            self._start_etcd(state.etcd)
            for server in new:
                server.start(state.etcd, state.clusters[server.cluster])
            self._wait(new)
        except StartError:
            self._stop_all_but(kept)
            raise

    def _start_etcd(self, port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        peers = f"http://127.0.0.1:{free_port()}"
        command = [
            tools.program(tools.ETCD, "etcd"),
            *("--data-dir", self.directory / "etcd", "--unsafe-no-fsync", "--log-level", "warn"),
            *("--listen-client-urls", url, "--advertise-client-urls", url),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        ]
        self._processes.start("etcd", list(map(str, command)))

    def _wait(self, servers: Sequence[ApiServer]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for server in servers:
            while not server.is_ready():
                for name in ("etcd", *server.programs[:1]):
                    if not self._processes.is_running(name):
                        raise self._processes.failure(name)
                if time.monotonic() > deadline:
                    raise self._processes.failure(server.programs[0])
                time.sleep(0.1)
        for server in servers:
            server.install_istio(tools.istio_crds())

    def _tool_directories(self) -> list[Path]:
        names = ("kube-apiserver", "kube-controller-manager", "kubectl")
        programs = [tools.program(tools.KUBERNETES, name) for name in names]
        return tools.directories([tools.program(tools.ETCD, "etcd"), *programs])


def _with_other_ports(start: Callable[[], None]) -> None:
    """A port that was free may be taken before the server has it; then others are tried."""
    for tries_left in reversed(range(_TRIES)):
        try:
            start()
            break
        except StartError as error:
            if not tries_left or "address already in use" not in str(error):
                raise


def kubectl(sandbox: Sandbox, cluster: str, *arguments: str, stdin: str | None = None) -> str:
    """What kubectl prints; raises `SandboxError` with what it complains of."""
    command = [tools.program(tools.KUBERNETES, "kubectl"), "--kubeconfig", sandbox.kubeconfig_of(cluster), *arguments]
    run = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SandboxError(f"kubectl {' '.join(arguments)} on {cluster}: {run.stderr.strip()}")
    return run.stdout
