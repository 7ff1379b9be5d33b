"""Stack configuration becomes arguments and providers, whatever the environment says."""

import json
from typing import Any

import pulumi
import pytest
from mesh_federation import settings
from mesh_federation.args import Stated
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


def read(clusters: dict[str, Any]) -> Stated:
    """What the program is given where the stack states these clusters."""
    configuration = {"mesh:clusters": json.dumps(clusters), "mesh:settleSeconds": "5"}
    stated: list[Stated] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> None:
        stated.append(settings.read())

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PULUMI_CONFIG", json.dumps(configuration))
        program()
    [only] = stated
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


def test_each_cluster_has_a_provider_and_the_rendered_are_known(engine: Engine) -> None:
    stated = read(CLUSTERS)

    assert stated.federation.settle_seconds == 5
    assert stated.federation.clusters["cluster1"].trust_domain == "east"
    assert stated.providers.keys() == engine.requests.keys() == {"cluster1", "cluster2"}
    assert stated.rendered == {"cluster2"}


def test_a_provider_is_nothing_that_text_can_name(engine: Engine) -> None:
    with pytest.raises(pulumi.RunError, match=r"clusters\.cluster1\.provider: 'provider' is for programs;"):
        read({"cluster1": {"provider": "east"}, "cluster2": CLUSTERS["cluster2"]})

    assert not engine.requests
