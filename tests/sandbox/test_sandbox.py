"""The sandbox itself: comes up, stays apart from others, and leaves nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clusters import Sandbox, SandboxError, kubectl
from sandbox.ports import free_port
from sandbox.processes import Processes, StartError

pytestmark = pytest.mark.sandbox

REPOSITORY = Path(__file__).parents[2]
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


def processes_of(directory: Path) -> set[int]:
    """Ids of the processes that have something to do with `directory`: it is in their command line."""
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(directory) in _command_line(entry)
    }


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def command(directory: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", "--directory", str(directory), *arguments]


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox beside the one that all tests share."""
    second = Sandbox.up(tmp_path_factory.mktemp("second") / "sandbox", ["cluster1"])
    yield second
    second.down()


def test_two_run_side_by_side_with_clusters_of_the_same_name(sandbox: Sandbox, second: Sandbox) -> None:
    kubectl(second, "cluster1", "create", "namespace", "only-here")

    assert "only-here" in kubectl(second, "cluster1", "get", "namespaces", "--output", "name")
    assert "only-here" not in kubectl(sandbox, "cluster1", "get", "namespaces", "--output", "name")


def test_starting_what_runs_changes_nothing_and_takes_no_time(second: Sandbox) -> None:
    before = processes_of(second.directory)
    began = time.monotonic()

    again = Sandbox.up(second.directory, ["cluster1"])

    assert time.monotonic() - began < 1
    assert again.clusters == ["cluster1"]
    assert processes_of(second.directory) == before


def test_nothing_listens_beyond_loopback(second: Sandbox) -> None:
    listening = [socket for pid in processes_of(second.directory) for socket in listeners(pid)]

    assert listening
    assert {address for address, _ in listening} <= LOOPBACK


def listeners(pid: int) -> Iterator[tuple[str, str]]:
    """(address, port) of the TCP sockets on which a process listens, as the kernel spells them."""
    inodes = {str(f.readlink()).removeprefix("socket:[").removesuffix("]") for f in Path(f"/proc/{pid}/fd").iterdir()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, _, port = fields[1].partition(":")
                yield address, port


def test_credentials_are_for_the_owner_alone(second: Sandbox) -> None:
    private = [second.kubeconfig_of("cluster1"), Path(second.environment()["KUBECONFIG"])]
    private += [second.directory / "cluster1" / name for name in ("tokens.csv", "service-account.key")]
    private.append(Path(second.environment()["PULUMI_CONFIG_PASSPHRASE_FILE"]))

    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_a_cluster_can_stop_come_back_and_be_built_anew(second: Sandbox) -> None:
    kubectl(second, "cluster1", "create", "namespace", "kept")

    second.stop("cluster1")
    with pytest.raises(SandboxError, match="cluster1"):
        kubectl(second, "cluster1", "get", "namespaces")
    second.start("cluster1")
    assert "kept" in kubectl(second, "cluster1", "get", "namespaces", "--output", "name")
    second.rebuild("cluster1")
    assert "kept" not in kubectl(second, "cluster1", "get", "namespaces", "--output", "name")


def test_a_program_begins_only_once_somebody_could_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the command that starts it is killed at the worst moment."""

    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(Processes, "_remember", killed)
    with pytest.raises(KilledError):
        Processes(tmp_path).start("touch", ["touch", tmp_path / "begun"])

    time.sleep(0.5)
    assert not (tmp_path / "begun").exists()


def test_a_command_that_is_killed_half_way_leaves_nothing_that_the_next_down_does_not_end(tmp_path: Path) -> None:
    directory = tmp_path / "sandbox"
    starting = subprocess.Popen(command(directory, "up", "one"), cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    while not (processes_of(directory) - {starting.pid}):
        time.sleep(0.02)
    starting.send_signal(signal.SIGKILL)
    starting.wait()

    subprocess.run(command(directory, "down"), cwd=REPOSITORY, check=True, capture_output=True)

    assert not processes_of(directory)
    assert not directory.exists()


def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_a_broken("etcd", tmp_path, monkeypatch)

    with pytest.raises(StartError, match="this etcd is broken"):
        Sandbox.up(tmp_path / "sandbox", ["one"])

    assert not processes_of(tmp_path / "sandbox")
    assert not (tmp_path / "sandbox").exists()


def test_a_cluster_that_cannot_be_added_leaves_nothing_and_those_that_run_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox.up(tmp_path / "sandbox", ["one"])
    try:
        running = processes_of(sandbox.directory)
        put_a_broken("kube-apiserver", tmp_path, monkeypatch)

        with pytest.raises(StartError, match="this kube-apiserver is broken"):
            Sandbox.up(sandbox.directory, ["one", "two"])

        assert processes_of(sandbox.directory) == running
        assert "istio-system" in kubectl(sandbox, "one", "get", "namespaces", "--output", "name")
        assert sandbox.clusters == ["one"]
        assert not list(sandbox.directory.rglob("two*"))
    finally:
        sandbox.down()


def put_a_broken(program: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First on PATH, a program that only says so."""
    broken = directory / "bin" / program
    broken.parent.mkdir()
    broken.write_text(f"#!/bin/sh\necho this {program} is broken\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=os.pathsep)


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(SandboxError, match="holds something else than a sandbox"):
        Sandbox.up(tmp_path, ["one"])
    with pytest.raises(SandboxError, match="holds something else than a sandbox"):
        Sandbox(tmp_path).down()

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_stopped_program_has_left_its_port_also_if_its_first_thread_ended_before_the_others(tmp_path: Path) -> None:
    port = free_port()
    processes = Processes(tmp_path)
    processes.start("server", [sys.executable, "-c", SERVER_WITHOUT_ITS_FIRST_THREAD, str(port)])
    deadline = time.monotonic() + 10
    while "its first thread has ended" not in processes.log_of("server").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert processes.is_running("server")
    processes.stop("server")

    socket.create_server(("127.0.0.1", port)).close()


SERVER_WITHOUT_ITS_FIRST_THREAD = """
import ctypes, socket, sys, threading, time
from pathlib import Path

def serve():
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
        while Path("/proc/self/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        print("its first thread has ended", flush=True)
        time.sleep(60)

threading.Thread(target=serve).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_that_only_has_the_id_of_one_of_ours_is_left_alone(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.start("sleeper", ["sleep", "60"])
    record = tmp_path / "processes.json"
    record.write_text(record.read_text().replace('"began": ', '"began": 1'))

    assert not processes.is_running("sleeper")
    processes.stop("sleeper")

    (sleeper,) = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and is_child_sleep(p)]
    os.kill(sleeper, signal.SIGKILL)


def is_child_sleep(process: Path) -> bool:
    try:
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return False
    return _command_line(process) == "sleep\x0060\x00" and int(parent) == os.getpid()
