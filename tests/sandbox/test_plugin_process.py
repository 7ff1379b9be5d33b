"""The stand-in Kubernetes plugin where there is no cluster to answer, and how its process ends."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import yaml
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.kubernetes_plugin.kubeconfig import Kubeconfig
from tests.real.kubernetes_plugin import ROOT, Engine, Plugin, closed_port, entry, kubeconfig_at, refusal, state_of

pytestmark = pytest.mark.sandbox


class TestRender:
    def test_files_instead_of_requests(self, start: Callable[..., Plugin], tmp_path: Path) -> None:
        rendering = start().configured(renderYamlToDirectory=str(tmp_path / "out"))
        entry_urn, inputs = entry("w", weight=1)
        assert rendering.create(entry_urn, inputs, preview=True)[0] == ""
        assert not (tmp_path / "out").exists()
        id_, state = rendering.create(entry_urn, inputs)
        path = tmp_path / "out/1-manifest/networking.istio.io_v1-workloadentry-default-w.yaml"
        assert yaml.safe_load(path.read_text()) == inputs
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "out/0-crd").is_dir()
        state = rendering.update(entry_urn, state, {**inputs, "spec": {"weight": 2}})
        assert yaml.safe_load(path.read_text())["spec"] == {"weight": 2}
        rendering.delete(entry_urn, id_, state)
        assert not path.exists()


class TestUnreachable:
    STATE = state_of(entry("w", route=[{"to": "a", "weight": 1}])[1])

    @pytest.fixture
    def lost(self, start: Callable[..., Plugin]) -> Plugin:
        return start().configured(kubeconfig=kubeconfig_at(closed_port(), token="s3cret"))

    def test_previews_go_on_and_updates_do_not(self, lost: Plugin, engine: tuple[Engine, str]) -> None:
        entry_urn, inputs = entry("w", weight=1)
        assert lost.check(entry_urn, inputs) == inputs
        assert lost.create(entry_urn, inputs, preview=True) == ("", inputs)
        assert lost.update(entry_urn, self.STATE, inputs, preview=True) == inputs
        messages = [
            refusal(lambda: lost.create(entry_urn, inputs)),
            refusal(lambda: lost.update(entry_urn, self.STATE, inputs)),
            refusal(lambda: lost.delete(entry_urn, "default/w", self.STATE)),
            refusal(lambda: lost.read(entry_urn, "default/w", self.STATE, inputs)),
        ]
        assert all(message.startswith("configured Kubernetes cluster is unreachable") for message in messages[:3])
        assert messages[3].startswith("failed to read resource state due to unreachable cluster")
        assert not any("s3cret" in text for text in (*messages, *engine[0].said))

    def test_objects_can_be_dropped(self, start: Callable[..., Plugin]) -> None:
        kubeconfig = kubeconfig_at(closed_port())
        dropping = start(PULUMI_K8S_DELETE_UNREACHABLE="true").configured(kubeconfig=kubeconfig)
        entry_urn, inputs = entry("w", weight=1)
        dropping.delete(entry_urn, "default/w", self.STATE)
        assert dropping.read(entry_urn, "default/w", self.STATE, inputs)[0] == ""

    @pytest.mark.parametrize(
        ("kubeconfig", "context", "reason"),
        [
            ("not: [a kubeconfig, s3cret", "", "neither a file nor valid YAML"),
            ("", "nowhere", "no configuration has been provided"),
            ("apiVersion: v1\nclusters: []\ncontexts: [{name: a, context: {}}]", "nowhere", '"nowhere" does not exist'),
        ],
    )
    def test_a_useless_kubeconfig_is_an_unreachable_cluster(
        self, start: Callable[..., Plugin], kubeconfig: str, context: str, reason: str
    ) -> None:
        lost = start().configured(kubeconfig=kubeconfig, context=context)
        entry_urn, inputs = entry("w", weight=1)
        message = refusal(lambda: lost.create(entry_urn, inputs))
        assert message.startswith("configured Kubernetes cluster is unreachable: ")
        assert reason in message
        assert "s3cret" not in message

    def test_a_server_that_never_answers_is_given_up(self, start: Callable[..., Plugin]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            lost = start().configured(kubeconfig=kubeconfig_at(silent.getsockname()[1]))
            assert time.monotonic() - began < 15
            assert "unreachable" in refusal(lambda: lost.create(*entry("w", weight=1)))


class TestCertificates:
    def test_inline_keys_are_readable_by_path_and_on_no_disk(self) -> None:
        inline = {"client-key-data": base64.b64encode(b"key").decode()}
        stated = json.loads(kubeconfig_at(1))
        stated["users"][0]["user"] |= inline
        _, user = Kubeconfig(stated).usable()
        assert Path(user["client-key"]).read_bytes() == b"key"
        assert Path(user["client-key"]).resolve().name.startswith("memfd:")
        assert "client-key-data" not in user

    def test_a_program_may_say_who_asks(self, start: Callable[..., Plugin], kubeconfig: str, tmp_path: Path) -> None:
        stated = yaml.safe_load(kubeconfig)
        credential = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"token": stated["users"][0]["user"]["token"]},
        }
        (tmp_path / "credential.json").write_text(json.dumps(credential))
        program = {
            "apiVersion": credential["apiVersion"],
            "command": "cat",
            "args": [str(tmp_path / "credential.json")],
            "interactiveMode": "Never",
        }
        asking = start().configured(
            kubeconfig=json.dumps(
                {**stated, "users": [{"name": stated["users"][0]["name"], "user": {"exec": program}}]}
            )
        )
        entry_urn, inputs = entry("asked-by-a-program", weight=1)
        id_, state = asking.create(entry_urn, inputs)
        assert id_ == "default/asked-by-a-program"
        asking.delete(entry_urn, id_, state)


class TestProcess:
    def test_the_sdk_can_be_loaded_after_its_protocol_alone(self) -> None:
        program = "import sandbox.kubernetes_plugin.protocol, pulumi; print(pulumi.Output, pulumi.runtime.Mocks)"
        run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "pulumi.output.Output" in run.stdout

    def test_calls_run_side_by_side(self, plugin: Plugin) -> None:
        def live_and_die(number: int) -> None:
            entry_urn, inputs = entry(f"w{number}", weight=number)
            id_, state = plugin.create(entry_urn, inputs)
            plugin.delete(entry_urn, id_, state)

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(live_and_die, range(24)))

    def test_nothing_remains_when_its_engine_is_killed(
        self, engine: tuple[Engine, str], kubeconfig: str, tmp_path: Path
    ) -> None:
        program = (
            "import subprocess, sys, time\n"
            "plugin = subprocess.Popen([sys.executable, '-m', 'sandbox.kubernetes_plugin', sys.argv[1]])\n"
            "print(plugin.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", program, engine[1]],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path), "KUBECONFIG": os.devnull},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert parent.stdout is not None
        pid, port = sorted((int(parent.stdout.readline()), int(parent.stdout.readline())), key=_is_port)
        stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        stub.Configure(proto.ConfigureRequest(variables={"kubernetes:config:kubeconfig": kubeconfig}))
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 5
        while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert list(tmp_path.iterdir()) == []


def _is_port(number: int) -> bool:
    return not Path(f"/proc/{number}").exists()
