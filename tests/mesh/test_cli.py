"""The pure core as a command: what `check` prints, and what is not a usage of it."""

import json
from pathlib import Path

import pytest

from tests.given import core
from tests.given.broken import BROKEN_FOLDER, REFERENCES
from tests.given.scenarios import BOOKINFO

PLAIN_TEXT = BROKEN_FOLDER / "clusters" / "a_kubeconfig_in_plain_text.yaml"
WARNINGS = BROKEN_FOLDER / "language" / "warnings.yaml"
HOST = "reviews.default.svc.cluster2.global"


def test_check_says_what_a_good_stack_file_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert core.run("check", BOOKINFO) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{BOOKINFO}: no problem; 1 rule, 1 service, 2 clusters: 8 objects\n"
    assert printed.err == ""


def test_check_reports_every_problem_of_every_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = tmp_path / "Pulumi.missing.yaml"

    assert core.run("check", REFERENCES, BOOKINFO, missing) == 1

    printed = capsys.readouterr()
    marks = {"error": "", "warning": "warning: "}
    expected = [f"{REFERENCES}: {marks[problem.level]}{problem}" for problem in core.problems_of_file(REFERENCES)]
    assert printed.err.splitlines() == [*expected, f"{missing}: No such file or directory"]
    assert printed.out == f"{BOOKINFO}: no problem; 1 rule, 1 service, 2 clusters: 8 objects\n"


def test_check_shows_the_warnings_of_a_good_file_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    warnings = core.problems_of_file(WARNINGS)

    assert core.run("check", WARNINGS, BOOKINFO) == 0
    text = capsys.readouterr()
    assert core.run("check", "--format", "json", WARNINGS) == 0
    documents = json.loads(capsys.readouterr().out)
    assert core.run("check", "--format", "github", WARNINGS) == 0
    annotations = capsys.readouterr().out.splitlines()

    assert text.err.splitlines() == [f"{WARNINGS}: warning: {warning}" for warning in warnings]
    assert text.out.splitlines()[0].startswith(f"{WARNINGS}: 6 warnings; 3 rules, 3 services, 2 clusters: ")
    assert text.out.splitlines()[1].startswith(f"{BOOKINFO}: no problem; ")
    assert [(d["level"], d["name"]) for d in documents] == [("warning", warning.name) for warning in warnings]
    assert documents[0]["line"] == 24
    assert [line.startswith("::warning ") for line in annotations] == [True] * 6 + [False]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not YAML; "),
        ("", "has no `config`"),
        ("[]", "has no `config`"),
        ("config: 3", "has no `config`"),
        ("config: {other:key: 1}", "clusters: 'clusters' is missing"),
    ],
)
def test_a_file_that_is_not_a_stack_file_is_a_problem(
    text: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text)

    assert core.run("check", path) == 1

    assert problem in capsys.readouterr().err


def test_check_prints_nothing_of_a_kubeconfig_in_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert core.run("check", PLAIN_TEXT) == 1
    assert "HUNTER2" not in "".join(capsys.readouterr())


def test_a_kubeconfig_of_one_line_is_the_path_of_one(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("config: {mesh:clusters: {a: {kubeconfig: 'users: [HUNTER2]'}}}")
    assert core.run("check", path) == 0


def test_an_encrypted_kubeconfig_is_taken_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("config: {mesh:clusters: {a: {kubeconfig: {secure: AAABBB}}}}")
    assert core.run("check", path) == 0


def test_a_pool_that_is_too_small_is_a_problem_of_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "Pulumi.x.yaml", tmp_path / "Pulumi.y.yaml"]
    for path in paths:
        path.write_text(BOOKINFO.read_text() + "  mesh:addresses: {pool: 240.0.0.0/32}\n")

    assert core.run("check", *paths, BOOKINFO) == 1

    printed = capsys.readouterr()
    assert printed.out.startswith(f"{BOOKINFO}: no problem")
    for path, line in zip(paths, printed.err.splitlines(), strict=True):
        assert line.startswith(f"{path}: addresses: no free address in 240.0.0.0/32 for {HOST}")


TWO_PROBLEMS = """\
config:
  mesh:clusters:
    a:
      context: a
      gateway:
        addresses: [100%]
    b: {context: a}
"""


@pytest.fixture
def two_problems(tmp_path: Path) -> Path:
    """A stack file with problems on its lines 6 and 7."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(TWO_PROBLEMS)
    return path


def test_check_as_json_is_for_programs(two_problems: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert core.run("check", "--format", "json", two_problems, BOOKINFO) == 1

    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == [
        {
            "file": str(two_problems),
            "line": 6,
            "path": "clusters.a.gateway.addresses[0]",
            "name": "not-a-gateway-address",
            "level": "error",
            "message": "'100%' is neither an IP address nor a DNS name",
        },
        {
            "file": str(two_problems),
            "line": 7,
            "path": "clusters.b.context",
            "name": "shared-cluster",
            "level": "error",
            "message": "'a' is also the context of a; two meshes in one cluster need two `istio.namespace`",
        },
    ]


def test_check_as_annotations_is_for_pull_requests(two_problems: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert core.run("check", "--format", "github", two_problems, BOOKINFO) == 1

    first, second, summary = capsys.readouterr().out.splitlines()
    assert first == (
        f"::error file={two_problems},line=6,title=not-a-gateway-address::"
        "clusters.a.gateway.addresses[0]: '100%25' is neither an IP address nor a DNS name"
    )
    assert second.startswith(f"::error file={two_problems},line=7,title=shared-cluster::clusters.b.context: 'a' is")
    assert summary == f"{BOOKINFO}: no problem; 1 rule, 1 service, 2 clusters: 8 objects"


def test_a_file_that_cannot_be_read_is_a_problem_in_every_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "Pulumi.missing.yaml"

    assert core.run("check", "--format", "json", missing) == 1
    assert core.run("check", "--format", "github", missing) == 1

    *lines, annotation = capsys.readouterr().out.splitlines()
    [problem] = json.loads("\n".join(lines))
    assert (problem["line"], problem["name"], problem["message"]) == (1, "unreadable-file", "No such file or directory")
    assert annotation == f"::error file={missing},line=1,title=unreadable-file::No such file or directory"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["check"],
        ["frobnicate"],
        ["render", "x.yaml"],
        ["adopt", "x.yaml"],
        ["render", "x.yaml", "--out", "x", "--name", "no label"],
        ["adopt", "x.yaml", "--state", "x", "--out", "x", "--found", "found.json"],
        ["adopt", "x.yaml", "--state", "x", "--out", "x", "--found", "=found.json"],
        ["adopt", "x.yaml", "--state", "x", "--out", "x", "--found", "cluster1="],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        core.run(*arguments)
    assert caught.value.code == 2


def test_a_problem_of_a_whole_file_names_the_file_once_and_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = tmp_path / "Pulumi.x.yaml"
    twice.write_text("config:\n  mesh:clusters:\n    a: {context: a}\n    a: {context: b}\n")
    missing = tmp_path / "Pulumi.missing.yaml"

    assert core.run("check", twice) == 1
    assert core.run("check", "--format", "json", twice, missing) == 1

    printed = capsys.readouterr()
    assert printed.err == f"{twice}: is not YAML; line 4: 'a' is stated twice\n"
    assert [(problem["line"], problem["path"]) for problem in json.loads(printed.out)] == [(4, ""), (1, "")]


def test_annotations_escape_what_would_end_a_property(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "a,b:c%\n"
    directory.mkdir()
    path = directory / "Pulumi.x.yaml"
    path.write_text("{")

    assert core.run("check", "--format", "github", path) == 1

    escaped = f"{tmp_path}/a%2Cb%3Ac%25%0A/Pulumi.x.yaml"
    assert capsys.readouterr().out.startswith(f"::error file={escaped},line=1,title=not-a-stack-file::is not YAML; ")


def test_render_shows_warnings_as_check_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert core.run("check", WARNINGS) == 0
    checked = capsys.readouterr().err

    assert core.run("render", WARNINGS, "--out", tmp_path) == 0

    assert checked
    assert capsys.readouterr().err == checked
