"""The folders of `tests/scenarios`: a subject each, and in it a folder for each sentence, with a stack file."""

from pathlib import Path

import yaml

from tests.given.specs import Spec, spec_of_config

SCENARIOS_FOLDER = Path(__file__).parents[1] / "scenarios"
SCENARIOS = sorted(file.parent for file in SCENARIOS_FOLDER.glob("*/*/stack.yaml"))
BOOKINFO = SCENARIOS_FOLDER / "destinations" / "reviews_split_75_15_10" / "stack.yaml"
"""The bookinfo example: 75 % of the calls to reviews go to v3 on cluster2, the others to v1 and v2 on cluster1."""


def spec_of(scenario: Path) -> Spec:
    """What the stack file of a scenario says under `mesh:`."""
    return spec_of_config(yaml.safe_load((scenario / "stack.yaml").read_text())["config"])


def title(scenario: Path) -> str:
    """A scenario as tests name it: `<subject>/<sentence>`."""
    return str(scenario.relative_to(SCENARIOS_FOLDER))
