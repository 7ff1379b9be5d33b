"""The bed itself: beds side by side, and what is left of one that has ended, in order or not."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clusters import Sandbox
from sandbox.mesh.bed import Bed
from sandbox.mesh.objects import ObjectError
from sandbox.mesh.topology import MeshCluster, Port, Workload, gateway

from .federation import Federation
from .requirement import require_mesh
from .specs import ARTICLE, reviews

pytestmark = pytest.mark.mesh

CLUSTERS = [MeshCluster("alone")]
WORKLOADS = [gateway("alone", "172.18.0.229"), Workload("alone", "caller")]
LISTEN = "0A"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    require_mesh()
    found = Sandbox.up(tmp_path_factory.mktemp("beds") / "sandbox", ["alone"])
    yield found
    Bed(found).down()
    found.down()


def test_two_beds_side_by_side_do_not_disturb_each_other_and_one_goes_without_a_trace(
    sandbox: Sandbox, federation: Federation
) -> None:
    federation.become(reviews(*ARTICLE))
    before = traces(sandbox)

    other = Bed.up(sandbox, CLUSTERS, WORKLOADS)
    assert other.is_up
    assert traces(sandbox) != before
    assert federation.send(200).failures == []
    other.down()

    assert traces(sandbox) == before
    assert not any(str(other.directory) in command_of(process) for process in processes())
    assert federation.send(200).failures == []


def test_a_bed_that_was_left_half_made_is_cleaned_up(sandbox: Sandbox) -> None:
    before = traces(sandbox)
    bed = Bed.up(sandbox, CLUSTERS, WORKLOADS)
    for cluster in bed.clusters:
        bed.istiod(cluster).stop()
    (bed.directory / "bed.json").unlink()

    Bed(sandbox).down()

    assert traces(sandbox) == before
    assert not any(str(bed.directory) in command_of(process) for process in processes())


def test_nothing_is_left_of_a_bed_that_fails_to_start(sandbox: Sandbox) -> None:
    before = traces(sandbox)
    refused = Workload("alone", "reviews", ports=(Port(name="no_port_name"),))

    with pytest.raises(ObjectError, match="no_port_name"):
        Bed.up(sandbox, CLUSTERS, [*WORKLOADS, refused])

    assert traces(sandbox) == before


def test_nothing_listens_beyond_loopback_and_the_bed_s_own_namespaces(federation: Federation) -> None:
    directory = str(federation.bed.sandbox.directory)
    ours = {inode for process in processes() if directory in command_of(process) for inode in sockets_of(process)}

    addresses = {address for inode, address in listening() if inode in ours}

    assert addresses, "API servers listen"
    assert all(address.startswith("127.") for address in addresses)


def traces(sandbox: Sandbox) -> tuple[set[str], set[str], list[str]]:
    """The network namespaces of the sandbox's bed, the files for them, and the interfaces of the machine itself."""
    names = f"{Bed(sandbox).networks.wan.name.removesuffix('wan')}*"
    namespaces = {path.name for path in Path("/run/netns").glob(names)}
    files = {path.name for path in Path("/etc/netns").glob(names)}
    return namespaces, files, sorted(name for _, name in socket.if_nameindex())


def processes() -> list[Path]:
    """Those in the machine's own network namespace."""
    home = Path("/proc/self/ns/net").stat().st_ino
    return [path for path in Path("/proc").glob("[0-9]*") if network_of(path) == home]


def network_of(process: Path) -> int | None:
    try:
        return (process / "ns/net").stat().st_ino
    except OSError:
        return None


def command_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def sockets_of(process: Path) -> set[str]:
    """The inodes of its sockets."""
    found = set()
    for descriptor in (process / "fd").glob("*"):
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found


def listening() -> Iterator[tuple[str, str]]:
    """(inode, address) of every TCP socket that listens in the machine's own namespace."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                yield fields[9], address_of(fields[1].partition(":")[0])


def address_of(field: str) -> str:
    if len(field) > 8:
        return f"IPv6 {field}"
    return socket.inet_ntoa(struct.pack("<L", int(field, 16)))
