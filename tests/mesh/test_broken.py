"""The files in tests/broken: each problem is on the line that causes it, and none elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.given.broken import BROKEN, BROKEN_FOLDER, expectations, printed_problems, title
from tests.given.repository import REPOSITORY


@pytest.mark.parametrize("file", BROKEN, ids=title)
def test_each_problem_is_on_the_line_that_causes_it(file: Path) -> None:
    expected = list(expectations(file.read_text()))
    assert expected, "nothing is said to be wrong"

    surprises = []
    for problem in printed_problems(file):
        fitting = next((expectation for expectation in expected if expectation.fits(problem)), None)
        if fitting:
            expected.remove(fitting)
        else:
            surprises.append(str(problem))

    assert (surprises, [str(expectation) for expectation in expected]) == ([], [])


@pytest.mark.parametrize("file", BROKEN, ids=title)
def test_problems_come_in_the_order_of_the_text(file: Path) -> None:
    lines = [problem.line for problem in printed_problems(file) if " is missing" not in problem.message]

    assert lines == sorted(lines)


def test_problems_come_in_the_same_order_in_every_process() -> None:
    """Text has another hash in each, and so sets have another order."""
    file = BROKEN_FOLDER / "gateways" / "none_on_any_of_many_clusters.yaml"
    printed = {
        subprocess.run(
            [sys.executable, "-m", "components.mesh", "check", str(file)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert "'b' has no gateway" in printed.pop()
