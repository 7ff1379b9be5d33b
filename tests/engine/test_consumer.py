"""The program in tests/consumer, as somebody has it who installed the distribution: it never sees this checkout."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.given.specs import BOOKINFO_OBJECTS
from tests.real.clusters import Clusters
from tests.real.installed import home_of_package
from tests.real.stack import REPOSITORY, Stack

pytestmark = pytest.mark.engine


def test_a_program_of_its_own_runs_on_the_installed_distribution(
    new_stack: Callable[..., Stack], clusters: Clusters, installed: Path, tmp_path: Path
) -> None:
    program = tmp_path / "shop"
    shutil.copytree(REPOSITORY / "tests" / "consumer", program)
    (program / "venv").symlink_to(installed)
    assert home_of_package(program, "venv").is_relative_to(installed)

    stack = new_stack("shop", program=program)
    stack.hosts = None
    stack.up()

    assert set(clusters.objects()) == BOOKINFO_OBJECTS
    entry = clusters.objects()["cluster1/ServiceEntry/istio-system/reviews.default.svc.cluster2.global"]
    assert stack.outputs()["addresses"] == {"reviews.default.svc.cluster2.global": entry["spec"]["addresses"][0]}
    assert stack.outputs()["traffic"] == {
        "cluster1": {
            "reviews.default": {
                "v3 on cluster2": "75.00 %",
                "v1 here (cluster1)": "15.00 %",
                "v2 here (cluster1)": "10.00 %",
            }
        }
    }
    stack.preview("--expect-no-changes")
