"""The clusters, emptied before each test, and stacks of the real CLI on them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.clusters import Sandbox
from tests.real.clusters import Clusters
from tests.real.installed import install
from tests.real.language_host import LanguageHosts
from tests.real.stack import REPOSITORY, Stack


@pytest.fixture
def clusters(sandbox: Sandbox) -> Clusters:
    """The clusters, all running and without an object of Istio's networking kinds."""
    clusters = Clusters(sandbox)
    clusters.wipe()
    return clusters


@pytest.fixture
def new_stack(clusters: Clusters, tmp_path: Path, language_hosts: LanguageHosts) -> Callable[..., Stack]:
    """Makes a stack: of this repository's program, named `test`, unless told otherwise."""

    def make(name: str = "test", *, program: Path = REPOSITORY) -> Stack:
        directory = tmp_path / f"stack-{name}"
        return Stack(directory, clusters.sandbox.environment(), name=name, program=program, hosts=language_hosts)

    return make


@pytest.fixture
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which the distribution is installed, and nothing of this checkout."""
    return install(tmp_path_factory.mktemp("installed"))
