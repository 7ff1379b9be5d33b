"""Every command in the documentation exists, with its options; those that need no cluster print what is shown."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mesh_federation.mesh.commands.main import parser
from mesh_federation.mesh.istio import kinds

from sandbox import tools, traffic
from tests.given import core, pages
from tests.given.pages import Block

CORE = ("python -m components.mesh", "mesh-federation", ".venv/bin/mesh-federation")
TRAFFIC = "python -m sandbox.traffic"
SOAK = "python -m tests.traffic.soak"
VIRTUAL_ENVIRONMENT = "python3 -m venv .venv"
PIP = ".venv/bin/pip install ."
PROGRAMS = ("make", "pulumi", "kubectl", TRAFFIC, SOAK, VIRTUAL_ENVIRONMENT, PIP, *CORE)


def test_every_block_is_in_a_language_that_a_test_checks() -> None:
    assert {block.language for block in pages.blocks()} == {"yaml", "python", "sh", "console"}


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_no_fence_is_left_open(page: Path) -> None:
    assert page.read_text().count("```") == 2 * len(pages.blocks(page=page))


def test_every_command_is_of_a_program_that_a_test_checks() -> None:
    known = [program for program in PROGRAMS for _ in pages.arguments_of(program)]

    assert len(pages.commands()) == len(known), f"unknown among {pages.commands()}"


@pytest.mark.parametrize("arguments", pages.arguments_of("make"), ids=" ".join)
def test_make_has_the_target(arguments: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (pages.REPOSITORY / "Makefile").read_text(), re.MULTILINE)

    assert set(arguments) <= set(targets)


def test_what_pip_installs_has_the_command() -> None:
    project = tomllib.loads((pages.REPOSITORY / "pyproject.toml").read_text())["project"]

    assert pages.arguments_of(PIP)
    assert "mesh-federation" in project["scripts"]


@pytest.mark.parametrize("arguments", [call for name in CORE for call in pages.arguments_of(name)], ids=" ".join)
def test_commands_of_the_core_are_understood(arguments: list[str]) -> None:
    options = parser().parse_args(arguments)

    shown = [str(block.file) for block in pages.blocks("yaml") if block.file]
    for path in options.stack_files:
        assert "*" in str(path) or (pages.REPOSITORY / path).is_file() or str(path) in shown


@pytest.mark.parametrize("arguments", pages.arguments_of(TRAFFIC), ids=" ".join)
def test_commands_that_send_requests_are_understood(arguments: list[str]) -> None:
    traffic.parser().parse_args(arguments)


@pytest.mark.parametrize("arguments", pages.arguments_of(SOAK), ids=" ".join)
def test_a_soak_knows_its_options_and_kinds_of_update(arguments: list[str]) -> None:
    command = [sys.executable, *SOAK.split()[1:], "--help"]
    help_ = subprocess.run(command, cwd=pages.REPOSITORY, capture_output=True, text=True, check=True).stdout

    option, value = arguments
    assert option in help_
    assert value.isdigit() or value in help_, "a number, or a part of a kind's name"


CONSOLES = [block for block in pages.blocks("console") if "mesh-federation" in block.text]


@pytest.mark.parametrize("block", CONSOLES, ids=str)
def test_commands_of_the_core_print_what_is_shown(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(pages.REPOSITORY / "stacks", tmp_path / "stacks")
    for shown in pages.blocks("yaml", page=block.page):
        if shown.file:
            (tmp_path / shown.file).write_text(shown.text)
    monkeypatch.chdir(tmp_path)

    for line, output in pages.dialogue(block):
        program, *arguments = shlex.split(line)
        assert program in CORE
        exit_code = core.run(*arguments)
        printed = capsys.readouterr()
        assert printed.out + printed.err == output
        assert exit_code == (1 if printed.err else 0)


def test_other_consoles_have_a_test_elsewhere() -> None:
    others = [
        command for block in pages.blocks("console") if block not in CONSOLES for command, _ in pages.dialogue(block)
    ]

    assert [command.split(" -")[0] for command in others] == ["pulumi preview", "python"]


@pytest.mark.engine
@pytest.mark.parametrize("arguments", pages.arguments_of("pulumi"), ids=" ".join)
def test_pulumi_knows_the_options(arguments: list[str]) -> None:
    path = os.pathsep.join([*map(str, tools.pulumi()), os.environ["PATH"]])
    subcommands = [word for word in arguments if not word.startswith("-")]
    depth = 2 if subcommands[0] in ("config", "stack", "state") else 1
    command = [str(shutil.which("pulumi", path=path)), *subcommands[:depth], "--help"]

    run = subprocess.run(command, capture_output=True, text=True, check=True)

    usage, _, aliases = run.stdout.partition("Usage:")[2].partition("\nAliases:\n")
    names = re.findall(r"[\w-]+", usage.split("[")[0].split("<")[0] + aliases.partition("\n\n")[0])
    assert set(subcommands[:depth]) <= set(names), "it has no such command"
    known = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", run.stdout, re.MULTILINE))
    assert {word.partition("=")[0] for word in arguments if word.startswith("--")} <= known


@pytest.mark.parametrize("arguments", pages.arguments_of("kubectl"), ids=" ".join)
def test_kubectl_lists_what_adopt_asks_for(arguments: list[str]) -> None:
    assert ",".join(kind.resource for kind in kinds.EMITTED) in arguments
    assert arguments[-3:] == ["-A", "-o", "json"]
