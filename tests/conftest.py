"""What all tests share: the flag that rewrites golden files, how hard hypothesis tries, and the clusters."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sandbox.clusters import Sandbox

CLUSTERS = ("cluster1", "cluster2", "cluster3")

settings.register_profile(
    "suite",
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
settings.register_profile("long", parent=settings.get_profile("suite"), max_examples=2000)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/scenarios/*/*.golden.*")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three real API servers with Istio's schemas, for the whole run."""
    found = Sandbox.up(tmp_path_factory.mktemp("clusters") / "sandbox", CLUSTERS)
    yield found
    found.down()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
