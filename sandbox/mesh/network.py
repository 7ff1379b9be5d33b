"""The networks of a bed: a namespace for each pod, a router for each cluster, and one network between the clusters.

    pod ── bridge of the cluster ── router ══ WAN ══ router ── bridge of the cluster ── pod
                    └────────── gateway ════╝  ╚════ gateway ──────────┘

Pods reach the WAN through their cluster's router, which hides their addresses as the nodes of a cluster do. No router
knows the way to another cluster's pods: a request that arrives there came through a gateway. Every interface lies in a
namespace that the bed made, so nothing of the machine's own network changes.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from ipaddress import IPv4Address
from pathlib import Path

_NAMESPACES = Path("/run/netns")
_FILES = Path("/etc/netns")
"""`ip netns exec NAME` shows a process the files in NAME's folder here in the place of those in /etc."""
_PACKAGES = {"ip": "iproute2", "iptables": "iptables", "setpriv": "util-linux"}
_NAT = ("iptables", "-t", "nat", "-A")
_CLONE_NEWNET = 0x40000000
_PATIENCE_SECONDS = 60.0


class NetworkError(RuntimeError):
    """The networks cannot be made; says why."""


@cache
def obstacle() -> str:
    """Why this machine cannot hold a bed; empty if it can."""
    for program, package in _PACKAGES.items():
        if shutil.which(program) is None:
            return f"`{program}` is missing: apt-get install {package}"
    probe = Namespace(f"mesh-probe-{os.getpid()}")
    run = subprocess.run(["ip", "netns", "add", probe.name], capture_output=True, text=True, check=False)
    if run.returncode:
        return f"network namespaces cannot be made: {run.stderr.strip()}; it takes Linux, and root"
    try:
        probe.configure("link add bridge type bridge", "link add probe0 type veth peer name probe1")
        with probe.inside():
            _forward()
        probe.run(*_NAT, "OUTPUT", "-p", "tcp", "-j", "REDIRECT")
        probe.run(*_NAT, "POSTROUTING", "-o", "probe0", "-j", "MASQUERADE")
    except (NetworkError, OSError) as error:
        return f"network namespaces cannot be used: {error}"
    finally:
        _run(["ip", "netns", "delete", probe.name])
    return ""


class Namespace:
    """A network namespace, by name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def port(self) -> str:
        """What the other end of its cable is called, on whichever bridge; interface names have 15 characters."""
        return "p" + blake2b(self.name.encode(), digest_size=6).hexdigest()

    def command(self, *command: str | Path) -> list[str | Path]:
        """`command`, to be run in here."""
        return ["ip", "netns", "exec", self.name, *command]

    def configure(self, *lines: str) -> None:
        """Run lines of `ip` in here."""
        _batch(lines, namespace=self.name)

    def run(self, *command: str | Path) -> str:
        return _run(self.command(*command))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes belong to the namespace, and stay there afterwards."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(_NAMESPACES / self.name, os.O_RDONLY)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(there)
            os.close(home)


class Networks:
    """All namespaces of the bed in `directory`. Their names derive from it, so no two beds share one."""

    def __init__(self, directory: Path) -> None:
        digest = blake2b(str(directory.resolve()).encode(), digest_size=4).hexdigest()
        self._prefix = f"mesh-{digest}."
        self.wan = self._namespace("wan")
        self.outside = self._namespace("outside")

    def namespace_of(self, pod: str) -> Namespace:
        """The namespace of the pod `cluster/namespace/name`."""
        return self._namespace(pod.replace("/", "."))

    def router_of(self, cluster: str) -> Namespace:
        return self._namespace(cluster)

    def make_wan(self) -> None:
        _make(self.wan)
        self.wan.configure("link add wan type bridge", "link set wan up")

    def make_outside(self) -> None:
        """A namespace on the WAN that belongs to no cluster: of these it reaches the gateways alone."""
        _make(self.outside)
        self.plug_into_wan(self.outside, ["172.18.3.1"])

    def make_cluster(self, cluster: str, number: int) -> None:
        """The cluster's bridge, and a router on it that leads to the WAN."""
        router = self.router_of(cluster)
        _make(router)
        self.plug_into_wan(router, [f"172.18.1.{number}"])
        router.configure(
            "link add pods type bridge",
            f"address add {router_address(number)}/16 dev pods",
            "link set pods up",
        )
        with router.inside():
            _forward()
        router.run(*_NAT, "POSTROUTING", "-o", "wan", "-j", "MASQUERADE")

    def make_pod(self, namespace: Namespace, router: Namespace, address: str, gateway: str, hosts: str) -> None:
        """A pod's namespace, on its cluster's bridge; `hosts` are the lines of its hosts file."""
        files = _FILES / namespace.name
        files.mkdir(parents=True, exist_ok=True)
        (files / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}\n")
        search = "default.svc.cluster.local svc.cluster.local cluster.local"
        (files / "resolv.conf").write_text(f"nameserver {gateway}\nsearch {search}\noptions ndots:5\n")
        _make(namespace)
        _plug(namespace, "eth0", address, router, "pods")
        namespace.configure(
            f"address add {address}/16 dev eth0", "link set eth0 up", f"route add default via {gateway}"
        )

    def plug_into_wan(self, namespace: Namespace, addresses: Sequence[str]) -> None:
        """Give a namespace an interface on the WAN, with these addresses."""
        _plug(namespace, "wan", addresses[0], self.wan, "wan")
        with namespace.inside():
            # or the other addresses would go together with the first
            Path("/proc/sys/net/ipv4/conf/all/promote_secondaries").write_text("1")
        namespace.configure(*(f"address add {address}/16 dev wan" for address in addresses), "link set wan up")

    def remove_pod(self, namespace: Namespace) -> None:
        """Afterwards a pod of the same name can be made."""
        if (_NAMESPACES / namespace.name).exists():
            _end_processes([namespace.name])
            # the kernel takes its time over a namespace, and the other ends of its links keep their names until then
            links = json.loads(_run(["ip", "-n", namespace.name, "-json", "link", "show", "type", "veth"]))
            namespace.configure(*(f"link delete {link['ifname']}" for link in links))
            _delete([namespace.name])

    def remove(self) -> None:
        """Everything of this bed, whoever made it and however that ended."""
        names = [path.name for path in _NAMESPACES.glob(f"{self._prefix}*")] if _NAMESPACES.exists() else []
        _end_processes(names)
        _delete(names)
        for files in _FILES.glob(f"{self._prefix}*"):
            shutil.rmtree(files)
        with suppress(OSError):  # not there, or of use to others
            _FILES.rmdir()

    def _namespace(self, name: str) -> Namespace:
        return Namespace(self._prefix + name)


def router_address(cluster_number: int) -> str:
    return f"10.{40 + cluster_number}.0.1"


def pod_address(cluster_number: int, pod_number: int) -> str:
    return f"10.{40 + cluster_number}.{1 + pod_number // 250}.{1 + pod_number % 250}"


def _plug(namespace: Namespace, interface: str, address: str, other: Namespace, bridge: str) -> None:
    """Lay a cable from a new interface, which is to have this address, to a bridge in another namespace."""
    # derived from the address: others go on using what they know of whoever had it before
    hardware = "02:42:" + IPv4Address(address).packed.hex(":")
    peer = f"peer name {interface} address {hardware} netns {namespace.name}"
    _batch([f"link add {namespace.port} netns {other.name} type veth {peer}"])
    other.configure(f"link set {namespace.port} master {bridge} up")


def _make(namespace: Namespace) -> None:
    _run(["ip", "netns", "add", namespace.name])
    namespace.configure("link set lo up")


def _end_processes(names: Sequence[str]) -> None:
    """End what still runs in these namespaces, all of it the bed's."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while running := _processes_in(names):
        if time.monotonic() > deadline:
            raise NetworkError(f"processes {running} do not end")
        for pid in running:
            try:
                os.kill(pid, signal.SIGKILL)  # proxies would take their drain time over a SIGTERM
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def _delete(names: Iterable[str]) -> None:
    for name in names:
        _run(["ip", "netns", "delete", name])
        shutil.rmtree(_FILES / name, ignore_errors=True)


def _forward() -> None:
    """Lead packets from interface to interface of the namespace in which this runs."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _processes_in(names: Iterable[str]) -> list[int]:
    return [int(pid) for name in names for pid in _run(["ip", "netns", "pids", name]).split()]


def _enter(descriptor: int) -> None:
    # os.setns comes with Python 3.12
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
        raise NetworkError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def _batch(lines: Iterable[str], namespace: str | None = None) -> None:
    """Several lines for `ip`, all or an error."""
    where = ["-n", namespace] if namespace else []
    _run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n")


def _run(command: Sequence[str | Path], stdin: str | None = None) -> str:
    run = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, text=True, check=False)
    if run.returncode:
        text = " ".join(map(str, command)) + (f" <<< {stdin!r}" if stdin else "")
        raise NetworkError(f"{text}: {run.stderr.strip() or run.stdout.strip()}")
    return run.stdout
