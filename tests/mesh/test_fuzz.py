"""No stack file ends a command in a traceback: each ends in objects or in problems."""

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given

from tests.given import core
from tests.given.odd_values import StackFile, stack_files


class Outcome(NamedTuple):
    """What a command ended in."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path) -> Outcome:
    """As a terminal would see it: what UTF-8 cannot hold, cannot be printed."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = core.run(*arguments)
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


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
    assert bool(problems) == bool(checked.code)
    assert len(checked.err.splitlines()) == len(problems)
    assert sum(line.startswith("::") for line in as_annotations.out.splitlines()) == len(problems)
    assert all(1 <= problem["line"] <= content.count(b"\n") + 1 for problem in problems)
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
