"""A mistake never hides another: of independent ones, all are told; and nobody is told of what is right."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh import stack_file
from mesh_federation.mesh.errors import Problem, SpecError
from mesh_federation.mesh.read import read_stack
from mesh_federation.mesh.unknown import Encrypted

from tests.given import core
from tests.given.broken import BROKEN, title
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
    combination = data.draw(several_mistakes(spec))

    all_problems = problems(with_mistakes(spec, combination))

    hidden = [mistake for mistake in combination if not any(tells(problem, mistake) for problem in all_problems)]
    assert not hidden, [str(problem) for problem in all_problems]
    alone = {place(problem) for mistake in combination for problem in problems(with_mistakes(spec, [mistake]))}
    edited = [edit.path for mistake in combination for edit in mistake.edits]
    false_alarms = [
        str(problem)
        for problem in all_problems
        if place(problem) not in alone and not any(related(problem.path, path) for path in edited)
    ]
    assert false_alarms == []


def tells(problem: Problem, mistake: Mistake) -> bool:
    """Whether it is the problem that the mistake must cause."""
    return place(problem) == place(Problem(mistake.path, mistake.name, "")) and mistake.text in problem.message


def place(problem: Problem) -> tuple[Any, str]:
    """One key in snake_case gives all keys of a spec that spelling."""
    return tuple(re.sub("_([a-z])", lambda letter: letter[1].upper(), str(step)) for step in problem.path), problem.name


@given(specs(), st.data())
def test_a_message_holds_the_offending_value(spec: Spec, data: st.DataObject) -> None:
    wrong = with_mistakes(spec, data.draw(several_mistakes(spec)))

    silent = [str(problem) for problem in problems(wrong) if not holds_its_value(problem, wrong)]

    assert silent == []


@pytest.mark.parametrize("file", [file for file in BROKEN if file.parent.name != "stack_files"], ids=title)
def test_a_message_holds_the_offending_value_of_a_file(file: Path) -> None:
    data = stack_file.read(file)

    silent = [str(problem) for problem in core.problems_of_file(file) if not holds_its_value(problem, data)]

    assert silent == []


SECRET = ("plain-kubeconfig", "not-a-kubeconfig")


def holds_its_value(problem: Problem, data: Any) -> bool:
    """Whether the message holds what stands at its path: text and numbers as they are, of a part something in it.

    A list in one text is told by the item that is wrong; an entry by its place.
    """
    if problem.name in SECRET:
        return not any(text in problem.message for text in texts(value_at(problem.path, data)))
    if " missing" in f" {problem.message}":
        return True
    value, key = value_at(problem.path, data), problem.path[-1]
    parts = [part for part in re.findall("'([^']+)'", problem.message) if isinstance(value, str) and part in value]
    keys = (f"'{key}'", f"[{key}]")
    return bool(parts) or any(text in problem.message for text in (*keys, *texts(value)))


def value_at(path: Sequence[str | int], data: Any) -> Any:
    """What stands at a path, in which keys that are not text are spelt as in YAML; text may be short for a part."""
    for step in path:
        if isinstance(data, str):
            break
        data = next((item for key, item in items(data) if step in (key, str(key), as_yaml(key))), {})
    return data


def items(part: Any) -> list[tuple[Any, Any]]:
    return list(part.items() if isinstance(part, dict) else enumerate(part))


def texts(value: Any) -> list[str]:
    """How a message shows a value; a part may be shown by any value in it."""
    if isinstance(value, dict | list):
        inner = [text for key, item in items(value) for text in (str(key), *texts(item))]
        return inner or [as_yaml(value)]
    # the longest are cut
    return [repr(value)[1:-1][:290] if isinstance(value, str) and value else as_yaml(value)]


def as_yaml(value: Any) -> str:
    return (
        repr(value)
        if isinstance(value, str | bytes | Encrypted)
        else yaml.safe_dump(value, default_flow_style=True).split("\n")[0]
    )
