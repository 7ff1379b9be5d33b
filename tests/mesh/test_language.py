"""The cases of tests/language: rules as people write them, and what each call must meet, by istiod and Envoy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from mesh_federation.mesh.errors import spelled

from tests.given import core
from tests.given.repository import REPOSITORY
from tests.oracle.judgement import SpelledProblem, disagreements

CASES = sorted((REPOSITORY / "tests" / "language").glob("*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda path: path.stem)
def test_a_case_of_the_language_holds(file: Path, tmp_path: Path) -> None:
    stack_file = tmp_path / "stack.yaml"

    def written(config: Mapping[str, Any]) -> Path:
        stack_file.write_text(yaml.safe_dump({"config": config}))
        return stack_file

    def problems(config: Mapping[str, Any]) -> Sequence[SpelledProblem]:
        return [
            SpelledProblem(spelled(p.path), p.message)
            for p in core.problems_of_file(written(config))
            if p.level == "error"
        ]

    def objects(config: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        plan = core.new_stack(core.read_file(written(config))).plan
        return {cluster: [m.object for m in manifests] for cluster, manifests in plan.manifests.items()}

    assert disagreements(yaml.safe_load(file.read_text()), problems, objects) == []
