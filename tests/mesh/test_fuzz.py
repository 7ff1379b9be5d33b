"""No stack file ends a command in a traceback: each ends in objects or in problems."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from tests.given.commands import run
from tests.given.odd_values import UNREADABLE, StackFile, stack_files


def ends_in_objects_or_problems(directory: Path, content: bytes) -> None:
    path = directory / "Pulumi.x.yaml"
    path.write_bytes(content)
    (directory / "state.json").write_text("{}")

    checked = run("check", path)
    as_json = run("check", "--format", "json", path)
    as_annotations = run("check", "--format", "github", path)
    rendered = run("render", path, "--out", directory / "out")
    adopted = run("adopt", path, "--state", directory / "state.json", "--out", directory / "import.json")

    assert {checked.code, as_json.code, as_annotations.code} in ({0}, {1})
    problems = json.loads(as_json.out)
    assert any(problem["level"] == "error" for problem in problems) == bool(checked.code)
    assert len(checked.err.splitlines()) == len(problems)
    assert sum(line.startswith("::") for line in as_annotations.out.splitlines()) == len(problems)
    assert all(problem["line"] >= 1 for problem in problems)
    for outcome, written in ((rendered, directory / "out"), (adopted, directory / "import.json")):
        assert outcome.code in {0, 1}
        assert bool(outcome.err) == bool(outcome.code)
        if checked.code:
            assert outcome.code == 1
        if outcome.code:
            assert not written.exists()


@given(stack_files())
def test_no_stack_file_ends_in_a_traceback(file: StackFile) -> None:
    with tempfile.TemporaryDirectory() as directory:
        ends_in_objects_or_problems(Path(directory), file.content)


def test_a_key_that_no_output_can_hold_is_a_problem(tmp_path: Path) -> None:
    content = b'config: {mesh:clusters: {a: {context: a, "\\ud800": 1}}}'

    ends_in_objects_or_problems(tmp_path, content)


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_yaml_cannot_read_is_a_problem(text: str, tmp_path: Path) -> None:
    ends_in_objects_or_problems(tmp_path, f"config: {{mesh:clusters: {{a: {{context: {text}}}}}}}\n".encode())


ADDRESS = "clusters.a.gateway.addresses[0]"


@pytest.mark.parametrize(
    ("cluster", "place", "value", "kind"),
    [
        ("1: {context: a}", "clusters.1", "1", "a number"),
        ("null: {context: a}", "clusters.null", "null", "nothing"),
        ("true: {context: a}", "clusters.true", "true", "a boolean"),
        ("2020-01-01: {context: a}", "clusters.2020-01-01", "2020-01-01", "a date"),
        ("a: {context: a, 2: x}", "clusters.a.2", "2", "a number"),
        ("a: {context: a, trustDomain: 12}", "clusters.a.trustDomain", "12", "a number"),
        ("a: {context: 1.5}", "clusters.a.context", "1.5", "a number"),
        ("a: {context: a, trustDomain: 2020-01-01}", "clusters.a.trustDomain", "2020-01-01", "a date"),
        ("a: {context: a, gateway: {addresses: [127.1]}}", "clusters.a.gateway.addresses[0]", "127.1", "a number"),
    ],
)  # fmt: skip
def test_what_yaml_did_not_read_as_text_is_shown_in_quotes(
    cluster: str, place: str, value: str, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(f"config: {{mesh:clusters: {{{cluster}}}}}")
    message = f"{value} is not text; YAML reads it as {kind}, so write it in quotes: '{value}'"
    assert run("check", path) == (1, "", f"{path}: {place}: {message}\n")
