"""What tests share lies in three places, and test files take it from there alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.given.repository import REPOSITORY, syntax_of

TESTS = REPOSITORY / "tests"
SHARED = {"given", "real", "oracle"}
PROGRAMS = {"bench", "consumer", "traffic/soak.py"}
"""What is run, and not by pytest."""


def modules(*folders: str) -> list[Path]:
    """The Python files below some folders of `tests`; of all, if none is named."""
    return sorted(file for folder in folders or ("",) for file in (TESTS / folder).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """The modules of `tests` that a file imports: `given.specs`, also for `from tests.given import specs`."""
    for node in ast.walk(syntax_of(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports a neighbour"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def shared_parts_of(file: Path) -> set[str]:
    """The folders, or modules at the top, of `tests` that a file imports from."""
    return {name.split(".")[1] for name in imported(file) if name.startswith("tests.")}


def is_test(file: Path) -> bool:
    return file.name.startswith("test_") or file.name == "conftest.py"


def test_test_files_import_only_what_is_there_to_be_shared() -> None:
    imports = {str(file.relative_to(TESTS)): shared_parts_of(file) - SHARED for file in modules() if is_test(file)}
    assert {file: parts for file, parts in imports.items() if parts} == {}


def test_no_other_module_lies_between_test_files() -> None:
    others = {file.relative_to(TESTS) for file in modules() if not is_test(file) and file.read_text()}
    assert [file for file in others if not {str(file), file.parts[0]} & (SHARED | PROGRAMS)] == []


def test_what_is_given_needs_nothing_else() -> None:
    assert {part for file in modules("given") for part in shared_parts_of(file)} == {"given"}
