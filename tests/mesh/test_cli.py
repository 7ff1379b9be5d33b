"""The pure core as a command: what it prints, writes and returns."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from mesh_federation.mesh.cli import main

SCENARIOS = Path(__file__).parents[1] / "scenarios"
ARTICLE = SCENARIOS / "the_article_s_split" / "stack.yaml"
WRONG = SCENARIOS / "references_that_lead_nowhere"
HOST = "reviews.default.svc.cluster2.global"


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """The article's stack, named as Pulumi names it."""
    return Path(shutil.copy(ARTICLE, tmp_path / "Pulumi.demo.yaml"))


def files(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


# -- check -------------------------------------------------------------------------------------------------------


def test_check_says_what_a_good_stack_file_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ARTICLE)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{ARTICLE}: no problem; 1 rules for 1 services on 2 clusters make 8 objects\n"
    assert told.err == ""


def test_check_reports_every_problem_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = WRONG / "stack.yaml"
    missing = WRONG / "nothing.yaml"

    assert main(["check", str(wrong), str(ARTICLE), str(missing)]) == 1

    told = capsys.readouterr()
    expected = [f"{wrong}: {line}" for line in (WRONG / "problems.golden.txt").read_text().splitlines()]
    assert told.err.splitlines() == [*expected, f"{missing}: No such file or directory"]
    assert told.out == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no YAML: "),
        ("", "has no `config`"),
        ("[]", "has no `config`"),
        ("config: 3", "has no `config`"),
        ("config: {other:key: 1}", "clusters: is missing"),
        ("config: {mesh:clusters: {secure: AAA}}", "clusters: is encrypted as a whole"),
        ("config: {mesh:clusters: {a: {kubeconfig: {secure: A}, context: a}}}", "clusters.a: needs exactly one of"),
        ("config: {mesh:clusters: {a: {kubeconfig: 'users: [HUNTER2]\n'}}}".replace("\n", "\\n"), ""),
        ('config: {"mesh:clusters": {a: {kubeconfig: "users: HUNTER2\\n"}}}', "clusters.a.kubeconfig: stands in plain"),
        ('config: {"mesh:clusters": {a: {kubeconfig: "{HUNTER2}"}}}', "clusters.a.kubeconfig: stands in plain text"),
        ("config: {mesh:clusters: {a: {kubeconfig: {users: HUNTER2}}}}", "--secret 'mesh:clusters.a.kubeconfig'"),
        ("config: {mesh:clusters: {a: {provider: x}}}", "clusters.a.provider: is for programs; a stack file has"),
    ],
)
def test_a_file_that_is_no_stack_file_is_a_problem(
    text: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text)

    code = main(["check", str(path)])

    told = capsys.readouterr()
    assert "HUNTER2" not in told.out + told.err
    if problem:
        assert code == 1
        assert problem in told.err


def test_an_encrypted_kubeconfig_is_taken_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("config: {mesh:clusters: {a: {kubeconfig: {secure: AAABBB}}}}")
    assert main(["check", str(path)]) == 0


def test_a_pool_that_is_too_small_is_a_problem_of_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "Pulumi.x.yaml", tmp_path / "Pulumi.y.yaml"]
    for path in paths:
        path.write_text(ARTICLE.read_text() + "  mesh:addresses: {pool: 240.0.0.0/32}\n")

    assert main(["check", *map(str, paths), str(ARTICLE)]) == 1

    told = capsys.readouterr()
    assert told.out.startswith(f"{ARTICLE}: no problem")
    for path, line in zip(paths, told.err.splitlines(), strict=True):
        assert line.startswith(f"{path}: addresses: no free address in 240.0.0.0/32 for {HOST}")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["check"],
        ["frobnicate"],
        ["render", "x.yaml"],
        ["adopt", "x.yaml"],
        ["render", "x.yaml", "--out", "x", "--name", "no label"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


# -- render ------------------------------------------------------------------------------------------------------


def test_render_writes_each_object_to_a_file_of_its_own(tmp_path: Path) -> None:
    assert main(["render", str(ARTICLE), "--out", str(tmp_path)]) == 0

    assert sorted(files(tmp_path)) == [
        f"cluster1/destinationrule-default-v{n}.reviews.yaml"
        if n
        else f"cluster1/destinationrule-istio-system-{HOST}.yaml"
        for n in (1, 2, 0)
    ] + [
        f"cluster1/destinationrule-istio-system-v3.{HOST}.yaml",
        f"cluster1/serviceentry-istio-system-{HOST}.yaml",
        "cluster1/virtualservice-default-reviews.yaml",
        "cluster2/destinationrule-default-v3.reviews.yaml",
        "cluster2/gateway-istio-system-reviews-default-bdabf1b129.yaml",
    ]


@pytest.mark.parametrize("cluster", ["cluster1", "cluster2"])
def test_render_writes_what_the_golden_file_says(cluster: str, tmp_path: Path) -> None:
    main(["render", str(ARTICLE), "--out", str(tmp_path)])

    written = [yaml.safe_load(p.read_text()) for p in sorted((tmp_path / cluster).iterdir())]

    golden = list(yaml.safe_load_all((ARTICLE.parent / f"{cluster}.golden.yaml").read_text()))
    assert sorted(map(json.dumps, written)) == sorted(map(json.dumps, golden))


def test_render_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    for name in ("one", "other", "other"):
        main(["render", str(ARTICLE), "--out", str(tmp_path / name)])
    assert files(tmp_path / "one") == files(tmp_path / "other")


FOREIGN = {
    "cluster1/comment.yaml": "# nothing but a comment\n",
    "cluster1/empty.yaml": "",
    "cluster1/kustomization.yaml": "resources: [a.yaml]\n",
    "cluster1/list.yaml": "[1, 2]\n",
    "cluster1/no-yaml.yaml": "{{ .Values.x }}\n",
    "cluster1/null-labels.yaml": "metadata: {labels: null}\n",
    "cluster1/null-metadata.yaml": "metadata: null\n",
    "cluster1/text-labels.yaml": "metadata: {labels: x}\n",
    "cluster1/two.yaml": "metadata: {labels: {app.kubernetes.io/managed-by: mesh-federation}}\n---\nkind: Mine\n",
    "cluster1/README.md": "mine\n",
    "cluster9/other.yaml": "metadata: {labels: {app.kubernetes.io/managed-by: helm}}\n",
    "top.yaml": "metadata: {labels: {app.kubernetes.io/managed-by: mesh-federation}}\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_render_keeps_what_others_wrote(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(FOREIGN[name])

    assert main(["render", str(ARTICLE), "--out", str(tmp_path)]) == 0

    assert path.read_text() == FOREIGN[name]


def test_render_keeps_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "cluster1").mkdir()
    (tmp_path / "cluster1" / "binary.yaml").write_bytes(b"\xff\xfe\x00")

    assert main(["render", str(ARTICLE), "--out", str(tmp_path)]) == 0

    assert (tmp_path / "cluster1" / "binary.yaml").read_bytes() == b"\xff\xfe\x00"


def test_render_removes_objects_that_are_no_more(tmp_path: Path) -> None:
    main(["render", str(SCENARIOS / "several_ports_with_different_protocols" / "stack.yaml"), "--out", str(tmp_path)])
    main(["render", str(SCENARIOS / "destinations_on_the_client_cluster_alone/stack.yaml"), "--out", str(tmp_path)])

    assert sorted(files(tmp_path)) == [
        "cluster1/destinationrule-default-v1.reviews.yaml",
        "cluster1/destinationrule-default-v2.reviews.yaml",
        "cluster1/virtualservice-default-reviews.yaml",
    ]


def test_render_keeps_what_another_federation_rendered(tmp_path: Path) -> None:
    home = SCENARIOS / "destinations_on_the_client_cluster_alone/stack.yaml"
    main(["render", str(SCENARIOS / "several_ports_with_different_protocols/stack.yaml"), "--out", str(tmp_path)])
    before = files(tmp_path)

    main(["render", str(home), "--out", str(tmp_path / "alone"), "--name", "bookinfo"])
    main(["render", str(home), "--out", str(tmp_path), "--name", "bookinfo"])

    alone = files(tmp_path / "alone")
    after = {name: text for name, text in files(tmp_path).items() if not name.startswith("alone/")}
    assert after == before | alone


def test_render_names_the_federation_on_its_objects(tmp_path: Path) -> None:
    main(["render", str(ARTICLE), "--out", str(tmp_path), "--name", "bookinfo"])

    for text in files(tmp_path).values():
        assert yaml.safe_load(text)["metadata"]["labels"]["app.kubernetes.io/part-of"] == "bookinfo"


def test_two_objects_with_one_file_name_are_both_there(tmp_path: Path) -> None:
    spec = yaml.safe_load(ARTICLE.read_text())
    [reviews], [rule] = spec["config"]["mesh:services"], spec["config"]["mesh:traffic"]
    spec["config"]["mesh:services"] = [{**reviews, "namespace": n, "name": s} for n, s in (("a-b", "c"), ("a", "b-c"))]
    spec["config"]["mesh:traffic"] = [{**rule, "service": reference} for reference in ("c.a-b", "b-c.a")]
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(yaml.safe_dump(spec))

    for _ in range(2):
        assert main(["render", str(path), "--out", str(tmp_path / "out")]) == 0

    documents = list(yaml.safe_load_all((tmp_path / "out/cluster1/virtualservice-a-b-c.yaml").read_text()))
    assert {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in documents} == {("a-b", "c"), ("a", "b-c")}


def test_render_with_the_addresses_of_a_stack(tmp_path: Path) -> None:
    addresses = tmp_path / "addresses.json"
    addresses.write_text(json.dumps({HOST: "240.7.7.7", "gone.default.svc.cluster2.global": "240.7.7.8"}))

    assert main(["render", str(ARTICLE), "--out", str(tmp_path / "out"), "--addresses", str(addresses)]) == 0

    entry = yaml.safe_load((tmp_path / f"out/cluster1/serviceentry-istio-system-{HOST}.yaml").read_text())
    assert entry["spec"]["addresses"] == ["240.7.7.7"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", f"--addresses: no address for {HOST}"),
        ("not json", ""),
        (None, "No such file or directory"),
    ],
)
def test_addresses_that_do_not_fit_are_a_problem(
    text: str | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = tmp_path / "addresses.json"
    if text is not None:
        addresses.write_text(text)

    assert main(["render", str(ARTICLE), "--out", str(tmp_path / "out"), "--addresses", str(addresses)]) == 1

    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_render_writes_nothing_for_a_stack_file_with_problems(tmp_path: Path) -> None:
    assert main(["render", str(WRONG / "stack.yaml"), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


# -- adopt -------------------------------------------------------------------------------------------------------

FEDERATION = "urn:pulumi:demo::mesh::mesh:index:MeshFederation::mesh"
CLUSTER1 = "urn:pulumi:demo::mesh::mesh:index:MeshFederation$mesh:index:MeshCluster::mesh/cluster1"
PROVIDER1 = "urn:pulumi:demo::mesh::pulumi:providers:kubernetes::cluster1"
TYPE = "kubernetes:networking.istio.io/v1"
VIRTUAL_SERVICE = (
    "urn:pulumi:demo::mesh::mesh:index:MeshFederation$mesh:index:MeshCluster$"
    f"{TYPE}:VirtualService::mesh/cluster1/VirtualService/default/reviews"
)
SUBSET = VIRTUAL_SERVICE.replace("VirtualService", "DestinationRule").replace("/reviews", "/v1.reviews")


def adopt(directory: Path, stack_file: Path, state: Any, *arguments: str) -> dict[str, Any]:
    export, out = directory / "state.json", directory / "import.json"
    export.write_text(json.dumps(state))
    code = main(["adopt", str(stack_file), "--state", str(export), "--out", str(out), *arguments])
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
    found = existing(
        tmp_path,
        ("VirtualService", "default", "reviews"),
        ("VirtualService", "default", "ratings"),
        ("ServiceEntry", "istio-system", HOST),
        ("DestinationRule", "other", "v1.reviews"),
    )

    document = adopt(tmp_path, stack_file, {"deployment": None}, "--found", f"cluster1={found}")

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
    found = existing(tmp_path, ("VirtualService", "default", "reviews"))
    state = {"deployment": {"resources": [{"urn": VIRTUAL_SERVICE, "id": "default/reviews"}]}}

    assert adopt(tmp_path, stack_file, state, "--found", f"cluster1={found}") == {"nameTable": {}, "resources": []}
    assert capsys.readouterr().out.startswith("0 objects to adopt")


def test_there_may_be_nothing_to_do(tmp_path: Path, stack_file: Path) -> None:
    assert adopt(tmp_path, stack_file, {"deployment": {"resources": []}}) == {"nameTable": {}, "resources": []}


def test_a_pending_create_that_never_reached_the_cluster_is_not_adopted(tmp_path: Path, stack_file: Path) -> None:
    state = {"deployment": {"pending_operations": [{"type": "creating", "resource": {"urn": VIRTUAL_SERVICE}}]}}
    found = existing(tmp_path)
    assert adopt(tmp_path, stack_file, state, "--found", f"cluster1={found}")["resources"] == []


def test_the_stacks_and_the_federations_names_can_be_stated(tmp_path: Path, stack_file: Path) -> None:
    found = existing(tmp_path, ("VirtualService", "default", "reviews"))
    names = ["--stack", "prod", "--name", "bookinfo"]

    document = adopt(tmp_path, stack_file, {}, *names, "--found", f"cluster1={found}")

    assert document["nameTable"] == {"provider/cluster1": PROVIDER1.replace(":demo:", ":prod:")}
    assert [entry["name"] for entry in document["resources"]] == [
        "bookinfo",
        "bookinfo/cluster1",
        "bookinfo/cluster1/VirtualService/default/reviews",
    ]


def test_a_stack_that_its_file_does_not_name_is_asked_for(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.json").write_text("{}")
    unnamed = stack_file.rename(tmp_path / "mystack.yaml")
    options = ["--state", str(tmp_path / "state.json"), "--out", str(tmp_path / "import.json")]

    assert main(["adopt", str(unnamed), *options]) == 1

    assert "say with --stack" in capsys.readouterr().err
    assert main(["adopt", str(unnamed), *options, "--stack", "prod"]) == 0


def test_the_identity_of_a_cluster_is_its_providers_identifier(tmp_path: Path, stack_file: Path) -> None:
    stack_file.write_text(stack_file.read_text().replace("context: cluster1,", "context: cluster1, identity: second,"))
    found = existing(tmp_path, ("VirtualService", "default", "reviews"))

    document = adopt(tmp_path, stack_file, {}, "--found", f"cluster1={found}")

    assert document["providerInputs"]["provider/cluster1"]["clusterIdentifier"] == "second"


def test_a_provider_that_only_the_engine_can_make_is_asked_for(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack_file.write_text(stack_file.read_text().replace("context: cluster1", "kubeconfig: {secure: AAA}"))
    found = existing(tmp_path, ("VirtualService", "default", "reviews"))
    (tmp_path / "state.json").write_text("{}")
    common = ["adopt", str(stack_file), "--state", str(tmp_path / "state.json"), "--out", str(tmp_path / "import.json")]

    assert main([*common, "--found", f"cluster1={found}"]) == 1

    assert "--target '**::pulumi:providers:kubernetes::cluster1'" in capsys.readouterr().err
    assert not (tmp_path / "import.json").exists()


def test_a_cluster_that_nobody_knows_is_a_problem(
    tmp_path: Path, stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = existing(tmp_path)
    (tmp_path / "state.json").write_text("{}")
    common = ["adopt", str(stack_file), "--state", str(tmp_path / "state.json"), "--out", str(tmp_path / "import.json")]

    assert main([*common, "--found", f"cluster3={found}"]) == 1

    assert "no cluster 'cluster3'; there are cluster1, cluster2" in capsys.readouterr().err
