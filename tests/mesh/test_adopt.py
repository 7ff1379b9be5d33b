"""`adopt`: the file for `pulumi import`, from a stack file, a state and what exists."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.given import core
from tests.given.scenarios import BOOKINFO

HOST = "reviews.default.svc.cluster2.global"
FEDERATION = "urn:pulumi:demo::mesh::mesh:index:MeshFederation::mesh"
CLUSTER1 = "urn:pulumi:demo::mesh::mesh:index:MeshFederation$mesh:index:MeshCluster::mesh/cluster1"
PROVIDER1 = "urn:pulumi:demo::mesh::pulumi:providers:kubernetes::cluster1"
TYPE = "kubernetes:networking.istio.io/v1"
VIRTUAL_SERVICE = (
    "urn:pulumi:demo::mesh::mesh:index:MeshFederation$mesh:index:MeshCluster$"
    f"{TYPE}:VirtualService::mesh/cluster1/VirtualService/default/reviews"
)
NEW = {"deployment": None}
"""The export of a stack that nobody has updated."""
SUBSET = VIRTUAL_SERVICE.replace("VirtualService", "DestinationRule").replace("/reviews", "/v1.reviews")


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """The bookinfo example's stack file, named as Pulumi names it."""
    return Path(shutil.copy(BOOKINFO, tmp_path / "Pulumi.demo.yaml"))


def adopt(directory: Path, stack_file: Path, state: Any, *arguments: str) -> dict[str, Any]:
    export, out = directory / "state.json", directory / "import.json"
    export.write_text(json.dumps(state))
    code = core.run("adopt", stack_file, "--state", export, "--out", out, *arguments)
    assert code == 0
    document: dict[str, Any] = json.loads(out.read_text())
    return document


def existing(directory: Path, *objects: tuple[str, str, str]) -> Path:
    """What `kubectl get … -o json` prints."""
    path = directory / "found.json"
    items = [{"kind": kind, "metadata": {"namespace": namespace, "name": name}} for kind, namespace, name in objects]
    path.write_text(json.dumps({"kind": "List", "items": items}))
    return path


def test_hand_written_objects_are_adopted_into_an_empty_stack(tmp_path: Path, stack_file: Path) -> None:
    listing = existing(
        tmp_path,
        ("VirtualService", "default", "reviews"),
        ("VirtualService", "default", "ratings"),
        ("ServiceEntry", "istio-system", HOST),
        ("DestinationRule", "other", "v1.reviews"),
    )

    document = adopt(tmp_path, stack_file, NEW, "--found", f"cluster1={listing}")

    child = {"parent": "mesh/cluster1", "provider": "provider/cluster1"}
    assert document == {
        "nameTable": {"provider/cluster1": PROVIDER1},
        "resources": [
            {"type": "mesh:index:MeshFederation", "name": "mesh", "component": True},
            {"type": "mesh:index:MeshCluster", "name": "mesh/cluster1", "component": True, "parent": "mesh"},
            {
                "type": f"{TYPE}:ServiceEntry",
                "name": f"mesh/cluster1/ServiceEntry/istio-system/{HOST}",
                "id": f"istio-system/{HOST}",
                **child,
            },
            {
                "type": f"{TYPE}:VirtualService",
                "name": "mesh/cluster1/VirtualService/default/reviews",
                "id": "default/reviews",
                **child,
            },
        ],
        "providerInputs": {
            "provider/cluster1": {
                "clusterIdentifier": "cluster1",
                "context": "cluster1",
                "enablePatchForce": "true",
                "upsertExistingObjects": "false",
            }
        },
    }


def test_what_a_killed_update_was_creating_is_adopted_under_parents_that_exist(
    tmp_path: Path, stack_file: Path
) -> None:
    state = {
        "deployment": {
            "resources": [{"urn": FEDERATION}, {"urn": CLUSTER1}, {"urn": PROVIDER1, "id": "p"}],
            "pending_operations": [
                {"type": "creating", "resource": {"urn": VIRTUAL_SERVICE}},
                {"type": "deleting", "resource": {"urn": SUBSET}},
            ],
        }
    }

    document = adopt(tmp_path, stack_file, state)

    assert document == {
        "nameTable": {"mesh": FEDERATION, "mesh/cluster1": CLUSTER1, "provider/cluster1": PROVIDER1},
        "resources": [
            {
                "type": f"{TYPE}:VirtualService",
                "name": "mesh/cluster1/VirtualService/default/reviews",
                "id": "default/reviews",
                "parent": "mesh/cluster1",
                "provider": "provider/cluster1",
            }
        ],
    }


def test_what_the_state_remembers_is_not_adopted_again(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = existing(tmp_path, ("VirtualService", "default", "reviews"))
    state = {"deployment": {"resources": [{"urn": VIRTUAL_SERVICE, "id": "default/reviews"}]}}

    assert adopt(tmp_path, stack_file, state, "--found", f"cluster1={listing}") == {"nameTable": {}, "resources": []}
    assert capsys.readouterr().out.startswith("0 objects to adopt")


def test_there_may_be_nothing_to_do(tmp_path: Path, stack_file: Path) -> None:
    assert adopt(tmp_path, stack_file, {"deployment": {"resources": []}}) == {"nameTable": {}, "resources": []}


def test_a_pending_create_that_never_reached_the_cluster_is_not_adopted(tmp_path: Path, stack_file: Path) -> None:
    state = {"deployment": {"pending_operations": [{"type": "creating", "resource": {"urn": VIRTUAL_SERVICE}}]}}
    listing = existing(tmp_path)
    assert adopt(tmp_path, stack_file, state, "--found", f"cluster1={listing}")["resources"] == []


def test_the_stacks_and_the_federations_names_can_be_stated(tmp_path: Path, stack_file: Path) -> None:
    listing = existing(tmp_path, ("VirtualService", "default", "reviews"))
    names = ["--stack", "prod", "--name", "bookinfo"]

    document = adopt(tmp_path, stack_file, NEW, *names, "--found", f"cluster1={listing}")

    assert document["nameTable"] == {"provider/cluster1": PROVIDER1.replace(":demo:", ":prod:")}
    assert [entry["name"] for entry in document["resources"]] == [
        "bookinfo",
        "bookinfo/cluster1",
        "bookinfo/cluster1/VirtualService/default/reviews",
    ]


def test_a_stack_that_its_file_does_not_name_is_asked_for(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.json").write_text(json.dumps(NEW))
    unnamed = stack_file.rename(tmp_path / "mystack.yaml")
    options = ["--state", str(tmp_path / "state.json"), "--out", str(tmp_path / "import.json")]

    assert core.run("adopt", unnamed, *options) == 1

    assert "say with --stack" in capsys.readouterr().err
    assert core.run("adopt", unnamed, *options, "--stack", "prod") == 0


def test_the_identity_of_a_cluster_is_its_providers_identifier(tmp_path: Path, stack_file: Path) -> None:
    stack_file.write_text(stack_file.read_text().replace("context: cluster1,", "context: cluster1, identity: second,"))
    listing = existing(tmp_path, ("VirtualService", "default", "reviews"))

    document = adopt(tmp_path, stack_file, NEW, "--found", f"cluster1={listing}")

    assert document["providerInputs"]["provider/cluster1"]["clusterIdentifier"] == "second"


def test_a_provider_that_only_the_engine_can_make_is_asked_for(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack_file.write_text(stack_file.read_text().replace("context: cluster1", "kubeconfig: {secure: AAA}"))
    listing = existing(tmp_path, ("VirtualService", "default", "reviews"))
    (tmp_path / "state.json").write_text(json.dumps(NEW))
    common = ["adopt", str(stack_file), "--state", str(tmp_path / "state.json"), "--out", str(tmp_path / "import.json")]

    assert core.run(*common, "--found", f"cluster1={listing}") == 1

    assert "--target '**::pulumi:providers:kubernetes::cluster1'" in capsys.readouterr().err
    assert not (tmp_path / "import.json").exists()


def test_a_cluster_that_nobody_knows_is_a_problem(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = existing(tmp_path)
    (tmp_path / "state.json").write_text(json.dumps(NEW))
    common = ["adopt", str(stack_file), "--state", str(tmp_path / "state.json"), "--out", str(tmp_path / "import.json")]

    assert core.run(*common, "--found", f"cluster3={listing}") == 1

    assert "no cluster 'cluster3'; there are cluster1, cluster2" in capsys.readouterr().err


STATE = "is not the output of `pulumi stack export`"
LISTING = "is not the output of `kubectl get … -o json`"


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ("[]", f"{STATE}: the whole should be an object"),
        ("{}", f"{STATE}: deployment is missing"),
        ('{"items": []}', f"{STATE}: deployment is missing"),
        ('{"deployment": []}', f"{STATE}: deployment should be an object"),
        ('{"deployment": {"resources": [{}]}}', f"{STATE}: deployment.resources[0].urn is missing"),
        ('{"deployment": {"resources": [{"urn": 5}]}}', f"{STATE}: deployment.resources[0].urn should be text"),
        ('{"deployment": {"resources": {}}}', f"{STATE}: deployment.resources should be a list"),
        (
            '{"deployment": {"pending_operations": [{"type": "creating"}]}}',
            f"{STATE}: deployment.pending_operations[0].resource is missing",
        ),
        ("[" * 100_000, "is not JSON; it is nested too deeply"),
        ("", "is not JSON"),
    ],
)
def test_what_is_no_state_is_refused(
    state: str, problem: str, tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export, out = tmp_path / "state.json", tmp_path / "import.json"
    export.write_text(state)

    assert core.run("adopt", stack_file, "--state", export, "--out", out) == 1

    assert capsys.readouterr().err.startswith(f"{export}: {problem}")
    assert not out.exists()


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        ("[]", "the whole should be an object"),
        ("{}", "kind is missing"),
        ('{"items": 5}', "items should be a list"),
        ('{"items": [{}]}', "items[0].kind is missing"),
        ('{"items": [5]}', "items[0] should be an object"),
        ('{"items": [{"kind": "Service", "metadata": {"name": null}}]}', "items[0].metadata.name should be text"),
        ('{"kind": "Service", "metadata": []}', "metadata should be an object"),
    ],
)
def test_what_is_no_listing_is_refused(
    listing: str, problem: str, tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, file, out = tmp_path / "state.json", tmp_path / "found.json", tmp_path / "import.json"
    state.write_text(json.dumps(NEW))
    file.write_text(listing)

    assert core.run("adopt", stack_file, "--state", state, "--out", out, "--found", f"cluster1={file}") == 1

    assert capsys.readouterr().err == f"{file}: {LISTING}: {problem}; give it as the command writes it\n"
    assert not out.exists()


def test_a_single_object_is_a_listing(tmp_path: Path, stack_file: Path) -> None:
    listing = tmp_path / "found.json"
    listing.write_text(json.dumps({"kind": "VirtualService", "metadata": {"namespace": "default", "name": "reviews"}}))

    document = adopt(tmp_path, stack_file, NEW, "--found", f"cluster1={listing}")

    assert document["resources"][-1]["id"] == "default/reviews"
