"""The stand-in Kubernetes plugin, asked as the engine asks it, before a real API server."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.clusters import Sandbox
from sandbox.kubernetes_plugin import resources
from sandbox.kubernetes_plugin.checkpoint import Checkpoint
from sandbox.kubernetes_plugin.cluster import Cluster
from sandbox.kubernetes_plugin.kubeconfig import Kubeconfig
from sandbox.kubernetes_plugin.pace import Pace
from sandbox.kubernetes_plugin.resources import OperationError
from sandbox.kubernetes_plugin.values import UNKNOWN, Properties, Secret, from_struct, to_struct

pytestmark = pytest.mark.sandbox

ROOT = Path(__file__).parents[2]
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "workloadentry", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}},
            }
        ],
    },
}


class Engine(engine_pb2_grpc.EngineServicer):
    """Listens to what plugins log."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def Log(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802 - the protocol names it
        del context
        self.said.append(request.message)
        return Empty()


class Plugin:
    """One running plugin, configured or not."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.kubernetes_plugin", address],
            cwd=ROOT,
            env={**os.environ, "KUBECONFIG": os.devnull, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{self.port}"))

    def configured(self, **variables: str) -> "Plugin":
        answer = self.stub.Configure(
            proto.ConfigureRequest(
                variables={f"kubernetes:config:{name}": value for name, value in variables.items()}, acceptSecrets=True
            ),
            timeout=40,
        )
        assert answer.acceptSecrets
        assert answer.supportsPreview
        assert answer.supports_autonaming_configuration
        return self

    def check(self, urn: str, news: Properties, olds: Properties | None = None) -> Properties:
        request = proto.CheckRequest(urn=urn, olds=to_struct(olds or {}), news=to_struct(news), randomSeed=b"seed")
        return from_struct(self.stub.Check(request).inputs)

    def diff(self, urn: str, state: Properties, news: Properties, ignored: tuple[str, ...] = ()) -> proto.DiffResponse:
        request = proto.DiffRequest(urn=urn, id="x", olds=to_struct(state), news=to_struct(news), ignoreChanges=ignored)
        answer: proto.DiffResponse = self.stub.Diff(request)
        return answer

    def create(self, urn: str, news: Properties, *, preview: bool = False) -> tuple[str, Properties]:
        request = proto.CreateRequest(urn=urn, properties=to_struct(news), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, from_struct(answer.properties)

    def update(self, urn: str, state: Properties, news: Properties, *, preview: bool = False) -> Properties:
        request = proto.UpdateRequest(urn=urn, id="x", olds=to_struct(state), news=to_struct(news), preview=preview)
        return from_struct(self.stub.Update(request).properties)

    def read(self, urn: str, id_: str, state: Properties, olds: Properties) -> tuple[str, Properties, Properties]:
        request = proto.ReadRequest(urn=urn, id=id_, properties=to_struct(state), inputs=to_struct(olds))
        answer = self.stub.Read(request)
        return answer.id, from_struct(answer.properties), from_struct(answer.inputs)

    def delete(self, urn: str, id_: str, state: Properties) -> None:
        self.stub.Delete(proto.DeleteRequest(urn=urn, id=id_, properties=to_struct(state)))


@pytest.fixture(scope="module")
def kubeconfig(sandbox: Sandbox) -> str:
    return Path(sandbox.kubeconfig_of("cluster1")).read_text()


@pytest.fixture(scope="module")
def kubectl(sandbox: Sandbox) -> Callable[..., str]:
    """Somebody who edits by hand; answers with standard output."""

    def run(*arguments: str) -> str:
        command = ["kubectl", "--kubeconfig", str(sandbox.kubeconfig_of("cluster1")), *arguments]
        environment = {**os.environ, **sandbox.environment()}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[Engine, str]]:
    servicer = Engine()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0)


@pytest.fixture(scope="module")
def start(engine: tuple[Engine, str]) -> Iterator[Callable[..., Plugin]]:
    started: list[Plugin] = []

    def start(**environment: str) -> Plugin:
        started.append(Plugin(engine[1], environment))
        return started[-1]

    yield start
    for plugin in started:
        plugin.process.kill()
        plugin.process.wait()


@pytest.fixture(scope="module")
def plugin(start: Callable[..., Plugin], kubeconfig: str) -> Plugin:
    return start().configured(kubeconfig=kubeconfig)


def urn(api_version: Any, kind: Any, name: str) -> str:
    module = api_version if "/" in api_version else f"core/{api_version}"
    return f"urn:pulumi:dev::test::mesh:index:Component$kubernetes:{module}:{kind}::{name}"


def entry(name: str, **spec: Any) -> tuple[str, Properties]:
    """URN and inputs of a WorkloadEntry, the smallest of Istio's kinds."""
    inputs: Properties = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "WorkloadEntry",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"address": "192.0.2.1", **spec},
    }
    return urn("networking.istio.io/v1", "WorkloadEntry", name), inputs


def managers(state: Properties) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["operation"]) for entry in state["metadata"]["managedFields"]]


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return str(caught.value.details())


class TestLife:
    def test_version(self, plugin: Plugin) -> None:
        assert plugin.stub.GetPluginInfo(Empty()).version == "4.34.2"

    def test_check_adds_a_namespace_and_nothing_else(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("plain", weight=1)
        del inputs["metadata"]["namespace"]
        expected = {**inputs, "metadata": {"name": "plain", "namespace": "default"}}
        assert plugin.check(entry_urn, inputs) == expected

    def test_check_gives_cluster_wide_kinds_no_namespace(self, plugin: Plugin) -> None:
        inputs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
        assert plugin.check(urn("v1", "Namespace", "n"), inputs) == inputs

    def test_a_name_is_made_once(self, plugin: Plugin) -> None:
        map_urn = urn("v1", "ConfigMap", "settings")
        inputs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
        first = plugin.check(map_urn, inputs)
        assert first["metadata"]["name"].startswith("settings-")
        assert len(first["metadata"]["name"]) == len("settings-") + 8
        assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
        assert plugin.check(map_urn, inputs) == first
        assert plugin.check(map_urn, {**inputs, "data": {"a": "2"}}, first)["metadata"] == first["metadata"]

    def test_create_update_delete(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("life", weight=1, locality="red")
        _, previewed = plugin.create(entry_urn, inputs, preview=True)
        assert previewed["spec"] == inputs["spec"]
        id_, state = plugin.create(entry_urn, inputs)
        assert id_ == "default/life"
        assert managers(state) == [("pulumi-kubernetes", "Update")]
        assert plugin.diff(entry_urn, state, inputs).changes == proto.DiffResponse.DIFF_NONE
        manager = state["__fieldManager"]
        _, smaller = entry("life", weight=2)
        answer = plugin.diff(entry_urn, state, smaller)
        kinds = {path: proto.PropertyDiff.Kind.Name(change.kind) for path, change in answer.detailedDiff.items()}
        assert kinds == {"spec.weight": "UPDATE", "spec.locality": "DELETE"}
        state = plugin.update(entry_urn, state, smaller)
        assert state["spec"] == {"address": "192.0.2.1", "weight": 2}, "a field that left the inputs leaves the object"
        assert managers(state) == [(manager, "Apply")]
        assert state["__fieldManager"] == manager
        plugin.delete(entry_urn, id_, state)
        assert plugin.read(entry_urn, id_, state, smaller)[0] == ""
        plugin.delete(entry_urn, id_, state)

    def test_an_object_that_exists_is_not_touched(self, plugin: Plugin, kubectl: Callable[..., str]) -> None:
        entry_urn, inputs = entry("mine", weight=1)
        _, state = plugin.create(entry_urn, inputs)
        _, other = entry("mine", weight=2)
        previewed = plugin.create(entry_urn, other, preview=True)
        assert previewed == ("", other)
        message = refusal(lambda: plugin.create(entry_urn, other))
        assert message.startswith(
            f'resource "{entry_urn}" was not successfully created by the Kubernetes API server: '
            'workloadentries.networking.istio.io "mine" already exists'
        )
        assert json.loads(kubectl("get", "workloadentry", "mine", "-o", "json"))["spec"]["weight"] == 1
        plugin.delete(entry_urn, "default/mine", state)

    def test_invalid_objects_are_refused_in_preview(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("bad", weight="big")
        message = refusal(lambda: plugin.create(entry_urn, inputs, preview=True))
        assert "was not successfully created" in message
        assert "spec.weight" in message

    def test_unknown_fields_are_dropped_by_create_and_refused_by_update(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("typo", weight=1, sizzle=2)
        id_, state = plugin.create(entry_urn, inputs)
        assert state["spec"] == {"address": "192.0.2.1", "weight": 1}
        message = refusal(lambda: plugin.update(entry_urn, state, inputs, preview=True))
        assert message.startswith('the Kubernetes API server reported that "default/typo" failed to fully initialize')
        assert ".spec.sizzle: field not declared in schema" in message
        plugin.delete(entry_urn, id_, state)

    def test_unknown_values_pass_a_preview(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("later", weight=UNKNOWN)
        checked = plugin.check(entry_urn, inputs)
        assert checked["spec"]["weight"] is UNKNOWN
        assert plugin.create(entry_urn, checked, preview=True) == ("", checked)

    def test_secrets_stay_secret(self, plugin: Plugin) -> None:
        secret_urn = urn("v1", "Secret", "s")
        metadata = {"name": "s", "namespace": "default"}
        inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"pw": Secret("hunter2")}}
        checked = plugin.check(secret_urn, inputs)
        assert checked["data"] == Secret({"pw": "aHVudGVyMg=="})
        id_, state = plugin.create(secret_urn, checked)
        assert state["data"] == state["__inputs"]["data"] == checked["data"]
        assert plugin.diff(secret_urn, state, checked).changes == proto.DiffResponse.DIFF_NONE
        plugin.delete(secret_urn, id_, state)
        entry_urn, coloured = entry("veiled", locality=Secret("red"))
        id_, state = plugin.create(entry_urn, plugin.check(entry_urn, coloured))
        assert state["spec"] == state["__inputs"]["spec"] == {"address": "192.0.2.1", "locality": Secret("red")}
        plugin.delete(entry_urn, id_, state)


class TestKinds:
    def test_a_new_kind_is_found(self, plugin: Plugin, start: Callable[..., Plugin], kubeconfig: str) -> None:
        """Deleted without waiting for dependents: the garbage collector learns of new kinds every 30 seconds only."""
        metadata = {
            "name": "w",
            "namespace": "default",
            "annotations": {"pulumi.com/deletionPropagationPolicy": "background"},
        }
        inputs: Properties = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata}
        crd_urn, widget_urn = (
            urn("apiextensions.k8s.io/v1", WIDGETS["kind"], "crd"),
            urn("example.com/v1", "Widget", "w"),
        )
        assert plugin.create(widget_urn, inputs, preview=True) == ("", inputs)
        crd_id, crd = plugin.create(crd_urn, dict(WIDGETS))
        assert crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x_kubernetes_preserve_unknown_fields"] is True
        assert plugin.diff(crd_urn, crd, dict(WIDGETS)).changes == proto.DiffResponse.DIFF_NONE
        id_, state = plugin.create(widget_urn, inputs)
        plugin.delete(widget_urn, id_, state)
        plugin.delete(crd_urn, crd_id, crd)
        fresh = start().configured(kubeconfig=kubeconfig)
        assert fresh.read(widget_urn, id_, state, inputs)[0] == "", "an object whose kind is gone is gone"
        fresh.delete(widget_urn, id_, state)

    def test_a_missing_kind_is_waited_for_and_named(self, plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
        nope_urn, inputs = urn("example.com/v1", "Nope", "n"), {"apiVersion": "example.com/v1", "kind": "Nope"}
        creating = plugin.stub.Create.future(proto.CreateRequest(urn=nope_urn, properties=to_struct(inputs)))
        time.sleep(1)
        assert not creating.done()
        creating.cancel()
        monkeypatch.setattr(resources, "RETRIES", 0)
        wanted = Checkpoint(inputs, inputs, "", "m")
        cluster = Cluster(Kubeconfig(json.loads(_kubeconfig_at(1))), Pace(50, 120), None)
        cluster.discover = lambda: None  # type: ignore[method-assign]  # an API server without kinds
        with pytest.raises(OperationError, match="required CRDs have been created: no matches for kind"):
            resources.Resources(cluster, patch_force=False, cancelled=threading.Event()).create(
                nope_urn, wanted, preview=False
            )


class TestDrift:
    def test_an_edit_by_hand_is_seen_refused_and_with_force_repaired(
        self, plugin: Plugin, start: Callable[..., Plugin], kubeconfig: str, kubectl: Callable[..., str]
    ) -> None:
        entry_urn, inputs = entry("drifting", weight=1)
        id_, state = plugin.create(entry_urn, inputs)
        state = plugin.update(entry_urn, state, inputs)
        edit = (
            "patch",
            "workloadentry",
            "drifting",
            "--type=merge",
            "-p",
            '{"spec": {"weight": 5, "locality": "a/b"}}',
        )
        kubectl(*edit, "--field-manager=somebody")
        id_, state, seen = plugin.read(entry_urn, id_, state, inputs)
        assert seen["spec"] == {"address": "192.0.2.1", "weight": 5}, "only what the inputs name"
        assert list(plugin.diff(entry_urn, state, inputs).detailedDiff) == ["spec.weight"]
        message = refusal(lambda: plugin.update(entry_urn, state, inputs, preview=True))
        assert "server-side apply field conflict detected" in message
        assert 'conflict with "somebody"' in message
        forced = start().configured(kubeconfig=kubeconfig, enablePatchForce="true")
        state = forced.update(entry_urn, state, inputs)
        assert state["spec"] == {"address": "192.0.2.1", "weight": 1, "locality": "a/b"}
        forced.delete(entry_urn, id_, state)

    def test_an_annotation_forces_too(self, plugin: Plugin, kubectl: Callable[..., str]) -> None:
        entry_urn, inputs = entry("annotated", weight=1)
        inputs["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
        id_, state = plugin.create(entry_urn, inputs)
        state = plugin.update(entry_urn, state, inputs)
        edit = ("patch", "workloadentry", "annotated", "--type=merge", "-p", '{"spec": {"weight": 5}}')
        kubectl(*edit, "--field-manager=somebody")
        state = plugin.update(entry_urn, state, inputs)
        assert state["spec"]["weight"] == 1
        plugin.delete(entry_urn, id_, state)

    def test_a_hand_written_object_can_be_imported(
        self, plugin: Plugin, kubectl: Callable[..., str], tmp_path: Path
    ) -> None:
        entry_urn, inputs = entry("found", weight=1)
        (tmp_path / "found.json").write_text(json.dumps(inputs))
        kubectl("create", "-f", str(tmp_path / "found.json"))
        id_, state, read = plugin.read(entry_urn, "default/found", {}, {})
        assert id_ == "default/found"
        assert read == {key: value for key, value in inputs.items() if key != "spec"}
        assert list(plugin.diff(entry_urn, state, inputs).detailedDiff) == ["spec"]
        other = {"address": "192.0.2.2"}
        state = plugin.update(entry_urn, state, {**inputs, "spec": other})
        assert state["spec"] == other, "fields that kubectl set are ours to remove"
        plugin.delete(entry_urn, id_, state)


class TestDiff:
    STATE = entry("w", route=[{"to": "a", "weight": 1}, {"to": "b"}])[1]

    def state(self) -> Properties:
        return {
            **self.STATE,
            "__inputs": self.STATE,
            "__fieldManager": "m",
            "__initialApiVersion": "networking.istio.io/v1",
        }

    def test_paths(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("w", route=[{"to": "a", "weight": 2}])
        inputs["metadata"]["labels"] = {"example.com/a": "b"}
        found = plugin.diff(entry_urn, self.state(), inputs)
        assert {path: proto.PropertyDiff.Kind.Name(change.kind) for path, change in found.detailedDiff.items()} == {
            "metadata.labels": "ADD",
            "spec.route[0].weight": "UPDATE",
            "spec.route[1]": "DELETE",
        }
        assert not found.replaces
        labelled = {**self.state(), "__inputs": inputs, "metadata": inputs["metadata"]}
        again = {**inputs, "metadata": {**inputs["metadata"], "labels": {"example.com/a": "c"}}}
        assert 'metadata.labels["example.com/a"]' in plugin.diff(entry_urn, labelled, again).detailedDiff

    def test_another_name_or_namespace_is_another_object(self, plugin: Plugin) -> None:
        for key, value in (("name", "other"), ("namespace", "elsewhere")):
            entry_urn, inputs = entry("w", **self.STATE["spec"])
            inputs["metadata"][key] = value
            found = plugin.diff(entry_urn, self.state(), inputs)
            assert found.replaces == [f"metadata.{key}"]
            assert found.detailedDiff[f"metadata.{key}"].kind == proto.PropertyDiff.UPDATE_REPLACE
            assert not found.deleteBeforeReplace

    def test_the_same_name_is_deleted_before_it_is_replaced(self, plugin: Plugin) -> None:
        inputs = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "m", "namespace": "d"},
            "data": {"a": "1"},
        }
        state = {**inputs, "__inputs": inputs, "__fieldManager": "m", "__initialApiVersion": "v1"}
        found = plugin.diff(urn("v1", "ConfigMap", "m"), state, {**inputs, "data": {"a": "2"}})
        assert found.replaces == ["data.a"]
        assert found.deleteBeforeReplace

    def test_ignored_changes_are_none(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("w", route=[])
        assert plugin.diff(entry_urn, self.state(), inputs, ("spec",)).changes == proto.DiffResponse.DIFF_NONE


class TestProviderConfig:
    def changed(self, plugin: Plugin, old: Properties, new: Properties) -> proto.DiffResponse:
        request = proto.DiffRequest(olds=to_struct(old), news=to_struct(new))
        answer: proto.DiffResponse = plugin.stub.DiffConfig(request)
        return answer

    def test_cluster_identifier_decides(self, plugin: Plugin, kubeconfig: str) -> None:
        data = yaml.safe_load(kubeconfig)
        data["clusters"][0]["cluster"]["server"] = "https://elsewhere.example"
        elsewhere = yaml.safe_dump(data)
        known = {"kubeconfig": kubeconfig, "clusterIdentifier": "a"}
        for value in (elsewhere, UNKNOWN):
            assert not self.changed(plugin, known, {**known, "kubeconfig": value}).replaces
            without = self.changed(plugin, {"kubeconfig": kubeconfig}, {"kubeconfig": value})
            assert without.replaces == ["kubeconfig"]
        assert self.changed(plugin, known, {**known, "clusterIdentifier": "b"}).replaces == ["clusterIdentifier"]
        forced = self.changed(
            plugin, {"kubeconfig": kubeconfig}, {"kubeconfig": kubeconfig, "enablePatchForce": "true"}
        )
        assert forced.changes == proto.DiffResponse.DIFF_SOME
        assert not forced.replaces
        assert self.changed(plugin, {"renderYamlToDirectory": "a"}, {"renderYamlToDirectory": "b"}).replaces
        assert self.changed(plugin, known, known).changes == proto.DiffResponse.DIFF_NONE

    def test_render_mode_excludes_clusters(self, plugin: Plugin) -> None:
        news = to_struct({"renderYamlToDirectory": "out", "context": "c"})
        failures = plugin.stub.CheckConfig(proto.CheckRequest(news=news)).failures
        assert [failure.property for failure in failures] == ["context"]


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
    STATE = TestDiff().state()

    @pytest.fixture
    def lost(self, start: Callable[..., Plugin]) -> Plugin:
        return start().configured(kubeconfig=_kubeconfig_at(_closed_port(), token="s3cret"))

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
        kubeconfig = _kubeconfig_at(_closed_port())
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
            lost = start().configured(kubeconfig=_kubeconfig_at(silent.getsockname()[1]))
            assert time.monotonic() - began < 15
            assert "unreachable" in refusal(lambda: lost.create(*entry("w", weight=1)))


class TestCertificates:
    def test_inline_keys_are_readable_by_path_and_on_no_disk(self) -> None:
        inline = {"client-key-data": base64.b64encode(b"key").decode()}
        stated = json.loads(_kubeconfig_at(1))
        stated["users"][0]["user"] |= inline
        user = Kubeconfig(stated).usable()["users"][0]["user"]
        assert Path(user["client-key"]).read_bytes() == b"key"
        assert Path(user["client-key"]).resolve().name.startswith("memfd:")
        assert "client-key-data" not in user


class TestProcess:
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


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _kubeconfig_at(port: int, token: str = "t") -> str:
    return json.dumps(
        {
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )
