"""Reading a spec: what is taken as meant, however it is spelled, and kept to itself where it is secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from mesh_federation.mesh.errors import SpecError

from tests.given import core
from tests.given.specs import Spec, bookinfo, snake_case, with_value
from tests.given.strategies import specs

# -- read as meant -----------------------------------------------------------------------------------------------


@given(specs())
def test_generated_specs_have_no_problem(spec: Spec) -> None:
    assert set(core.read(spec).clusters) == set(spec["clusters"])


@given(specs())
def test_snake_case_and_camel_case_mean_the_same(spec: Spec) -> None:
    assert core.read(snake_case(spec)) == core.read(spec)


def as_pulumi_rewrites(value: Any) -> Any:
    """Integers become text, as they do when the CLI rewrites a stack file."""
    if isinstance(value, dict):
        return {key: as_pulumi_rewrites(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(as_pulumi_rewrites, value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(specs())
def test_integers_as_text_mean_the_same(spec: Spec) -> None:
    assert core.read(as_pulumi_rewrites(spec)) == core.read(spec)


def as_floats(value: Any) -> Any:
    """Integers become floats, as they do on their way through protobuf."""
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(as_floats, value))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(specs())
def test_floats_that_are_integers_mean_the_same(spec: Spec) -> None:
    assert core.read(as_floats(spec)) == core.read(spec)


@given(specs())
def test_a_spec_survives_json(spec: Spec) -> None:
    assert core.read(json.loads(json.dumps(spec))) == core.read(spec)


def test_an_unquoted_istio_version_is_read_as_meant() -> None:
    assert (
        core.read(with_value("clusters.cluster1.istio", {"version": 1.31})).clusters["cluster1"].istio.version == "1.31"
    )


def test_defaults_are_those_of_the_design() -> None:
    federation = core.read(
        with_value("clusters.cluster1", {"context": "cluster1", "gateway": {"addresses": ["192.0.2.1"]}})
    )
    cluster = federation.clusters["cluster1"]
    assert cluster.gateway is not None
    assert (cluster.trust_domain, cluster.domain, cluster.state) == ("cluster.local", "cluster.local", "active")
    assert (cluster.istio.version, cluster.istio.namespace) == (None, "istio-system")
    assert (cluster.gateway.port, cluster.gateway.listener_port, cluster.gateway.manage) == (15443, 15443, True)
    assert cluster.gateway.selector == {"istio": "eastwestgateway"}
    assert federation.hosts == "{service}.{namespace}.svc.{cluster}.global"
    assert (str(federation.addresses.pool), federation.settle_seconds) == ("240.0.0.0/12", 12)


def test_a_federation_may_have_clusters_alone() -> None:
    assert core.read({"clusters": {"cluster1": {"context": "cluster1"}}}).services == []


def test_a_federation_cannot_be_changed() -> None:
    federation = core.read(bookinfo(settle=None))
    with pytest.raises(ValueError, match="frozen"):
        federation.settle_seconds = 1  # type: ignore[misc]


# -- Python's spelling -------------------------------------------------------------------------------------------


def test_paths_are_spelled_as_the_user_spells_keys() -> None:
    spec = snake_case(bookinfo(settle=None))
    spec["services"][0]["clusters"]["cluster1"]["service_accounts"] = []
    spec["clusters"]["cluster1"]["gateway"]["listener_port"] = 0
    assert [message.split(":")[0] for message in core.messages(spec)] == [
        "clusters.cluster1.gateway.listener_port",
        "services[0].clusters.cluster1.service_accounts",
    ]


def test_the_nearest_key_is_spelled_as_the_user_spells_keys() -> None:
    [message] = core.messages(with_value("services.0.imported_from", []))
    assert "did you mean 'imported_by'?" in message
    assert "importedBy" not in message
    [message] = core.messages(with_value("services.0.importedFrom", []))
    assert "did you mean 'importedBy'?" in message


def test_a_field_of_istios_keeps_istios_spelling() -> None:
    [message] = core.messages(with_value("traffic.0.http.0.cors_policy", {}))
    assert message.startswith(
        "traffic[0].http[0].cors_policy: 'cors_policy' is not a known key; did you mean 'corsPolicy'? it takes"
    )


# -- secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        {"context": "x"},
        {"gateway": {"addresses": []}},
        {"gateway": []},
        {"unknown": 1},
        {"trustDomain": 3},
        {"kubeConfig": {"token": "HUNTER2"}},
        {"renderTo": ""},
    ],
)
@pytest.mark.parametrize("kubeconfig", ["token: HUNTER2\n", {"token": "HUNTER2"}, ["HUNTER2"]])
def test_no_message_holds_a_kubeconfig(edit: Spec, kubeconfig: Any) -> None:
    spec = with_value("clusters.cluster1", {"kubeconfig": kubeconfig, **edit})
    with pytest.raises(SpecError) as caught:
        core.read(spec)
    assert "HUNTER2" not in f"{caught.value}{caught.value!r}{caught.value.problems}"


def test_a_parsed_federation_does_not_show_a_kubeconfig() -> None:
    spec = with_value("clusters.cluster1", {"kubeconfig": "token: HUNTER2\n", "gateway": {"addresses": ["192.0.2.1"]}})
    assert "HUNTER2" not in repr(core.read(spec))
