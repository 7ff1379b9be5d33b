"""Where Pulumi's CLI or its Kubernetes plugin is installed already a sandbox uses it, if it will do."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from sandbox import plugin, tools

VERSION = version("pulumi-kubernetes")
NAME = f"resource-kubernetes-v{VERSION}"
PROGRAM = "pulumi-resource-kubernetes"
STAND_IN = "-m sandbox.kubernetes_plugin"
BUILT = Path("/built")

Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a program, a shell script, on a PATH that has no other; HOME and the cache are empty."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.setattr(tools, "built", lambda _source: BUILT)

    def put(name: str, script: str) -> Path:
        return executable(directory / name, f"#!/bin/sh\n{script}\n")

    return put


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class TestCommand:
    @pytest.mark.parametrize(
        "version", ["v3.250.0", "v3.272.0", "3.251.1", "v4.0.0", "v3.260.0-alpha.x1b2c3", "v3.250.0+d"]
    )
    def test_one_that_is_new_enough_is_used(self, install: Install, version: str) -> None:
        install("pulumi", f"[ $1 = version ] && echo {version}")

        assert tools.pulumi() == []

    @pytest.mark.parametrize(
        "script",
        [
            "echo v3.249.9",
            "echo v2.300.0",
            "echo dev",
            "echo v3",
            "echo",
            "echo v3.260.0; exit 1",
        ],
    )
    def test_one_that_is_too_old_or_does_not_say_is_outranked(self, install: Install, script: str) -> None:
        install("pulumi", script)

        assert tools.pulumi() == [BUILT, Path(sys.prefix) / "bin"]

    def test_one_that_does_not_run_is_outranked(self, install: Install) -> None:
        install("pulumi", "").write_bytes(b"\x7fELF of another machine")

        assert tools.pulumi() == [BUILT, Path(sys.prefix) / "bin"]

    def test_where_none_is_installed_one_is_built(self, install: Install) -> None:
        install("something-else", "")

        assert tools.pulumi() == [BUILT, Path(sys.prefix) / "bin"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox's own Pulumi home."""
    home = tmp_path / "sandbox/pulumi"
    home.mkdir(parents=True)
    return home


@pytest.fixture
def asked(install: Install, tmp_path: Path) -> Path:
    """What the CLI is asked to download, a line each; it cannot."""
    log = tmp_path / "asked"
    log.touch()
    install("pulumi", f'[ $1 = version ] && echo v3.260.0 || {{ echo "$@" >> {log}; exit 1; }}')
    return log


def installed_plugin(home: Path, *, name: str = NAME) -> Path:
    return executable(home / "plugins" / name / PROGRAM, "official")


def provided(home: Path) -> str:
    """The program that the engine would start."""
    directory = home / "plugins" / NAME
    assert directory.is_dir()
    assert not directory.is_symlink(), "the engine passes over it"
    assert os.access(directory / PROGRAM, os.X_OK)
    return (directory / PROGRAM).read_text()


def failed_marker(tmp_path: Path) -> Path:
    return tmp_path / "cache/mesh-federation/pulumi-home" / f"{NAME}.failed"


class TestPlugin:
    def test_the_user_s_own_is_used(self, home: Path, asked: Path, tmp_path: Path) -> None:
        installed_plugin(tmp_path / "user/.pulumi")

        plugin.provide(home)

        assert provided(home) == "official"
        assert not asked.read_text()

    def test_the_one_in_pulumi_home_is_used(
        self, home: Path, asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed_plugin(tmp_path / "elsewhere")
        monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "elsewhere"))

        plugin.provide(home)

        assert provided(home) == "official"
        assert not asked.read_text()

    def test_one_on_path_is_left_to_the_engine_to_find(self, home: Path, asked: Path, install: Install) -> None:
        install(PROGRAM, "")

        plugin.provide(home)

        assert not list(home.iterdir())
        assert not asked.read_text()

    def test_one_of_another_version_does_not_do(self, home: Path, asked: Path, tmp_path: Path) -> None:
        installed_plugin(tmp_path / "user/.pulumi", name="resource-kubernetes-v4.0.0")

        plugin.provide(home)

        assert STAND_IN in provided(home)
        assert asked.read_text() == f"plugin install resource kubernetes v{VERSION}\n"

    def test_one_whose_installation_did_not_end_does_not_do(self, home: Path, asked: Path, tmp_path: Path) -> None:
        program = installed_plugin(tmp_path / "user/.pulumi")
        program.parent.with_name(f"{NAME}.partial").touch()

        plugin.provide(home)

        assert STAND_IN in provided(home)
        assert asked.read_text()

    def test_one_that_can_be_downloaded_is_kept_for_later_sandboxes(
        self, home: Path, install: Install, tmp_path: Path
    ) -> None:
        target = f"$PULUMI_HOME/plugins/{NAME}"
        download = f"/bin/mkdir -p {target}; echo official > {target}/{PROGRAM}; /bin/chmod 755 {target}/{PROGRAM}"
        cli = install("pulumi", f"[ $1 = version ] && echo v3.260.0 || {{ {download}; }}")

        plugin.provide(home)
        cli.unlink()
        plugin.provide(tmp_path / "another")

        assert provided(home) == "official\n"
        assert provided(tmp_path / "another") == "official\n"
        assert not failed_marker(tmp_path).exists()

    def test_a_download_that_fails_is_tried_again_only_after_a_day(
        self, home: Path, asked: Path, tmp_path: Path
    ) -> None:
        plugin.provide(home)
        plugin.provide(tmp_path / "same day")

        assert len(asked.read_text().splitlines()) == 1
        assert STAND_IN in provided(home)
        assert STAND_IN in provided(tmp_path / "same day")

        yesterday = time.time() - 24 * 3600 - 1
        os.utime(failed_marker(tmp_path), (yesterday, yesterday))
        plugin.provide(tmp_path / "next day")

        assert len(asked.read_text().splitlines()) == 2
        assert time.time() - failed_marker(tmp_path).stat().st_mtime < 60

    def test_one_that_is_provided_stays(self, home: Path, asked: Path, tmp_path: Path) -> None:
        plugin.provide(home)
        installed_plugin(tmp_path / "user/.pulumi")

        plugin.provide(home)

        assert STAND_IN in provided(home)
        assert len(asked.read_text().splitlines()) == 1

    def test_one_that_the_user_removed_is_made_good(self, home: Path, asked: Path, tmp_path: Path) -> None:
        official = installed_plugin(tmp_path / "user/.pulumi")
        plugin.provide(home)
        shutil.rmtree(official.parent)

        plugin.provide(home)

        assert STAND_IN in provided(home)
        assert asked.read_text()


@pytest.mark.engine
def test_the_engine_finds_the_user_s_own_plugin_in_a_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = shutil.which("pulumi", path=os.pathsep.join([*map(str, tools.pulumi()), os.environ["PATH"]]))
    installed_plugin(tmp_path / "user")
    # neither a CLI nor a plugin on this machine's PATH has a say
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "user"))
    plugin.provide(tmp_path / "home")

    environment = {**os.environ, "PULUMI_HOME": str(tmp_path / "home")}
    run = subprocess.run(
        [str(cli), "plugin", "ls", "--json"], env=environment, capture_output=True, text=True, check=True
    )

    assert [(entry["name"], entry["version"]) for entry in json.loads(run.stdout)] == [("kubernetes", VERSION)]
