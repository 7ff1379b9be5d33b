"""The distribution `pulumi-mesh-federation`, built and installed as its users install it."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.real.stack import REPOSITORY

SOURCE = ("components", "pyproject.toml", "README.md", "LICENSE")
"""All that the distribution is built from."""


def install(directory: Path) -> Path:
    """A virtual environment with nothing of the checkout: the distribution from a wheel, and what it depends on.

    The dependencies are those of the environment that runs the tests, found there and not installed again.
    """
    source = directory / "source"
    for name in SOURCE:
        copy(REPOSITORY / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(directory), str(source)]
    subprocess.run([*pip, *build], check=True)
    [wheel] = directory.glob("*.whl")
    venv = directory / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    # a path file in a directory that is itself named by one is not read: the editable install stays out
    packages = _said_by(python, "import sysconfig; print(sysconfig.get_path('purelib'))", directory)
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


def home_of_package(program: Path, venv: str) -> Path:
    """Where a program that runs in its virtual environment `venv` imports `mesh_federation` from."""
    statement = "import mesh_federation; print(mesh_federation.__path__[0])"
    return Path(_said_by(program / venv / "bin" / "python", statement, program)).resolve()


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _said_by(python: Path, statement: str, directory: Path) -> str:
    command = [str(python), "-c", statement]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()
