"""The bed itself: beds side by side, and what is left of one that has ended, in order or not."""

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.clusters import Sandbox
from sandbox.mesh.bed import Bed, sandbox_for_beds
from sandbox.mesh.network import Networks
from sandbox.mesh.objects import ObjectError
from sandbox.mesh.record import Record
from sandbox.mesh.topology import BedCluster, Port, Workload, gateway
from tests.given.specs import SPLIT
from tests.real import traces
from tests.real.bed import reviews
from tests.real.federation import LiveFederation
from tests.real.processes import working_in
from tests.real.requirement import require_mesh
from tests.real.stack import REPOSITORY

pytestmark = pytest.mark.mesh

CLUSTERS = [BedCluster("alone")]
WORKLOADS = [gateway("alone", "172.18.0.229"), Workload("alone", "caller")]
REFUSED = Workload("alone", "reviews", ports=(Port(name="no_port_name"),))
LISTEN = "0A"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    require_mesh()
    with sandbox_for_beds(tmp_path_factory.mktemp("beds") / "sandbox", ["alone"]) as sandbox:
        yield sandbox


def test_two_beds_side_by_side_do_not_disturb_each_other_and_one_goes_without_a_trace(
    sandbox: Sandbox, federation: LiveFederation
) -> None:
    federation.become(reviews(*SPLIT))
    before = traces.of_bed(Bed(sandbox), "alone")

    other = Bed.up(sandbox, CLUSTERS, WORKLOADS)
    assert other.is_up
    meanwhile = traces.of_bed(other, "alone")
    assert {what for what in meanwhile if meanwhile[what] == before[what]} == {"interfaces"}
    assert federation.send(200).failures == []
    other.down()

    assert traces.of_bed(other, "alone") == before
    assert federation.send(200).failures == []


def test_a_bed_that_was_left_half_made_is_cleaned_up(sandbox: Sandbox) -> None:
    before = traces.of_bed(Bed(sandbox), "alone")
    bed = Bed.up(sandbox, CLUSTERS, WORKLOADS)
    bed.istiod("alone").stop()
    Record(bed.directory / "bed.json").add([Workload("alone", "reviews")])  # and nothing of it has been made yet

    Bed(sandbox).down()

    assert traces.of_bed(bed, "alone") == before


def test_nothing_is_left_of_a_bed_that_fails_to_start(sandbox: Sandbox) -> None:
    before = traces.of_bed(Bed(sandbox), "alone")

    with pytest.raises(ObjectError, match="no_port_name"):
        Bed.up(sandbox, CLUSTERS, [*WORKLOADS, REFUSED])

    assert traces.of_bed(Bed(sandbox), "alone") == before


def test_workloads_that_stop_or_fail_to_start_take_with_them_what_nobody_shares(bed: Bed) -> None:
    before = traces.of_bed(bed, "cluster3")
    beside_v5 = Workload("cluster3", "reviews", "v7")
    new = Workload("cluster3", "ratings")

    bed.start(beside_v5, new)
    assert traces.of_bed(bed, "cluster3") != before
    bed.stop(beside_v5, new)
    assert traces.of_bed(bed, "cluster3") == before

    with pytest.raises(ObjectError, match="no_port_name"):
        bed.start(beside_v5, replace(new, ports=(Port(name="no_port_name"),)))
    assert traces.of_bed(bed, "cluster3") == before


def test_a_pod_can_be_made_again_as_soon_as_one_of_its_name_is_removed(tmp_path: Path) -> None:
    require_mesh()
    networks = Networks(tmp_path)
    pod = networks.namespace_of("alone/default/caller")
    try:
        networks.make_wan()
        networks.make_cluster("alone", 1)
        for _ in range(20):
            networks.make_pod(pod, networks.router_of("alone"), "10.41.1.1", "10.41.0.1", "")
            networks.plug_into_wan(pod, ["172.18.0.229"])
            networks.remove_pod(pod)
    finally:
        networks.remove()


def test_a_machine_that_cannot_hold_a_bed_is_told_why() -> None:
    require_mesh()
    read_only = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"
    asking = f'{sys.executable} -c "from sandbox.mesh import network; print(network.obstacle())"'

    output = subprocess.check_output(["unshare", "--mount", "sh", "-c", f"{read_only} && {asking}"], cwd=REPOSITORY)

    assert output.decode().startswith("network namespaces cannot be used: ")
    assert "/proc/sys/net/ipv4/ip_forward" in output.decode()


def test_nothing_listens_beyond_loopback_and_the_bed_s_own_namespaces(federation: LiveFederation) -> None:
    processes = working_in(federation.bed.sandbox.directory)
    ours = {inode for process in processes for inode in sockets_of(process)}

    addresses = {address for inode, address in listening() if inode in ours}

    assert addresses, "API servers listen"
    assert all(address.startswith("127.") for address in addresses)


def sockets_of(process: Path) -> set[str]:
    """The inodes of its sockets."""
    inodes = set()
    for descriptor in (process / "fd").glob("*"):
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes


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
