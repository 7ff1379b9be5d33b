"""Every kind of problem has one name: in the code, and in a broken file that shows it."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from mesh_federation.mesh import checks, wording

from docs.problems import examples
from tests.given.broken import BROKEN, expectations
from tests.given.repository import syntax_of

CHECKS = Path(checks.__file__).parent
MESH = CHECKS.parent
WITHOUT_A_FILE = {"needed-now", "not-json", "unreadable-file"}
"""Only a program can state outputs and what JSON does not have."""
OF_OTHER_KINDS = {
    *("does-not-match", "exported-with-a-selector", "hosts-that-share-a-port", "needs-one-port"),
    *("needs-other-resolution", "no-effect", "not-a-config-map", "not-a-gateway", "not-a-label", "not-a-namespace"),
    *("not-a-path", "not-a-port-name", "not-a-protocol", "not-a-service-account", "not-a-socket", "not-a-target"),
    *("not-a-trust-domain", "not-alone", "not-an-attribute", "not-an-endpoint", "not-for-custom"),
    *("not-in-a-delegate", "not-one-of-the-ports", "weights-of-0", "wildcard", "wrong-length"),
    "wrong-number-of-entries",
}
"""What Istio refuses in objects, or at places, that no broken file states in its words."""
CALLS = {"Problem": 1, "wrong": 0, "_problem": 1, "_unread": 1}
"""Who takes a name, and where."""


def test_a_check_gives_its_problem_its_own_name() -> None:
    misnamed = [
        f"{file.name}: {function.name} says {name}"
        for file in (*CHECKS.glob("*.py"), MESH / "reach.py")
        for function in ast.walk(syntax_of(file.read_text()))
        if isinstance(function, ast.FunctionDef)
        for name in names(function)
        if name.replace("-", "_") not in (function.name, whole_of(function.name, file))
    ]
    assert misnamed == []


def whole_of(function: str, file: Path) -> str | None:
    """The check of which a private function is a part: it calls it."""
    if not function.startswith("_"):
        return None
    for whole in syntax_of(file.read_text()).body:
        if isinstance(whole, ast.FunctionDef) and not whole.name.startswith("_"):
            called = {
                call.func.id
                for call in ast.walk(whole)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
            }
            if function in called:
                return whole.name
    return None


def test_every_name_has_a_broken_file() -> None:
    shown = {problem.name for file in BROKEN for problem in expectations(file.read_text())}
    # what Istio refuses has a corpus of its own
    files = [file for file in MESH.rglob("*.py") if "istio" not in file.relative_to(MESH).parts]
    given = {name for file in files for name in names(syntax_of(file.read_text()))}
    given |= {"not-text", *(name for name, _ in wording.PYDANTIC_ERRORS.values())}
    assert given - shown == WITHOUT_A_FILE


def test_what_istio_refuses_is_in_the_table_of_problems() -> None:
    shown = {problem.name for problem in examples()}
    files = (MESH / "istio").rglob("*.py")
    given = {name for file in files for name in names(syntax_of(file.read_text()), {**CALLS, "problem": 0})}
    assert given - shown == OF_OTHER_KINDS


def names(tree: ast.AST, calls: Mapping[str, int] = CALLS) -> Iterator[str]:
    """The names that calls in the code give to problems."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            position = calls.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
            if position is not None and len(call.args) > position:
                name = call.args[position]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield name.value
