"""A scenario's folder as plain data: its spec, the objects that come of it, and calls with their outcomes."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]


def config(scenario: Path) -> dict[str, Any]:
    """What the stack file says."""
    stated: dict[str, Any] = yaml.safe_load((scenario / "stack.yaml").read_text())["config"]
    return stated


@cache
def objects(scenario: Path) -> dict[str, list[Object]]:
    """Cluster → what the product makes for it."""
    files = {file.name.removesuffix(".golden.yaml"): file for file in scenario.glob("*.golden.yaml")}
    return {
        name: [item for item in yaml.safe_load_all(file.read_text()) if item]
        for name, file in files.items()
        if name != "outputs"
    }


@cache
def everything(scenario: Path) -> dict[str, list[Object]]:
    """Cluster → what its users made by themselves (`<cluster>.own.yaml`), and then what the product makes for it."""
    own = {file.name.removesuffix(".own.yaml"): file for file in scenario.glob("*.own.yaml")}
    return {
        name: [*(yaml.safe_load_all(own[name].read_text()) if name in own else ()), *ours]
        for name, ours in objects(scenario).items()
    }


def calls(scenario: Path) -> list[Object]:
    """Calls, and what each must meet."""
    stated: list[Object] = yaml.safe_load((scenario / "calls.yaml").read_text())
    return stated
