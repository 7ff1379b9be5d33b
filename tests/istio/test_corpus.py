"""What is broken is found where it stands, offline; what is valid has no problem."""

import pytest
from mesh_federation.mesh.errors import Problem
from mesh_federation.mesh.istio.judge import problems_of_an_object

from tests.given.istio_objects import Document, invalid, valid


@pytest.mark.parametrize("document", invalid(), ids=str)
def test_what_is_broken_is_said_at_its_line(document: Document) -> None:
    for release in document.releases:
        problems = problems_of_an_object(document.object, release)

        assert sorted((document.line_of(problem), problem.name) for problem in problems) == document.expected


@pytest.mark.parametrize("document", valid(), ids=str)
def test_what_is_valid_has_no_problem(document: Document) -> None:
    for release in document.releases:
        assert not problems_of_an_object(document.object, release)


def test_a_message_has_the_value_in_quotes_and_says_what_would_be_right() -> None:
    for problem in _problems_of_the_corpus():
        wrong, _, right = problem.message.partition("; ")
        assert wrong.count("'") >= 2, problem
        assert right, problem
        assert "\n" not in problem.message, problem
        assert not problem.message.endswith("."), problem


def _problems_of_the_corpus() -> list[Problem]:
    return [
        problem
        for document in invalid()
        for release in document.releases
        for problem in problems_of_an_object(document.object, release)
    ]
