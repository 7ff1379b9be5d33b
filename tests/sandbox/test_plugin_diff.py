"""What the stand-in Kubernetes plugin tells the engine of differences, in objects and in its own configuration."""

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.kubernetes_plugin.values import UNKNOWN, Properties, to_struct
from tests.real.kubernetes_plugin import Plugin, entry, state_of, urn

pytestmark = pytest.mark.sandbox


class TestDiff:
    INPUTS = entry("w", route=[{"to": "a", "weight": 1}, {"to": "b"}])[1]

    def test_paths(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("w", route=[{"to": "a", "weight": 2}])
        inputs["metadata"]["labels"] = {"example.com/a": "b"}
        difference = plugin.diff(entry_urn, state_of(self.INPUTS), inputs)
        assert {
            path: proto.PropertyDiff.Kind.Name(change.kind) for path, change in difference.detailedDiff.items()
        } == {
            "metadata.labels": "ADD",
            "spec.route[0].weight": "UPDATE",
            "spec.route[1]": "DELETE",
        }
        assert not difference.replaces
        labelled = {**state_of(self.INPUTS), "__inputs": inputs, "metadata": inputs["metadata"]}
        again = {**inputs, "metadata": {**inputs["metadata"], "labels": {"example.com/a": "c"}}}
        assert 'metadata.labels["example.com/a"]' in plugin.diff(entry_urn, labelled, again).detailedDiff

    def test_another_name_or_namespace_is_another_object(self, plugin: Plugin) -> None:
        for key, value in (("name", "other"), ("namespace", "elsewhere")):
            entry_urn, inputs = entry("w", **self.INPUTS["spec"])
            inputs["metadata"][key] = value
            difference = plugin.diff(entry_urn, state_of(self.INPUTS), inputs)
            assert difference.replaces == [f"metadata.{key}"]
            assert difference.detailedDiff[f"metadata.{key}"].kind == proto.PropertyDiff.UPDATE_REPLACE
            assert not difference.deleteBeforeReplace

    def test_the_same_name_is_deleted_before_it_is_replaced(self, plugin: Plugin) -> None:
        inputs = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "m", "namespace": "d"},
            "data": {"a": "1"},
        }
        state = {**inputs, "__inputs": inputs, "__fieldManager": "m", "__initialApiVersion": "v1"}
        difference = plugin.diff(urn("v1", "ConfigMap", "m"), state, {**inputs, "data": {"a": "2"}})
        assert difference.replaces == ["data.a"]
        assert difference.deleteBeforeReplace

    def test_ignored_changes_are_none(self, plugin: Plugin) -> None:
        entry_urn, inputs = entry("w", route=[])
        assert plugin.diff(entry_urn, state_of(self.INPUTS), inputs, ("spec",)).changes == proto.DiffResponse.DIFF_NONE


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
