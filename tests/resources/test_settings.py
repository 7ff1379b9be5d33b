"""Stack configuration becomes arguments and providers, whatever the environment says."""

import json
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from mesh_federation import settings
from pulumi.runtime import mocks

from tests.given.registration import Engine

CLUSTERS = {
    "cluster1": {"context": "east", "trustDomain": "east", "identity": "east-2"},
    "cluster2": {"renderTo": "rendered/west", "gateway": {"addresses": ["172.18.0.230"]}},
}


@pytest.fixture
def engine() -> Engine:
    engine = Engine()
    mocks.set_mocks(engine, project="mesh", stack="demo", monitor=engine)
    return engine


def read(clusters: dict[str, Any]) -> Any:
    """What the program is given where the stack states these clusters."""
    configuration = {"mesh:clusters": json.dumps(clusters), "mesh:settleSeconds": "5"}
    args: list[Any] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        args.append(settings.read())

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PULUMI_CONFIG", json.dumps(configuration))
        program()
    [only] = args
    return only


def test_providers_say_the_same_on_every_machine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "one.yaml:two.yaml")
    monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "false")

    read(CLUSTERS)

    ours = {"enablePatchForce": "true", "upsertExistingObjects": "false"}
    assert engine.inputs == {
        "cluster1": {"clusterIdentifier": "east-2", "context": "east", **ours},
        "cluster2": {"clusterIdentifier": "cluster2", "renderYamlToDirectory": "rendered/west", **ours},
    }


def test_what_a_provider_says_is_not_said_again(engine: Engine) -> None:
    args = read(CLUSTERS)

    assert args["settleSeconds"] == 5
    assert args["clusters"]["cluster1"].keys() == {"provider", "trustDomain"}
    assert args["clusters"]["cluster2"].keys() == {"provider", "renderTo", "gateway"}
    assert engine.requests.keys() == {"cluster1", "cluster2"}


@pytest.mark.usefixtures("engine")
def test_what_was_read_is_not_read_again_unless_it_is_edited() -> None:
    args = read(CLUSTERS)

    assert args.configuration.federation.settle_seconds == 5
    assert args.configuration.rendered == {"cluster2"}

    args["clusters"]["cluster2"]["gateway"]["port"] = 443
    assert args.configuration is None


def test_an_inline_program_of_the_automation_api_reads_the_configuration_too(engine: Engine) -> None:
    """There it is stated to the SDK alone; the environment is the one of the process that drives Pulumi."""
    configuration = {"mesh:clusters": json.dumps(CLUSTERS), "mesh:settleSeconds": "5", "other:key": "1"}
    args: list[Any] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        pulumi.runtime.set_all_config(configuration)
        args.append(settings.read())

    copy_context().run(program)

    [only] = args
    assert only["settleSeconds"] == 5
    assert engine.requests.keys() == CLUSTERS.keys()


@pytest.mark.parametrize("project", [None, "", "name: another"])
def test_where_the_project_is_not_at_hand_a_secret_kubeconfig_is_taken(
    project: str | None, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of an inline program: nobody can tell there which values of the configuration are encrypted."""
    clusters = {**CLUSTERS, "cluster1": {"kubeconfig": "apiVersion: v1\nkind: Config\n"}}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pulumi.get_root_directory", lambda: None)
    if project is not None:
        (tmp_path / "Pulumi.yaml").write_text(project)
        (tmp_path / "Pulumi.demo.yaml").write_text(yaml.safe_dump({"config": {"mesh:clusters": clusters}}))

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        pulumi.runtime.set_all_config({"mesh:clusters": json.dumps(clusters)}, ["mesh:clusters"])
        settings.read()

    copy_context().run(program)

    assert engine.requests.keys() == CLUSTERS.keys()


def test_a_provider_is_nothing_that_text_can_name(engine: Engine) -> None:
    with pytest.raises(pulumi.RunError, match=r"clusters\.cluster1\.provider: 'provider' is for programs;"):
        read({"cluster1": {"provider": "east"}, "cluster2": CLUSTERS["cluster2"]})

    assert not engine.requests
