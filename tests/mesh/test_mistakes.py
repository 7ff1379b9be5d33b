"""A mistake never hides another: of independent ones, all are told; and nobody is told of what is right."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh import stack_file
from mesh_federation.mesh.errors import Problem, SpecError
from mesh_federation.mesh.read import read_stack

from tests.given.mistakes import Mistake, independent, mistakes, related, with_mistakes
from tests.given.specs import Spec
from tests.given.strategies import specs


def problems(spec: Spec) -> Sequence[Problem]:
    """What is wrong with a stack file that says this."""
    try:
        read_stack(spec, (*stack_file.plain_kubeconfigs(spec), *stack_file.providers(spec)))
    except SpecError as error:
        return error.problems
    return ()


@st.composite
def several_mistakes(draw: st.DrawFn, spec: Spec) -> list[Mistake]:
    """Independent mistakes, some of them side by side in one service, cluster or rule."""
    everywhere = mistakes(spec)
    chosen = [draw(st.sampled_from(everywhere))]
    for _ in range(draw(st.integers(1, 6))):
        where = draw(st.sampled_from([0, 2, 2, 6]))
        near = [m for m in everywhere if m.edits[0].path[:where] == chosen[0].edits[0].path[:where]]
        one = draw(st.sampled_from(near))
        if all(independent(one, other) for other in chosen):
            chosen.append(one)
    return chosen


@given(specs(), st.data())
def test_every_mistake_is_told_whatever_else_is_wrong(spec: Spec, data: st.DataObject) -> None:
    made = data.draw(several_mistakes(spec))

    told = problems(with_mistakes(spec, made))

    hidden = [mistake for mistake in made if not any(tells(problem, mistake) for problem in told)]
    assert not hidden, [str(problem) for problem in told]
    alone = {place(problem) for mistake in made for problem in problems(with_mistakes(spec, [mistake]))}
    edited = [edit.path for mistake in made for edit in mistake.edits]
    false_alarms = [
        str(problem)
        for problem in told
        if place(problem) not in alone and not any(related(problem.path, path) for path in edited)
    ]
    assert false_alarms == []


def tells(problem: Problem, mistake: Mistake) -> bool:
    """Whether it is the problem that the mistake must cause."""
    return place(problem) == (mistake.path, mistake.name) and mistake.text in problem.message


def place(problem: Problem) -> tuple[Any, str]:
    return problem.path, problem.name
