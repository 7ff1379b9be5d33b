"""The pure core as a command: what `check` prints, and what is no usage of it."""

from pathlib import Path

import pytest
from mesh_federation.mesh.cli import main

from tests.given.scenarios import BOOKINFO, HOME

WRONG = HOME / "spelling" / "references_that_lead_nowhere"
HOST = "reviews.default.svc.cluster2.global"


def test_check_says_what_a_good_stack_file_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(BOOKINFO)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{BOOKINFO}: no problem; 1 rule, 1 service, 2 clusters: 8 objects\n"
    assert told.err == ""


def test_check_reports_every_problem_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = WRONG / "stack.yaml"
    missing = WRONG / "nothing.yaml"

    assert main(["check", str(wrong), str(BOOKINFO), str(missing)]) == 1

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
        path.write_text(BOOKINFO.read_text() + "  mesh:addresses: {pool: 240.0.0.0/32}\n")

    assert main(["check", *map(str, paths), str(BOOKINFO)]) == 1

    told = capsys.readouterr()
    assert told.out.startswith(f"{BOOKINFO}: no problem")
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
