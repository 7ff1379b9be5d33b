"""Every kind of problem has one name: in the code, and in a broken file that shows it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from mesh_federation.mesh import checks, wording

from tests.given.broken import BROKEN, expectations

CHECKS = Path(checks.__file__).parent
MESH = CHECKS.parent
WITHOUT_A_FILE = {"not-json", "unreadable-file"}
"""One is of programs alone, the other is of a file that is not there."""
ISTIOS = {"field-of-a-later-release", "unknown-field", "value-of-a-later-release"}
"""`istio.schema` gives them to problems that it has."""
CALLS = {"Problem": 1, "wrong": 0, "_problem": 1, "_unread": 1}
"""Who takes a name, and where."""


def test_a_check_gives_its_problem_its_own_name() -> None:
    misnamed = [
        f"{file.name}: {function.name} says {name}"
        for file in (*CHECKS.glob("*.py"), MESH / "reach.py")
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef)
        for name in names(function)
        if name.replace("-", "_") != function.name
    ]
    assert misnamed == []


def test_every_name_has_a_broken_file() -> None:
    shown = {one.name for file in BROKEN for one in expectations(file.read_text())}
    # of Istio's own words, tests/istio has an object for each name
    files = [file for file in MESH.rglob("*.py") if MESH / "istio" not in file.parents]
    given = {name for file in files for name in names(ast.parse(file.read_text()))}
    given |= {"not-text", *(name for name, _ in wording._WORDS.values())}
    assert given - shown == WITHOUT_A_FILE
    everywhere = {name for file in MESH.rglob("*.py") for name in names(ast.parse(file.read_text()))}
    assert shown - given - everywhere - ISTIOS - {None} == set()


def names(tree: ast.AST) -> Iterator[str]:
    """The names that calls in the code give to problems."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            position = CALLS.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
            if position is not None and len(call.args) > position:
                name = call.args[position]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield name.value
