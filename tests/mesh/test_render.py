"""`render`: which files it writes, keeps and removes."""

import json
from pathlib import Path

import pytest
import yaml

from tests.given import core
from tests.given.broken import REFERENCES
from tests.given.scenarios import BOOKINFO, SCENARIOS_FOLDER

SEVERAL_PORTS = SCENARIOS_FOLDER / "ports" / "several_ports_with_different_protocols" / "stack.yaml"
ON_THE_CLIENT_CLUSTER = SCENARIOS_FOLDER / "destinations" / "destinations_on_the_client_cluster_alone" / "stack.yaml"
HOST = "reviews.default.svc.cluster2.global"


def files(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_render_writes_each_object_to_a_file_of_its_own(tmp_path: Path) -> None:
    assert core.run("render", BOOKINFO, "--out", tmp_path) == 0

    assert sorted(files(tmp_path)) == [
        "cluster1/destinationrule-default-v1.reviews.yaml",
        "cluster1/destinationrule-default-v2.reviews.yaml",
        "cluster1/destinationrule-istio-system-reviews.default.svc.cluster2.global.yaml",
        "cluster1/destinationrule-istio-system-v3.reviews.default.svc.cluster2.global.yaml",
        "cluster1/serviceentry-istio-system-reviews.default.svc.cluster2.global.yaml",
        "cluster1/virtualservice-default-reviews.yaml",
        "cluster2/destinationrule-default-v3.reviews.yaml",
        "cluster2/gateway-istio-system-reviews-default-bdabf1b129.yaml",
    ]


@pytest.mark.parametrize("cluster", ["cluster1", "cluster2"])
def test_render_writes_what_the_golden_file_says(cluster: str, tmp_path: Path) -> None:
    core.run("render", BOOKINFO, "--out", tmp_path)

    written = [yaml.safe_load(p.read_text()) for p in sorted((tmp_path / cluster).iterdir())]

    golden = list(yaml.safe_load_all((BOOKINFO.parent / f"{cluster}.golden.yaml").read_text()))
    assert sorted(map(json.dumps, written)) == sorted(map(json.dumps, golden))


def test_render_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    for name in ("one", "other", "other"):
        core.run("render", BOOKINFO, "--out", tmp_path / name)
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

    assert core.run("render", BOOKINFO, "--out", tmp_path) == 0

    assert path.read_text() == FOREIGN[name]


def test_render_keeps_what_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "cluster1").mkdir()
    (tmp_path / "cluster1" / "binary.yaml").write_bytes(b"\xff\xfe\x00")

    assert core.run("render", BOOKINFO, "--out", tmp_path) == 0

    assert (tmp_path / "cluster1" / "binary.yaml").read_bytes() == b"\xff\xfe\x00"


def test_render_removes_objects_that_are_no_more(tmp_path: Path) -> None:
    core.run("render", SEVERAL_PORTS, "--out", tmp_path)
    core.run("render", ON_THE_CLIENT_CLUSTER, "--out", tmp_path)

    assert sorted(files(tmp_path)) == [
        "cluster1/destinationrule-default-v1.reviews.yaml",
        "cluster1/destinationrule-default-v2.reviews.yaml",
        "cluster1/virtualservice-default-reviews.yaml",
    ]


def test_render_keeps_what_another_federation_rendered(tmp_path: Path) -> None:
    core.run("render", SEVERAL_PORTS, "--out", tmp_path)
    before = files(tmp_path)

    core.run("render", ON_THE_CLIENT_CLUSTER, "--out", tmp_path / "alone", "--name", "bookinfo")
    core.run("render", ON_THE_CLIENT_CLUSTER, "--out", tmp_path, "--name", "bookinfo")

    alone = files(tmp_path / "alone")
    after = {name: text for name, text in files(tmp_path).items() if not name.startswith("alone/")}
    assert after == before | alone


def test_render_names_the_federation_on_its_objects(tmp_path: Path) -> None:
    core.run("render", BOOKINFO, "--out", tmp_path, "--name", "bookinfo")

    for text in files(tmp_path).values():
        assert yaml.safe_load(text)["metadata"]["labels"]["app.kubernetes.io/part-of"] == "bookinfo"


def test_two_objects_with_one_file_name_are_both_there(tmp_path: Path) -> None:
    spec = yaml.safe_load(BOOKINFO.read_text())
    [reviews], [rule] = spec["config"]["mesh:services"], spec["config"]["mesh:traffic"]
    spec["config"]["mesh:services"] = [{**reviews, "namespace": n, "name": s} for n, s in (("a-b", "c"), ("a", "b-c"))]
    spec["config"]["mesh:traffic"] = [{**rule, "service": reference} for reference in ("c.a-b", "b-c.a")]
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(yaml.safe_dump(spec))

    for _ in range(2):
        assert core.run("render", path, "--out", tmp_path / "out") == 0

    documents = list(yaml.safe_load_all((tmp_path / "out/cluster1/virtualservice-a-b-c.yaml").read_text()))
    assert {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in documents} == {("a-b", "c"), ("a", "b-c")}


def test_render_with_the_addresses_of_a_stack(tmp_path: Path) -> None:
    addresses = tmp_path / "addresses.json"
    addresses.write_text(json.dumps({HOST: "240.7.7.7", "gone.default.svc.cluster2.global": "240.7.7.8"}))

    assert core.run("render", BOOKINFO, "--out", tmp_path / "out", "--addresses", addresses) == 0

    entry = yaml.safe_load((tmp_path / f"out/cluster1/serviceentry-istio-system-{HOST}.yaml").read_text())
    assert entry["spec"]["addresses"] == ["240.7.7.7"]


def with_two_pools(directory: Path) -> Path:
    file = directory / "two-pools.yaml"
    file.write_text(BOOKINFO.read_text() + '  mesh:addresses: {pools: ["fd00::/64", 240.7.0.0/16]}\n')
    return file


@pytest.mark.parametrize("addresses", [["240.7.7.7", "fd00::7"], ["fd00::7", "240.7.7.7"]])
def test_render_with_the_addresses_of_a_stack_with_two_pools(addresses: list[str], tmp_path: Path) -> None:
    output = tmp_path / "addresses.json"
    output.write_text(json.dumps({HOST: addresses}))
    entries = []
    for number, path in enumerate((with_two_pools(tmp_path), BOOKINFO)):
        assert core.run("render", path, "--out", tmp_path / str(number), "--addresses", output) == 0
        file = tmp_path / str(number) / f"cluster1/serviceentry-istio-system-{HOST}.yaml"
        entries.append(yaml.safe_load(file.read_text())["spec"]["addresses"])

    assert entries == [["240.7.7.7", "fd00::7"], ["240.7.7.7"]]


@pytest.mark.parametrize("stated", ["240.7.7.7", ["240.7.7.7"], [], None])
def test_two_pools_need_an_address_of_each(stated: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "addresses.json"
    output.write_text(json.dumps({HOST: stated}))

    assert core.run("render", with_two_pools(tmp_path), "--out", tmp_path / "out", "--addresses", output) == 1

    assert f"--addresses: no address for {HOST}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", f"--addresses: no address for {HOST}"),
        ("not json", "addresses.json: "),
        (None, "No such file or directory"),
    ],
)
def test_addresses_that_do_not_fit_are_a_problem(
    text: str | None, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = tmp_path / "addresses.json"
    if text is not None:
        addresses.write_text(text)

    assert core.run("render", BOOKINFO, "--out", tmp_path / "out", "--addresses", addresses) == 1

    assert problem in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ("foo", "'foo' is not an IP address"),
        (5, "5 is not an IP address"),
        ({}, "{} is not an IP address"),
        ([None], "null is not an IP address"),
        (["240.7.7.7", "fd00:7"], "'fd00:7' is not an IP address"),
        ("10.0.0.1", "'10.0.0.1' is not an address of the pool 240.0.0.0/12"),
    ],
)
def test_an_address_that_no_update_would_give_is_a_problem(
    stated: object, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = tmp_path / "addresses.json"
    addresses.write_text(json.dumps({HOST: stated}))

    assert core.run("render", BOOKINFO, "--out", tmp_path / "out", "--addresses", addresses) == 1

    assert capsys.readouterr().err.startswith(f"--addresses: {HOST}: {problem}")
    assert not (tmp_path / "out").exists()


def test_render_writes_nothing_for_a_stack_file_with_problems(tmp_path: Path) -> None:
    assert core.run("render", REFERENCES, "--out", tmp_path / "out") == 1
    assert not (tmp_path / "out").exists()
