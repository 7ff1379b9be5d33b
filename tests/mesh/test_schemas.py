"""Every object fits the structural schemas of every Istio release that we support.

Fields that a schema does not know are errors here: an API server would drop them without a word. CEL rules are not
read here: by those a real API server judges, in tests/sandbox/test_valid_objects.py.
"""

from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped,unused-ignore]
import pytest
import yaml
from hypothesis import given, settings

from tests.given.crds import CRDS, KINDS, RELEASES, crds
from tests.given.scenarios import SCENARIOS
from tests.given.translations import Translation, translations

pytestmark = pytest.mark.skipif(not CRDS.is_dir(), reason=f"no {CRDS}: Istio's CRDs are not part of this repository")


@cache
def validators(release: str) -> dict[str, jsonschema.Draft202012Validator]:
    """Kind → validator of our API version's spec."""
    found: dict[str, jsonschema.Draft202012Validator] = {}
    for crd in crds(release):
        [version] = [v for v in crd["spec"]["versions"] if v["name"] == "v1"]
        schema = closed(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
        found[crd["spec"]["names"]["kind"]] = jsonschema.Draft202012Validator(schema)
    assert set(found) == set(KINDS)
    return found


def closed(schema: Any) -> Any:
    """The schema, and no field that it does not list."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    if "properties" in schema:
        inner["properties"] = {key: closed(value) for key, value in schema["properties"].items()}
        # an alternative (anyOf, oneOf) has no type: it lists some fields and leaves the others to the whole
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            inner["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        inner.pop("type", None)
    return inner


def errors(release: str, found: dict[str, Any]) -> list[str]:
    assert found["apiVersion"] == "networking.istio.io/v1"
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}
    name = f"{found['kind']} {found['metadata']['namespace']}/{found['metadata']['name']}"
    return [
        f"{name}: {e.json_path}: {e.message}" for e in validators(release)[found["kind"]].iter_errors(found["spec"])
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_every_object_of_every_scenario_is_valid(release: str) -> None:
    objects = [
        found
        for scenario in SCENARIOS
        for golden in sorted(scenario.glob("*.golden.yaml"))
        if golden.name != "outputs.golden.yaml"
        for found in yaml.safe_load_all(golden.read_text())
    ]
    assert len({found["kind"] for found in objects}) == 4
    assert not [error for found in objects for error in errors(release, found)]


@given(translations)
@settings(max_examples=20)
def test_every_object_of_a_generated_spec_is_valid(translation: Translation) -> None:
    for _, found in translation.everything:
        for release in RELEASES:
            assert not errors(release, found)


@pytest.mark.parametrize("release", RELEASES)
def test_the_schemas_refuse_what_they_do_not_know(release: str) -> None:
    spec = {"hosts": ["a.b"], "endpoints": [{"address": "192.0.2.1", "labls": {}}], "resolution": "STATIK"}
    entry = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"namespace": "a", "name": "b"},
        "spec": spec,
    }
    told = "\n".join(errors(release, entry))
    assert "labls" in told
    assert "STATIK" in told
