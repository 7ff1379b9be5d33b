"""What all tests share: the flag that rewrites golden files, how hard hypothesis tries, and the clusters."""

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from sandbox.clusters import Sandbox
from tests.real.language_host import LanguageHosts

CLUSTERS = ("cluster1", "cluster2", "cluster3")
TRAFFIC = "tests/traffic/test_"
OF_THEIR_OWN = {"bed", "mesh_command"}
"""Files that start meshes themselves; all others in the folder share three."""
MESH_OF = {
    "updates": "first mesh",
    **dict.fromkeys(("dead_gateways", "two_gateways", "updates_at_full_length", "updates_of_rules"), "second mesh"),
}
"""Each takes about a third of the time of all that is marked `quiet`; what is not named is on the third."""

STARTING_CLUSTERS = ("engine", "mesh", "sandbox")
"""Marks, in the order in which their tests begin."""
CLOCKS = pytest.StashKey[bool]()
"""Whether any test of this run judges by the clock."""

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
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/scenarios/*/*/*.golden.*")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: side by side, the whole run is then over soonest."""
    items.sort(key=_turn)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[CLOCKS] = any(map(_judges_by_the_clock, session.items))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Beside tests that judge by the clock, those that start no cluster take no more of the processor than is left."""
    if item.config.stash[CLOCKS]:
        policy = os.SCHED_OTHER if _starts_clusters(item) else os.SCHED_IDLE
        # what a test starts goes on in the same way; only root gets back from the lowest priority, and has meshes
        with suppress(PermissionError):
            os.sched_setscheduler(0, policy, os.sched_param(0))


def _judges_by_the_clock(item: pytest.Item) -> bool:
    return item.get_closest_marker("quiet") is not None


def _starts_clusters(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(mark) is not None for mark in STARTING_CLUSTERS)


def _turn(item: pytest.Item) -> tuple[bool, ...]:
    of = (item.get_closest_marker(mark) is None for mark in STARTING_CLUSTERS)
    return (_shared_mesh(item.nodeid.partition("::")[0]) is None, *of)


def _shared_mesh(file: str) -> str | None:
    name = file.removeprefix(TRAFFIC).removesuffix(".py")
    return MESH_OF.get(name, "third mesh") if file.startswith(TRAFFIC) and name not in OF_THEIR_OWN else None


class SideBySide(LoadFileScheduling):  # type: ignore[misc]
    """A file stays together, and so do all that share a mesh."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return _shared_mesh(file) or file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return SideBySide(config, log)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three real API servers with Istio's schemas, for the whole run."""
    sandbox = Sandbox.up(tmp_path_factory.mktemp("clusters") / "sandbox", CLUSTERS)
    yield sandbox
    sandbox.down()


@pytest.fixture(scope="session")
def language_hosts() -> Iterator[LanguageHosts]:
    """Where the programs of stacks run, unless a test wants them in processes of their own."""
    hosts = LanguageHosts()
    yield hosts
    hosts.close()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
