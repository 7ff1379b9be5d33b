"""The stand-in Kubernetes plugin follows objects through their lives on a real API server."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.kubernetes_plugin import resources
from sandbox.kubernetes_plugin.checkpoint import Checkpoint
from sandbox.kubernetes_plugin.cluster import Cluster
from sandbox.kubernetes_plugin.kubeconfig import Kubeconfig
from sandbox.kubernetes_plugin.pace import Pace
from sandbox.kubernetes_plugin.resources import OperationError
from sandbox.kubernetes_plugin.values import UNKNOWN, Properties, Secret, to_struct
from tests.real.kubernetes_plugin import Plugin, entry, kubeconfig_at, managers, refusal, urn

pytestmark = pytest.mark.sandbox

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
        cluster = Cluster(Kubeconfig(json.loads(kubeconfig_at(1))), Pace(50, 120), None)
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
